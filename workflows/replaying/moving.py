"""Whether a run may go on with another version of its workflow, by a map of its steps. Pure."""

from collections.abc import Iterator, Mapping

from workflows.engine.events import RunStatus
from workflows.engine.state import RunState, Token, scope_parent
from workflows.spec.graph import Graph, Node
from workflows.spec.kinds import END

Names = Mapping[str, str]


def map_faults(old: Graph, new: Graph, names: Names) -> Iterator[tuple[str, str]]:
    """Yield (step, what is wrong) for entries that lead from nowhere, to nowhere, or two to one."""
    taken: dict[str, str] = {}
    for before, after in names.items():
        if before not in old.nodes:
            yield before, "The old version has no such step."
        elif after not in new.nodes:
            yield before, f"The new version has no step '{after}'."
        elif fault := _kind_fault(old.nodes[before], new.nodes[after]):
            yield before, fault
        elif after in taken:
            yield before, f"'{taken[after]}' leads to '{after}' too."
        elif after != before and after in old.nodes and names.get(after, after) == after:
            yield before, f"The old version has a step '{after}' of its own."
        taken.setdefault(after, before)


def move_fault(state: RunState, old: Graph, new: Graph, names: Names) -> str:
    """Say why a run cannot be moved, "" if it can.

    Each place it stands at must be in the map, or be the same step (id, type, tool, body) in both.
    """
    if state.status not in {RunStatus.RUNNING, RunStatus.WAITING}:
        return f"It is {state.status}: what it did is being undone."
    faults = (
        _token_fault(state, scope, token, (old, new), names)
        for scope, token in state.tokens.items()
        if not state.workflow_of(scope)[1] and token.cursor != END
    )
    return next(filter(None, faults), "")


def _token_fault(
    state: RunState, scope: str, token: Token, graphs: tuple[Graph, Graph], names: Names
) -> str:
    before, after = token.cursor, names.get(token.cursor, token.cursor)
    old, new = graphs[0].nodes.get(before), graphs[1].nodes.get(after)
    if old is None or new is None:
        return f"It stands at '{before}', which is not in the map."
    if fault := _kind_fault(old, new):
        return f"It stands at '{before}': {fault}"
    if old.body != new.body:
        return f"It stands at '{before}', inside '{old.body}'; '{after}' is elsewhere."
    if before != after and (token.open or token.finished):
        return f"It is inside '{before}', which keeps its name until it is through."
    if before != after and (token.call is not None or token.attempt):
        return f"'{before}' was begun and is named by its key: it keeps its name until it is done."
    return _around_fault(state, scope, names)


def _around_fault(state: RunState, scope: str, names: Names) -> str:
    """Look at the container around a place: its name is part of the place's own."""
    if not scope:
        return ""
    container = state.tokens[scope_parent(scope)].cursor
    if names.get(container, container) != container:
        return f"It is inside '{container}', which keeps its name until it is through."
    return ""


def _kind_fault(old: Node, new: Node) -> str:
    if old.kind.name != new.kind.name:
        return f"'{old.id}' is a {old.kind.name}, '{new.id}' a {new.kind.name}."
    if old.tool != new.tool:
        return f"'{old.id}' calls {old.tool}, '{new.id}' {new.tool}."
    return ""
