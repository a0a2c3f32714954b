"""Read YAML into plain data and remember where each value stood.

The reader is stricter than YAML: one document, string keys, no aliases, no tags, no duplicate keys,
and the plain scalars of YAML 1.2 (``on`` and ``no`` are words, not booleans).
"""

import re
from dataclasses import dataclass, replace
from typing import Any, Protocol

import yaml

from workflows.spec.document import Document, Path, Position, Scalar, Tree, document_of, pointer
from workflows.spec.errors import MAX_PROBLEMS, SpecError, SpecProblem

MAX_BYTES = 128 * 1024
MAX_DEPTH = 24
MAX_EVENTS = 40_000

# libyaml reads twenty times as fast; without it PyYAML's own parser does the same.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# Characters that turn the direction of text round (CVE-2021-42574), and those YAML 1.1 forbids.
_DIRECTION = re.compile("[\u202a-\u202e\u2066-\u2069]")
_NOT_ALLOWED = re.compile(
    "[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|" + _DIRECTION.pattern
)
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
    filename = label or filename
    text = _decode(source, filename)
    _check_characters(text, filename)
    builder = _Builder(label)
    try:
        for count, event in enumerate(yaml.parse(text, Loader=_LOADER)):
            builder.take(event, count)
            if len(builder.problems) == MAX_PROBLEMS:
                break
    except yaml.MarkedYAMLError as error:
        raise SpecError([_syntax_problem(error)], filename) from error
    except _Refused as refused:
        raise SpecError([refused.problem], filename) from refused
    if builder.root is None:
        raise SpecError([SpecProblem(1, 1, "", "The file is empty.")], filename)
    if builder.problems:
        raise SpecError(builder.problems, filename)
    return builder.root


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


def _check_characters(text: str, filename: str) -> None:
    """Refuse what YAML does not allow, and what makes a text look other than it is."""
    found = _NOT_ALLOWED.search(text)
    if found is None:
        return
    line, column = _line_and_column(text, found.start())
    code = f"U+{ord(found[0]):04X}"
    message = f"The character {code} is not allowed in YAML."
    if _DIRECTION.match(found[0]):
        message = f"The character {code} is not accepted: it hides the order of the text."
    raise SpecError([SpecProblem(line, column, "", message)], filename)


class _Refused(Exception):
    """What is expensive or ambiguous: the rest of the text is not read."""

    def __init__(self, event: yaml.Event, message: str) -> None:
        super().__init__(message)
        self.problem = SpecProblem(*_place(event.start_mark), "", message)


@dataclass(slots=True)
class _Open:
    """A list or mapping whose end has not come; ``key`` is the one that waits for its value.

    Values whose key cannot be used are read, for their own mistakes, and dropped.
    """

    tree: Tree
    key: str = ""
    has_key: bool = False
    is_dropped: bool = False


class _Builder:
    """Makes a tree of the parser's events in one pass, so that large files cost little."""

    def __init__(self, label: str) -> None:
        self.label = label
        self.root: Tree | None = None
        self.problems: list[SpecProblem] = []
        self.open: list[_Open] = []
        self.documents = 0

    def take(self, event: yaml.Event, count: int) -> None:
        """Add what an event says; raises ``_Refused``."""
        self.documents += isinstance(event, yaml.DocumentStartEvent)
        message = _refusal(event, self.documents, count)
        if message:
            raise _Refused(event, message)
        if isinstance(event, yaml.CollectionEndEvent):
            self.open.pop()
        elif isinstance(event, yaml.NodeEvent):
            self._value(event)

    def _value(self, event: yaml.NodeEvent) -> None:
        top = self.open[-1] if self.open else None
        if top is not None and isinstance(top.tree.data, dict) and not top.has_key:
            self._key(event, top)
            return
        if len(self.open) >= MAX_DEPTH and isinstance(event, yaml.CollectionStartEvent):
            raise _Refused(event, f"Nested more than {MAX_DEPTH} levels deep.")
        tree = Tree(_position(event, self._path(top), self.label), _empty(event))
        if top is None:
            self.root = tree
        elif isinstance(top.tree.data, list):
            top.tree.data.append(tree)
        elif isinstance(top.tree.data, dict):
            if not top.is_dropped:
                top.tree.data[top.key] = tree
            top.has_key = False
        if isinstance(event, yaml.CollectionStartEvent):
            self.open.append(_Open(tree))

    def _key(self, event: yaml.NodeEvent, top: _Open) -> None:
        """Note the key for the value that follows; a list or mapping as a key ends the reading."""
        at, path = _position(event, (), self.label), top.tree.at.origin
        key = _scalar(event) if isinstance(event, yaml.ScalarEvent) else None
        message = "" if isinstance(key, str) else "Keys must be words."
        if isinstance(key, str):
            path = (*path, key)
            if key in top.tree.keys:
                first = top.tree.keys[key].line
                message = f"Duplicate key '{key}': it already stands on line {first}."
        if message:
            self.problems.append(SpecProblem(at.line, at.column, pointer(path), message))
        if not isinstance(event, yaml.ScalarEvent):
            raise _Refused(event, "Keys must be words.")
        top.key, top.has_key, top.is_dropped = str(key), True, bool(message)
        if not message:
            top.tree.keys[top.key] = replace(at, origin=path)

    def _path(self, top: _Open | None) -> Path:
        if top is None:
            return ()
        inner = len(top.tree.data) if isinstance(top.tree.data, list) else top.key
        return (*top.tree.at.origin, inner)


def _refusal(event: yaml.Event, documents: int, count: int) -> str:
    if isinstance(event, yaml.AliasEvent):
        return "Aliases (*name) are not accepted: write the value out."
    if isinstance(event, yaml.NodeEvent) and event.anchor:
        return "Anchors (&name) are not accepted: write the value out."
    if getattr(event, "tag", None):
        return "Tags (!name) are not accepted."
    if documents > 1:
        return "One file holds one workflow: a second document starts here."
    return f"More than {MAX_EVENTS} values in one file." if count > MAX_EVENTS else ""


def _empty(event: yaml.NodeEvent) -> Any:
    if isinstance(event, yaml.ScalarEvent):
        return _scalar(event)
    return {} if isinstance(event, yaml.MappingStartEvent) else []


def _position(event: yaml.NodeEvent, path: Path, label: str) -> Position:
    return Position(*_place(event.start_mark), _inset(event), label, path)


def _place(mark: _Mark | None) -> tuple[int, int]:
    return (mark.line + 1, mark.column + 1) if mark else (1, 1)


def _inset(event: yaml.NodeEvent) -> int | None:
    """Return how far into a scalar its text begins, if it stands on one line as it will be read."""
    start, end = event.start_mark, event.end_mark
    if not isinstance(event, yaml.ScalarEvent) or start is None or end is None:
        return None
    quote = 1 if event.style in ("'", '"') else 0
    is_verbatim = end.column - start.column == len(event.value) + 2 * quote
    return quote if start.line == end.line and is_verbatim else None


def _scalar(event: yaml.ScalarEvent) -> Scalar:
    value = str(event.value)
    if event.style:
        return value
    if value in _WORDS:
        return _WORDS[value]
    if _INTEGER.fullmatch(value) and len(value) <= 18:
        return int(value)
    if _FLOAT.fullmatch(value):
        return float(value)
    return value
