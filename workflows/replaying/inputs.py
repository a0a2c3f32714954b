"""What a step is given: by it a recorded result is known to be the result of the same work."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from workflows.engine.dumping import canonical
from workflows.engine.step import StepContext, step_get
from workflows.spec.conditions import Condition
from workflows.spec.kinds import StepConfig, bodies_in
from workflows.spec.values import Expression, Value


def given_to(context: StepContext) -> dict[str, Any]:
    """Return all that a step's outcome depends on: its tool, its config filled in, what it reads.

    Raises ``ConditionFailed`` where an expression cannot be worked out.
    """
    node = context.node
    held = {path[0] for path, _branch, _steps in bodies_in(node.config)}
    given: dict[str, Any] = {
        "config": {
            name: _filled(value, context)
            for name, value in _fields(node.config).items()
            if name not in held
        },
        **step_get(node.kind.name).reads(node.config, context),
    }
    return {"tool": node.tool, **given} if node.tool else given


def given_text(context: StepContext) -> str:
    """Return what a step is given in its one form; raises ``ConditionFailed``."""
    return canonical(given_to(context))


def _fields(model: BaseModel) -> dict[str, Any]:
    named = {
        info.alias or name: getattr(model, name) for name, info in type(model).model_fields.items()
    }
    return {**named, **(model.model_extra or {})}


def _filled(value: Any, context: StepContext) -> Any:
    """Fill in a part of a config; a condition stands for itself, it is asked when its step is."""
    match value:
        case Value():
            return context.render(value)
        case Expression():
            return context.evaluate(value)
        case Condition():
            return value.source
        case StepConfig():
            return {key: _filled(item, context) for key, item in _fields(value).items()}
        case Mapping():
            return {str(key): _filled(item, context) for key, item in value.items()}
        case list() | tuple():
            return [_filled(item, context) for item in value]
    return value
