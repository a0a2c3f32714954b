"""`/api/v1/dead-letters`: a workspace sees its own, by kind of failure, and redrives them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from core import tenancy
from core.audit.models import AuditEntry
from core.events.models import DeadLetter, Delivery
from core.tenancy import TenantContext

SignIn = Callable[..., Client]
LIST = "/api/v1/dead-letters"
REDRIVE = f"{LIST}/redrive"


def letter_make(tenant: TenantContext, number: int, subscriber: str = "tests.one") -> int:
    with tenancy.tenant_scope(tenant):
        made = DeadLetter.objects.create(
            state=Delivery.State.DEAD,
            attempts=4,
            tenant_id=tenant.id,
            subscriber=subscriber,
            event_seq=number,
            occurred_at=timezone.now() - timedelta(minutes=number),
            next_attempt_at=timezone.now(),
            finished_at=timezone.now(),
            reason="ValueError: Maeve Larkin is no number",
        )
        return made.pk


@pytest.fixture
def letters(acme: TenantContext, globex: TenantContext) -> list[int]:
    """Return acme's three dead letters, the latest first; globex has one too."""
    letter_make(globex, 1)
    return [
        letter_make(acme, number, f"tests.{'two' if number == 3 else 'one'}")
        for number in (1, 2, 3)
    ]


def test_list_shows_the_own_ones_without_the_words_of_the_failure(
    sign_in: SignIn, letters: list[int]
) -> None:
    answer = sign_in("acme", "owner").get(LIST)
    assert [row["id"] for row in answer.json()["results"]] == letters
    assert {row["error"] for row in answer.json()["results"]} == {"ValueError"}
    assert "Maeve" not in answer.content.decode()


def test_list_is_filtered(sign_in: SignIn, letters: list[int]) -> None:
    client = sign_in("acme", "owner")
    found = client.get(LIST, {"subscriber": "tests.two"}).json()["results"]
    assert [row["id"] for row in found] == letters[2:]
    since = (timezone.now() - timedelta(seconds=90)).isoformat()
    assert [row["id"] for row in client.get(LIST, {"since": since}).json()["results"]] == letters[
        :1
    ]
    assert client.get(LIST, {"since": "soon"}).status_code == 400


@pytest.mark.parametrize("role", ["agent", "viewer"])
def test_only_owners_and_admins_may(sign_in: SignIn, letters: list[int], role: str) -> None:
    client = sign_in("acme", role)
    assert client.get(LIST).status_code == 403
    assert client.post(REDRIVE, {}, content_type="application/json").status_code == 403


def redrive(client: Client, **body: object) -> int:
    answer = client.post(REDRIVE, body, content_type="application/json")
    assert answer.status_code == 200, answer.content
    return int(answer.json()["redriven"])


def test_redrive_takes_what_fits_and_nobody_elses(
    sign_in: SignIn, acme: TenantContext, globex: TenantContext, letters: list[int]
) -> None:
    client = sign_in("acme", "owner")
    with tenancy.tenant_scope(globex):
        foreign = DeadLetter.objects.get().pk
    assert redrive(client, ids=[letters[0], foreign]) == 1
    assert redrive(client, subscriber="tests.two") == 1
    assert redrive(client) == 1
    assert redrive(client) == 0
    with tenancy.tenant_scope(globex):
        assert DeadLetter.objects.count() == 1


def test_redrive_is_recorded(sign_in: SignIn, acme: TenantContext, letters: list[int]) -> None:
    redrive(sign_in("acme", "owner"))
    with tenancy.tenant_scope(acme):
        entry = AuditEntry.objects.get(act="events.redriven")
    assert (entry.actor_kind, entry.data) == ("person", '{"count":3}')


def test_unknown_field_is_refused(sign_in: SignIn, letters: list[int]) -> None:
    answer = sign_in("acme", "owner").post(
        REDRIVE, {"tenant_id": "x"}, content_type="application/json"
    )
    assert answer.status_code == 400
