"""Ratings: asked once a resolution, changed for a day, seen by the team alone."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import time_machine
from django.utils import timezone

from conversations import services
from conversations.models import Rating
from core import tenancy
from core.events.models import OutboxEvent
from core.tenancy import TenantContext
from tests.conversations.widget_posts import Browser

People = dict[tuple[str, str], Any]


@pytest.fixture
def browser(acme: TenantContext) -> Browser:
    found = Browser(acme)
    found.begin()
    found.say("My lamp is broken")
    return found


def resolve(browser: Browser, people: People) -> None:
    with tenancy.tenant_scope(browser.tenant):
        services.conversation_resolve(
            conversation_id=UUID(browser.session["conversation_id"]),
            person_id=people[browser.tenant.slug, "agent"].pk,
        )


def ratings(tenant: TenantContext) -> list[tuple[int, str]]:
    with tenancy.tenant_scope(tenant):
        rows = Rating.objects.order_by("resolution")
        return list(rows.values_list("score", "comment"))


def told(tenant: TenantContext) -> list[tuple[int, int | None]]:
    with tenancy.tenant_scope(tenant):
        events = OutboxEvent.objects.filter(name="conversation.rated").order_by("pk")
        return [(each.payload["score"], each.payload["earlier_score"]) for each in events]


def test_resolved_conversation_is_rated_once_and_changed_within_a_day(
    browser: Browser, people: People, acme: TenantContext
) -> None:
    resolve(browser, people)
    for score, comment in ((2, ""), (2, ""), (4, "Better")):
        assert browser.call("rating", score=score, comment=comment).status_code == 200
    assert ratings(acme) == [(4, "Better")]
    assert told(acme) == [(2, None), (4, 2)]


def test_open_conversation_is_not_rated(browser: Browser, acme: TenantContext) -> None:
    answer = browser.call("rating", score=5)
    assert (answer.status_code, answer.json()["code"]) == (409, "rating_closed")
    assert ratings(acme) == []


def test_each_resolution_has_its_own_rating(
    browser: Browser, people: People, acme: TenantContext
) -> None:
    for score in (1, 5):
        browser.say("Still broken")
        resolve(browser, people)
        browser.call("rating", score=score)
    assert ratings(acme) == [(1, ""), (5, "")]


def test_rating_stands_after_a_day_and_none_is_given_after_a_week(
    browser: Browser, people: People, acme: TenantContext
) -> None:
    resolve(browser, people)
    browser.call("rating", score=3)
    conversation = browser.session["conversation_id"]
    with tenancy.tenant_scope(acme):
        Rating.objects.update(created_at=timezone.now() - timedelta(hours=25))
    assert browser.call("rating", score=5).status_code == 409
    assert browser.call("rating", score=3).status_code == 200  # the same one is no change
    with tenancy.tenant_scope(acme):
        Rating.objects.all().delete()
    with time_machine.travel(timezone.now() + timedelta(days=8)):
        assert browser.begin().json().get("unrated") is None
    assert conversation


@pytest.mark.parametrize(
    "body",
    [
        {"score": 0},
        {"score": 6},
        {"score": "5"},
        {"score": 4.5},
        {},
        {"score": 5, "comment": "x" * 1_001},
        {"score": 5, "comment": "a\x00b"},
        {"score": 5, "by": "me"},
    ],
)
def test_rating_out_of_the_contract_is_refused(
    browser: Browser, people: People, acme: TenantContext, body: dict[str, Any]
) -> None:
    resolve(browser, people)
    assert browser.call("rating", **body).status_code == 400
    assert ratings(acme) == []


def test_workspace_that_does_not_ask_takes_no_rating(
    browser: Browser, people: People, acme: TenantContext
) -> None:
    resolve(browser, people)
    with tenancy.tenant_scope(acme):
        services.widget_update(widget_id=services.widget_ensure().pk, asks_rating=False)
    assert browser.call("rating", score=5).status_code == 409


def test_visitor_who_comes_back_is_asked_until_they_have_rated(
    browser: Browser, people: People
) -> None:
    rated = browser.session["conversation_id"]
    resolve(browser, people)
    assert browser.begin().json()["unrated"] == rated
    assert browser.call("rating", score=5, conversation_id=rated).status_code == 200
    assert "unrated" not in browser.begin().json()


def test_one_visitor_cannot_rate_without_end(browser: Browser, people: People) -> None:
    resolve(browser, people)
    answers = [browser.call("rating", score=1 + number % 5) for number in range(12)]
    assert answers[-1].status_code == 429


def test_team_sees_the_rating_and_other_workspaces_do_not(
    browser: Browser, people: People, globex: TenantContext, sign_in: Any, api_key: Any
) -> None:
    resolve(browser, people)
    browser.call("rating", score=4, comment="Quick & kind")
    conversation = browser.session["conversation_id"]
    agent = sign_in("acme", "agent")
    page = agent.get(f"/inbox/{conversation}/").content.decode()
    assert "★★★★☆" in page
    assert "Quick &amp; kind" in page
    key = {"authorization": f"Bearer {api_key('acme', 'conversations:read')}"}
    found = agent.get("/api/v1/ratings", headers=key).json()["results"]
    assert [(each["conversation_id"], each["score"]) for each in found] == [(conversation, 4)]
    assert agent.get("/api/v1/ratings?score=5", headers=key).json()["results"] == []
    assert agent.get("/api/v1/ratings?score=9", headers=key).status_code == 400
    assert sign_in("globex", "owner").get("/api/v1/ratings").json()["results"] == []
