"""Ours in one process: start a run and drive it to its end, with the application's own host."""

from __future__ import annotations

from uuid import uuid4

import django
from django.utils import timezone

import config  # noqa: F401 - chooses the settings
from bench.support import engine_steps
from bench.support.engine_driver import Call, serve
from core import directory, tenancy
from core.identifiers import uuid7
from workflows.engine import journal
from workflows.engine.events import EventType, RunStatus
from workflows.engine.execution import run_drive
from workflows.spec.graph import Graph


def prepare() -> Call:
    """Return what starts and drives one run in the first tenant."""
    from workflows.versions import version_current

    with tenancy.public_scope():
        found = directory.tenants_active()
        [tenant] = [each for each in found if each.slug == engine_steps.slug(0)]
    with tenancy.tenant_scope(tenant):
        graph = version_current(workflow=engine_steps.WORKFLOW)

    def call() -> None:
        with tenancy.tenant_scope(tenant):
            run_through(graph)

    return call


def run_through(graph: Graph) -> None:
    """Start a run of the graph in the current tenant and drive it; raises unless it completes."""
    from workflows.hosting import RunHost

    now = timezone.now()
    new = journal.NewRun(
        id=uuid7(),
        workflow=graph.name,
        version=graph.version,
        content_hash=graph.content_hash,
        conversation_id=None,
        trigger_event_id=uuid4(),
        answered_seq=None,
        started_at=now,
    )
    payload = {"input": {}, "next": graph.entry}
    journal.start(new, journal.fact(1, EventType.RUN_STARTED, "", payload, now))
    state = run_drive(new.id, RunHost())
    if state is None or state.status is not RunStatus.COMPLETED:
        raise RuntimeError(f"Run {new.id} did not complete.")


if __name__ == "__main__":
    django.setup()
    engine_steps.register()
    serve(prepare)
