"""Prepare a Postgres server: three roles, the database, the vector extension. Idempotent.

owner     owns every object and migrates; creates schemas
app       web, realtime and workers; bound by row-level security
platform  platform admin and relay; sees every tenant's shared rows, owns nothing
"""

from __future__ import annotations

from dataclasses import dataclass

import psycopg
from psycopg import sql

OWNER, APP, PLATFORM = "frontdesk_owner", "frontdesk_app", "frontdesk_platform"


@dataclass(frozen=True, slots=True)
class RolePasswords:
    owner: str
    app: str
    platform: str


def bootstrap(superuser_dsn: str, *, database: str, passwords: RolePasswords) -> None:
    """Create or repair roles, database, extension and default privileges.

    `superuser_dsn` connects to the maintenance database as a superuser.
    """
    with psycopg.connect(superuser_dsn, autocommit=True) as server:
        for role, password in zip(
            (OWNER, APP, PLATFORM),
            (passwords.owner, passwords.app, passwords.platform),
            strict=True,
        ):
            _role_ensure(server, role, password)
        _database_ensure(server, database)
    with psycopg.connect(superuser_dsn, dbname=database, autocommit=True) as connection:
        _database_prepare(connection, database)


def _role_ensure(server: psycopg.Connection[tuple[object, ...]], role: str, password: str) -> None:
    name, secret = sql.Identifier(role), sql.Literal(password)
    known = server.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,)).fetchone()
    if not known:
        server.execute(sql.SQL("CREATE ROLE {} LOGIN").format(name))
    server.execute(
        sql.SQL(
            "ALTER ROLE {} LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE PASSWORD {}"
        ).format(name, secret)
    )


def _database_ensure(server: psycopg.Connection[tuple[object, ...]], database: str) -> None:
    known = server.execute("SELECT 1 FROM pg_database WHERE datname = %s", (database,)).fetchone()
    if not known:
        server.execute(
            sql.SQL("CREATE DATABASE {} OWNER {} ENCODING 'UTF8' TEMPLATE template0").format(
                sql.Identifier(database), sql.Identifier(OWNER)
            )
        )


def _database_prepare(connection: psycopg.Connection[tuple[object, ...]], database: str) -> None:
    readers = sql.SQL("{}, {}").format(sql.Identifier(APP), sql.Identifier(PLATFORM))
    owner = sql.Identifier(OWNER)
    statements: tuple[sql.SQL | sql.Composed, ...] = (
        sql.SQL("CREATE EXTENSION IF NOT EXISTS vector"),
        sql.SQL("REVOKE ALL ON SCHEMA public FROM PUBLIC"),
        sql.SQL("ALTER SCHEMA public OWNER TO {}").format(owner),
        sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(readers),
        sql.SQL("REVOKE CREATE, TEMPORARY ON DATABASE {} FROM PUBLIC").format(
            sql.Identifier(database)
        ),
        *_default_privileges(owner),
    )
    for statement in statements:
        connection.execute(statement)


def _default_privileges(owner: sql.Identifier) -> tuple[sql.Composed, ...]:
    """Return what the owner's future objects grant: the app everywhere, the platform in public."""
    always = sql.SQL("ALTER DEFAULT PRIVILEGES FOR ROLE {} ").format(owner)
    shared = always + sql.SQL("IN SCHEMA public ")
    tables = sql.SQL("GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {}")
    sequences = sql.SQL("GRANT USAGE, SELECT ON SEQUENCES TO {}")
    app, platform = sql.Identifier(APP), sql.Identifier(PLATFORM)
    return (
        always + tables.format(app),
        always + sequences.format(app),
        always + sql.SQL("GRANT USAGE ON SCHEMAS TO {}").format(app),
        always + sql.SQL("REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC"),
        shared + tables.format(platform),
        shared + sequences.format(platform),
    )
