"""What the language knows about a step type: its config and how it leaves the step."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, ConfigDict
from pydantic.fields import FieldInfo

from workflows.spec.conditions import Condition
from workflows.spec.source import Path

END = "end"


class StepConfig(BaseModel):
    """Base of every step's config: unknown keys and loose types are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


@dataclass(frozen=True, slots=True)
class TargetMark:
    """Marks a config field that names another step."""


Target = Annotated[str, TargetMark()]


@dataclass(frozen=True, slots=True)
class StepKind:
    """A step type as the graph sees it.

    ``exports`` are the output fields that conditions may use by their bare name; ``ends`` says that
    the run is over after this step; ``jumps`` that its config, not ``next``, names what follows.
    """

    name: str
    config: type[StepConfig]
    exports: frozenset[str] = frozenset()
    ends: bool = False
    jumps: bool = False


def targets_in(model: BaseModel, path: Path = ()) -> Iterator[tuple[Path, str, str]]:
    """Yield (path, step id, label) for every field of a config that names a step."""
    for at, info, value in _fields(model, path):
        if any(isinstance(mark, TargetMark) for mark in info.metadata):
            yield at, str(value), _label(model)
        for inner, inner_path in _models(value, at):
            yield from targets_in(inner, inner_path)


def conditions_in(model: BaseModel, path: Path = ()) -> Iterator[tuple[Path, Condition]]:
    """Yield every condition of a config with its path."""
    for at, _info, value in _fields(model, path):
        if isinstance(value, Condition):
            yield at, value
        for inner, inner_path in _models(value, at):
            yield from conditions_in(inner, inner_path)


def _fields(model: BaseModel, path: Path) -> Iterator[tuple[Path, FieldInfo, object]]:
    for name, info in type(model).model_fields.items():
        yield (*path, info.alias or name), info, getattr(model, name)


def _models(value: object, path: Path) -> Iterator[tuple[BaseModel, Path]]:
    if isinstance(value, BaseModel):
        yield value, path
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            if isinstance(item, BaseModel):
                yield item, (*path, index)


def _label(model: BaseModel) -> str:
    """Describe the way out that a target field stands for by the condition beside it."""
    for _path, _info, value in _fields(model, ()):
        if isinstance(value, Condition):
            return value.source
    return "otherwise"
