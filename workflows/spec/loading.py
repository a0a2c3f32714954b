"""Turn the text of a workflow into a graph, or into every problem found in it."""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from workflows.spec.conditions import Condition
from workflows.spec.errors import SpecError, SpecProblem
from workflows.spec.graph import Edge, Graph, Node, order_problems, unknown_targets
from workflows.spec.kinds import END, StepKind, conditions_in, targets_in
from workflows.spec.models import StepSpec, WorkflowSpec
from workflows.spec.source import Document, Path, read

ModelT = TypeVar("ModelT", bound=BaseModel)
RUN_NAMES = frozenset({"text", "channel", "input", "steps"})


def content_hash(source: str) -> str:
    """Identify a workflow by the SHA-256 of its exact text."""
    return hashlib.sha256(source.encode("utf-8", "surrogatepass")).hexdigest()


def load(source: str, kinds: Mapping[str, StepKind], *, filename: str = "workflow.yaml") -> Graph:
    """Check a workflow and compile its graph; raises ``SpecError`` with located problems."""
    document = read(source, filename)
    spec, problems = _validate(WorkflowSpec, document.data, document, ())
    if spec is None:
        raise SpecError(problems, filename)
    nodes = _nodes(spec, kinds, document, problems)
    used = kinds.values() if problems else [node.kind for node in nodes.values()]
    problems += _unknown_names(nodes, used, document)
    problems += unknown_targets(nodes, _written_ids(spec), document)
    if not problems:
        problems = order_problems(nodes, document)
    if problems:
        raise SpecError(problems, filename)
    return Graph(
        name=spec.name,
        version=spec.version,
        description=spec.description,
        content_hash=content_hash(source),
        source=source,
        nodes=nodes,
    )


def _nodes(
    spec: WorkflowSpec,
    kinds: Mapping[str, StepKind],
    document: Document,
    problems: list[SpecProblem],
) -> dict[str, Node]:
    steps: list[StepSpec | None] = []
    for index, written in enumerate(spec.steps):
        step, found = _validate(StepSpec, written, document, ("steps", index))
        problems += found
        steps.append(step)
    nodes: dict[str, Node] = {}
    for index, (step, following) in enumerate(pairwise([*steps, None])):
        if step is None:
            continue
        problems += _id_problems(step, index, nodes, document)
        node = _node(step, index, following.id if following else END, kinds, document, problems)
        if node is not None:
            nodes.setdefault(node.id, node)
    return nodes


def _written_ids(spec: WorkflowSpec) -> list[str]:
    return [str(step["id"]) for step in spec.steps if isinstance(step, dict) and "id" in step]


def _id_problems(
    step: StepSpec, index: int, nodes: Mapping[str, Node], document: Document
) -> Iterator[SpecProblem]:
    path = ("steps", index, "id")
    if step.id == END:
        yield document.problem(path, f"'{END}' means the end of the run and cannot name a step.")
    if step.id in nodes:
        first = document.position(("steps", nodes[step.id].index, "id")).line
        message = f"The step '{step.id}' already stands on line {first}."
        yield document.problem(path, message)


def _node(
    step: StepSpec,
    index: int,
    after: str,
    kinds: Mapping[str, StepKind],
    document: Document,
    problems: list[SpecProblem],
) -> Node | None:
    path: Path = ("steps", index)
    kind = kinds.get(step.type)
    if kind is None:
        message = f"Unknown step type '{step.type}' (known: {', '.join(sorted(kinds))})."
        problems.append(document.problem((*path, "type"), message))
        return None
    config, found = _validate(kind.config, step.config, document, (*path, "config"))
    problems += found
    if step.next and (kind.ends or kind.jumps):
        message = f"A '{kind.name}' step decides itself what follows: 'next' has no effect here."
        problems.append(document.problem((*path, "next"), message, key=True))
    if config is None:
        return None
    following = END if kind.ends or kind.jumps else step.next or after
    return Node(
        index=index,
        id=step.id,
        kind=kind,
        config=config,
        description=step.description,
        condition=step.guard,
        next=following,
        after=after,
        edges=tuple(_edges(step, kind, path, following, after, config)),
    )


def _edges(
    step: StepSpec, kind: StepKind, path: Path, following: str, after: str, config: BaseModel
) -> Iterator[Edge]:
    if kind.jumps:
        for at, target, label in targets_in(config, (*path, "config")):
            yield Edge(step.id, target, label, at)
    else:
        yield Edge(step.id, following, "", (*path, "next"))
    if step.guard:
        yield Edge(step.id, after, "otherwise", (*path, step.guard_key))


def _validate(
    model: type[ModelT], data: object, document: Document, path: Path
) -> tuple[ModelT | None, list[SpecProblem]]:
    try:
        return model.model_validate(data), []
    except ValidationError as error:
        return None, [_problem(item, document, path) for item in error.errors(include_url=False)]


def _problem(error: ErrorDetails, document: Document, path: Path) -> SpecProblem:
    at: Path = (*path, *error["loc"])
    context = error.get("ctx", {})
    match error["type"]:
        case "extra_forbidden":
            message, key = f"Unknown key '{at[-1]}'.", True
        case "missing":
            message, key = f"The key '{at[-1]}' is missing.", False
        case "model_type" | "dict_type":
            message, key = "Here must stand a mapping (key: value).", False
        case _:
            message, key = error["msg"], False
    offset = context.get("offset")
    return document.problem(at, message, key=key, offset=offset)


def _unknown_names(
    nodes: Mapping[str, Node], used: Iterable[StepKind], document: Document
) -> list[SpecProblem]:
    """Find names in conditions that none of the step types used here sets."""
    known = RUN_NAMES.union(*(kind.exports for kind in used))
    return [
        document.problem(
            path,
            f"Unknown name '{name}' in the condition (known: {', '.join(sorted(known))}).",
            offset=_offset(condition.source, name),
        )
        for node in nodes.values()
        for path, condition in _conditions(node, document)
        for name in sorted(condition.names - known)
    ]


def _conditions(node: Node, document: Document) -> Iterator[tuple[Path, Condition]]:
    path: Path = ("steps", node.index)
    if node.condition is not None:
        spelling = "if" if (*path, "if") in document.values else "condition"
        yield (*path, spelling), node.condition
    yield from conditions_in(node.config, (*path, "config"))


def _offset(source: str, name: str) -> int:
    found = re.search(rf"(?<![.\w'\"]){re.escape(name)}\b", source)
    return found.start() if found else 0
