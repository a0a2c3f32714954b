"""What must be done to databases and files before anything can serve."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import redis

from config.supervision import stack
from config.supervision.layout import BASE_DIR, StackConfig
from config.supervision.processes import ProcessSpec
from core.db.bootstrap import RolePasswords, bootstrap

PROGRESS_BYTES: Final = 400
HEARTBEATS: Final = "fd:platform:heartbeat:*"


def roles_ensure(config: StackConfig, credentials: dict[str, str]) -> None:
    """Create roles, database and extension where we hold the superuser. Idempotent.

    On a Postgres of one's own this is done once, by hand (docs/operations.md).
    """
    if not config.has_own_postgres:
        return
    dsn = stack.postgres(config, credentials).superuser_dsn
    passwords = RolePasswords(
        owner=credentials["postgres_owner"],
        app=credentials["postgres_app"],
        platform=credentials["postgres_platform"],
    )
    bootstrap(dsn, database=stack.DATABASE, passwords=passwords)


def heartbeats_forget(redis_url: str) -> None:
    """Remove signs of life of an earlier stack: nobody must wait for the dead."""
    with redis.Redis.from_url(redis_url) as client:
        keys = list(client.scan_iter(match=HEARTBEATS, count=1000))
        if keys:
            client.delete(*keys)


@dataclass(frozen=True, slots=True)
class Preparation:
    """A job that need not run again while what it depends on is unchanged.

    Each costs the start of a Django process, which is most of the time a restart takes.
    """

    spec: ProcessSpec
    stamp: Path
    digest: str
    makes: Path | None = None

    @property
    def is_done(self) -> bool:
        has_made = self.makes is None or self.makes.exists()
        return bool(self.digest) and has_made and self._remembered() == self.digest

    def _remembered(self) -> str:
        return self.stamp.read_text() if self.stamp.exists() else ""

    def remember(self) -> None:
        """Note that the job has succeeded; without a digest it runs every time."""
        self.stamp.write_text(self.digest)


def before_serving(config: StackConfig) -> list[Preparation]:
    """Return what can be done side by side: collect static files, apply migrations."""
    run_dir, var_dir = config.layout.run_dir, config.layout.var_dir
    collect = stack.manage("collectstatic", "--noinput", "--verbosity=0")
    migrations = [*BASE_DIR.glob("*/migrations/*.py"), *BASE_DIR.glob("tenants/*.py")]
    return [
        Preparation(
            ProcessSpec("collectstatic", collect),
            run_dir / "static.stamp",
            files_digest(tree_files("static"), seed=_lock()),
            makes=var_dir / "static" / "staticfiles.json",
        ),
        Preparation(
            ProcessSpec("migrate", stack.manage("tenants_migrate")),
            run_dir / "migrate.stamp",
            _database_digest(config, [*migrations, *BASE_DIR.glob("core/db/*.py")]),
        ),
    ]


def demo(config: StackConfig, values: Mapping[str, str]) -> Preparation:
    """Return the job that fills the demo; addresses are part of what it writes."""
    files = [*tree_files("config/demo"), *tree_files("docs"), *BASE_DIR.glob("config/seeding.py")]
    addresses = f"{values['PUBLIC_BASE_URL']} {values['REALTIME_URL']} {values['BASE_DOMAIN']}"
    return Preparation(
        ProcessSpec("demo-seed", stack.manage("demo_seed")),
        config.layout.run_dir / "demo.stamp",
        _database_digest(config, [*files, BASE_DIR / "README.md"], seed=addresses),
        makes=config.layout.demo_file,
    )


def _database_digest(config: StackConfig, files: Iterable[Path], seed: str = "") -> str:
    """Return a digest that changes with the files or with a new database; "" for a foreign one."""
    marker = config.layout.var_dir / "postgres" / "PG_VERSION"
    if not config.has_own_postgres or not marker.exists():
        return ""
    return files_digest([*files, marker], seed=f"{seed} {_lock()}")


def tree_files(folder: str) -> list[Path]:
    found = (BASE_DIR / folder).rglob("*")
    return [path for path in found if path.is_file() and path.suffix != ".pyc"]


def files_digest(files: Iterable[Path], *, seed: str = "") -> str:
    """Return a digest of names, sizes and times: quick, and wrong only on the safe side."""
    stats = [(str(path), path.stat()) for path in sorted(files) if path.is_file()]
    seen = [f"{name} {stat.st_size} {stat.st_mtime_ns}" for name, stat in stats]
    return hashlib.sha256("\n".join([*seen, seed]).encode()).hexdigest()


def _lock() -> str:
    return (BASE_DIR / "requirements" / "base.txt").read_text()


def progress_read(log: Path) -> str:
    """Return the last whole line a job has printed."""
    if not log.exists():
        return ""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - PROGRESS_BYTES))
        lines = file.read().decode(errors="replace").splitlines()
    return lines[-1].strip() if lines else ""


def unready_text(report: dict[str, object]) -> str:
    """Return which readiness checks are not well, in words."""
    checks = report.get("checks")
    if not isinstance(checks, dict):
        return "the web process"
    return ", ".join(f"{name} ({c['detail']})" for name, c in checks.items() if not c["ok"])
