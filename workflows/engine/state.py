"""A run's state: where each of its lines of execution stands, and what was gathered so far.

Everything here is worked out by ``engine.folding`` from the events alone.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from workflows.engine.events import EventType, RunStatus
from workflows.spec.kinds import END


def scope_join(parent: str, container: str, key: str) -> str:
    """Name the scope of one of a container's children: ``each/3`` below the run's own."""
    return f"{parent}/{container}/{key}" if parent else f"{container}/{key}"


def scope_parent(scope: str) -> str:
    """Return the scope a container stands in, given one of its children's."""
    parts = scope.rsplit("/", 2)
    return parts[0] if len(parts) == 3 else ""


def scopes_above(scope: str) -> Iterator[str]:
    """Yield a scope and those around it, innermost first, down to the run's own."""
    while scope:
        yield scope
        scope = scope_parent(scope)
    yield ""


def scope_is_within(scope: str, around: str) -> bool:
    """Tell whether a scope is another or lies inside it."""
    return not around or scope == around or scope.startswith(f"{around}/")


def is_in_sub_workflow(scope: str) -> bool:
    """Tell whether a scope is or was inside a workflow that a step of this one walks."""
    return any(around.endswith(f"/{SUB_WORKFLOW}") for around in scopes_above(scope))


@dataclass(frozen=True, slots=True)
class StepRecord:
    """What one visit to a step left behind."""

    step_id: str
    kind: str
    outcome: EventType
    output: Mapping[str, Any]
    next: str
    scope: str = ""


@dataclass(frozen=True, slots=True)
class Wait:
    """What a step waits for: ``until`` is a time in ISO 8601, or "" for as long as it takes."""

    kind: str
    key: str
    until: str
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """How a wait ended: ``outcome`` is answered, expired or cancelled."""

    outcome: str
    value: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Finished:
    """What a container's child came to: the values it set, and its last step's output."""

    key: str
    values: Mapping[str, Any]
    output: Mapping[str, Any]
    input: Mapping[str, Any] | None = None
    workflow: str = ""
    content_hash: str = ""


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call on record whose outcome is not: in doubt after a crash."""

    key: str
    tool: str
    version: str
    input: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Token:
    """One line of execution: the step it stands at, and what it knows beyond its parent."""

    cursor: str
    values: Mapping[str, Any] = field(default_factory=dict)
    attempt: int = 0
    not_before: str = ""
    wait: Wait | None = None
    answer: Answer | None = None
    call: Call | None = None
    open: int = 0
    finished: tuple[Finished, ...] = ()
    # A sub-workflow's: its own input and the text it is pinned to.
    input: Mapping[str, Any] | None = None
    workflow: str = ""
    content_hash: str = ""

    @property
    def is_ready(self) -> bool:
        """Tell whether a worker may go on here, as far as waits and children are concerned."""
        return self.wait is None and self.open == 0 and self.cursor != END


@dataclass(frozen=True, slots=True)
class Undo:
    """How to undo a finished step: recorded with its inputs when the step was done.

    ``group`` names the parallel container it ran in: compensations of one group run side by side.
    """

    key: str
    step_id: str
    scope: str
    tool: str
    input: Mapping[str, Any]
    group: str = ""
    status: str = "pending"
    attempt: int = 0
    not_before: str = ""

    @property
    def is_open(self) -> bool:
        """Tell whether it still has to be done."""
        return self.status in {"pending", "requested"}


@dataclass(frozen=True, slots=True)
class RunState:
    """Everything the next step needs, whichever worker does it."""

    seq: int = 0
    status: RunStatus = RunStatus.RUNNING
    tokens: Mapping[str, Token] = field(default_factory=lambda: {"": Token("")})
    input: Mapping[str, Any] = field(default_factory=dict)
    records: tuple[StepRecord, ...] = ()
    undos: tuple[Undo, ...] = ()
    trace: tuple[str, ...] = ()
    result: Mapping[str, Any] = field(default_factory=dict)
    error: Mapping[str, Any] = field(default_factory=dict)
    cost_micro: int = 0
    currency: str = ""
    tokens_used: int = 0

    @property
    def cursor(self) -> str:
        """Return where the run's own line of execution stands."""
        return self.tokens[""].cursor

    @property
    def values(self) -> Mapping[str, Any]:
        """Return what the run's own line of execution has set."""
        return self.tokens[""].values

    @property
    def waits(self) -> dict[str, Wait]:
        """Map the key of each open wait to it."""
        return {token.wait.key: token.wait for token in self.tokens.values() if token.wait}

    @property
    def outputs(self) -> dict[str, Mapping[str, Any]]:
        """Map each completed step to its latest output."""
        return self.outputs_in("")

    def latest(self, kind: str, scope: str = "") -> Mapping[str, Any] | None:
        """Return the output of the last completed step of a kind that a scope can see."""
        for record in reversed(self.records):
            is_done = record.kind == kind and record.outcome is EventType.STEP_COMPLETED
            if is_done and self._sees(scope, record.scope):
                return record.output
        return None

    def outputs_back(self, scope: str = "") -> Iterator[Mapping[str, Any]]:
        """Yield the outputs of completed steps that a scope can see, the last one first."""
        for record in reversed(self.records):
            if record.outcome is EventType.STEP_COMPLETED and self._sees(scope, record.scope):
                yield record.output

    def outputs_in(self, scope: str) -> dict[str, Mapping[str, Any]]:
        """Map each completed step that a scope can see to its latest output."""
        return {
            record.step_id: record.output
            for record in self.records
            if record.outcome is EventType.STEP_COMPLETED and self._sees(scope, record.scope)
        }

    def outputs_within(self, scope: str) -> dict[str, Mapping[str, Any]]:
        """Map each step completed in exactly this scope to its latest output."""
        return {
            record.step_id: record.output
            for record in self.records
            if record.outcome is EventType.STEP_COMPLETED and record.scope == scope
        }

    def values_in(self, scope: str) -> dict[str, Any]:
        """Return what is set in a scope: its own values over those around it."""
        values: dict[str, Any] = {}
        for around in scopes_above(scope):
            token = self.tokens[around]
            values = {**token.values, **values}
            if token.input is not None:
                break
        return values

    def input_of(self, scope: str) -> Mapping[str, Any]:
        """Return the input a scope works on: the run's, or that of the sub-workflow it is in."""
        for around in scopes_above(scope):
            found = self.tokens[around].input
            if found is not None:
                return found
        return self.input

    def workflow_of(self, scope: str) -> tuple[str, str]:
        """Return (workflow, content hash) of the sub-workflow a scope is in; ("", "") for none."""
        for around in scopes_above(scope):
            token = self.tokens[around]
            if token.content_hash:
                return token.workflow, token.content_hash
        return "", ""

    def visits(self, scope: str, step_id: str) -> int:
        """Count how often a step was done, skipped or failed in a scope."""
        return sum(r.step_id == step_id and r.scope == scope for r in self.records)

    def ready(self, within: str = "") -> list[str]:
        """Return the scopes in which a worker may go on, in a steady order."""
        return sorted(
            scope
            for scope, token in self.tokens.items()
            if token.is_ready and scope_is_within(scope, within)
        )

    def _sees(self, scope: str, other: str) -> bool:
        """Tell whether what happened in ``other`` is known in ``scope``.

        It is unless ``other`` belongs to a branch that still goes on beside it, or one of the two
        is in a sub-workflow that the other is not in.
        """
        if not other and not scope:
            return True
        if self._sub_workflow(scope) != self._sub_workflow(other):
            return False
        return all(
            scope_is_within(scope, branch)
            for branch in scopes_above(other)
            if branch in self.tokens
        )

    def _sub_workflow(self, scope: str) -> str:
        """Return the scope of the sub-workflow a scope is or was in; its name ends with a mark."""
        return next((s for s in scopes_above(scope) if s.endswith(f"/{SUB_WORKFLOW}")), "")


# No branch or index is called so: names are words, indices numbers.
SUB_WORKFLOW = "@"
