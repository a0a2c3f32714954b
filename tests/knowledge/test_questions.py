"""The demo tenants' documents answer the questions they should, and only those."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from config.demo.rendering import demo_document_render, demo_sources_load
from core import tenancy
from knowledge import selectors
from knowledge.models import Document
from knowledge.types import SearchResult
from tests import services as test_services
from tests.conftest import World
from tests.knowledge.documents import ingested

QUESTIONS: dict[str, list[dict[str, Any]]] = yaml.safe_load(
    Path(__file__).with_name("questions.yaml").read_text(encoding="utf-8")
)
SUPPORTED = 0.5


@dataclass(frozen=True)
class Asked:
    """A question and what was found for it."""

    question: dict[str, Any]
    result: SearchResult
    sources: tuple[str, ...]


@pytest.fixture(scope="module")
def answers(world: World, django_db_blocker: Any) -> Iterator[dict[str, list[Asked]]]:
    """Ingest both tenants' documents once, ask everything, and clean up."""
    from django.conf import settings

    with django_db_blocker.unblock(), tenancy.public_scope():
        for tenant in world.tenants.values():
            with tenancy.tenant_scope(tenant):
                for source in demo_sources_load(tenant.slug):
                    ingested(source.filename, demo_document_render(source))
        yield {kind: [_ask(world, entry) for entry in QUESTIONS[kind]] for kind in QUESTIONS}
        schemas = [tenant.schema for tenant in world.tenants.values()]
        test_services.tables_empty(settings.DATABASES["default"]["NAME"], schemas)


def _ask(world: World, entry: dict[str, Any]) -> Asked:
    with tenancy.tenant_scope(world.tenants[entry["tenant"]]):
        result = selectors.passages_search(query=entry["question"])
        names = dict(Document.objects.values_list("pk", "filename"))
    return Asked(entry, result, tuple(names[p.document_id] for p in result.passages))


def share(asked: list[Asked], is_right: Any) -> float:
    wrong = [one.question["question"] for one in asked if not is_right(one)]
    if wrong:
        print(f"{len(wrong)} of {len(asked)}:", *wrong, sep="\n  ")
    return 1 - len(wrong) / len(asked)


@pytest.mark.slow
@pytest.mark.timeout(300)
class TestQuestions:
    def test_expected_source_is_among_the_first_passages(
        self, answers: dict[str, list[Asked]]
    ) -> None:
        asked = answers["questions"]

        assert share(asked, lambda one: one.question["source"] in one.sources[:5]) >= 0.9
        assert share(asked, lambda one: one.question["source"] == one.sources[0]) >= 0.8

    def test_answerable_questions_are_supported(self, answers: dict[str, list[Asked]]) -> None:
        assert share(answers["questions"], lambda one: one.result.support >= SUPPORTED) >= 0.9

    def test_unanswerable_questions_are_not(self, answers: dict[str, list[Asked]]) -> None:
        assert share(answers["unanswerable"], lambda one: one.result.support < SUPPORTED) >= 0.9
