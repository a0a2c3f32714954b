"""Versions of workflows: put on record, validated, published, rolled back, retired.

A version is an exact text, known by its hash. Nothing here is remembered by a process: what answers
is read with every run that starts, so a change holds everywhere from its commit on. Runs that have
begun finish on their own version.
"""

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from core.audit.record import Fact, act_record
from core.audit.types import Act
from workflows import selectors
from workflows.errors import (
    NothingToRollBack,
    PublishClash,
    VersionNotFound,
    VersionNotPublishable,
    WorkflowInvalid,
    WorkflowNotFound,
)
from workflows.library import library
from workflows.models import WorkflowVersion
from workflows.spec.errors import SpecError, SpecProblem
from workflows.spec.graph import Graph
from workflows.spec.loading import content_hash as hash_of
from workflows.texts import graph_checked, graph_of, stored_of, warnings_of
from workflows.types import PUBLISHABLE, UNPUBLISHED, VersionState

# Texts that never answered anybody are kept up to this many a workflow, the newest ones.
UNPUBLISHED_KEPT = 100

Problems = Sequence[SpecProblem]
# Says what is wrong with a text that is to answer under a name; nothing when it is right.
Validator = Callable[[str, str], Problems]


def compile_validate(workflow: str, source: str) -> Problems:
    """Return what keeps a text from compiling under a name."""
    try:
        graph = graph_checked(source, filename=f"{workflow}.yaml")
    except SpecError as error:
        return error.problems
    if graph.name != workflow:
        message = f"This workflow is called '{workflow}', the text says '{graph.name}'."
        return [SpecProblem(1, 1, "/name", message)]
    return []


# Asked in this order; a text that one of them finds wrong is not shown to the next.
VALIDATORS: list[Validator] = [compile_validate]


def version_current(*, workflow: str) -> Graph:
    """Return what answers under a name now, and make sure its exact text is on record.

    A version the tenant published goes before the library's. Raises ``WorkflowNotFound``.
    """
    ours = library().get(workflow)
    states = selectors.version_states(
        workflow=workflow, library_hash=ours.content_hash if ours else ""
    )
    published = states.get(VersionState.PUBLISHED)
    if published is not None:
        return selectors.graph_get(workflow=workflow, content_hash=published)
    if ours is None:
        raise WorkflowNotFound(workflow=workflow)
    if not states:
        _library_record(ours)
    return ours


def _library_record(graph: Graph) -> None:
    WorkflowVersion.objects.bulk_create(
        [
            WorkflowVersion(
                name=graph.name,
                version=graph.version,
                content_hash=graph.content_hash,
                source=graph.bundle.stored,
                state=VersionState.LIBRARY,
            )
        ],
        ignore_conflicts=True,
    )


def workflow_check(*, source: str, filename: str = "workflow.yaml") -> Graph:
    """Compile a workflow's text; raises ``WorkflowInvalid`` with every located problem."""
    try:
        return graph_checked(source, filename=filename)
    except SpecError as error:
        raise _invalid(error.problems) from error


def _invalid(problems: Problems) -> WorkflowInvalid:
    text = "\n".join(problem.located("workflow.yaml") for problem in problems)
    return WorkflowInvalid(text, errors=[problem_shown(problem) for problem in problems])


def problem_shown(problem: SpecProblem) -> dict[str, Any]:
    """Return a problem as pages and REST tell it."""
    return {
        "line": problem.line,
        "column": problem.column,
        "pointer": problem.pointer,
        "message": problem.message,
        "file": problem.file,
        "severity": problem.severity.value,
    }


def warnings_shown(graph: Graph) -> list[dict[str, Any]]:
    """Return advice on a workflow that can be published, as pages and REST tell it."""
    return [problem_shown(problem) for problem in warnings_of(graph)]


@transaction.atomic
def version_draft(
    *, workflow: str, source: str, note: str = "", author: UUID | None = None
) -> WorkflowVersion:
    """Put a text on record as a draft of a workflow, mistakes and all.

    Idempotent by content: a text already on record stays what it is and keeps its author and note.
    Of the texts that never answered the newest hundred are kept. Raises ``WorkflowNotFound`` for a
    workflow that is neither the library's nor on record.
    """
    selectors.workflow_known(workflow=workflow)
    values = {"version": _version_named(source), "note": note, "author": author}
    version, is_new = _draft_record(workflow, source, values)
    if is_new:
        _record(Act.WORKFLOW_DRAFTED, version)
    return version


def _draft_record(
    workflow: str, source: str, values: dict[str, Any]
) -> tuple[WorkflowVersion, bool]:
    stored = stored_of(source)
    version, is_new = WorkflowVersion.objects.get_or_create(
        name=workflow,
        content_hash=hash_of(stored),
        defaults={**values, "source": stored, "state": VersionState.DRAFT},
    )
    if is_new:
        _unpublished_prune(workflow)
    return version, is_new


def _version_named(source: str) -> str:
    """Return the version a text gives itself, "" while it does not compile."""
    try:
        return graph_of(stored_of(source)).version[:32]
    except SpecError:
        return ""


def _unpublished_prune(workflow: str) -> None:
    never = WorkflowVersion.objects.filter(name=workflow, state__in=UNPUBLISHED, published_at=None)
    old = never.order_by("-created_at", "-pk").values_list("pk", flat=True)[UNPUBLISHED_KEPT:]
    WorkflowVersion.objects.filter(pk__in=list(old)).delete()


def version_problems(*, workflow: str, source: str) -> Problems:
    """Return what the first validator that finds a text wrong says; nothing when it is right."""
    for validator in VALIDATORS:
        problems = validator(workflow, source)
        if problems:
            return problems
    return ()


def version_warnings(version: WorkflowVersion) -> list[dict[str, Any]]:
    """Return advice on a version without mistakes, as pages and REST tell it."""
    return warnings_shown(
        selectors.graph_get(workflow=version.name, content_hash=version.content_hash)
    )


@transaction.atomic
def version_validate(*, workflow: str, content_hash: str) -> tuple[WorkflowVersion, Problems]:
    """Ask every validator about a version; a draft without mistakes becomes validated.

    One that was validated and is wrong in this release becomes a draft again. What answers or did
    keeps its state. Returns the version and its problems. Idempotent; locks the version. Raises
    ``VersionNotFound``.
    """
    version = _locked(workflow, content_hash)
    problems = version_problems(workflow=workflow, source=version.source)
    state = VersionState.DRAFT if problems else VersionState.VALIDATED
    if version.state in UNPUBLISHED and version.state != state:
        version.state = state
        version.save(update_fields=["state"])
        _record(Act.WORKFLOW_VALIDATED, version, problems=len(problems))
    return version, problems


def _locked(workflow: str, content_hash: str) -> WorkflowVersion:
    versions = WorkflowVersion.objects.select_for_update()
    found = versions.filter(name=workflow, content_hash=content_hash).first()
    if found is None:
        raise VersionNotFound(workflow=workflow)
    return found


def version_publish(
    *, workflow: str, content_hash: str, published_by: UUID | None, replaces: str | None = None
) -> WorkflowVersion:
    """Make a validated or formerly published version the one that answers from the next run on.

    With ``replaces``, the hash of what the caller saw answering ("" for the library's), it is a
    compare-and-set. Idempotent. Of several at the same moment one wins, the others get
    ``PublishClash``. Raises ``VersionNotFound``, ``VersionNotPublishable``, and ``WorkflowInvalid``
    when this release finds mistakes in the text.
    """
    return _clash_told(workflow, content_hash, published_by, replaces, PUBLISHABLE)


def _clash_told(*values: Any) -> WorkflowVersion:
    try:
        return _version_publish(*values)
    except IntegrityError as error:
        raise PublishClash from error


@transaction.atomic
def _version_publish(
    workflow: str,
    content_hash: str,
    published_by: UUID | None,
    replaces: str | None,
    allowed: frozenset[VersionState],
) -> WorkflowVersion:
    mine = Q(state=VersionState.PUBLISHED) | Q(content_hash=content_hash)
    rows = WorkflowVersion.objects.select_for_update().filter(mine, name=workflow).order_by("pk")
    found = {row.content_hash: row for row in rows}
    before = next((row for row in found.values() if row.state == VersionState.PUBLISHED), None)
    replaced = before.content_hash if before else ""
    if content_hash not in found:
        raise VersionNotFound(workflow=workflow)
    if replaces is not None and replaces != replaced:
        raise PublishClash
    version = found[content_hash]
    if version != before:
        _publishable_require(version, allowed)
        _publish(version, before, published_by)
        _record(Act.WORKFLOW_PUBLISHED, version, replaced=replaced)
    return version


def _publishable_require(version: WorkflowVersion, allowed: frozenset[VersionState]) -> None:
    if version.state not in allowed:
        raise VersionNotPublishable
    problems = version_problems(workflow=version.name, source=version.source)
    if problems:
        raise _invalid(problems)


def _publish(
    version: WorkflowVersion, before: WorkflowVersion | None, published_by: UUID | None
) -> None:
    if before is not None:
        before.state = VersionState.RETIRED
        before.save(update_fields=["state"])
    version.state = VersionState.PUBLISHED
    version.published_by, version.published_at = published_by, timezone.now()
    version.save(update_fields=["state", "published_by", "published_at"])


@transaction.atomic
def workflow_publish(
    *, source: str, published_by: UUID | None, note: str = "", replaces: str | None = None
) -> WorkflowVersion:
    """Put a text on record, validate and publish it under the name it gives itself.

    Runs that have begun finish on their own version. Idempotent by content. Raises
    ``WorkflowInvalid``, ``PublishClash``.
    """
    graph = workflow_check(source=source)
    values = {"version": graph.version, "note": note, "author": published_by}
    _draft_record(graph.name, source, values)
    # Validated as it is published: no other writer sees the draft in between.
    allowed = PUBLISHABLE | {VersionState.DRAFT}
    return _clash_told(graph.name, graph.content_hash, published_by, replaces, allowed)


def version_rollback(*, workflow: str, published_by: UUID | None) -> WorkflowVersion:
    """Publish again the version that answered before the present one; twice leads back.

    Raises ``NothingToRollBack``, ``PublishClash``, ``WorkflowNotFound``, ``WorkflowInvalid``.
    """
    selectors.workflow_known(workflow=workflow)
    earlier = selectors.version_previous(workflow=workflow)
    if earlier is None:
        raise NothingToRollBack
    return version_publish(
        workflow=workflow,
        content_hash=earlier.content_hash,
        published_by=published_by,
        replaces=selectors.published_hash(workflow=workflow),
    )


@transaction.atomic
def version_retire(*, workflow: str) -> WorkflowVersion | None:
    """Take the published version back: the library's answers again, or nothing where it has none.

    Returns the retired version, None when none was published. Idempotent; locks the version.
    Raises ``WorkflowNotFound``.
    """
    selectors.workflow_known(workflow=workflow)
    versions = WorkflowVersion.objects.select_for_update()
    version = versions.filter(name=workflow, state=VersionState.PUBLISHED).first()
    if version is not None:
        version.state = VersionState.RETIRED
        version.save(update_fields=["state"])
        _record(Act.WORKFLOW_RETIRED, version)
    return version


def _record(act: Act, version: WorkflowVersion, **data: Fact) -> None:
    about: dict[str, Fact] = {"name": version.name, "content_hash": version.content_hash, **data}
    act_record(act=act, target_kind="workflow_version", target_id=version.pk, data=about)
