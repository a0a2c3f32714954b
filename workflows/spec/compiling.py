"""Turn the steps of a workflow, also those inside steps, into nodes."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from workflows.spec.checking import validate
from workflows.spec.document import Document, Path, Scope
from workflows.spec.errors import SpecProblem
from workflows.spec.graph import ROOT, Edge, Node
from workflows.spec.header import default_retry
from workflows.spec.kinds import END, TOOL, FreeConfig, StepConfig, StepKind, bodies_in, targets_in
from workflows.spec.models import (
    MAX_STEPS,
    BudgetSpec,
    RetrySpec,
    StepSpec,
    WorkflowSpec,
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
from workflows.spec.tools import ToolFacts, input_mistakes, tool_mistake
from workflows.spec.values import Value, compile_value


class Compiler:
    """Gathers the nodes of one file, the first step of each body, and the problems found."""

    def __init__(
        self,
        kinds: Mapping[str, StepKind],
        document: Document,
        spec: WorkflowSpec,
        tools: Mapping[str, ToolFacts] | None = None,
    ) -> None:
        self.kinds = kinds
        self.tools = tools
        self.document = document
        self.retries = spec.retries
        self.default_retry = default_retry(spec)
        self.undo = {undo.step: undo.action for undo in spec.compensation}
        self.nodes: dict[str, Node] = {}
        self.entries: dict[str, str] = {}
        # The body and the place of every step that has an id, right or wrong.
        self.bodies: dict[str, str] = {}
        self.places: dict[str, Path] = {}
        self.problems: list[SpecProblem] = []

    def body(self, written: Sequence[Any], path: Path, body: str = ROOT) -> None:
        """Compile one list of steps and all lists inside it."""
        # One step too many is told; whatever follows it costs no time.
        written = written[: MAX_STEPS + 1]
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
            scope = self._scope(at)
            after = following.id if following else END
            if scope is not None and scope.last == step.id:
                after = scope.exit
            node = self._node(step, at, body, after)
            if node is not None and is_new:
                self.nodes[node.id] = node
                for inner_path, branch, inner in bodies_in(node.config, (*at, "config")):
                    self.body(inner, inner_path, f"{node.id}.{branch}" if branch else node.id)

    def _problem(self, path: Path, message: str, *, key: bool = False) -> None:
        self.problems.append(self.document.problem(path, message, key=key))

    def _scope(self, path: Path) -> Scope | None:
        return self.document.scopes.get(path)

    def _step(self, written: object, path: Path) -> StepSpec | None:
        step, found = validate(StepSpec, written, self.document, path, self._scope(path))
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
        config, found = validate(
            kind.config, step.config, self.document, (*path, "config"), self._scope(path)
        )
        self.problems += found
        self._key_problems(step, kind, path)
        policy = self._policy(step, kind, path)
        if config is None:
            return None
        if kind.name == TOOL:
            self._tool_problems(step, config, (*path, "config"))
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
            compensate=self._compensation(step, path),
            tool=step.tool or "",
            model=step.model or getattr(config, "model", None) or "",
            at=self.document.position((*path, "id")),
        )

    def _key_problems(self, step: StepSpec, kind: StepKind, path: Path) -> None:
        """Refuse keys beside the config that mean nothing to the step's type."""
        if step.next and (kind.ends or kind.jumps):
            message = f"A '{kind.name}' step decides itself what follows: 'next' has no effect."
            self._problem((*path, "next"), message, key=True)
        if step.tool and kind.name != TOOL:
            self._problem((*path, "tool"), f"A '{kind.name}' step calls no tool.", key=True)
        if step.model and not kind.takes_model:
            self._problem((*path, "model"), f"A '{kind.name}' step asks no model.", key=True)
        if step.model and "model" in step.config:
            message = "The model is named beside the config already."
            self._problem((*path, "config", "model"), message, key=True)

    def _tool_problems(self, step: StepSpec, config: StepConfig, path: Path) -> None:
        if step.tool is None:
            self._problem((*path[:-1], "tool"), "The key 'tool' is missing.")
        elif isinstance(config, FreeConfig):
            self._check_tool(step.tool, (*path[:-1], "tool"), config.values, path)

    def _check_tool(
        self, name: str, path: Path, given: Mapping[str, Value] | None, given_path: Path
    ) -> None:
        if message := tool_mistake(name, self.tools):
            self._problem(path, message)
        elif self.tools is not None and given is not None:
            for at, message in input_mistakes(given, self.tools[name]):
                self._problem((*given_path, *at), message)

    def _compensation(self, step: StepSpec, path: Path) -> Compensation | None:
        """Return what undoes a step; without an input of its own it is given the step's output."""
        output = compile_value(f"${{ steps.{step.id} }}")
        written = step.compensate
        if written is None:
            return Compensation(self.undo[step.id], output) if step.id in self.undo else None
        at: Path = (*path, "compensate")
        if step.id in self.undo:
            self._problem(at, "The list 'compensation' undoes this step already.", key=True)
        self._check_tool(written.tool, (*at, "tool"), written.input, (*at, "input"))
        given = Value.of(written.input) if written.input is not None else output
        return Compensation(written.tool, given)

    def _policy(self, step: StepSpec, kind: StepKind, path: Path) -> Policy:
        written = step.retry or (None if kind.is_container else self.default_retry)
        return Policy(
            timeout_seconds=step.timeout,
            retry=self._retry(written, (*path, "retry")),
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
