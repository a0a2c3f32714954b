"""Check that conditions and values use only names that something sets."""

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from workflows.spec.document import Document, Path
from workflows.spec.errors import SpecProblem
from workflows.spec.graph import Node
from workflows.spec.kinds import StepKind, conditions_in, values_in
from workflows.spec.values import Value, expression_texts

RUN_NAMES = frozenset({"text", "channel", "input", "steps"})


class _Use(NamedTuple):
    """A name that a text uses, and where."""

    path: Path
    name: str
    offset: int
    what: str


def unknown_names(
    nodes: Mapping[str, Node],
    kinds: Mapping[str, StepKind],
    result: Mapping[str, Value],
    document: Document,
    *,
    is_complete: bool,
) -> list[SpecProblem]:
    """Find names that none of the step types used here sets.

    Where mistakes kept steps from being compiled (not ``is_complete``), those of all step types
    count as set, so that one mistake is not told twice.
    """
    known = _known(nodes, kinds, is_complete=is_complete)
    problems = []
    for node in nodes.values():
        allowed = known | _locals(node, nodes)
        problems += _problems(_uses(node, document), allowed, document)
    return problems + _problems(_result_uses(result), known, document)


def _problems(
    uses: Iterator[_Use], allowed: frozenset[str], document: Document
) -> list[SpecProblem]:
    listed = ", ".join(sorted(allowed))
    return [
        document.problem(
            use.path,
            f"Unknown name '{use.name}' in the {use.what} (known: {listed}).",
            offset=use.offset,
        )
        for use in uses
        if use.name not in allowed
    ]


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
        yield from _in_text((*node.path, spelling), node.condition.source, node.condition.names)
    for path, condition in conditions_in(node.config, (*node.path, "config")):
        yield from _in_text(path, condition.source, condition.names)
    for path, value in values_in(node.config, (*node.path, "config")):
        if isinstance(value, Value):
            yield from _in_value(path, value)
        else:
            yield from _in_text(path, value.source, value.names)
    if node.compensate is not None:
        yield from _in_value((*node.path, "compensate", "input"), node.compensate.input)


def _result_uses(result: Mapping[str, Value]) -> Iterator[_Use]:
    for name, value in result.items():
        yield from _in_value(("result", name), value)


def _in_text(path: Path, source: str, names: frozenset[str]) -> Iterator[_Use]:
    for name in sorted(names):
        yield _Use(path, name, _offset(source, name), "condition")


def _in_value(path: Path, value: Value) -> Iterator[_Use]:
    for at, text, offset, expression in expression_texts(value.source):
        for name in sorted(expression.names):
            yield _Use((*path, *at), name, offset + _offset(text[offset:], name), "value")


def _offset(source: str, name: str) -> int:
    found = re.search(rf"(?<![.\w'\"]){re.escape(name)}\b", source)
    return found.start() if found else 0
