"""Read SQuAD 2 and load its paragraphs as documents, for calibration and for the bench."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from celery import current_app

from knowledge import services


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


def squad_read(path: Path) -> Squad:
    """Read a SQuAD 2 file; offsets of answers are in their paragraph."""
    paragraphs: list[str] = []
    articles: list[str] = []
    questions: list[Question] = []
    for article in json.loads(path.read_text(encoding="utf-8"))["data"]:
        for paragraph in article["paragraphs"]:
            number = len(paragraphs)
            questions.extend(_question(q, article["title"], number) for q in paragraph["qas"])
            paragraphs.append(paragraph["context"])
            articles.append(article["title"])
    return Squad(tuple(paragraphs), tuple(articles), tuple(questions))


def _question(item: dict[str, object], article: str, paragraph: int) -> Question:
    answers = item.get("answers") or []
    assert isinstance(answers, list)
    spans = {(a["answer_start"], a["answer_start"] + len(a["text"])) for a in answers}
    is_impossible = bool(item.get("is_impossible"))
    own = () if is_impossible else tuple(sorted(spans))
    return Question(str(item["question"]), article, paragraph, own)


def squad_load(squad: Squad, progress: Callable[[int, int], None]) -> list[UUID]:
    """Put every paragraph through the real pipeline as a document of its own; returns their ids.

    Runs in the current tenant, the tasks in place. A paragraph that is there already stays.
    """
    current_app.conf.task_always_eager = True
    ids = []
    for index, text in enumerate(squad.paragraphs):
        document = services.document_upload(
            filename=f"paragraph-{index:04}.txt",
            content=text.encode(),
            collection=squad.articles[index][:80],
            uploaded_by=None,
        )
        ids.append(document.pk)
        progress(index + 1, len(squad.paragraphs))
    return ids
