"""Overlays: what a workspace adds to, replaces in and removes from a workflow, by step id."""

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from workflows.spec.checking import validate
from workflows.spec.document import Tree, document_of
from workflows.spec.errors import SpecError, SpecProblem
from workflows.spec.kinds import StepKind
from workflows.spec.models import Name, Part, Text
from workflows.spec.source import parse
from workflows.spec.trees import bodies_under, root_bodies

LABEL = "overlay.yaml"
MAX_CHANGES = 100


class AddSpec(Part):
    """Steps to put before or after another."""

    before: Name | None = None
    after: Name | None = None
    steps: Annotated[list[Any], Field(min_length=1)]

    @model_validator(mode="after")
    def _has_one_place(self) -> Self:
        if (self.before is None) == (self.after is None):
            raise PydanticCustomError("place", "Give 'before' or 'after', and not both.")
        return self


class OverlaySpec(Part):
    """An overlay's file."""

    overlay_of: Name
    description: Text = ""
    use: Annotated[list[Name], Field(max_length=50)] = Field(default_factory=list)
    add: Annotated[list[AddSpec], Field(max_length=MAX_CHANGES)] = Field(default_factory=list)
    replace: Annotated[list[dict[str, Any]], Field(max_length=MAX_CHANGES)] = Field(
        default_factory=list
    )
    remove: Annotated[list[Name], Field(max_length=MAX_CHANGES)] = Field(default_factory=list)


def overlay_apply(root: Tree, source: str, kinds: Mapping[str, StepKind]) -> list[SpecProblem]:
    """Change a workflow's tree as an overlay says: remove, then replace, then add.

    Returns what is wrong; raises ``SpecError`` if the overlay itself cannot be read.
    """
    overlay = parse(source, label=LABEL)
    spec, problems = validate(OverlaySpec, overlay.plain(), document_of(overlay), ())
    if spec is None:
        raise SpecError(problems, LABEL)
    change = _Change(root, kinds)
    if spec.overlay_of != root.text("name"):
        place = overlay.get("overlay_of") or overlay
        change.problems.append(place.problem(f"The workflow is named '{root.text('name')}'."))
    for item in _items(overlay, "remove"):
        change.remove(item)
    for item in _items(overlay, "replace"):
        change.replace(item)
    for item in _items(overlay, "add"):
        change.add(item)
    _join_use(root, overlay)
    return change.problems


class _Change:
    """Edits of one tree, and what could not be done."""

    def __init__(self, root: Tree, kinds: Mapping[str, StepKind]) -> None:
        self.root = root
        self.kinds = kinds
        self.problems: list[SpecProblem] = []

    def remove(self, item: Tree) -> None:
        """Take a step out."""
        found = self._find(str(item.data), item)
        if found is not None:
            del found[0].items[found[1]]

    def replace(self, item: Tree) -> None:
        """Put a whole step in the place of the one with its id."""
        found = self._find(item.text("id"), item.get("id") or item)
        if found is not None:
            found[0].items[found[1]] = item

    def add(self, item: Tree) -> None:
        """Put steps before or after another."""
        place = item.get("before") or item.get("after") or item
        found = self._find(str(place.data), place)
        steps = item.get("steps")
        if found is not None and steps is not None:
            at = found[1] + (item.get("before") is None)
            found[0].items[at:at] = steps.items

    def _find(self, step_id: str, place: Tree) -> tuple[Tree, int] | None:
        for top in root_bodies(self.root):
            for body in bodies_under(top, self.kinds):
                for index, step in enumerate(body.items):
                    if step_id and step.text("id") == step_id:
                        return body, index
        self.problems.append(place.problem(f"The workflow has no step '{step_id}'."))
        return None


def _items(overlay: Tree, key: str) -> list[Tree]:
    found = overlay.get(key)
    return found.items if found is not None else []


def _join_use(root: Tree, overlay: Tree) -> None:
    """Let the workflow use the fragments that the overlay says it uses."""
    extra = overlay.get("use")
    if extra is None or not isinstance(root.data, dict):
        return
    own = root.get("use")
    items = [*(own.items if own is not None else []), *extra.items]
    root.data["use"] = Tree(own.at if own is not None else extra.at, items)
    root.keys.setdefault("use", extra.at)
