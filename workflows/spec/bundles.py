"""A workflow with everything it was made of: its fragments and a workspace's overlay."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from workflows.spec.document import Tree
from workflows.spec.errors import SpecError
from workflows.spec.source import parse


@dataclass(frozen=True, slots=True)
class Bundle:
    """The exact texts a workflow is made of; ``fragments`` by name, ``overlay`` empty if none."""

    source: str
    fragments: Mapping[str, str] = field(default_factory=dict)
    overlay: str = ""

    @property
    def stored(self) -> str:
        """The one text that is kept: the workflow's own, or all parts where there are more."""
        return self.to_json() if self.fragments or self.overlay else self.source

    @property
    def content_hash(self) -> str:
        """Identify the workflow: the SHA-256 of what is stored."""
        return hashlib.sha256(self.stored.encode("utf-8", "surrogatepass")).hexdigest()

    @property
    def size(self) -> int:
        """The characters of all parts."""
        return sum(map(len, (self.source, self.overlay, *self.fragments.values())))

    def to_json(self) -> str:
        """Write all parts in one text, the same text for the same parts."""
        parts = {
            "source": self.source,
            "fragments": dict(sorted(self.fragments.items())),
            "overlay": self.overlay,
        }
        return json.dumps(parts, ensure_ascii=True, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> "Bundle":
        """Read what ``to_json`` wrote; raises ``ValueError`` for anything else."""
        parts = json.loads(text)
        if not isinstance(parts, dict) or set(parts) != {"source", "fragments", "overlay"}:
            raise ValueError("These are not the parts of a workflow.")
        fragments = parts["fragments"]
        texts = fragments.values() if isinstance(fragments, dict) else [None]
        if not all(isinstance(part, str) for part in (parts["source"], parts["overlay"], *texts)):
            raise ValueError("The parts of a workflow are texts.")
        return cls(parts["source"], fragments, parts["overlay"])

    @classmethod
    def from_stored(cls, text: str) -> "Bundle":
        """Read what ``stored`` gave: a text that is not exactly what it writes is one file."""
        if text.startswith('{"source":'):
            try:
                bundle = cls.from_json(text)
            except ValueError:
                return cls(text)
            if bundle.stored == text:
                return bundle
        return cls(text)


def bundle_gather(source: str, available: Mapping[str, str], *, overlay: str = "") -> Bundle:
    """Take from the ``available`` fragments those that the workflow uses, directly or not.

    A file that cannot be read uses none; loading the bundle tells what is wrong with it.
    """
    found: dict[str, str] = {}
    waiting = [*_used(source), *_used(overlay)]
    while waiting:
        name = waiting.pop()
        if name in available and name not in found:
            found[name] = available[name]
            waiting += _used(available[name])
    return Bundle(source, found, overlay)


def _used(source: str) -> Iterator[str]:
    try:
        use = parse(source).get("use") if source else None
    except SpecError:
        return
    for item in use.items if isinstance(use, Tree) else ():
        if isinstance(item.data, str):
            yield item.data
