"""Embedded servers and a migrated database of one's own, gone at the end.

For what measures: a bench, or an evaluation (`python -m config.scratch manage.py retrieval_eval …`
runs a command on them). What runs anyway is not touched.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from config.embedded import EmbeddedPostgres, EmbeddedRedis, server_running
from config.env import BASE_DIR
from core.db.bootstrap import APP, OWNER, PLATFORM, RolePasswords, bootstrap

DATABASE = "frontdesk_bench"


class ThrownAwayPostgres(EmbeddedPostgres):
    """The embedded server, which need not write a last checkpoint of what is deleted at once."""

    @property
    def stop_signal(self) -> signal.Signals:
        return signal.SIGQUIT


@contextmanager
def scratch_servers() -> Iterator[EmbeddedPostgres]:
    """Run durable servers under `var/`, point the environment at them, and migrate.

    Enter it before the settings are read; child processes inherit the environment.
    """
    (BASE_DIR / "var").mkdir(exist_ok=True)
    home = Path(tempfile.mkdtemp(prefix="bench-", dir=BASE_DIR / "var"))
    postgres = ThrownAwayPostgres(home / "postgres", _port_free(), secrets.token_hex(12))
    redis = EmbeddedRedis(home / "redis", _port_free(), secrets.token_hex(12))
    try:
        with ExitStack() as running:
            for server in (postgres, redis):
                running.enter_context(server_running(server, home / f"{server.name}.log"))
            os.environ.update(_environment(postgres, redis, home))
            manage("tenants_migrate")
            yield postgres
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _environment(postgres: EmbeddedPostgres, redis: EmbeddedRedis, home: Path) -> dict[str, str]:
    password = secrets.token_hex(12)
    passwords = RolePasswords(password, password, password)
    bootstrap(postgres.superuser_dsn, database=DATABASE, passwords=passwords)
    place = f"{password}@127.0.0.1:{postgres.port}/{DATABASE}"
    return {
        "FRONTDESK_ENV": "dev",
        "DJANGO_SETTINGS_MODULE": "config.settings.dev",
        "SECRET_KEY": secrets.token_urlsafe(48),
        "DATABASE_URL": f"postgresql://{APP}:{place}",
        "DATABASE_OWNER_URL": f"postgresql://{OWNER}:{place}",
        "DATABASE_PLATFORM_URL": f"postgresql://{PLATFORM}:{place}",
        "REDIS_URL": redis.url,
        "VAR_DIR": str(home),
        "LOG_LEVEL": "ERROR",
    }


def manage(*arguments: str, extra_path: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run a management command as the owner; raises RuntimeError with its words when it fails."""
    done = manage_tried(*arguments, extra_path=extra_path)
    if done.returncode:
        raise RuntimeError(f"{' '.join(arguments)} failed:\n{done.stderr[-3000:]}")
    return done


def manage_tried(
    *arguments: str, extra_path: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a management command as the owner, whatever comes of it."""
    environment = {**os.environ, "FRONTDESK_DB_ROLE": "owner"}
    if extra_path:
        environment["PYTHONPATH"] = str(extra_path)
    return subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "manage.py", *arguments],
        cwd=BASE_DIR,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def main(command: Sequence[str]) -> int:
    """Run a command of this checkout on servers of its own; returns its exit code."""
    with scratch_servers():
        done = subprocess.run([sys.executable, *command], check=False)  # noqa: S603 - our own
    return done.returncode


def _port_free() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
