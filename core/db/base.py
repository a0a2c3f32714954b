"""Derive the Postgres session (search path, tenant id) from the current scope at every cursor.

The stock backend keeps the schema on the connection object, so a tenant set in one async hop leaks
into queries of the next. Here the context variable is the only truth: each physical connection
remembers what it was last set to, and forgets it whenever a rollback may have undone the setting.
"""

from __future__ import annotations

from typing import Any

from django.db.backends.postgresql.features import DatabaseFeatures as PostgresFeatures
from django_tenants.postgresql_backend.base import DatabaseWrapper as TenantsWrapper
from psycopg import Cursor
from psycopg.pq import TransactionStatus

from core import tenancy
from core.db.pool import connection_is_open

_SET_SESSION = "SELECT set_config('search_path', %s, false), set_config('app.tenant_id', %s, false)"
_MEMORY = "_frontdesk_session"


class DatabaseFeatures(PostgresFeatures):
    """Know what Postgres can do; the stock probe creates a table, which the app role may not."""

    supports_transactions = True


class DatabaseWrapper(TenantsWrapper):  # type: ignore[misc]  # django-tenants ships no types
    """Postgres wrapper whose schema and tenant follow `core.tenancy`, never its own state."""

    features_class = DatabaseFeatures

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._constructed = False
        super().__init__(*args, **kwargs)
        self._constructed = True

    @property
    def schema_name(self) -> str:
        found = tenancy.scope_or_none()
        return found.schema if found else tenancy.PUBLIC_SCHEMA

    @schema_name.setter
    def schema_name(self, _: str) -> None:
        """Ignore what django-tenants would remember here: the scope is the only truth."""

    def get_new_connection(self, conn_params: Any) -> Any:
        """Take a connection from the pool, past those that the server has closed meanwhile."""
        while True:
            connection = super().get_new_connection(conn_params)
            if self.pool is None or connection_is_open(connection):
                return connection
            connection.close()
            self.pool.putconn(connection)

    def set_tenant(self, tenant: Any, include_public: bool = True) -> None:
        """Enter the schema of `tenant`, for django-tenants' own commands."""
        self.include_public_schema = include_public
        if self._constructed:
            tenancy.enter_schema(tenant.schema_name)

    def _cursor(self, name: str | None = None) -> Any:
        scope = tenancy.scope()
        cursor = super(TenantsWrapper, self)._cursor(name)  # without its SET on every cursor
        self._session_apply(scope)
        return cursor

    def server_bound_cursor(self) -> Any:
        """Return a cursor like `cursor()` whose values are bound by the server, not written in.

        For the few statements that are run all the time: writing values into the text of a
        statement costs more than running a small one. They are prepared when a connection runs
        them again (`prepare_threshold`); Postgres plans them anew when the search path has changed.
        """
        scope = tenancy.scope()
        self.ensure_connection()
        self._session_apply(scope)
        return self._prepare_cursor(Cursor(self.connection))

    def _session_apply(self, scope: tenancy.Scope) -> None:
        wanted = scope.session
        if not self.include_public_schema and scope.kind is tenancy.ScopeKind.SCHEMA:
            wanted = (f'"{scope.schema}"', "")
        connection = self.connection
        if getattr(connection, _MEMORY, None) == wanted:
            return
        if connection.info.transaction_status == TransactionStatus.INERROR:
            return  # nothing but a rollback can succeed now, and it needs no session
        with connection.cursor() as setter:
            setter.execute(_SET_SESSION, wanted)
        setattr(connection, _MEMORY, wanted)

    def _session_forget(self) -> None:
        if self.connection is not None:
            setattr(self.connection, _MEMORY, None)

    def _rollback(self) -> Any:
        self._session_forget()
        return super()._rollback()

    def _savepoint_rollback(self, sid: str) -> None:
        super()._savepoint_rollback(sid)
        self._session_forget()

    def _close(self) -> Any:
        connection = self.connection
        if connection is not None and connection.info.transaction_status != TransactionStatus.IDLE:
            self._session_forget()
        return super()._close()
