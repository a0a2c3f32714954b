"""What the language knows about a step type: its config, its bodies and how it leaves the step."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo
from pydantic.fields import FieldInfo

from workflows.spec.conditions import Condition
from workflows.spec.document import Path, Scope
from workflows.spec.values import Expression, Json, Value

END = "end"
# Step types that the language itself means: a tool is named beside the config, and so on.
TOOL, LLM, REPLY, BRANCH = "tool", "llm", "reply", "branch"
MAX_BRANCHES = 20


class StepConfig(BaseModel):
    """Base of every step's config: unknown keys and loose types are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class FreeConfig(StepConfig):
    """A config of any keys, whose values may hold expressions: what a tool is given."""

    model_config = ConfigDict(extra="allow", frozen=True, strict=True)
    __pydantic_extra__: dict[str, Value]

    @property
    def values(self) -> Mapping[str, Value]:
        """Everything that was given, by its key."""
        return self.__pydantic_extra__

    def render(self, scope: Mapping[str, Any]) -> dict[str, Json]:
        """Fill in the expressions; raises ``ConditionFailed`` if one of them gives no JSON."""
        return {key: value.render(scope) for key, value in self.values.items()}


@dataclass(frozen=True, slots=True)
class TargetMark:
    """Marks a config field that names another step."""


@dataclass(frozen=True, slots=True)
class BodyMark:
    """Marks a config field that holds steps: a list, or lists by the name of their branch."""


def in_document(step_id: str, info: ValidationInfo) -> str:
    """Return what a step is called in the whole document, where a fragment calls it otherwise."""
    scope = info.context
    if not isinstance(scope, Scope):
        return step_id
    return scope.exit if step_id == END else scope.names.get(step_id, step_id)


Target = Annotated[str, TargetMark(), AfterValidator(in_document)]
Body = Annotated[list[Any], BodyMark(), Field(min_length=1)]
Bodies = Annotated[
    dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")], Body],
    BodyMark(),
    Field(min_length=1, max_length=MAX_BRANCHES),
]


def _no_names(_config: Any) -> frozenset[str]:
    return frozenset()


@dataclass(frozen=True, slots=True)
class StepKind:
    """A step type as the graph sees it.

    ``exports`` are the output fields that conditions may use by their bare name; ``ends`` says that
    the run is over after this step; ``jumps`` that its config, not ``next``, names what follows.
    ``exports_of`` gives the further names that a config sets, ``locals_of`` those that it gives to
    the steps of its own body. ``waits`` says that the step may stand still for a person or a time.
    """

    name: str
    config: type[StepConfig]
    exports: frozenset[str] = frozenset()
    ends: bool = False
    jumps: bool = False
    exports_of: Callable[[Any], frozenset[str]] = _no_names
    locals_of: Callable[[Any], frozenset[str]] = _no_names
    has_side_effects: bool = False
    waits: bool = False

    @property
    def takes_model(self) -> bool:
        """Tell whether the step may name a model."""
        return "model" in self.config.model_fields

    @property
    def body_keys(self) -> tuple[str, ...]:
        """The keys of the config that hold steps."""
        fields = self.config.model_fields.items()
        return tuple(info.alias or name for name, info in fields if _has(info, BodyMark))

    @property
    def is_container(self) -> bool:
        """Tell whether the step holds steps of its own."""
        return bool(self.body_keys)


def targets_in(model: BaseModel, path: Path = ()) -> Iterator[tuple[Path, str, str]]:
    """Yield (path, step id, label) for every field of a config that names a step."""
    for at, info, value in _fields(model, path):
        if _has(info, TargetMark):
            yield at, str(value), _label(model)
        for inner, inner_path in _models(value, at):
            yield from targets_in(inner, inner_path)


def bodies_in(config: StepConfig, path: Path = ()) -> Iterator[tuple[Path, str, list[Any]]]:
    """Yield (path, branch, steps as written) for each body; a single body has no branch name."""
    for at, info, value in _fields(config, path):
        if not _has(info, BodyMark):
            continue
        if isinstance(value, dict):
            for branch, steps in value.items():
                yield (*at, branch), branch, steps
        elif isinstance(value, list):
            yield at, "", value


def conditions_in(model: BaseModel, path: Path = ()) -> Iterator[tuple[Path, Condition]]:
    """Yield every condition of a config with its path."""
    for at, value in _leaves(model, path):
        if isinstance(value, Condition):
            yield at, value


def values_in(model: BaseModel, path: Path = ()) -> Iterator[tuple[Path, Value | Expression]]:
    """Yield every value and bare expression of a config with its path."""
    for at, value in _leaves(model, path):
        if isinstance(value, Value | Expression):
            yield at, value


def _leaves(model: BaseModel, path: Path) -> Iterator[tuple[Path, object]]:
    for at, _info, value in _fields(model, path):
        yield at, value
        for inner, inner_path in _models(value, at):
            yield from _leaves(inner, inner_path)
        if isinstance(value, dict):
            yield from (((*at, key), item) for key, item in value.items())


def _fields(model: BaseModel, path: Path) -> Iterator[tuple[Path, FieldInfo, object]]:
    for name, info in type(model).model_fields.items():
        yield (*path, info.alias or name), info, getattr(model, name)
    for name, value in (model.model_extra or {}).items():
        yield (*path, name), FieldInfo(), value


def _models(value: object, path: Path) -> Iterator[tuple[BaseModel, Path]]:
    if isinstance(value, BaseModel):
        yield value, path
    elif isinstance(value, list | tuple | dict):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in items:
            if isinstance(item, BaseModel):
                yield item, (*path, key)


def _has(info: FieldInfo, mark: type[TargetMark] | type[BodyMark]) -> bool:
    return any(isinstance(item, mark) for item in info.metadata)


def _label(model: BaseModel) -> str:
    """Describe the way out that a target field stands for by the condition or value beside it."""
    for _path, info, value in _fields(model, ()):
        if isinstance(value, Condition):
            return value.source
        if isinstance(value, bool | int | float | str) and not _has(info, TargetMark):
            return str(value)
    return "otherwise"
