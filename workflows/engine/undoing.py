"""Say how to undo what a run has done, and what it may have done, nobody knows."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from workflows.engine.state import RunState, scope_is_within, scope_parent
from workflows.engine.step import scope_of
from workflows.spec.conditions import ConditionFailed
from workflows.spec.graph import Graph, Node


@dataclass(frozen=True, slots=True)
class Undoing:
    """A run as it stands, with ``graph``: what each of its scopes walks."""

    run_id: UUID
    state: RunState
    graph: Callable[[str], Graph]

    def of(self, scope: str, node: Node, payload: dict[str, Any]) -> dict[str, Any]:
        """Say how to undo a step, with what it was given and gave back.

        Where that cannot be worked out, a person has to, should it come to undoing.
        """
        assert node.compensate is not None
        visits = self.state.visits(scope, node.id)
        undo: dict[str, Any] = {
            "key": f"{self.run_id}:{scope}:{node.id}:{visits}:undo",
            "tool": node.compensate.tool,
            "input": {},
            "group": self._group(scope),
        }
        known = scope_of(self.state, node.compensate.input.names | {"steps"}, scope)
        known.update(payload.get("exports", {}))
        known["steps"][node.id] = payload["output"]
        try:
            undo["input"] = node.compensate.input.render(known)
        except ConditionFailed:
            undo["status"] = "abandoned"
        return undo

    def doubts(self, within: str = "") -> dict[str, Any]:
        """Say how to undo the calls at or inside a scope that may have acted, nobody knows.

        They are given up from the start: the run ends as stuck, and a person decides.
        """
        found = []
        for scope, token in self.state.tokens.items():
            if token.call is not None and scope_is_within(scope, within):
                node = self.graph(scope).nodes.get(token.cursor)
                if node is not None and node.compensate:
                    undo = self.of(scope, node, {"output": {}})
                    undo.update(status="abandoned", step_id=node.id, scope=scope)
                    found.append(undo)
        return {"undos": found} if found else {}

    def containers(self, scope: str) -> Iterator[tuple[str, Node]]:
        """Yield (scope, node) of each container around a scope, innermost first."""
        while scope:
            scope = scope_parent(scope)
            node = self.graph(scope).nodes.get(self.state.tokens[scope].cursor)
            if node is not None:
                yield scope, node

    def _group(self, scope: str) -> str:
        """Name the outermost parallel container around a scope; "" for none."""
        found = ""
        for around, node in self.containers(scope):
            if node.kind.name == "parallel":
                found = f"{around}/{node.id}" if around else node.id
        return found
