"""Turn degrade switches on and off. Every change is a row of the history."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.db import connections, transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from core import tenancy
from core.audit.record import act_record
from core.audit.types import Act
from core.observability.metrics import degrade_switches_on
from tenants.errors import SwitchInvalid
from tenants.switches.models import DegradeSwitch
from tenants.switches.state import switches_forget, switches_mirror
from tenants.switches.types import ActiveSwitch, Switch, SwitchSource

LONGEST = timedelta(days=7)
_LOCK = 0x46_44_44_47  # "FDDG"


def switch_turn_on(
    *,
    name: Switch,
    lasting: timedelta,
    reason: str,
    tenant_id: UUID | None = None,
    source: SwitchSource = SwitchSource.OPERATOR,
    started_by: UUID | None = None,
) -> DegradeSwitch:
    """Give something up for a while, for one workspace or for all.

    It ends by itself. On again, it goes on from now and keeps its row. Holds here from the commit
    on and in every process within a second. One change at a time. Raises SwitchInvalid for a time
    that is none or longer than seven days, and without a reason.
    """
    if not timedelta() < lasting <= LONGEST or not reason.strip():
        raise SwitchInvalid()
    expires_at = timezone.now() + lasting
    with tenancy.platform_scope(), transaction.atomic(using="platform"):
        _change_begin()
        mine = _on().filter(name=name.value, tenant_id=tenant_id, source=source.value)
        switch = mine.first() or DegradeSwitch(
            name=name.value, tenant_id=tenant_id, source=source.value, started_by=started_by
        )
        switch.expires_at, switch.reason = expires_at, reason.strip()[:200]
        switch.save()
        _change_end()
        about = {"reason": switch.reason, "source": source.value}
        act_record(
            act=Act.SWITCH_ON,
            target_kind="switch",
            target_id=name.value,
            data=about,
            tenant_id=tenant_id,
        )
    return switch


def switch_turn_off(
    *, name: Switch, tenant_id: UUID | None = None, source: SwitchSource | None = None
) -> int:
    """End a switch, whoever turned it on unless `source` says; returns how many rows that ended.

    Idempotent. One change at a time.
    """
    with tenancy.platform_scope(), transaction.atomic(using="platform"):
        _change_begin()
        mine = _on().filter(name=name.value, tenant_id=tenant_id)
        if source is not None:
            mine = mine.filter(source=source.value)
        ended = mine.update(ended_at=timezone.now())
        _change_end()
        if ended:
            act_record(
                act=Act.SWITCH_OFF,
                target_kind="switch",
                target_id=name.value,
                tenant_id=tenant_id,
            )
    return ended


def switch_list(*, limit: int = 50) -> list[DegradeSwitch]:
    """Return the latest rows of the history, those that are on among them."""
    with tenancy.platform_scope():
        return list(DegradeSwitch.objects.all()[:limit])


def switches_refresh() -> None:
    """Close the rows of switches that have expired, and write what is on to Redis. Idempotent."""
    with tenancy.platform_scope(), transaction.atomic(using="platform"):
        _change_begin()
        _change_end()


def _change_begin() -> None:
    """Wait for other changes, then close what has ended by itself."""
    with connections["platform"].cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
    lapsed = _on().filter(expires_at__lte=timezone.now())
    lapsed.update(ended_at=F("expires_at"))


def _change_end() -> None:
    active = [_active(switch) for switch in _on()]
    for name in Switch:
        count = sum(switch.name == name for switch in active)
        degrade_switches_on.labels(switch=name.value).set(count)

    def tell() -> None:
        switches_mirror(active)
        switches_forget()

    transaction.on_commit(tell, using="platform")


def _on() -> QuerySet[DegradeSwitch]:
    return DegradeSwitch.objects.filter(ended_at=None)


def _active(switch: DegradeSwitch) -> ActiveSwitch:
    expires_at: datetime = switch.expires_at
    return ActiveSwitch(switch.name, switch.tenant_id, expires_at)
