"""Read SQuAD 2 and load its paragraphs as documents, for calibration and for the bench."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from knowledge.evaluation.corpus import EvaluationDocument
from knowledge.evaluation.loading import documents_load


@dataclass(frozen=True, slots=True)
class Question:
    """A question about a paragraph; without answers when the paragraph does not say."""

    text: str
    article: str
    paragraph: int
    answers: tuple[tuple[int, int], ...]

    @property
    def is_answerable(self) -> bool:
        return bool(self.answers)


@dataclass(frozen=True, slots=True)
class Squad:
    """Paragraphs in their order, and all questions about them."""

    paragraphs: tuple[str, ...]
    articles: tuple[str, ...]
    questions: tuple[Question, ...]


class SquadInvalid(ValueError):
    """A file that is not of SQuAD's form; says why."""


def squad_read(path: Path) -> Squad:
    """Read a file of SQuAD's form; offsets of answers are in their paragraph.

    Raises SquadInvalid for anything else.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8-sig"))
        return _squad(found["data"])
    except OSError as error:
        raise SquadInvalid(f"{path}: {error.strerror}.") from error
    except (ValueError, KeyError, TypeError) as error:
        raise SquadInvalid(f"{path}: this is not a file of SQuAD's form ({error!r}).") from error


def _squad(articles_found: list[dict[str, Any]]) -> Squad:
    paragraphs: list[str] = []
    articles: list[str] = []
    questions: list[Question] = []
    for place, article in enumerate(articles_found):
        title = str(article.get("title") or place)
        for paragraph in article["paragraphs"]:
            number = len(paragraphs)
            questions.extend(_question(q, title, number) for q in paragraph["qas"])
            paragraphs.append(paragraph["context"])
            articles.append(title)
    return Squad(tuple(paragraphs), tuple(articles), tuple(questions))


def _question(item: dict[str, object], article: str, paragraph: int) -> Question:
    answers = item.get("answers") or []
    assert isinstance(answers, list)
    spans = {(a["answer_start"], a["answer_start"] + len(a["text"])) for a in answers}
    is_impossible = bool(item.get("is_impossible"))
    own = () if is_impossible else tuple(sorted(spans))
    return Question(str(item["question"]), article, paragraph, own)


def squad_load(squad: Squad) -> list[UUID]:
    """Make every paragraph a document of the current workspace; returns their ids in order."""
    pairs = enumerate(zip(squad.paragraphs, squad.articles, strict=True))
    found = [
        EvaluationDocument(id=str(number), title="", text=text, group=article)
        for number, (text, article) in pairs
    ]
    return list(documents_load(found))
