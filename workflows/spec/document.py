"""Plain data that remembers where it was written, as a tree and as a document."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from workflows.spec.errors import SpecProblem

PathPart: TypeAlias = str | int
Path: TypeAlias = tuple[PathPart, ...]
Scalar: TypeAlias = bool | int | float | str | None
Data: TypeAlias = "bool | int | float | str | list[Data] | dict[str, Data] | None"


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a text; ``inset`` is where a scalar's own text begins, if it stands verbatim.

    ``file`` is empty in the workflow's own file; ``origin`` is the path there, which differs from
    the path in the document where several files were joined.
    """

    line: int
    column: int
    inset: int | None = None
    file: str = ""
    origin: Path = ()


@dataclass(frozen=True, slots=True)
class Scope:
    """What the steps of one use of a fragment call each other, and where its end leads.

    ``names`` gives the step id in the document for each id in the fragment; ``exit`` the step that
    follows the use, or ``end``; ``last`` the id of the fragment's last step.
    """

    names: Mapping[str, str]
    exit: str
    last: str


@dataclass(slots=True)
class Tree:
    """A value, the place of it and, in a mapping, of its keys."""

    at: Position
    data: "Scalar | list[Tree] | dict[str, Tree]"
    keys: dict[str, Position] = field(default_factory=dict)
    scope: Scope | None = None

    def get(self, key: str) -> "Tree | None":
        """Return the value under a key; None without one, or if this is no mapping."""
        return self.data.get(key) if isinstance(self.data, dict) else None

    def text(self, key: str) -> str:
        """Return the text under a key; empty without one."""
        found = self.get(key)
        return found.data if found is not None and isinstance(found.data, str) else ""

    @property
    def items(self) -> "list[Tree]":
        """The items, none if this is no list."""
        return self.data if isinstance(self.data, list) else []

    def problem(self, message: str) -> SpecProblem:
        """Locate a message at this value."""
        at = self.at
        return SpecProblem(at.line, at.column, pointer(at.origin), message, at.file)

    def plain(self) -> Data:
        """Return the value without its places."""
        if isinstance(self.data, dict):
            return {key: item.plain() for key, item in self.data.items()}
        if isinstance(self.data, list):
            return [item.plain() for item in self.data]
        return self.data


@dataclass(slots=True)
class Document:
    """Plain data with the position of every key and value in it."""

    data: Data
    keys: dict[Path, Position] = field(default_factory=dict)
    values: dict[Path, Position] = field(default_factory=dict)
    scopes: dict[Path, Scope] = field(default_factory=dict)

    def position(self, path: Path, *, key: bool = False) -> Position:
        """Return where ``path`` stands, or its nearest ancestor that exists in the text."""
        if key and path in self.keys:
            return self.keys[path]
        while path not in self.values and path:
            path = path[:-1]
        return self.values.get(path, Position(1, 1))

    def problem(
        self, path: Path, message: str, *, key: bool = False, offset: int | None = None
    ) -> SpecProblem:
        """Locate a message at a path, ``offset`` characters into the scalar where that is exact."""
        at = self.position(path, key=key)
        shift = 0 if offset is None or at.inset is None else at.inset + offset
        return SpecProblem(at.line, at.column + shift, self._pointer(path), message, at.file)

    def _pointer(self, path: Path) -> str:
        """Write a path as it is in the file, also what is missing there."""
        known = path
        while known not in self.values and known:
            known = known[:-1]
        origin = self.values[known].origin if known in self.values else ()
        return pointer((*origin, *path[len(known) :]))


def document_of(tree: Tree) -> Document:
    """Lay a tree out by the paths of its values."""
    document = Document(data=None)
    document.data = _laid_out(tree, (), document)
    return document


def _laid_out(tree: Tree, path: Path, document: Document) -> Data:
    document.values[path] = tree.at
    if tree.scope is not None:
        document.scopes[path] = tree.scope
    if isinstance(tree.data, dict):
        for key, at in tree.keys.items():
            document.keys[(*path, key)] = at
        return {key: _laid_out(item, (*path, key), document) for key, item in tree.data.items()}
    if isinstance(tree.data, list):
        return [_laid_out(item, (*path, index), document) for index, item in enumerate(tree.data)]
    return tree.data


def pointer(path: Path) -> str:
    """Write a path as an RFC 6901 JSON pointer."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)
