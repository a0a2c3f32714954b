"""Real Postgres and Redis for the suite: started when nothing listens on the test ports."""

from __future__ import annotations

import fcntl
import hashlib
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg
from psycopg import sql

from config.embedded import EmbeddedPostgres, EmbeddedRedis, EmbeddedServer, server_running
from config.env import BASE_DIR

PG_PORT = int(os.environ.get("TEST_PG_PORT", "55432"))
REDIS_PORT = int(os.environ.get("TEST_REDIS_PORT", "56379"))
PASSWORD = "test-only"
# Shared tables with tenants' rows that tests commit to.
COMMITTED = (
    *("core_idempotencyrecord", "billing_usageentry", "core_eventreplay"),
    *("core_auditentry", "core_audithead", "core_auditcheckpoint"),
    *("tenants_block", "tenants_keyplace", "tenants_securityevent"),
    *("tenants_workspacesetting", "tenants_settingchange"),
    *("tenants_flag", "tenants_flagoverride", "tenants_flagchange"),
    *("tenants_exposure", "tenants_outcome"),
    *("tenants_degradeswitch", "tenants_invitation", "tenants_personsession"),
    "mfa_authenticator",
)
SUPERUSER = f"postgresql://postgres:{PASSWORD}@127.0.0.1:{PG_PORT}/postgres"


class ScratchPostgres(EmbeddedPostgres):
    """The embedded server without durability: what the suite writes need not survive a crash."""

    def command(self) -> list[str]:
        flags = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")
        return [*super().command(), *(part for flag in flags for part in ("-c", flag))]


@contextmanager
def services_running() -> Iterator[None]:
    """Run Postgres and Redis for the session; what listens already is used and left running."""
    home = BASE_DIR / "var" / "test-services"
    servers: tuple[EmbeddedServer, ...] = (
        ScratchPostgres(home / "postgres", PG_PORT, PASSWORD),
        EmbeddedRedis(home / "redis", REDIS_PORT, PASSWORD),
    )
    home.mkdir(parents=True, exist_ok=True)
    with ExitStack() as running:
        for server in servers:
            if not is_listening(server.port):
                running.enter_context(server_running(server, home / f"{server.name}.log"))
        yield


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def migrations_digest() -> str:
    """Return a digest of all that shapes a migrated database."""
    found = [*BASE_DIR.glob("*/migrations/*.py"), *BASE_DIR.glob("core/db/*.py")]
    found.append(BASE_DIR / "tenants" / "provisioning.py")
    # The apps of others bring migrations too: which there are, and in what version.
    found += [BASE_DIR / "config" / "settings" / "base.py", BASE_DIR / "requirements" / "base.txt"]
    text = b"".join(path.name.encode() + path.read_bytes() for path in sorted(found))
    return hashlib.sha256(text).hexdigest()[:12]


def template_ensure() -> str:
    """Return the name of a migrated database for this code, built once and cloned afterwards."""
    name = f"frontdesk_tpl_{migrations_digest()}"
    lock = Path(BASE_DIR / "var" / "test-template.lock")
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        if not _exists(name):
            _template_build(name)
    return name


def _exists(name: str) -> bool:
    with psycopg.connect(SUPERUSER, autocommit=True) as server:
        found = server.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone()
    return found is not None


def _template_build(name: str) -> None:
    from core.db.bootstrap import RolePasswords, bootstrap

    building = f"{name}_building"
    database_drop(building)
    bootstrap(SUPERUSER, database=building, passwords=RolePasswords(PASSWORD, PASSWORD, PASSWORD))
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "config.settings.test",
        "FRONTDESK_DB_ROLE": "owner",
        "TEST_DATABASE": building,
    }
    command = [sys.executable, "manage.py", "tenants_migrate"]
    done = subprocess.run(
        command, cwd=BASE_DIR, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"The test database could not be migrated:\n{done.stderr}")
    with psycopg.connect(SUPERUSER, autocommit=True) as server:
        server.execute(
            sql.SQL("ALTER DATABASE {} RENAME TO {}").format(
                sql.Identifier(building), sql.Identifier(name)
            )
        )


def database_clone(template: str, name: str) -> None:
    """Create `name` as a copy of `template`, with its grants."""
    database_drop(name)
    with psycopg.connect(SUPERUSER, autocommit=True) as server:
        server.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER frontdesk_owner").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )


def database_drop(name: str) -> None:
    with psycopg.connect(SUPERUSER, autocommit=True) as server:
        server.execute(
            sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
        )


def tables_empty(name: str, schemas: list[str]) -> None:
    """Truncate what tests commit: the tenants' tables, the outbox, the ledger."""
    with psycopg.connect(SUPERUSER, dbname=name, autocommit=True) as server:
        server.execute("SET lock_timeout = '10s'")
        partitions = ["core_outboxevent", "core_delivery"]
        rows = server.execute(
            "SELECT format('%%I.%%I', schemaname, tablename) FROM pg_tables "
            "WHERE (schemaname = ANY(%s) AND tablename <> 'django_migrations') "
            "OR (schemaname = 'public' AND tablename = ANY(%s))",
            (schemas, [*partitions, *COMMITTED]),
        ).fetchall()
        partitioned = ["public.core_outboxevent", "public.core_delivery"]
        names = sorted({row[0] for row in rows} | set(partitioned))
        server.execute(sql.SQL("TRUNCATE {} CASCADE").format(sql.SQL(", ".join(names))))
