"""Release runs to the workers fairly: no tenant's flood makes another tenant wait.

Runs wait in a queue per tenant in Redis, and only as many as the workers can hold at once are
released to Celery. Two lanes: a tenant with nothing waiting and hardly anything going on is served
at once by the express workers; what piles up behind a tenant's first runs goes to the bulk workers,
in start-time fair order over the tenants that have work (Goyal, Vin, Cheng 1996) and within each
tenant's concurrency tokens, of which its plan may give more or fewer than usual. Every change is
one Lua script (``dispatch.lua``), in time that grows with the logarithm of the tenants that have
work, not with the length of their queues.

Nothing is lost with Redis or a worker: the run is a row in Postgres, a released run that no worker
holds is sent again by the sweep, and a token whose worker died comes back when the sweep has missed
the worker, or else with its lease.
"""

from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, cast
from uuid import UUID

import structlog
from celery import current_app
from django.conf import settings
from django.db import transaction
from kombu.exceptions import OperationalError
from redis import RedisError
from redis.commands.core import Script

from core import directory, tenancy
from core.redis import redis_client
from tenants.admission.limits import limits_read

TASK: Final = "workflows.run"
EXPRESS: Final = "runs"
BULK: Final = "runs-bulk"
# What a dead worker left; every worker of runs listens here, so that any takes it over at once.
LAPSED: Final = "runs-lapsed"
# What a killed worker held is free after so long; a run that takes longer lets another begin.
LEASE_SECONDS: Final = 20.0
EVERY: Final = "every"  # in a run's place: all runs that wait
PREFIX: Final = "fd:platform:{dispatch}:"  # the braces keep all keys on one shard of a cluster

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Released:
    """A run that may go to a worker now."""

    lane: str
    tenant_id: UUID
    run_id: UUID


def run_dispatch(
    run_id: UUID, *, is_lapsed: bool = False, otherwise: Callable[[], object] | None = None
) -> None:
    """Queue a run of the current tenant once the transaction has committed.

    Idempotent: a run that waits or was released already is not queued twice. With ``is_lapsed``, a
    released run that no worker holds any more is sent again. ``otherwise`` is done when Redis is
    gone; without it the sweep sends the run when Redis is back.
    """
    tenant = tenancy.require()
    verb = "resubmit" if is_lapsed else "submit"

    def dispatch() -> None:
        if not _change(verb, tenant.id, run_id) and otherwise is not None:
            otherwise()

    transaction.on_commit(dispatch)


def run_dispatched(run_id: UUID) -> None:
    """Give back the token of a run of the current tenant whose task is over; idempotent."""
    _change("finish", tenancy.require().id, run_id)


def queue_purge(run_id: UUID | None = None) -> None:
    """Take a run of the current tenant out of its queue, or all that wait there; idempotent.

    What was released already keeps its token until its task is over.
    """
    _change("purge", tenancy.require().id, run_id or EVERY)


def runs_released() -> dict[UUID, list[UUID]]:
    """Return the runs that hold a token, by tenant; none while Redis is gone."""
    found = defaultdict[UUID, list[UUID]](list)
    try:
        held = cast(list[bytes], redis_client().zrange(f"{PREFIX}held", 0, -1))
    except RedisError:
        log.warning("dispatch_unreachable", verb="list")
        return found
    for released in (_released(member.decode()) for member in held):
        found[released.tenant_id].append(released.run_id)
    return found


def backlog() -> float:
    """Return how many runs of all tenants wait; raises ``RedisError``."""
    return float(redis_client().scard(f"{PREFIX}queued"))


def express_active() -> int:
    """Return how many runs are released in the express lane; raises ``RedisError``."""
    return int(redis_client().scard(f"{PREFIX}lane:{EXPRESS}"))


def weight_set(*, tenant_id: UUID, weight: float) -> None:
    """Let a tenant's waiting runs count ``weight`` times as much as those of others; 1 is usual."""
    if not 0.01 <= weight <= 100:
        raise ValueError("A weight lies between 0.01 and 100.")
    redis_client().hset(f"{PREFIX}weight", str(tenant_id), weight)


def released_after(
    verb: str, tenant_id: UUID, run_id: UUID | str, *, share: int | str = "", prefix: str = ""
) -> list[Released]:
    """Make one change and return what it releases; raises ``RedisError``.

    ``share`` is how many tokens the tenant has from now on, ``default`` for the usual number;
    without it that stays as it is.
    """
    found = _script()(
        keys=[prefix or PREFIX],
        args=[
            *(verb, str(tenant_id), str(run_id)),
            *(settings.RUNS_PER_TENANT, LEASE_SECONDS, settings.RUNS_EXPRESS_PER_TENANT),
            *(EXPRESS, settings.RUNS_EXPRESS_WINDOW, BULK, settings.RUNS_BULK_WINDOW),
            share,
        ],
        client=redis_client(),
    )
    return [_released(member.decode()) for member in found]


def _own_share(tenant_id: UUID) -> int | str:
    """Return the tokens that the tenant's plan gives it, never none at all."""
    share = limits_read(directory.tenant_limits(tenant_id)).concurrent_runs
    return "default" if share is None else max(1, share)


def _released(member: str) -> Released:
    lane, tenant_id, run_id = member.split(" ")
    return Released(lane, UUID(tenant_id), UUID(run_id))


@cache
def _script() -> Script:
    source = Path(__file__).with_suffix(".lua").read_text()
    script: Callable[..., Script] = redis_client().register_script
    return script(source)


def _change(verb: str, tenant_id: UUID, run_id: UUID | str) -> bool:
    """Make a change and send what it releases; False when Redis or the broker is gone.

    What cannot be sent because its tenant is suspended makes room for the next.
    """
    changes = deque([(verb, tenant_id, run_id)])
    try:
        while changes:
            change = changes.popleft()
            for released in released_after(*change, share=_own_share(change[1])):
                is_lapsed = change[0] == "resubmit" and released.run_id == run_id
                if not _send(released, LAPSED if is_lapsed else released.lane):
                    changes.append(("finish", released.tenant_id, released.run_id))
    except (RedisError, OperationalError):
        # The broker is the same server: nothing can be sent now. The sweep does it when it is back.
        log.warning("dispatch_unreachable", run=str(run_id), verb=verb)
        return False
    return True


def _send(released: Released, queue: str) -> bool:
    """Send a run to a queue; False for a suspended tenant's, which the sweep finds later."""
    tenant = directory.tenant_by_id(released.tenant_id)
    if tenant is None:
        return False
    with tenancy.tenant_scope(tenant):
        task = current_app.signature(TASK, kwargs={"run_id": str(released.run_id)})
        task.apply_async(queue=queue)
    return True
