"""Cut a document into passages of about 200 tokens, and passages into sentences.

Pure functions over the extracted blocks. Every offset points into the document's text as
`document_text` lays it out, so that a citation can be found again to the character.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from knowledge.extraction.blocks import Block, BlockKind
from knowledge.types import SentenceKind

TARGET_TOKENS: Final = 200
# A single sentence longer than this is cut at clauses, then at words.
MAX_SENTENCE_CHARACTERS: Final = 700

# White space after the end of a sentence, closing quotes and brackets included, where what follows
# begins one; then the full stops of East Asian and Indian scripts, which need no space.
_BOUNDARY: Final = re.compile(
    "(?<=[.!?\u2026])[\"'\u201d\u2019)\\]]*\\s+(?=[\"'\u201c\u2018(\\[\u00bf\u00a1]*"
    "[A-Z0-9\u00c0-\u00de\u0391-\u03a9\u0410-\u042f\u20ac\u00a3$])"
    "|(?<=[\u3002\uff01\uff1f])\\s*|(?<=[\u0964\u0965])\\s*"
)
_QUESTION_MARKS: Final = ("?", "\uff1f")
PATH_SEPARATOR: Final = " \u203a "
_ABBREVIATION: Final = re.compile(
    r"(?:^|[\s(\[\"'\u201c])(?:[A-Za-z]|Dr|Mr|Mrs|Ms|Prof|St|No|Nos|Art|vs|etc|approx|ca|cf|e\.g|i\.e|"
    r"Fig|Vol|pp|Ltd|Inc|Co|Jr|Sr|z\.B|bzw|Nr|Str|ggf|inkl|usw|d\.h)\.$"
)
_CLAUSE: Final = re.compile(r"[;:,]\s")
_SEPARATORS: Final = {BlockKind.ITEM: "\n", BlockKind.ROW: "\n"}

TokenCounter = Callable[[Sequence[str]], list[int]]


@dataclass(frozen=True, slots=True)
class Span:
    """A sentence by its place in the document's text."""

    kind: SentenceKind
    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Section:
    """Consecutive spans under one heading path, on one page as far as is known."""

    headings: tuple[Span, ...]
    page: int | None
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Piece:
    """A passage before it is embedded."""

    headings: tuple[Span, ...]
    page: int | None
    spans: tuple[Span, ...]
    start: int
    end: int
    text: str
    token_count: int

    @property
    def heading(self) -> str:
        """Return the path of headings above the passage."""
        return PATH_SEPARATOR.join(span.text for span in self.headings)

    @property
    def embedding_text(self) -> str:
        """Return what the passage is embedded by: its headings give it context."""
        path = ". ".join(span.text for span in self.headings)
        return f"{path}\n{self.text}" if path else self.text


def document_text(blocks: Sequence[Block]) -> tuple[str, list[int]]:
    """Return the document as one text, and where each block begins in it."""
    parts: list[str] = []
    starts: list[int] = []
    position = 0
    previous: BlockKind | None = None
    for block in blocks:
        if parts:
            is_run = previous == block.kind and block.kind in _SEPARATORS
            separator = "\n" if is_run else "\n\n"
            parts.append(separator)
            position += len(separator)
        starts.append(position)
        parts.append(block.text)
        position += len(block.text)
        previous = block.kind
    return "".join(parts), starts


def sentence_bounds(text: str) -> list[tuple[int, int]]:
    """Return (start, end) of each sentence; abbreviations and overlong sentences are respected."""
    bounds: list[tuple[int, int]] = []
    start = 0
    for match in _BOUNDARY.finditer(text):
        if _ABBREVIATION.search(text[start : match.start()][-12:]):
            continue
        bounds.append((start, match.start() + len(match.group().rstrip())))
        start = match.end()
    if text[start:].strip():
        bounds.append((start, len(text)))
    return [part for bound in bounds for part in _cut(text, *bound)]


def _cut(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Cut what no reader would take for one sentence, at a clause if there is one."""
    while end - start > MAX_SENTENCE_CHARACTERS:
        window = text[start : start + MAX_SENTENCE_CHARACTERS]
        clauses = [match.end() for match in _CLAUSE.finditer(window)]
        width = clauses[-1] if clauses else window.rfind(" ") + 1 or MAX_SENTENCE_CHARACTERS
        yield start, start + len(text[start : start + width].rstrip())
        start += width
    if text[start:end].strip():
        yield start, end


def sections(blocks: Sequence[Block]) -> Iterator[Section]:
    """Group blocks by the headings above them; a heading ends the section before it."""
    _, starts = document_text(blocks)
    path: list[tuple[int, Span]] = []
    spans: list[Span] = []
    page: int | None = None
    for block, start in zip(blocks, starts, strict=True):
        if block.kind is BlockKind.HEADING:
            if spans:
                yield Section(tuple(span for _, span in path), page, tuple(spans))
            spans = []
            path = [(level, span) for level, span in path if level < block.level]
            own = Span(SentenceKind.HEADING, block.text, start, start + len(block.text))
            path.append((block.level, own))
            continue
        page = page if spans else block.page
        spans.extend(_block_spans(block, start))
    if spans or path:
        yield Section(tuple(span for _, span in path), page, tuple(spans))


def _block_spans(block: Block, start: int) -> Iterator[Span]:
    if block.kind is BlockKind.ROW:
        yield Span(SentenceKind.ROW, block.text, start, start + len(block.text))
        return
    kind = SentenceKind.ITEM if block.kind is BlockKind.ITEM else SentenceKind.PROSE
    for begin, end in sentence_bounds(block.text):
        text = block.text[begin:end]
        own = SentenceKind.QUESTION if text.rstrip().endswith(_QUESTION_MARKS) else kind
        yield Span(own, text, start + begin, start + end)


def pieces(blocks: Sequence[Block], count_tokens: TokenCounter) -> list[Piece]:
    """Return the document's passages in order: whole sentences, at most about 200 tokens each."""
    text, _ = document_text(blocks)
    found: list[Piece] = []
    for section in sections(blocks):
        packed = _packed(section.spans, count_tokens)
        found.extend(_piece(section, spans, text, count_tokens) for spans in packed)
    return found


def _packed(spans: Sequence[Span], count_tokens: TokenCounter) -> Iterator[list[Span]]:
    """Fill passages sentence by sentence, evenly, so that none is left with a single one."""
    counts = count_tokens([span.text for span in spans]) if spans else []
    total = sum(counts)
    target = total / -(-total // TARGET_TOKENS) if total else TARGET_TOKENS
    group: list[Span] = []
    filled = 0.0
    for span, count in zip(spans, counts, strict=True):
        if group and filled + count / 2 > target:
            yield group
            group, filled = [], 0.0
        group.append(span)
        filled += count
    if group:
        yield group


def _piece(section: Section, spans: Sequence[Span], text: str, count_tokens: TokenCounter) -> Piece:
    start, end = spans[0].start, spans[-1].end
    own = text[start:end]
    return Piece(
        headings=section.headings,
        page=section.page,
        spans=tuple(spans),
        start=start,
        end=end,
        text=own,
        token_count=count_tokens([own])[0],
    )
