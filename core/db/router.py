"""Send the platform scope to the platform role's connection, everything else to the app's."""

from typing import Any

from core import tenancy


class ScopeRouter:
    """Choose the database alias from the current scope."""

    def db_for_read(self, model: type, **hints: Any) -> str | None:
        return database_alias()

    db_for_write = db_for_read

    def allow_relation(self, first: Any, second: Any, **hints: Any) -> bool:
        return True


def database_alias() -> str:
    """Return the alias of the current scope, for `transaction.atomic(using=...)`."""
    found = tenancy.scope_or_none()
    is_platform = found is not None and found.kind is tenancy.ScopeKind.PLATFORM
    return "platform" if is_platform else "default"
