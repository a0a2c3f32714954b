"""Upgrading tenants by replay leaves them exactly as Django's executor would."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator

import psycopg
import pytest

from config.env import BASE_DIR
from tests import services
from tests.services import SUPERUSER

# One commit's worth of schema change in an app that every tenant has.
BEHIND = 3
PROGRAM = """
import json, os, sys
import config, django
from core import tenancy
with tenancy.public_scope():
    django.setup()
    from django.db import connection
    from tenants import provisioning, replay
    schemas = json.loads(sys.argv[1])
    before = provisioning.schemas_outdated()
    applied = replay.migrations_of(schemas[0])
    script = replay.script_collect(schemas[0], applied)
    provisioning.schemas_upgrade(before)
    dumps = {s: provisioning.schema_dump(s).replace(s, "SCHEMA") for s in schemas}
    reference = provisioning.schema_dump("fd_template").replace("fd_template", "SCHEMA")
    strip = lambda text: sorted(l for l in text.splitlines() if "django_migrations" not in l)
    print(json.dumps({
        "before": before,
        "after": provisioning.schemas_outdated(),
        "by_replay": script is not None,
        "equal": all(strip(dump) == strip(reference) for dump in dumps.values()),
    }))
"""


@pytest.fixture
def database() -> Iterator[str]:
    """A database of its own: upgrades are committed by the owner, beside every fixture."""
    name = f"frontdesk_replay_{os.getpid()}"
    services.database_clone(services.template_ensure(), name)
    yield name
    services.database_drop(name)


def _schemas_behind(name: str) -> list[str]:
    """Make tenants that lack the last app's tables, as if its migration were new."""
    schemas = [f"t_behind_{number}" for number in range(BEHIND)]
    with psycopg.connect(SUPERUSER, dbname=name, autocommit=True) as server:
        for schema in schemas:
            server.execute(
                "INSERT INTO tenants_tenant (id, schema_name, name, slug, status, is_demo, plan, "
                "limits, created_at) VALUES (gen_random_uuid(), %s, 'b', %s, 'active', false, "
                "'trial', '{}', now())",
                (schema, schema.replace("_", "-")),
            )
            server.execute(
                "SELECT tenant_schema_create(id) FROM tenants_tenant WHERE slug = %s",
                (schema.replace("_", "-"),),
            )
            tables = server.execute(
                "SELECT tablename FROM pg_tables WHERE schemaname = %s "
                "AND tablename LIKE 'analytics\\_%%'",
                (schema,),
            ).fetchall()
            for (table,) in tables:
                server.execute(f'DROP TABLE "{schema}"."{table}" CASCADE')
            # A shared app's are recorded in every schema too, and write nothing there.
            for app in ("analytics", "tenants"):
                forget = f"DELETE FROM {schema}.django_migrations WHERE app = %s"  # noqa: S608
                server.execute(forget, (app,))
    return schemas


def _as_owner(database: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "config.settings.test",
        "FRONTDESK_DB_ROLE": "owner",
        "TEST_DATABASE": database,
    }
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=BASE_DIR,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_replay_upgrades_every_tenant_exactly(database: str) -> None:
    schemas = _schemas_behind(database)
    done = _as_owner(database, "-c", PROGRAM, json.dumps(schemas))
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout.splitlines()[-1])
    assert report == {"before": schemas, "after": [], "by_replay": True, "equal": True}


def test_a_tenant_that_cannot_be_migrated_is_named_and_stops_no_other(database: str) -> None:
    schemas = _schemas_behind(database)
    broken = schemas[0]  # first, so that the others come after it
    with psycopg.connect(SUPERUSER, dbname=database, autocommit=True) as server:
        server.execute(f"CREATE TABLE {broken}.analytics_dailyactivity (day date)")
        server.execute(f"ALTER TABLE {broken}.analytics_dailyactivity OWNER TO frontdesk_owner")
    done = _as_owner(database, "manage.py", "tenants_migrate")
    assert done.returncode == 1
    assert f"{BEHIND - 1} tenants migrated, 1 not" in done.stderr
    assert f"{broken}: " in done.stderr
    again = _as_owner(database, "manage.py", "tenants_migrate", "--check")
    assert again.stderr.strip().endswith(f"behind: {broken}")


def test_nothing_to_do_loads_no_migration(database: str) -> None:
    program = (
        "import sys, config, django\nfrom core import tenancy\n"
        "with tenancy.public_scope():\n"
        "    django.setup()\n"
        "    from django.core.management import call_command\n"
        "    call_command('tenants_migrate')\n"
        "print(sorted(name for name in sys.modules if '.migrations.0' in name))\n"
    )
    done = _as_owner(database, "-c", program)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-2:] == ["template up to date", "[]"]
