"""Dead letters are looked at and put back in line: one, many, or those of a span."""

from __future__ import annotations

import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from core import tenancy
from core.audit.models import AuditEntry
from core.events import dead_letters
from core.events.dead_letters import dead_letter_list, dead_letters_redrive
from core.events.models import DeadLetter
from core.observability.checks import relay_check
from core.observability.metrics import metrics_render
from core.tenancy import TenantContext
from tests.core.relaying import (
    SUBSCRIBER,
    Recorder,
    deleted,
    mine,
    publish_in,
    relay_all,
    retry_now,
)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def letters(
    acme: TenantContext, globex: TenantContext, recorder: Recorder, pool: ThreadPoolExecutor
) -> list[DeadLetter]:
    """Return three dead letters of acme and one of globex; the cause is mended."""
    recorder.is_failing = True
    publish_in(acme, deleted(), deleted(), deleted())
    publish_in(globex, deleted())
    for _ in range(4):
        relay_all(pool)
        retry_now()
    recorder.is_failing = False
    with tenancy.platform_scope():
        found = list(DeadLetter.objects.order_by("pk"))
    assert len(found) == 4
    return found


def command(*arguments: str) -> str:
    out = StringIO()
    call_command("dead_letters", *arguments, stdout=out)
    return out.getvalue()


def test_one_is_redriven_by_its_number(
    acme: TenantContext, letters: list[DeadLetter], recorder: Recorder, pool: ThreadPoolExecutor
) -> None:
    out = command("redrive", str(letters[1].pk))
    assert out.strip() == "1 dead letters are back in line"
    relay_all(pool)
    assert len(recorder.events_of(acme)) == 1
    assert [row.state for row in mine()] == ["dead", "done", "dead", "dead"]


def test_a_workspaces_are_redriven_in_order_and_no_others(
    acme: TenantContext,
    globex: TenantContext,
    letters: list[DeadLetter],
    recorder: Recorder,
    pool: ThreadPoolExecutor,
) -> None:
    command("redrive", "--tenant", "acme")
    relay_all(pool)
    assert len(recorder.events_of(acme)) == 3
    assert recorder.events_of(globex) == []


def test_redriving_twice_redrives_once(
    letters: list[DeadLetter], recorder: Recorder, pool: ThreadPoolExecutor
) -> None:
    with tenancy.platform_scope():
        assert dead_letters_redrive(subscriber=SUBSCRIBER) == 4
        assert dead_letters_redrive(subscriber=SUBSCRIBER) == 0
    relay_all(pool)
    assert len(recorder.got) == 4


def test_redrive_goes_a_bounded_number_at_a_time(
    letters: list[DeadLetter], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dead_letters, "REDRIVE_LIMIT", 3)
    with tenancy.platform_scope():
        assert [dead_letters_redrive() for _ in range(3)] == [3, 1, 0]


def test_span_counts_from_the_event(letters: list[DeadLetter]) -> None:
    ahead = timezone.now() + timedelta(hours=1)
    with tenancy.platform_scope():
        assert dead_letter_list(since=ahead).count() == 0
        assert dead_letter_list(until=ahead).count() == 4
        assert dead_letter_list(subscriber="tests.nobody").count() == 0


def test_a_workspace_sees_and_redrives_its_own(
    acme: TenantContext, globex: TenantContext, letters: list[DeadLetter]
) -> None:
    with tenancy.tenant_scope(globex):
        assert dead_letter_list().count() == 1
        assert dead_letters_redrive(ids=[letters[0].pk]) == 0, "that is acme's"
        assert dead_letters_redrive() == 1
    with tenancy.platform_scope():
        assert {row.tenant_id for row in DeadLetter.objects.all()} == {acme.id}


def test_redrive_is_recorded_where_it_concerns(
    acme: TenantContext, globex: TenantContext, letters: list[DeadLetter]
) -> None:
    command("redrive", "--all")
    with tenancy.platform_scope():
        found = {
            entry.tenant_id: json.loads(entry.data)["count"]
            for entry in AuditEntry.objects.filter(act="events.redriven")
        }
    assert found == {acme.id: 3, globex.id: 1, uuid.UUID(int=0): 4}


def test_list_names_workspace_subscriber_and_reason(letters: list[DeadLetter]) -> None:
    out = command("list", "--tenant", "globex")
    assert "globex  tests.recorder  RuntimeError: told to fail" in out
    assert "acme" not in out
    assert out.endswith("1 dead letters\n")


def test_show_tells_the_event(letters: list[DeadLetter]) -> None:
    shown = json.loads(command("show", str(letters[0].pk)))
    assert shown["attempts"] == 4
    assert shown["event"]["name"] == "ingest.doc.deleted"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["redrive"], "Say which"),
        (["show"], "by their numbers"),
        (["show", "999999"], "by their numbers"),
        (["list", "--tenant", "nobody"], "no active workspace"),
        (["list", "--since", "soon"], "is no time"),
        (["burn"], "invalid choice"),
    ],
)
def test_command_says_what_is_wrong(acme: TenantContext, arguments: list[str], words: str) -> None:
    with pytest.raises(CommandError, match=words):
        command(*arguments)


def test_metric_counts_dead_letters(letters: list[DeadLetter]) -> None:
    relay_check()
    assert "outbox_dead_letters 4.0" in metrics_render()[0].decode()
