"""What differs between two texts of a workflow: line by line, and step by step. Pure.

The lines are compared by Python's ``difflib`` (Ratcliff and Obershelp's gestalt matching), the
steps by id: one is changed when anything it says differs, apart from the steps in its bodies,
which are compared themselves.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import unified_diff
from typing import Any

from workflows.spec.errors import SpecError
from workflows.spec.source import read


@dataclass(frozen=True, slots=True)
class VersionDiff:
    """Lines of a unified diff, and step ids in the order of the texts.

    ``is_readable`` is false when one of the texts is no YAML; there are no steps to compare then.
    """

    lines: tuple[str, ...]
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    is_readable: bool = True

    @property
    def unified(self) -> str:
        """Return the unified diff as one text."""
        return "".join(f"{line}\n" for line in self.lines)


def texts_compare(before: str, after: str, *, names: tuple[str, str]) -> VersionDiff:
    """Compare two texts; ``names`` head the unified diff."""
    lines = tuple(unified_diff(before.splitlines(), after.splitlines(), *names, lineterm="", n=3))
    try:
        old, new = steps_written(before), steps_written(after)
    except SpecError:
        return VersionDiff(lines, is_readable=False)
    return VersionDiff(
        lines,
        added=tuple(step for step in new if step not in old),
        removed=tuple(step for step in old if step not in new),
        changed=tuple(step for step in new if step in old and new[step] != old[step]),
    )


def steps_written(source: str) -> dict[str, Any]:
    """Map the id of each step a text holds, in bodies too, to what is written of it alone.

    Raises ``SpecError`` for what is no YAML.
    """
    return {step["id"]: _alone(step) for step in _steps(read(source).data)}


def _steps(data: Any) -> Iterator[Mapping[str, Any]]:
    """Walk every step: a mapping with an id and a type."""
    if _is_step(data):
        yield data
    parts = data.values() if isinstance(data, dict) else data if isinstance(data, list) else ()
    for part in parts:
        yield from _steps(part)


def _is_step(data: Any) -> bool:
    return isinstance(data, dict) and all(isinstance(data.get(key), str) for key in ("id", "type"))


def _alone(data: Any, *, is_inner: bool = False) -> Any:
    """Return what is written, with an inner step's id in its place."""
    if is_inner and _is_step(data):
        return data["id"]
    if isinstance(data, dict):
        return {key: _alone(value, is_inner=True) for key, value in data.items()}
    return [_alone(item, is_inner=True) for item in data] if isinstance(data, list) else data
