"""Bring one added migration to 200 tenants: our replay beside django-tenants' multiprocessing.

On servers and a database of its own. Both get the same migration in the same run; it is undone in
between. `ours_s` and `multiprocessing_s` are the tenants' part; `command_s` is all of
`tenants_migrate` when the migration is new, shared schema and template included; `noop_ms` is all
of it when there is nothing to do. Then a tenant's schema is broken: it must be named, and the
others migrated. Prints one JSON object on its last line; ends with 0 only if the targets are met.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import psycopg
from psycopg import sql

from config.env import BASE_DIR
from config.scratch import DATABASE, scratch_servers

TENANTS = 200
RATIO_TARGET, NOOP_TARGET_MS = 1 / 30, 200.0
NAME = "9999_bench_note"
MIGRATION = """
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("analytics", "{last}")]
    operations = [
        migrations.AddField(
            "dailyactivity", "bench_note", models.TextField(default="", db_default="")
        ),
        migrations.AddIndex(
            "dailyactivity", models.Index(fields=["bench_note"], name="bench_note_index")
        ),
    ]
"""
UNDO = (
    "ALTER TABLE {}.analytics_dailyactivity DROP COLUMN IF EXISTS bench_note",
    "DELETE FROM {}.django_migrations WHERE name = '9999_bench_note'",
)


def tenants_make() -> list[str]:
    """Create the tenants through the service; returns their schemas."""
    from core import tenancy
    from tenants.services import tenant_create

    with tenancy.public_scope():
        made = [tenant_create(name="Bench", slug=f"bench-{n}") for n in range(TENANTS)]
    return [tenant.schema_name for tenant in made]


def migration_add(folder: Path) -> None:
    """Write the app's migrations and one more where the phases' settings look for them."""
    package = folder / "bench_migrations"
    shutil.copytree(BASE_DIR / "analytics" / "migrations", package)
    last = max(path.stem for path in package.glob("0*.py"))
    (package / f"{NAME}.py").write_text(MIGRATION.format(last=last))


def phases(folder: Path, *names: str) -> dict[str, float]:
    """Run phases in a process of its own; raises RuntimeError with its words when it fails."""
    done = _process(folder, "-m", "bench.support.migrate_phase", *names)
    if done.returncode:
        raise RuntimeError(done.stderr[-3000:])
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _process(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "PYTHONPATH": f"{folder}{os.pathsep}{BASE_DIR}",
        "FRONTDESK_DB_ROLE": "owner",
        "DJANGO_SETTINGS_MODULE": "bench.support.migrate_settings",
    }
    return subprocess.run(  # noqa: S603 - our own program
        [sys.executable, *arguments],
        cwd=BASE_DIR,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def run(server: str, schemas: Sequence[str], statements: Sequence[str]) -> None:
    with psycopg.connect(server, dbname=DATABASE, autocommit=True) as connection:
        for schema in schemas:
            for statement in statements:
                connection.execute(sql.SQL(statement).format(sql.Identifier(schema)))


def migrated(server: str, schemas: Sequence[str]) -> list[str]:
    """Return the schemas that have the migration's column and its record."""
    statement = (
        "SELECT EXISTS (SELECT 1 FROM {0}.django_migrations WHERE name = '9999_bench_note') AND "
        "EXISTS (SELECT 1 FROM pg_attribute WHERE attrelid = "
        "to_regclass('{0}.analytics_dailyactivity') AND attname = 'bench_note')"
    )
    with psycopg.connect(server, dbname=DATABASE) as connection:
        return [
            schema
            for schema in schemas
            if (row := connection.execute(statement.format(schema).encode()).fetchone()) and row[0]
        ]


def measure(server: str, schemas: list[str], folder: Path) -> dict[str, Any]:
    everywhere = [*schemas, "fd_template"]
    theirs = phases(folder, "multiprocessing")["multiprocessing"]
    by_theirs = len(migrated(server, schemas))
    run(server, schemas, UNDO)
    own = phases(folder, "base", "ours")
    by_ours = len(migrated(server, schemas))
    noop = median(phases(folder, "everything")["everything"] for _ in range(3))
    run(server, [*everywhere, "public"], (*UNDO[1:],))
    run(server, everywhere, UNDO[:1])
    command = phases(folder, "everything")["everything"]
    return {
        "tenants": len(schemas),
        "ours_s": round(own["ours"], 2),
        "multiprocessing_s": round(theirs, 2),
        "ratio": round(own["ours"] / theirs, 4),
        "command_s": round(command, 2),
        "noop_ms": round(noop * 1000, 1),
        "migrated": [by_ours, by_theirs],
        **failure(server, schemas, folder),
    }


def failure(server: str, schemas: list[str], folder: Path) -> dict[str, Any]:
    """Break one tenant's schema and see what the command makes of it."""
    run(server, schemas, UNDO)
    broken = schemas[len(schemas) // 2]
    run(server, [broken], ("ALTER TABLE {}.analytics_dailyactivity RENAME TO analytics_gone",))
    done = _process(folder, "manage.py", "tenants_migrate")
    others = [schema for schema in schemas if schema != broken]
    return {
        "failing_tenant_named": bool(done.returncode) and broken in done.stderr,
        "others_migrated": len(migrated(server, others)),
    }


def main() -> int:
    with scratch_servers() as postgres, tempfile.TemporaryDirectory() as folder:
        import django

        from core import tenancy

        with tenancy.public_scope():
            django.setup()
        schemas = tenants_make()
        migration_add(Path(folder))
        result = measure(postgres.superuser_dsn, schemas, Path(folder))
    print(json.dumps(result))
    is_met = result["ratio"] <= RATIO_TARGET and result["noop_ms"] <= NOOP_TARGET_MS
    is_whole = result["migrated"] == [TENANTS, TENANTS] and result["failing_tenant_named"]
    return 0 if is_met and is_whole and result["others_migrated"] == TENANTS - 1 else 1


if __name__ == "__main__":
    sys.exit(main())
