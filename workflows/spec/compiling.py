"""Turn the steps of a workflow, also those inside steps, into nodes."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from workflows.spec.checking import validate
from workflows.spec.errors import SpecProblem
from workflows.spec.graph import ROOT, Edge, Node
from workflows.spec.kinds import END, StepConfig, StepKind, bodies_in, targets_in
from workflows.spec.models import (
    MAX_STEPS,
    BudgetSpec,
    CompensateSpec,
    RetrySpec,
    StepSpec,
)
from workflows.spec.policies import (
    Breaker,
    Budget,
    Bulkhead,
    Catch,
    Compensation,
    Policy,
    Retry,
)
from workflows.spec.source import Document, Path
from workflows.spec.values import compile_value


class Compiler:
    """Gathers the nodes of one file, the first step of each body, and the problems found."""

    def __init__(
        self,
        kinds: Mapping[str, StepKind],
        document: Document,
        retries: Mapping[str, RetrySpec],
    ) -> None:
        self.kinds = kinds
        self.document = document
        self.retries = retries
        self.nodes: dict[str, Node] = {}
        self.entries: dict[str, str] = {}
        # The body and the place of every step that has an id, right or wrong.
        self.bodies: dict[str, str] = {}
        self.places: dict[str, Path] = {}
        self.problems: list[SpecProblem] = []

    def body(self, written: Sequence[Any], path: Path, body: str = ROOT) -> None:
        """Compile one list of steps and all lists inside it."""
        steps = [self._step(item, (*path, index)) for index, item in enumerate(written)]
        for item in written:
            if isinstance(item, dict) and isinstance(item.get("id"), str):
                self.bodies.setdefault(item["id"], body)
                self.entries.setdefault(body, item["id"])
        for index, (step, following) in enumerate(pairwise([*steps, None])):
            if step is None:
                continue
            at = (*path, index)
            is_new = self._has_new_id(step, at)
            node = self._node(step, at, body, following.id if following else END)
            if node is not None and is_new:
                self.nodes[node.id] = node
                for inner_path, branch, inner in bodies_in(node.config, (*at, "config")):
                    self.body(inner, inner_path, f"{node.id}.{branch}" if branch else node.id)

    def _problem(self, path: Path, message: str, *, key: bool = False) -> None:
        self.problems.append(self.document.problem(path, message, key=key))

    def _step(self, written: object, path: Path) -> StepSpec | None:
        step, found = validate(StepSpec, written, self.document, path)
        self.problems += found
        return step

    def _has_new_id(self, step: StepSpec, path: Path) -> bool:
        at: Path = (*path, "id")
        if len(self.places) == MAX_STEPS:
            self._problem(at, f"A workflow has at most {MAX_STEPS} steps.")
        if step.id == END:
            message = f"'{END}' means the end of the run and cannot name a step."
            self._problem(at, message)
        if step.id in self.places:
            first = self.document.position(self.places[step.id]).line
            self._problem(at, f"The step '{step.id}' already stands on line {first}.")
            return False
        self.places[step.id] = at
        return True

    def _node(self, step: StepSpec, path: Path, body: str, after: str) -> Node | None:
        kind = self.kinds.get(step.type)
        if kind is None:
            known = ", ".join(sorted(self.kinds))
            self._problem((*path, "type"), f"Unknown step type '{step.type}' (known: {known}).")
            return None
        config, found = validate(kind.config, step.config, self.document, (*path, "config"))
        self.problems += found
        if step.next and (kind.ends or kind.jumps):
            message = (
                f"A '{kind.name}' step decides itself what follows: 'next' has no effect here."
            )
            self._problem((*path, "next"), message, key=True)
        policy = self._policy(step, path)
        if config is None:
            return None
        following = END if kind.ends or kind.jumps else step.next or after
        return Node(
            index=len(self.nodes),
            id=step.id,
            kind=kind,
            config=config,
            description=step.description,
            condition=step.guard,
            next=following,
            after=after,
            edges=tuple(_edges(step, kind, path, following, after, config)),
            path=path,
            body=body,
            policy=policy,
            compensate=_compensation(step.id, step.compensate),
            tool=step.tool or "",
            model=step.model or "",
        )

    def _policy(self, step: StepSpec, path: Path) -> Policy:
        return Policy(
            timeout_seconds=step.timeout,
            retry=self._retry(step.retry, (*path, "retry")),
            catches=tuple(Catch(frozenset(catch.on), catch.next) for catch in step.catch),
            budget=budget_of(step.budget),
            bulkhead=Bulkhead(step.bulkhead.name, step.bulkhead.limit) if step.bulkhead else None,
            breaker=(
                Breaker(step.breaker.name, step.breaker.failures, step.breaker.reset)
                if step.breaker
                else None
            ),
            max_visits=step.max_visits,
        )

    def _retry(self, retry: str | RetrySpec | None, path: Path) -> Retry | None:
        if isinstance(retry, str):
            if retry not in self.retries:
                known = ", ".join(sorted(self.retries)) or "none"
                message = f"There is no retry '{retry}' in 'retries' (known: {known})."
                self._problem(path, message)
            retry = self.retries.get(retry)
        if retry is None:
            return None
        return Retry(
            on=frozenset(retry.on),
            max=retry.max,
            backoff=retry.backoff,
            factor=retry.factor,
            max_backoff=retry.max_backoff,
            jitter=retry.jitter,
        )


def budget_of(budget: BudgetSpec | None) -> Budget | None:
    """Return a budget as the engine counts it."""
    return Budget(budget.wall_ms, budget.tokens, budget.cost) if budget else None


def _compensation(step_id: str, written: CompensateSpec | None) -> Compensation | None:
    if written is None:
        return None
    given = written.input or compile_value(f"${{ steps.{step_id} }}")
    return Compensation(written.tool, given)


def _edges(
    step: StepSpec, kind: StepKind, path: Path, following: str, after: str, config: StepConfig
) -> Iterator[Edge]:
    if kind.jumps:
        for at, target, label in targets_in(config, (*path, "config")):
            yield Edge(step.id, target, label, at)
    else:
        yield Edge(step.id, following, "", (*path, "next"))
    if step.guard:
        yield Edge(step.id, after, "otherwise", (*path, step.guard_key))
    for index, catch in enumerate(step.catch):
        label = f"on {', '.join(catch.on)}"
        yield Edge(step.id, catch.next, label, (*path, "catch", index, "next"))
