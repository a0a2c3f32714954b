"""Migrate many tenants at once: collect a migration's SQL once, replay it in every schema.

Django's executor spends a quarter of a second per schema on building state that is the same for all
of them. Schemas with the same applied migrations share one collected script; it is run in a few of
them at a time, several such batches side by side. What cannot be written as SQL (RunPython,
non-atomic migrations) goes through the executor.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from threading import get_ident
from typing import TypeVar

from django.apps import apps
from django.conf import settings
from django.db import connection, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations import Migration
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.graph import MigrationGraph
from django.db.migrations.state import ProjectState
from psycopg.sql import Literal

from core import tenancy

SCHEMAS_AT_ONCE = 4
TOGETHER = 25  # schemas in one transaction: few commits, and locks that are short all the same
Name = tuple[str, str]
Script = list[tuple[Name, list[str]]]
Failures = dict[str, BaseException]
Item = TypeVar("Item", bound=Hashable)
_APPLIED = 'SELECT app, name FROM "{}".django_migrations'
_LIST = (
    "SELECT string_agg(app || '/' || name, E'\\n' ORDER BY app, name) FROM \"{}\".django_migrations"
)
_RECORD = "INSERT INTO django_migrations (app, name, applied) VALUES ({}, {}, now())"


def schemas_by_applied(schemas: Sequence[str]) -> dict[frozenset[Name], list[str]]:
    """Group schemas by the migrations they have, in one query."""
    if not schemas:
        return {}
    queries = (f"SELECT {n}, ({_LIST.format(schema)})" for n, schema in enumerate(schemas))
    groups: dict[str, list[str]] = defaultdict(list)
    with tenancy.public_scope(), connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(queries) + " ORDER BY 1")
        for schema, (_, applied) in zip(schemas, cursor.fetchall(), strict=True):
            groups[applied or ""].append(schema)
    return {_names(applied): group for applied, group in groups.items()}


def _names(applied: str) -> frozenset[Name]:
    pairs = (line.partition("/") for line in applied.split("\n") if line)
    return frozenset((app, name) for app, _, name in pairs)


def migrations_of(schema: str) -> frozenset[Name]:
    with tenancy.public_scope(), connection.cursor() as cursor:
        cursor.execute(_APPLIED.format(schema))
        return frozenset((app, name) for app, name in cursor.fetchall())


def script_collect(schema: str, applied: frozenset[Name]) -> Script | None:
    """Return each missing migration with its statements, or None if one is more than SQL.

    `schema` is any schema of the group: statements name tables without their schema. Migrations
    that no tenant's app builds on write nothing in a tenant's schema: they are recorded there, and
    the state that Django builds before it writes SQL is spared their models.
    """
    with tenancy.schema_scope(schema):
        executor = MigrationExecutor(connection)
        graph = executor.loader.graph
        plan = executor.migration_plan(graph.leaf_nodes(), clean_start=True)
        built_on = _built_on(graph)
        missing = [found for found, _ in plan if _name(found) not in applied]
        if not all(_is_sql(found) for found in missing if _name(found) in built_on):
            return None
        state = ProjectState(real_apps=executor.loader.unmigrated_apps)
        script: Script = []
        for migration, _ in plan:
            name = _name(migration)
            if name not in built_on:
                script += [] if name in applied else [(name, [])]
            elif name in applied:
                state = migration.mutate_state(state, preserve=False)
            else:
                state, statements = _statements(migration, state)
                script.append((name, statements))
        return script


def _built_on(graph: MigrationGraph) -> frozenset[Name]:
    """Return the migrations of the tenants' apps and all that these depend on."""
    labels = [apps.get_app_config(name.rpartition(".")[2]).label for name in settings.TENANT_APPS]
    leaves = [leaf for label in labels for leaf in graph.leaf_nodes(label)]
    return frozenset(name for leaf in leaves for name in graph.forwards_plan(leaf))


def _statements(migration: Migration, state: ProjectState) -> tuple[ProjectState, list[str]]:
    """Return the state behind a migration and its SQL."""
    with connection.schema_editor(collect_sql=True) as editor:
        state = migration.apply(state, editor, collect_sql=True)
    return state, [line for line in editor.collected_sql if not line.startswith("--")]


def _name(migration: Migration) -> Name:
    return migration.app_label, migration.name


def _is_sql(migration: Migration) -> bool:
    return migration.atomic and all(operation.reduces_to_sql for operation in migration.operations)


def script_replay(script: Script, schemas: Sequence[str]) -> Failures:
    """Run the script in every schema, a few of them together; returns those that failed.

    Schemas of a batch that fails are done again one by one, each in a transaction of its own: one
    that fails keeps its old version and all others are done, so a repeat goes on.
    """
    batches = [tuple(schemas[at : at + TOGETHER]) for at in range(0, len(schemas), TOGETHER)]
    undone = each(partial(_run, script), batches, at_once=SCHEMAS_AT_ONCE)
    alone = [(schema,) for batch in undone for schema in batch]
    failures = each(partial(_run, script), alone, at_once=SCHEMAS_AT_ONCE)
    return {schema: error for (schema,), error in failures.items()}


def each(
    work: Callable[[Item], None], items: Sequence[Item], *, at_once: int = 1
) -> dict[Item, BaseException]:
    """Do the work for every item, in threads; one that fails stops no other.

    A thread keeps its connection for all its items: opening one costs more than most migrations.
    """
    opened: dict[int, BaseDatabaseWrapper] = {}
    with ThreadPoolExecutor(at_once) as pool:
        running = {i: pool.submit(copy_context().run, _connected, opened, work, i) for i in items}
    for used in opened.values():
        used.inc_thread_sharing()  # its thread has ended
        used.close()
    found = {item: done.exception() for item, done in running.items()}
    return {item: error for item, error in found.items() if error}


def _connected(
    opened: dict[int, BaseDatabaseWrapper], work: Callable[[Item], None], item: Item
) -> None:
    mine = connections[connection.alias]
    mine.close_if_unusable_or_obsolete()
    opened[get_ident()] = mine
    work(item)


def _run(script: Script, schemas: Sequence[str]) -> None:
    """Run the script in each of the schemas, all in one transaction and one round trip."""
    text = ";\n".join(line for schema in schemas for line in _lines(script, schema))
    with tenancy.schema_scope(schemas[0]), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(text)


def _lines(script: Script, schema: str) -> Iterator[str]:
    yield f'SET LOCAL search_path TO "{schema}", {tenancy.PUBLIC_SCHEMA}'
    for name, statements in script:
        yield from (line.rstrip(";") for line in statements)
        yield _RECORD.format(*(Literal(part).as_string() for part in name))
