"""Load the customers' questions of `support.yaml`, our own part of the calibration set."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml
from celery import current_app

from knowledge import services

QUESTIONS: Final = Path(__file__).with_name("support.yaml")
COLLECTION: Final = "calibration"


@dataclass(frozen=True, slots=True)
class SupportQuestion:
    """A question, and words of the sentence that answers it; empty when no document does."""

    text: str
    contains: str


def support_questions() -> list[SupportQuestion]:
    """Return the questions in their order."""
    stored = yaml.safe_load(QUESTIONS.read_text(encoding="utf-8"))["questions"]
    return [SupportQuestion(entry["ask"], entry.get("contains", "")) for entry in stored]


def support_load() -> None:
    """Put the documents through the real pipeline into the current tenant, the tasks in place."""
    current_app.conf.task_always_eager = True
    stored = yaml.safe_load(QUESTIONS.read_text(encoding="utf-8"))["documents"]
    for filename, text in stored.items():
        services.document_upload(
            filename=filename, content=text.encode(), collection=COLLECTION, uploaded_by=None
        )
