"""Check that conditions and values use only names that something sets, and steps that exist."""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from workflows.spec.conditions import steps_named
from workflows.spec.document import Document, Path
from workflows.spec.errors import SpecProblem
from workflows.spec.graph import Node
from workflows.spec.kinds import StepKind, conditions_in, values_in
from workflows.spec.values import Value, expression_texts

RUN_NAMES = frozenset({"text", "channel", "input", "steps"})


class _Use(NamedTuple):
    """An expression, where it stands, and how far into the text there."""

    path: Path
    source: str
    names: frozenset[str]
    offset: int
    what: str


def unknown_names(
    nodes: Mapping[str, Node],
    kinds: Mapping[str, StepKind],
    result: Mapping[str, Value],
    document: Document,
    steps: Collection[str],
    *,
    is_complete: bool,
) -> list[SpecProblem]:
    """Find names that none of the step types used here sets, and ``steps`` that do not exist.

    Where mistakes kept steps from being compiled (not ``is_complete``), those of all step types
    count as set, so that one mistake is not told twice.
    """
    known = _known(nodes, kinds, is_complete=is_complete)
    problems = []
    for node in nodes.values():
        allowed = known | _locals(node, nodes)
        scope = document.scopes.get(node.path)
        own = {*steps, *scope.names} if scope else steps
        problems += _problems(_uses(node, document), allowed, own, document)
    return problems + _problems(_in_values("result", result), known, steps, document)


def _problems(
    uses: Iterator[_Use], allowed: frozenset[str], steps: Collection[str], document: Document
) -> list[SpecProblem]:
    found = []
    for use in uses:
        for name in sorted(use.names - allowed):
            known = ", ".join(sorted(allowed))
            message = f"Unknown name '{name}' in the {use.what} (known: {known})."
            at = use.offset + _offset(use.source, name)
            found.append(document.problem(use.path, message, offset=at))
        for at, step_id in steps_named(use.source) if "steps" in use.names else ():
            if step_id not in steps:
                message = f"There is no step '{step_id}' to take a value from."
                found.append(document.problem(use.path, message, offset=use.offset + at))
    return found


def _known(
    nodes: Mapping[str, Node], kinds: Mapping[str, StepKind], *, is_complete: bool
) -> frozenset[str]:
    used = [node.kind for node in nodes.values()] if is_complete else list(kinds.values())
    set_here = [node.kind.exports_of(node.config) for node in nodes.values()]
    caught = {"error"} if any(node.policy.catches for node in nodes.values()) else set()
    return RUN_NAMES.union(caught, *(kind.exports for kind in used), *set_here)


def _locals(node: Node, nodes: Mapping[str, Node]) -> frozenset[str]:
    """Return what the containers around a step, and the step itself, give to their bodies."""
    found = node.kind.locals_of(node.config)
    while node.container in nodes:
        node = nodes[node.container]
        found |= node.kind.locals_of(node.config)
    return found


def _uses(node: Node, document: Document) -> Iterator[_Use]:
    if node.condition is not None:
        spelling = "if" if (*node.path, "if") in document.values else "condition"
        condition = node.condition
        yield _Use((*node.path, spelling), condition.source, condition.names, 0, "condition")
    config: Path = (*node.path, "config")
    for path, condition in conditions_in(node.config, config):
        yield _Use(path, condition.source, condition.names, 0, "condition")
    for path, value in values_in(node.config, config):
        if isinstance(value, Value):
            yield from _in_value(path, value)
        else:
            yield _Use(path, value.source, value.names, 0, "expression")
    if node.compensate is not None:
        yield from _in_value((*node.path, "compensate", "input"), node.compensate.input)


def _in_values(key: str, values: Mapping[str, Value]) -> Iterator[_Use]:
    for name, value in values.items():
        yield from _in_value((key, name), value)


def _in_value(path: Path, value: Value) -> Iterator[_Use]:
    for at, _text, offset, expression in expression_texts(value.source) if value.names else ():
        yield _Use((*path, *at), expression.source, expression.names, offset, "value")


def _offset(source: str, name: str) -> int:
    found = re.search(rf"(?<![.\w'\"]){re.escape(name)}\b", source)
    return found.start() if found else 0
