"""Read YAML into plain data and remember where each value stood.

The reader is stricter than YAML: one document, string keys, no aliases, no tags, no duplicate keys,
and the plain scalars of YAML 1.2 (``on`` and ``no`` are words, not booleans).
"""

import re
from typing import Protocol

import yaml

from workflows.spec.document import Document, Path, Position, Scalar, Tree, document_of, pointer
from workflows.spec.errors import SpecError, SpecProblem

MAX_BYTES = 128 * 1024
MAX_DEPTH = 24
MAX_EVENTS = 40_000

_INTEGER = re.compile(r"[-+]?[0-9]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_WORDS: dict[str, bool | None] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip


class _Mark(Protocol):
    line: int
    column: int


def read(source: str | bytes, filename: str = "workflow.yaml") -> Document:
    """Parse YAML text; raises ``SpecError`` with line and column for anything it refuses."""
    return document_of(parse(source, filename))


def parse(source: str | bytes, filename: str = "workflow.yaml", *, label: str = "") -> Tree:
    """Parse YAML text to a tree, as ``read`` does; ``label`` names a file that is joined to it."""
    text = _decode(source, label or filename)
    try:
        _check_events(text, label or filename)
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        raise SpecError([_syntax_problem(error)], label or filename) from error
    except yaml.reader.ReaderError as error:
        raise SpecError([_character_problem(text, error)], label or filename) from error
    if node is None:
        raise SpecError([SpecProblem(1, 1, "", "The file is empty.")], label or filename)
    problems: list[SpecProblem] = []
    tree = _tree(node, (), label, problems)
    if problems:
        raise SpecError(problems, label or filename)
    return tree


def _decode(source: str | bytes, filename: str) -> str:
    raw = source.encode("utf-8", "surrogatepass") if isinstance(source, str) else source
    if len(raw) > MAX_BYTES:
        message = f"The file has {len(raw)} bytes; {MAX_BYTES} is the limit."
        raise SpecError([SpecProblem(1, 1, "", message)], filename)
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8", "replace")
        line, column = _line_and_column(before, len(before))
        problem = SpecProblem(line, column, "", "The file is not valid UTF-8 from here on.")
        raise SpecError([problem], filename) from error


def _line_and_column(text: str, index: int) -> tuple[int, int]:
    return text.count("\n", 0, index) + 1, index - (text.rfind("\n", 0, index) + 1) + 1


def _syntax_problem(error: yaml.MarkedYAMLError) -> SpecProblem:
    line, column = _place(error.problem_mark or error.context_mark)
    message = ", ".join(part for part in (error.context, error.problem) if part)
    return SpecProblem(line, column, "", f"Not valid YAML: {message}.")


def _character_problem(text: str, error: yaml.reader.ReaderError) -> SpecProblem:
    line, column = _line_and_column(text, error.position)
    code = error.character if isinstance(error.character, int) else ord(error.character[:1])
    return SpecProblem(line, column, "", f"The character U+{code:04X} is not allowed in YAML.")


def _check_events(text: str, filename: str) -> None:
    """Refuse what would be expensive or ambiguous before a tree is built from it."""
    depth = documents = 0
    for count, event in enumerate(yaml.parse(text, Loader=yaml.SafeLoader)):
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        documents += isinstance(event, yaml.DocumentStartEvent)
        message = _refusal(event, depth, documents, count)
        if message:
            line, column = _place(event.start_mark)
            raise SpecError([SpecProblem(line, column, "", message)], filename)


def _refusal(event: yaml.Event, depth: int, documents: int, count: int) -> str:
    if isinstance(event, yaml.AliasEvent):
        return "Aliases (*name) are not accepted: write the value out."
    if isinstance(event, yaml.NodeEvent) and event.anchor:
        return "Anchors (&name) are not accepted: write the value out."
    if getattr(event, "tag", None):
        return "Tags (!name) are not accepted."
    if documents > 1:
        return "One file holds one workflow: a second document starts here."
    if depth > MAX_DEPTH:
        return f"Nested more than {MAX_DEPTH} levels deep."
    if count > MAX_EVENTS:
        return f"More than {MAX_EVENTS} values in one file."
    return ""


def _tree(node: yaml.Node, path: Path, label: str, problems: list[SpecProblem]) -> Tree:
    at = _position(node, path, label)
    if isinstance(node, yaml.MappingNode):
        entries = _entries(node, path, label, problems)
        keys = {key: key_at for key, key_at, _value in entries}
        values = {
            key: _tree(value, (*path, key), label, problems) for key, _key_at, value in entries
        }
        return Tree(at, values, keys)
    if isinstance(node, yaml.SequenceNode):
        items = enumerate(node.value)
        return Tree(at, [_tree(item, (*path, index), label, problems) for index, item in items])
    return Tree(at, _scalar(node))


def _entries(
    node: yaml.MappingNode, path: Path, label: str, problems: list[SpecProblem]
) -> list[tuple[str, Position, yaml.Node]]:
    """Return the entries of a mapping with usable keys, and note the others as problems."""
    seen: dict[str, tuple[str, Position, yaml.Node]] = {}
    for key_node, value_node in node.value:
        key, message = key_node.value, ""
        if not isinstance(key_node, yaml.ScalarNode) or not isinstance(_scalar(key_node), str):
            key, message = "", "Keys must be words."
        elif key in seen:
            message = f"Duplicate key '{key}': it already stands on line {seen[key][1].line}."
        at = _position(key_node, (*path, key) if key else path, label)
        if message:
            problems.append(SpecProblem(at.line, at.column, pointer(at.origin), message))
        else:
            seen[key] = (key, at, value_node)
    return list(seen.values())


def _position(node: yaml.Node, path: Path, label: str) -> Position:
    return Position(*_place(node.start_mark), _inset(node), label, path)


def _place(mark: _Mark | None) -> tuple[int, int]:
    return (mark.line + 1, mark.column + 1) if mark else (1, 1)


def _inset(node: yaml.Node) -> int | None:
    """Return how far into the node its text begins, if it stands on one line as it will be read."""
    start, end = node.start_mark, node.end_mark
    if not isinstance(node, yaml.ScalarNode) or start is None or end is None:
        return None
    quote = 1 if node.style in ("'", '"') else 0
    is_verbatim = end.column - start.column == len(node.value) + 2 * quote
    return quote if start.line == end.line and is_verbatim else None


def _scalar(node: yaml.Node) -> Scalar:
    value = str(node.value)
    if getattr(node, "style", None) is not None:
        return value
    if value in _WORDS:
        return _WORDS[value]
    if _INTEGER.fullmatch(value) and len(value) <= 18:
        return int(value)
    if _FLOAT.fullmatch(value):
        return float(value)
    return value
