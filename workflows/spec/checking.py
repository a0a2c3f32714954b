"""Check data against a pydantic model and say where in the file each mistake stands."""

from typing import TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from workflows.spec.document import Document, Path, Scope
from workflows.spec.errors import MAX_PROBLEMS, SpecProblem

ModelT = TypeVar("ModelT", bound=BaseModel)


def validate(
    model: type[ModelT],
    data: object,
    document: Document,
    path: Path,
    scope: Scope | None = None,
) -> tuple[ModelT | None, list[SpecProblem]]:
    """Return the model, or None and every problem found in the data that stands at ``path``.

    A ``scope`` says what the steps are called in the document that the data names otherwise.
    """
    try:
        return model.model_validate(data, context=scope), []
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[:MAX_PROBLEMS]
        return None, [_problem(item, document, path) for item in first]


def _problem(error: ErrorDetails, document: Document, path: Path) -> SpecProblem:
    context = error.get("ctx", {})
    loc = [part for part in error["loc"] if not str(part).startswith("(")]
    at: Path = (*path, *loc, *context.get("at", ()))
    match error["type"]:
        case "extra_forbidden":
            message, key = f"Unknown key '{at[-1]}'.", True
        case "missing":
            message, key = f"The key '{at[-1]}' is missing.", False
        case "model_type" | "dict_type":
            message, key = "Here must stand a mapping (key: value).", False
        case _:
            message, key = error["msg"], False
    # A mapping's key that is itself wrong: pydantic marks it with a part of its own.
    if at and at[-1] == "[key]":
        at, key = at[:-1], True
    return document.problem(at, message, key=key, offset=context.get("offset"))
