"""Where a stack keeps its files and which ports it uses, from the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

BASE_DIR: Final = Path(__file__).resolve().parents[2]
DEFAULT_PORTS: Final = {
    "WEB_PORT": 8000,
    "REALTIME_PORT": 8001,
    "POSTGRES_PORT": 54320,
    "REDIS_PORT": 63790,
}


class StackError(Exception):
    """Raised for what the person who started the stack can put right; the text says how."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The files of one stack, all under one folder."""

    var_dir: Path

    @property
    def run_dir(self) -> Path:
        return self.var_dir / "run"

    @property
    def records_dir(self) -> Path:
        return self.run_dir / "processes"

    @property
    def metrics_dir(self) -> Path:
        return self.run_dir / "metrics"

    @property
    def state_file(self) -> Path:
        return self.run_dir / "state.json"

    @property
    def lock_file(self) -> Path:
        return self.run_dir / "supervisor.lock"

    @property
    def log_dir(self) -> Path:
        return self.var_dir / "log"

    @property
    def credentials_file(self) -> Path:
        return self.var_dir / "secrets" / "credentials.json"

    @property
    def env_file(self) -> Path:
        return self.var_dir / "env"

    @property
    def demo_file(self) -> Path:
        return self.var_dir / "demo.json"

    def log(self, name: str) -> Path:
        return self.log_dir / f"{name}.log"

    def make(self) -> None:
        """Create the folders; secrets are for their owner alone."""
        for folder in (self.records_dir, self.metrics_dir, self.log_dir):
            folder.mkdir(parents=True, exist_ok=True)
        self.credentials_file.parent.mkdir(mode=0o700, exist_ok=True)


@dataclass(frozen=True, slots=True)
class StackConfig:
    """What one stack consists of."""

    layout: Layout
    host: str
    ports: Mapping[str, int]
    is_port_chosen: frozenset[str]
    has_own_postgres: bool
    has_own_redis: bool
    has_demo: bool
    values: Mapping[str, str]

    @property
    def web_url(self) -> str:
        """Return where this machine reaches the web process."""
        return f"http://{self.loopback}:{self.ports['WEB_PORT']}"

    @property
    def realtime_url(self) -> str:
        return f"http://{self.loopback}:{self.ports['REALTIME_PORT']}"

    @property
    def loopback(self) -> str:
        return "127.0.0.1" if self.host in ("0.0.0.0", "::", "localhost") else self.host  # noqa: S104


def stack_config_load(values: Mapping[str, str] | None = None) -> StackConfig:
    """Read the environment; raises StackError listing every malformed value."""
    own = dict(os.environ if values is None else values)
    malformed = [n for n in DEFAULT_PORTS if own.get(n) and not _is_port(own[n])]
    if malformed:
        lines = ", ".join(f"{name}={own[name]!r}" for name in malformed)
        raise StackError(f"Not a port number between 1 and 65535: {lines}")
    is_production = own.get("FRONTDESK_ENV", "dev") == "prod"
    return StackConfig(
        layout=Layout(Path(own.get("VAR_DIR") or BASE_DIR / "var").resolve()),
        host=own.get("WEB_HOST") or "127.0.0.1",
        ports={name: int(own.get(name) or port) for name, port in DEFAULT_PORTS.items()},
        is_port_chosen=frozenset(name for name in DEFAULT_PORTS if own.get(name)),
        has_own_postgres=not own.get("DATABASE_URL"),
        has_own_redis=not own.get("REDIS_URL"),
        has_demo=not is_production and own.get("FRONTDESK_DEMO", "1") not in ("0", "false", "no"),
        values=own,
    )


def _is_port(text: str) -> bool:
    return text.isdigit() and 0 < int(text) < 65536
