"""Find the steps of a workflow before they are checked: in the tree of what was written."""

from collections.abc import Iterator, Mapping

from workflows.spec.document import Position, Tree
from workflows.spec.kinds import StepKind


def root_bodies(root: Tree) -> Iterator[Tree]:
    """Yield the lists of steps that stand in the head of a file: ``steps``, or those of states."""
    steps = root.get("steps")
    if steps is not None:
        yield steps
    states = root.get("states")
    if states is not None and isinstance(states.data, dict):
        for state in states.data.values():
            on_enter = state.get("on_enter")
            if on_enter is not None:
                yield on_enter


def inner_bodies(step: Tree, kinds: Mapping[str, StepKind]) -> Iterator[Tree]:
    """Yield the lists of steps in a step's config."""
    kind = kinds.get(step.text("type"))
    config = step.get("config")
    if kind is None or config is None:
        return
    for key in kind.body_keys:
        found = config.get(key)
        if found is not None and isinstance(found.data, dict):
            yield from found.data.values()
        elif found is not None:
            yield found


def bodies_under(body: Tree, kinds: Mapping[str, StepKind]) -> Iterator[Tree]:
    """Yield a list of steps and every list inside it."""
    yield body
    for step in body.items:
        for inner in inner_bodies(step, kinds):
            yield from bodies_under(inner, kinds)


def ids_in(body: Tree, kinds: Mapping[str, StepKind]) -> list[str]:
    """Return the ids of all steps of a list, also of those inside steps, in order."""
    return [
        step.text("id")
        for inner in bodies_under(body, kinds)
        for step in inner.items
        if step.text("id")
    ]


def made(at: Position, **entries: Tree) -> Tree:
    """Return a mapping that nobody wrote, standing at the place it stems from."""
    return Tree(at, dict(entries), {key: item.at for key, item in entries.items()})
