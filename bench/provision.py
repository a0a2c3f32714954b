"""Time the creation of a workspace: replaying the template against migrating from nothing.

Runs on the configured database (`make up` first). Prints one JSON object on its last line:
tenant_create_p50_ms, by_migrate_ms, ratio, schema_difference_lines.
"""

from __future__ import annotations

import difflib
import json
import os
import re
import secrets
import statistics
import time

import django

import config  # noqa: F401 - chooses the settings
from core import tenancy

CREATIONS = 20
MIGRATIONS = 3
# A migration's timestamp is the only thing two schemas of one version may differ in.
WELCOME_ROW = re.compile(r"INSERT INTO SCHEMA\.(?!django_migrations )")
TIMESTAMP = re.compile(r"'\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?\+\d\d'")


def creation_times(created: list[str]) -> list[float]:
    """Return the milliseconds of each creation through the real service."""
    from tenants.services import tenant_create

    times = []
    for _ in range(CREATIONS):
        slug = f"bench-{secrets.token_hex(5)}"
        began = time.perf_counter()
        tenant = tenant_create(name="Bench", slug=slug)
        times.append((time.perf_counter() - began) * 1000)
        created.append(tenant.schema_name)
    return times


def migration_times(created: list[str]) -> list[float]:
    """Return the milliseconds of building the same schema by Django's executor."""
    from tenants.provisioning import schema_migrate

    times = []
    for _ in range(MIGRATIONS):
        schema = f"t_bench_{secrets.token_hex(5)}"
        began = time.perf_counter()
        schema_migrate(schema)
        times.append((time.perf_counter() - began) * 1000)
        created.append(schema)
    return times


def difference(first: str, second: str) -> int:
    """Return how many lines of two schemas' dumps differ, names and timestamps apart.

    Of the rows only those of django_migrations count: a running stack's subscribers welcome a new
    tenant with rows of its own, such as its widget's, as soon as it exists.
    """
    from tenants.provisioning import schema_dump

    def plain(schema: str) -> list[str]:
        text = TIMESTAMP.sub("'TIME'", schema_dump(schema).replace(schema, "SCHEMA"))
        return sorted(line for line in text.splitlines() if not WELCOME_ROW.match(line))

    lines = difflib.unified_diff(plain(first), plain(second), lineterm="", n=0)
    return sum(1 for line in lines if line[:1] in "+-" and line[:3] not in ("+++", "---"))


def remove(schemas: list[str]) -> None:
    """Drop what the bench made, rows of its tenants included."""
    from django.db import connection

    with tenancy.public_scope(), connection.cursor() as cursor:
        for schema in schemas:
            cursor.execute(f'DROP SCHEMA IF EXISTS "{schema}" CASCADE')
            cursor.execute("SELECT id FROM tenants_tenant WHERE schema_name = %s", (schema,))
            for (tenant_id,) in cursor.fetchall():
                _rows_remove(str(tenant_id))


def _rows_remove(tenant_id: str) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        for table in _tenant_tables():
            cursor.execute(f"DELETE FROM {table} WHERE tenant_id = %s", (tenant_id,))  # noqa: S608
        cursor.execute("DELETE FROM tenants_tenant WHERE id = %s", (tenant_id,))


def _tenant_tables() -> list[str]:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
            "JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id' "
            "WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relispartition"
        )
        return [row[0] for row in cursor.fetchall()]


def main() -> None:
    """Measure, compare, clean up, report."""
    os.environ["FRONTDESK_DB_ROLE"] = "owner"  # for dumps and migrations
    created: list[str] = []
    with tenancy.public_scope():
        django.setup()
        try:
            replayed = creation_times(created)
            migrated = migration_times(created)
            lines = difference(created[0], created[-1])
        finally:
            remove(created)
    replay, migrate = statistics.median(replayed), statistics.median(migrated)
    result = {
        "tenant_create_p50_ms": round(replay, 1),
        "tenant_create_max_ms": round(max(replayed), 1),
        "by_migrate_ms": round(migrate, 1),
        "ratio": round(replay / migrate, 3),
        "schema_difference_lines": lines,
        "creations": len(replayed),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
