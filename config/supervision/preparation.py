"""What must be done to databases and files before anything can serve."""

from __future__ import annotations

import hashlib
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

    For a Postgres of one's own, DATABASE_SUPERUSER_URL has this done once; without it the roles
    are taken to exist (docs/operations.md).
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


def jobs(config: StackConfig) -> list[ProcessSpec]:
    """Return what can be done side by side: collect static files, apply migrations."""
    migrate = ProcessSpec("migrate", stack.manage("tenants_migrate"))
    if static_is_current(config):
        return [migrate]
    collect = stack.manage("collectstatic", "--noinput", "--verbosity=0")
    return [ProcessSpec("collectstatic", collect), migrate]


def static_is_current(config: StackConfig) -> bool:
    manifest = config.layout.var_dir / "static" / "staticfiles.json"
    stamp = _static_stamp(config)
    return manifest.exists() and stamp.exists() and stamp.read_text() == static_digest()


def static_remember(config: StackConfig) -> None:
    """Note that what was collected is what the sources say now."""
    _static_stamp(config).write_text(static_digest())


def _static_stamp(config: StackConfig) -> Path:
    return config.layout.run_dir / "static.stamp"


def static_digest() -> str:
    """Return a digest of all that collectstatic would read: our files and the locked packages."""
    files = sorted(path for path in (BASE_DIR / "static").rglob("*") if path.is_file())
    seen = [f"{path} {path.stat().st_size} {path.stat().st_mtime_ns}" for path in files]
    lock = (BASE_DIR / "requirements" / "base.txt").read_text()
    return hashlib.sha256("\n".join([*seen, lock]).encode()).hexdigest()


def demo_job() -> ProcessSpec:
    return ProcessSpec("demo-seed", stack.manage("demo_seed"))


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
