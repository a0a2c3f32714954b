"""One leader among processes: who holds an advisory lock of Postgres.

The lock belongs to a session of its own, so it is free the moment its holder's process is gone.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import psycopg
from django.db import DatabaseError, InterfaceError, connections

Session: TypeAlias = psycopg.Connection[tuple[object, ...]]

# What a session, or a thread's own connection, raises when the database went away.
CONNECTION_LOST = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    DatabaseError,
    InterfaceError,
)


def session_open(name: str) -> Session:
    """Open a session of the platform role, outside the pools, that Postgres shows under a name.

    Raises ``psycopg.OperationalError``.
    """
    settings = connections["platform"].settings_dict
    parameters: dict[str, Any] = {
        "host": settings["HOST"],
        "port": settings["PORT"] or 5432,
        "user": settings["USER"],
        "password": settings["PASSWORD"],
        "dbname": settings["NAME"],
        "application_name": f"frontdesk-{name}",
    }
    return psycopg.connect(**parameters, autocommit=True)


def lead_try(session: Session, lock: int) -> bool:
    """Become the leader if nobody is; raises ``psycopg.OperationalError``."""
    row = session.execute("SELECT pg_try_advisory_lock(%s)", (lock,)).fetchone()
    return bool(row and row[0])


def lead_check(session: Session) -> None:
    """Raise ``psycopg.OperationalError`` if the session, and its lock with it, is gone."""
    session.execute("SELECT 1")
