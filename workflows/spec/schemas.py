"""Check the JSON Schemas that a workflow holds (draft 2020-12, without what could be costly)."""

from collections.abc import Iterator
from typing import Any

from jsonschema import Draft202012Validator

from workflows.spec.document import Document, Path
from workflows.spec.errors import SpecProblem

# A reference may fetch from elsewhere or go round in circles; a pattern may take a worker minutes.
REFUSED = frozenset(
    {"$ref", "$dynamicRef", "$id", "$anchor", "$dynamicAnchor", "pattern", "patternProperties"}
)
# Below these stand data, or names that somebody chose, not keywords.
_DATA = frozenset({"const", "enum", "default", "examples"})
_NAMED = frozenset({"properties", "$defs", "dependentSchemas"})

_META = Draft202012Validator(Draft202012Validator.META_SCHEMA)


def schema_problems(schema: dict[str, Any], path: Path, document: Document) -> list[SpecProblem]:
    """Find what is wrong with a schema that stands at ``path``."""
    problems = [
        document.problem((*path, *at), f"The keyword '{at[-1]}' is not accepted here.", key=True)
        for at in _refused(schema, ())
    ]
    for error in _META.iter_errors(schema):
        at = (*path, *error.absolute_path)
        problems.append(document.problem(at, f"Not a JSON Schema: {error.message[:300]}."))
    if not problems and schema.get("type", "object") != "object":
        problems.append(document.problem((*path, "type"), "It describes an object: the values."))
    return problems


def _refused(schema: object, at: Path) -> Iterator[Path]:
    if isinstance(schema, list):
        for index, item in enumerate(schema):
            yield from _refused(item, (*at, index))
    if not isinstance(schema, dict):
        return
    for key, item in schema.items():
        if key in REFUSED:
            yield (*at, key)
        elif key in _NAMED and isinstance(item, dict):
            for name, inner in item.items():
                yield from _refused(inner, (*at, key, name))
        elif key not in _DATA:
            yield from _refused(item, (*at, key))
