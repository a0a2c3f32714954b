"""The supervising process: start in order, watch, stop in reverse order."""

from __future__ import annotations

import fcntl
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Final

from config.embedded import EmbeddedServer, server_wait
from config.supervision import preparation, stack
from config.supervision.credentials import credentials_ensure, private_write
from config.supervision.layout import StackConfig, StackError
from config.supervision.ports import ports_settle
from config.supervision.processes import ManagedProcess, ProcessSpec
from config.supervision.records import leftovers_stop, metrics_of_dead_remove
from config.supervision.state import FAILED, READY, STOPPING, StateWriter

TICK: Final = 0.1
WATCH_SECONDS: Final = 2.0
STOP_SECONDS: Final = 15.0
SERVE_SECONDS: Final = 180.0


class Stopped(Exception):
    """Raised inside the start when somebody asked to stop."""


class Supervisor:
    """One stack from start to stop; `run` returns the exit code."""

    def __init__(self, config: StackConfig) -> None:
        self.config = config
        self.layout = config.layout
        self.processes: list[ManagedProcess] = []
        self.is_stopping = False

    def run(self) -> int:
        self.layout.make()
        with _only_one(self.layout.lock_file):
            self.state = StateWriter(self.layout.state_file, web_url=self.config.web_url)
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                signal.signal(number, self._stop_requested)
            return self._run()

    def _run(self) -> int:
        try:
            self._start()
            self._watch()
        except Stopped:
            pass
        except (StackError, RuntimeError) as error:
            self._say(f"failed: {error}")
            self._stop_all()
            self.state.tell(FAILED, str(error))
            return 1
        self.state.tell(STOPPING)
        self._stop_all()
        self.layout.state_file.unlink(missing_ok=True)
        return 0

    def _stop_requested(self, _number: int, _frame: FrameType | None) -> None:
        self.is_stopping = True

    def _say(self, text: str) -> None:
        print(time.strftime("%Y-%m-%dT%H:%M:%S"), text, flush=True)

    def _phase(self, phase: str, detail: str = "") -> None:
        self._say(f"{phase} {detail}".rstrip())
        self.state.tell(phase, detail)

    # --- start

    def _start(self) -> None:
        """Bring everything up in order; each phase is told as it begins."""
        leftovers = leftovers_stop(self.layout.records_dir)
        if leftovers:
            self._say(f"stopped what an earlier supervisor left: {', '.join(leftovers)}")
        shutil.rmtree(self.layout.metrics_dir, ignore_errors=True)
        self.layout.make()
        self.config = ports_settle(self.config)
        credentials = credentials_ensure(self.layout.credentials_file)
        self._phase("starting databases")
        self._servers_start(stack.embedded_servers(self.config, credentials))
        values = stack.environment_values(self.config, credentials)
        lines = "".join(f"{name}={value}\n" for name, value in sorted(values.items()))
        private_write(self.layout.env_file, lines)
        preparation.roles_ensure(self.config, credentials)
        preparation.heartbeats_forget(values["REDIS_URL"])
        self._phase("preparing the database")
        self._prepare(preparation.before_serving(self.config))
        self._phase("starting processes")
        for spec in stack.service_specs(self.config):
            self._process_start(spec)
        self._wait_until_served()
        if self.config.has_demo:
            self._phase("loading the demo")
            self._prepare([preparation.demo(self.config, values)])
        self._wait_until_ready()
        self._phase(READY)

    def _servers_start(self, servers: list[EmbeddedServer]) -> None:
        started = []
        for server in servers:
            server.prepare()
            started.append((server, self._process_start(stack.server_spec(server))))
        for server, process in started:
            server_wait(server, lambda process=process: process.is_alive)  # type: ignore[misc]

    def _spec_complete(self, spec: ProcessSpec) -> ProcessSpec:
        """Add what every process of the stack gets to know."""
        if spec.folder == Path("/"):
            return spec
        shared = {
            "VAR_DIR": str(self.layout.var_dir),
            "PROMETHEUS_MULTIPROC_DIR": str(self.layout.metrics_dir),
            "PYTHONUNBUFFERED": "1",
        }
        return ProcessSpec(
            **{name: getattr(spec, name) for name in spec.__slots__}
            | {"environment": {**shared, **spec.environment}}
        )

    def _managed(self, spec: ProcessSpec) -> ManagedProcess:
        log, records = self.layout.log(spec.name), self.layout.records_dir
        return ManagedProcess(self._spec_complete(spec), log=log, records=records)

    def _process_start(self, spec: ProcessSpec) -> ManagedProcess:
        process = self._managed(spec)
        self.processes.append(process)
        process.start()
        return process

    def _prepare(self, preparations: list[preparation.Preparation]) -> None:
        wanted = [found for found in preparations if not found.is_done]
        self._jobs_run([found.spec for found in wanted])
        for found in wanted:
            found.remember()

    def _jobs_run(self, specs: list[ProcessSpec]) -> None:
        """Run jobs side by side to their end; raises StackError if one fails."""
        jobs = [self._process_start(spec) for spec in specs]
        while any(job.is_alive for job in jobs):
            self._pause()
            detail = preparation.progress_read(jobs[-1].log)
            self.state.tell(self.state.state.phase, detail)
        for job in jobs:
            self.processes.remove(job)
            job.stop_finish(time.monotonic())
            if job.exit_code:
                reason = preparation.progress_read(job.log)
                raise StackError(f"{job.spec.name} failed: {reason} (see {job.log})")

    def _wait_until_served(self) -> None:
        """Wait for the web and realtime processes, which is when a page can be opened."""
        deadline = time.monotonic() + SERVE_SECONDS
        addresses = [f"{self.config.web_url}/healthz", f"{self.config.realtime_url}/healthz"]
        while any(stack.http_status(address) != 200 for address in addresses):
            self._pause()
            self._watch_once(only_ended=True)
            if time.monotonic() > deadline:
                raise StackError(f"The processes do not answer; see {self.layout.log_dir}")

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + SERVE_SECONDS
        while True:
            status, report = stack.http_get(f"{self.config.web_url}/readyz")
            if status == 200:
                return
            detail = preparation.unready_text(report)
            self.state.tell("waiting for", detail)
            self._watch_once(only_ended=True)
            if time.monotonic() > deadline:
                raise StackError(f"Not ready: {detail}; see {self.layout.log_dir}")
            self._pause()

    def _pause(self) -> None:
        if self.is_stopping:
            raise Stopped
        time.sleep(TICK)

    # --- watch and stop

    def _watch(self) -> None:
        while True:
            deadline = time.monotonic() + WATCH_SECONDS
            while time.monotonic() < deadline:
                self._pause()
                self._watch_once(only_ended=True)
            self._watch_once()

    def _watch_once(self, *, only_ended: bool = False) -> None:
        for process in self.processes:
            if only_ended and process.is_alive:
                continue
            if event := process.watch():
                self._say(event)
                metrics_of_dead_remove(self.layout.metrics_dir)

    def _stop_all(self) -> None:
        """Stop what serves first, all at once, then the databases, then anything recorded."""
        databases = {"postgres", "redis"}
        serving = [p for p in self.processes if p.spec.name not in databases]
        for group in (serving, [p for p in self.processes if p not in serving]):
            for process in group:
                process.stop_ask()
            deadline = time.monotonic() + STOP_SECONDS
            for process in group:
                process.stop_finish(deadline)
        leftovers_stop(self.layout.records_dir)
        self._say("stopped")


@contextmanager
def _only_one(path: Path) -> Iterator[None]:
    """Hold the stack's lock; the kernel gives it back whatever happens to this process."""
    with path.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise StackError("Another supervisor already runs this stack.") from error
        yield
