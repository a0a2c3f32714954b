"""Read a corpus and its questions for an evaluation: JSONL as BEIR and most data sets have it.

A document is `{"id", "title"?, "text", "group"?}`, a question `{"id"?, "text", "relevant": [id, …],
"group"?}`. A question with a group is asked of the documents of that group only. The names other
data sets use for the same are understood too; relevance may also come from a TREC or BEIR file.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

_ID: Final = ("id", "_id", "doc_id", "docid", "query_id", "qid")
_TEXT: Final = ("text", "contents", "content", "body", "passage", "context", "document")
_QUESTION: Final = ("text", "query", "question", "contents", "content")
_RELEVANT: Final = (
    *("relevant", "relevant_ids", "relevant_docs", "relevant_doc_ids", "relevant_documents"),
    *("doc_ids", "doc_id", "docs", "documents", "positive", "positives", "positive_ids"),
    *("gold", "gold_ids", "gold_doc_ids", "required_documents", "answers", "qrels", "expected"),
)
_GROUP: Final = ("group", "collection", "entity", "filter")


class EvaluationInvalid(ValueError):
    """A file that cannot be evaluated; says which line and why."""


@dataclass(frozen=True, slots=True)
class EvaluationDocument:
    """A document of the corpus."""

    id: str
    title: str
    text: str
    group: str = ""


@dataclass(frozen=True, slots=True)
class EvaluationQuestion:
    """A question and the ids of the documents that are right."""

    id: str
    text: str
    relevant: frozenset[str]
    group: str = ""


def corpus_read(path: Path) -> list[EvaluationDocument]:
    """Read the documents; raises EvaluationInvalid for a bad line or an id that comes twice."""
    documents = [_document(line, found) for line, found in _lines(path)]
    known: set[str] = set()
    for document in documents:
        if document.id in known:
            raise EvaluationInvalid(f"{path}: the document {document.id!r} comes twice.")
        known.add(document.id)
    if not documents:
        raise EvaluationInvalid(f"{path}: there is no document in it.")
    return documents


def _document(line: str, found: Mapping[str, Any]) -> EvaluationDocument:
    return EvaluationDocument(
        id=str(_needed(line, found, _ID, "an id")),
        title=str(found.get("title") or ""),
        text=str(_needed(line, found, _TEXT, "a text")),
        group=str(_first(found, _GROUP) or ""),
    )


def questions_read(path: Path, qrels: Path | None = None) -> list[EvaluationQuestion]:
    """Read the questions, with relevance from `qrels` if that is given.

    Questions without any relevant document are left out. Raises EvaluationInvalid for a bad line,
    and when no question is left.
    """
    judged = qrels_read(qrels) if qrels else None
    questions = [
        _question(line, number, found, judged)
        for number, (line, found) in enumerate(_lines(path), start=1)
    ]
    asked = [question for question in questions if question.relevant]
    if not asked:
        raise EvaluationInvalid(f"{path}: no question names a relevant document.")
    return asked


def _question(
    line: str, number: int, found: Mapping[str, Any], judged: Mapping[str, frozenset[str]] | None
) -> EvaluationQuestion:
    identifier = str(_first(found, ("_id", "id", "query_id", "qid")) or number)
    own = _relevant(line, _first(found, _RELEVANT)) if judged is None else judged.get(identifier)
    return EvaluationQuestion(
        id=identifier,
        text=str(_needed(line, found, _QUESTION, "a text")),
        relevant=own or frozenset(),
        group=str(_first(found, _GROUP) or ""),
    )


def _relevant(line: str, found: Any) -> frozenset[str]:
    """Return the ids, however they are written: one, several, with grades, or as objects."""
    if found is None:
        return frozenset()
    if isinstance(found, Mapping):
        return frozenset(str(key) for key, grade in found.items() if grade)
    if isinstance(found, str | int):
        return frozenset({str(found)})
    if not isinstance(found, Sequence):
        raise EvaluationInvalid(f"{line}: relevant documents are a list of ids.")
    return frozenset(
        str(_needed(line, one, _ID, "an id") if isinstance(one, Mapping) else one) for one in found
    )


def qrels_read(path: Path) -> dict[str, frozenset[str]]:
    """Read relevance: BEIR's three columns or TREC's four, those with a grade above zero."""
    judged: dict[str, set[str]] = {}
    for number, line in enumerate(_text(path).split("\n"), start=1):
        columns = line.split()
        if not columns or (number == 1 and not columns[-1].lstrip("-").isdigit()):
            continue  # BEIR's header
        if len(columns) not in {3, 4} or not columns[-1].lstrip("-").isdigit():
            raise EvaluationInvalid(f"{path}:{number}: expected a query, a document and a grade.")
        if int(columns[-1]) > 0:
            judged.setdefault(columns[0], set()).add(columns[-2])
    return {query: frozenset(documents) for query, documents in judged.items()}


def relevance_check(
    documents: Sequence[EvaluationDocument], questions: Sequence[EvaluationQuestion]
) -> None:
    """Raise EvaluationInvalid when a question wants a document that the corpus lacks."""
    known = {document.id for document in documents}
    for question in questions:
        if missing := question.relevant - known:
            raise EvaluationInvalid(
                f"The question {question.id!r} wants {min(missing)!r}, which the corpus lacks."
            )


def _lines(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for number, line in enumerate(_text(path).split("\n"), start=1):
        if not line.strip():
            continue
        place = f"{path}:{number}"
        try:
            found = json.loads(line)
        except json.JSONDecodeError as error:
            raise EvaluationInvalid(f"{place}: this is not JSON ({error.msg}).") from error
        if not isinstance(found, Mapping):
            raise EvaluationInvalid(f"{place}: expected an object.")
        yield place, found


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise EvaluationInvalid(f"{path}: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise EvaluationInvalid(f"{path}: this is not UTF-8.") from error


def _first(found: Mapping[str, Any], names: Sequence[str]) -> Any:
    return next((found[name] for name in names if found.get(name) is not None), None)


def _needed(line: str, found: Mapping[str, Any], names: Sequence[str], what: str) -> Any:
    value = _first(found, names)
    if value is None or value == "":
        raise EvaluationInvalid(f"{line}: {what} is missing (one of {', '.join(names)}).")
    return value
