"""Reads of workflows: graphs, versions, runs and their events."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Count, F, IntegerField, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone

from core.db.bound import server_bound_cursor
from workflows.engine import journal
from workflows.engine.events import ACTIVE, RunEvent, RunStatus
from workflows.errors import (
    DraftNotFound,
    RunNotFound,
    VersionNotFound,
    WaitNotFound,
    WorkflowNotFound,
)
from workflows.library import library
from workflows.models import Run, Wait, WorkflowDraft, WorkflowStop, WorkflowVersion
from workflows.spec.errors import SpecError, SpecProblem
from workflows.spec.graph import Graph
from workflows.texts import graph_of
from workflows.types import VersionState, WaitKind, WaitState

GRAPHS_REMEMBERED = 256
_STATES = f"""
    SELECT state, content_hash FROM workflows_workflowversion
    WHERE name = %s AND (state = '{VersionState.PUBLISHED}' OR content_hash = %s)
"""  # noqa: S608 - the state is a constant

# By content hash, so one tenant's text can never stand for another's.
_graphs: dict[str, Graph] = {}
_lock = threading.Lock()


def graph_get(*, workflow: str, content_hash: str) -> Graph:
    """Return the graph of an exact text; raises ``WorkflowNotFound``, ``SpecError``."""
    found = _graphs.get(content_hash) or _library_graph(content_hash)
    if found is None:
        version = version_get(workflow=workflow, content_hash=content_hash)
        found = graph_of(version.source, filename=f"{workflow}.yaml")
    with _lock:
        if len(_graphs) >= GRAPHS_REMEMBERED:
            _graphs.clear()
        _graphs[content_hash] = found
    return found


def _library_graph(content_hash: str) -> Graph | None:
    return next((g for g in library().values() if g.content_hash == content_hash), None)


def version_get(*, workflow: str, content_hash: str) -> WorkflowVersion:
    """Return a version by its text's hash; raises ``WorkflowNotFound``."""
    found = WorkflowVersion.objects.filter(name=workflow, content_hash=content_hash).first()
    if found is None:
        raise WorkflowNotFound(workflow=workflow)
    return found


def version_on_record(*, workflow: str, content_hash: str) -> WorkflowVersion:
    """Return a version of a workflow; raises ``WorkflowNotFound``, ``VersionNotFound``."""
    workflow_known(workflow=workflow)
    found = WorkflowVersion.objects.filter(name=workflow, content_hash=content_hash).first()
    if found is None:
        raise VersionNotFound(workflow=workflow)
    return found


def version_named(*, workflow: str, version: str) -> str:
    """Return the hash of a text by its hash or its version, of which the latest counts.

    Looks at what is on record, then at the library. Raises ``VersionNotFound``.
    """
    named = Q(content_hash=version) | Q(version=version)
    found = WorkflowVersion.objects.filter(named, name=workflow).order_by("-created_at", "-pk")
    ours = library().get(workflow)
    content_hash = found.values_list("content_hash", flat=True).first()
    if content_hash is None and ours and version in {ours.version, ours.content_hash}:
        content_hash = ours.content_hash
    if content_hash is None:
        raise VersionNotFound(workflow=workflow)
    return content_hash


def version_list(*, workflow: str) -> QuerySet[WorkflowVersion]:
    """Return a workflow's versions, newest first, each with ``active_runs``: how many go on."""
    active = Run.objects.filter(
        workflow=OuterRef("name"),
        content_hash=OuterRef("content_hash"),
        status__in=[status.value for status in ACTIVE],
    )
    counted = active.order_by().values("content_hash").annotate(n=Count("pk")).values("n")
    versions = WorkflowVersion.objects.filter(name=workflow)
    number = Coalesce(Subquery(counted), 0, output_field=IntegerField())
    return versions.annotate(active_runs=number).order_by("-created_at", "-pk")


def version_previous(*, workflow: str) -> WorkflowVersion | None:
    """Return the version that answered before the present one, the latest if none is published."""
    retired = WorkflowVersion.objects.filter(name=workflow, state=VersionState.RETIRED)
    return retired.order_by(F("published_at").desc(nulls_last=True), "-created_at").first()


def published_hash(*, workflow: str) -> str:
    """Return the hash of what the tenant published under a name, "" where the library answers."""
    found = WorkflowVersion.objects.filter(name=workflow, state=VersionState.PUBLISHED)
    return found.values_list("content_hash", flat=True).first() or ""


def workflow_known(*, workflow: str) -> None:
    """Raise ``WorkflowNotFound`` for a name that is neither the library's nor on record here."""
    if workflow in library() or WorkflowVersion.objects.filter(name=workflow).exists():
        return
    raise WorkflowNotFound(workflow=workflow)


def source_latest(*, workflow: str) -> str:
    """Return the text that answers under a name, or else the one put on record last.

    Raises ``WorkflowNotFound``.
    """
    try:
        return workflow_get(workflow=workflow).source
    except WorkflowNotFound:
        latest = version_list(workflow=workflow).first()
        if latest is None:
            raise
        return latest.yaml


def workflows_silent() -> list[str]:
    """Return the names on record under which nothing answers now."""
    answering = WorkflowVersion.objects.filter(state=VersionState.PUBLISHED).values("name")
    silent = WorkflowVersion.objects.exclude(name__in=[*library()]).exclude(name__in=answering)
    return sorted(set(silent.values_list("name", flat=True)))


def draft_list(*, workflow: str) -> QuerySet[WorkflowDraft]:
    """Return a workflow's drafts, the latest edited first."""
    return WorkflowDraft.objects.filter(workflow=workflow).order_by("-updated_at", "-pk")


def draft_get(*, workflow: str, draft_id: UUID) -> WorkflowDraft:
    """Return a draft of a workflow; raises ``DraftNotFound``."""
    found = WorkflowDraft.objects.filter(workflow=workflow, pk=draft_id).first()
    if found is None:
        raise DraftNotFound(workflow=workflow)
    return found


def version_states(*, workflow: str, library_hash: str) -> dict[str, str]:
    """Map state to content hash for what could answer now, in one query.

    Asked at the start of each run, so it is not put together anew each time.
    """
    with server_bound_cursor() as cursor:
        cursor.execute(_STATES, (workflow, library_hash))
        return dict(cursor.fetchall())


def stop_list() -> QuerySet[WorkflowStop]:
    """Return the stops that hold now, the latest first; see ``workflows.stops`` for hot code."""
    return WorkflowStop.objects.filter(lifted_at=None).order_by("-stopped_at")


@dataclass(frozen=True, slots=True)
class WorkflowEntry:
    """What answers under a name now: its text, and its graph unless this release cannot read it."""

    name: str
    source: str
    graph: Graph | None
    problems: tuple[SpecProblem, ...] = ()


def workflow_entries() -> list[WorkflowEntry]:
    """Return what would run now under each name: the published version, or the library's."""
    published = WorkflowVersion.objects.filter(state=VersionState.PUBLISHED)
    own = {version.name: _entry(version) for version in published}
    ours = {name: WorkflowEntry(name, graph.source, graph) for name, graph in library().items()}
    return [entry for _name, entry in sorted({**ours, **own}.items())]


def workflow_get(*, workflow: str) -> WorkflowEntry:
    """Return what would run now under a name; raises ``WorkflowNotFound``."""
    published = WorkflowVersion.objects.filter(name=workflow, state=VersionState.PUBLISHED).first()
    if published is not None:
        return _entry(published)
    if workflow not in library():
        raise WorkflowNotFound(workflow=workflow)
    graph = library()[workflow]
    return WorkflowEntry(workflow, graph.source, graph)


def _entry(version: WorkflowVersion) -> WorkflowEntry:
    try:
        graph = graph_get(workflow=version.name, content_hash=version.content_hash)
    except SpecError as error:
        return WorkflowEntry(version.name, version.yaml, None, error.problems)
    return WorkflowEntry(version.name, version.yaml, graph)


def run_get(*, run_id: UUID) -> Run:
    """Return a run of this workspace; raises ``RunNotFound``."""
    found = Run.objects.filter(pk=run_id).first()
    if found is None:
        raise RunNotFound(run_id=str(run_id))
    return found


def run_list(
    *, workflow: str = "", status: str = "", conversation_id: UUID | None = None
) -> QuerySet[Run]:
    """Return runs, newest first; ``status`` may be ``active`` for those that still go on."""
    runs = Run.objects.order_by("-started_at", "-pk")
    if workflow:
        runs = runs.filter(workflow=workflow)
    if status == "active":
        runs = runs.filter(status__in=[active.value for active in ACTIVE])
    elif status:
        runs = runs.filter(status=status)
    if conversation_id:
        runs = runs.filter(conversation_id=conversation_id)
    return runs


def run_events(*, run_id: UUID) -> list[RunEvent]:
    """Return a run's events in order."""
    return journal.events(run_id)


def run_counts(*, since: datetime) -> Mapping[str, dict[str, int]]:
    """Count runs by workflow and status since a time."""
    counts: dict[str, dict[str, int]] = {}
    rows = Run.objects.filter(started_at__gte=since).values_list("workflow", "status")
    for workflow, status in rows.iterator():
        of = counts.setdefault(workflow, {"total": 0, "failed": 0})
        of["total"] += 1
        of["failed"] += status == RunStatus.FAILED
    return counts


def run_of_turn(*, trigger_event_id: UUID, conversation_id: UUID | None) -> UUID | None:
    """Return the run that a trigger or a conversation already has."""
    runs = Run.objects.filter(
        Q(trigger_event_id=trigger_event_id)
        | Q(conversation_id=conversation_id, conversation_id__isnull=False)
    )
    return runs.order_by("-started_at").values_list("pk", flat=True).first()


def runs_going_on(*, run_ids: Sequence[UUID]) -> dict[UUID, Run]:
    """Return those of some runs that a worker has, or should have: active, and not waiting."""
    active = Run.objects.filter(status__in=[status.value for status in ACTIVE])
    waiting = Q(status=RunStatus.WAITING.value, lease_until__gt=timezone.now())
    return active.exclude(waiting).in_bulk(run_ids)


def question_open(*, conversation_id: UUID) -> Wait | None:
    """Return what a run waits to hear from a conversation's visitor, the oldest question first."""
    return (
        Wait.objects.filter(
            conversation_id=conversation_id,
            kind=WaitKind.QUESTION.value,
            state=WaitState.OPEN.value,
        )
        .exclude(until__lte=timezone.now())
        .order_by("created_at")
        .first()
    )


def approval_get(*, wait_id: UUID) -> Wait:
    """Return what a run asked the team; raises ``WaitNotFound``."""
    found = Wait.objects.filter(pk=wait_id, kind=WaitKind.APPROVAL.value).first()
    if found is None:
        raise WaitNotFound(wait_id=str(wait_id))
    return found


def approval_list(*, state: str = WaitState.OPEN.value) -> QuerySet[Wait]:
    """Return what runs ask the team, the oldest first."""
    asked = Wait.objects.filter(kind=WaitKind.APPROVAL.value, state=state)
    return asked.select_related("run").order_by("created_at")
