"""Let the server bind a statement's values, for the few statements that are run all the time.

Django's cursors write the values into the text of a statement, which costs more than running a small
one. Nothing is prepared, so poolers and changes of the search path do not matter.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper


@contextmanager
def server_bound(connection: BaseDatabaseWrapper) -> Iterator[CursorWrapper]:
    """Yield a cursor like ``connection.cursor()``: same session, errors and transaction."""
    with connection.cursor() as cursor:
        cursor.cursor.close()
        cursor.cursor = psycopg.Cursor(connection.connection)
        yield cursor
