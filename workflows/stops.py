"""Whether runs are stopped here: asked before a run starts and before each of its steps."""

from typing import Final

from core import tenancy
from tenants import freshness
from workflows.models import WorkflowStop

EVERY: Final = ""  # the name under which a stop is one of every workflow


def runs_are_stopped(workflow: str = EVERY) -> bool:
    """Tell whether a workflow's runs, or all, are stopped; from memory most of the time."""
    stopped = stops_current()
    return EVERY in stopped or workflow in stopped


def stops_current() -> frozenset[str]:
    """Return the names of the workflows whose runs are stopped, "" among them for all."""
    key = (tenancy.require().schema, "workflow_stops")
    return freshness.remembered(key, marks=(stops_mark(),), load=_load)


def stops_mark() -> str:
    """Return the mark that changes with the current tenant's stops."""
    return f"fd:{tenancy.require().id.hex}:workflow_stops"


def _load() -> frozenset[str]:
    stops = WorkflowStop.objects.filter(lifted_at=None)
    return frozenset(stops.values_list("workflow", flat=True))
