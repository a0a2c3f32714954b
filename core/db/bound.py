"""A cursor for the few statements that are run all the time."""

from typing import Any, cast

from django.db import connections
from django.db.backends.utils import CursorWrapper

from core.db.router import database_alias


def server_bound_cursor() -> CursorWrapper:
    """Return a server-bound cursor (`DatabaseWrapper.server_bound_cursor`) of the scope's alias."""
    wrapper = cast(Any, connections[database_alias()])
    cursor: CursorWrapper = wrapper.server_bound_cursor()
    return cursor
