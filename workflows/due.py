"""Which workspaces a sweep must visit: asked of many at once, since most have nothing to do."""

from collections.abc import Sequence
from typing import Final

import structlog
from django.db import ProgrammingError

from core import tenancy
from core.db.bound import server_bound_cursor
from core.tenancy import TenantContext
from workflows.engine.journal import LAPSED, lapsed_values
from workflows.engine.presence import Present

TOGETHER: Final = 50  # workspaces in one statement: few round trips, and plans that are still small
_QUERY: Final = f"""
    SELECT {{number}} WHERE EXISTS (SELECT FROM "{{schema}}".workflows_run WHERE {LAPSED})
        OR EXISTS (SELECT FROM "{{schema}}".workflows_workflowstop WHERE lifted_at IS NULL)
"""  # noqa: S608 - put together from constants

log = structlog.get_logger(__name__)


def tenants_due(
    tenants: Sequence[TenantContext], present: Present | None = None
) -> list[TenantContext]:
    """Return the tenants with runs that nobody drives, or with runs stopped.

    Those that cannot be asked, as when a schema is just being made, are returned too. Raises
    ``OperationalError`` when the database is gone.
    """
    found: list[TenantContext] = []
    for first in range(0, len(tenants), TOGETHER):
        group = tenants[first : first + TOGETHER]
        try:
            found += _group_due(group, present)
        except ProgrammingError:
            log.warning("sweep_asks_each", tenants=len(group), exc_info=True)
            found += group
    return found


def _group_due(tenants: Sequence[TenantContext], present: Present | None) -> list[TenantContext]:
    asked = (
        _QUERY.format(number=number, schema=tenant.schema) for number, tenant in enumerate(tenants)
    )
    with tenancy.public_scope(), server_bound_cursor() as cursor:
        cursor.execute(" UNION ALL ".join(asked), lapsed_values(present))
        return [tenants[row[0]] for row in cursor.fetchall()]
