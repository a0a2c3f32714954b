"""The team is told of a visitor who waits: once it is time, by mail and Slack, and not for long."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.core import mail
from django.test import Client
from django.utils import timezone
from pytest_django import Settings
from pytest_httpserver import HTTPServer

from conversations import services
from conversations.errors import (
    NotificationTargetInvalid,
    NotificationTargetNotFound,
    SkillsInvalid,
    TooManyNotificationTargets,
)
from conversations.models import NotificationTarget
from conversations.services import notifications
from core import tenancy
from core.audit.models import AuditEntry
from core.events.registry import Later
from core.fetch import FetchFailed
from core.tenancy import TenantContext
from tests.conversations.test_assignment import rules, waiting

pytestmark = pytest.mark.django_db(transaction=True)

People = dict[tuple[str, str], Any]
SignIn = Callable[..., Client]
SECRET_PATH = "/services/T0/B0/verysecret"


@pytest.fixture
def slack(httpserver: HTTPServer, settings: Settings) -> HTTPServer:
    """Return a server that stands for Slack."""
    origin = f"http://{httpserver.host}:{httpserver.port}"
    settings.SLACK_ORIGINS = [origin]
    settings.FETCH_ALLOWED_PRIVATE_HOSTS = [f"{httpserver.host}:{httpserver.port}"]
    return httpserver


def told(talk: Any) -> int:
    return services.handover_notify(conversation_id=talk.pk, since=timezone.now())


def add(address: str, queue: str = "") -> NotificationTarget:
    return services.notification_target_add(address=address, queue=queue)


def test_everyone_of_the_queue_is_told_by_mail_without_a_word_of_the_visitor(
    in_acme: TenantContext, globex: TenantContext
) -> None:
    rules(notify_minutes=0)
    with tenancy.tenant_scope(globex):
        add("globex@example.com")
    add("all@example.com")
    add("billing@example.com", "billing")
    add("returns@example.com", "returns")
    talk = waiting("billing")
    assert told(talk) == 2
    assert sorted(letter.to[0] for letter in mail.outbox) == [
        "all@example.com",
        "billing@example.com",
    ]
    letter = mail.outbox[0]
    assert f"/inbox/{talk.pk}/" in letter.body
    assert "billing" in letter.body
    assert "I want a person" not in letter.body


def test_nobody_is_told_before_it_is_time_or_of_who_has_a_person(
    in_acme: TenantContext, people: People
) -> None:
    rules(notify_minutes=5)
    add("all@example.com")
    talk, now = waiting(), timezone.now()
    with pytest.raises(Later) as later:
        services.handover_notify(conversation_id=talk.pk, since=now)
    assert 290 < later.value.seconds <= 300
    with time_machine.travel(now + timedelta(minutes=5, seconds=1)):
        assert services.handover_notify(conversation_id=talk.pk, since=now) == 1
        services.conversation_claim(conversation_id=talk.pk, person_id=people["acme", "agent"].pk)
        assert services.handover_notify(conversation_id=talk.pk, since=now) == 0
    assert len(mail.outbox) == 1


def test_slack_is_told_in_its_own_form(in_acme: TenantContext, slack: HTTPServer) -> None:
    rules(notify_minutes=0)
    slack.expect_oneshot_request(SECRET_PATH, method="POST").respond_with_data("ok")
    add(slack.url_for(SECRET_PATH))
    talk = waiting()
    assert told(talk) == 1
    request, _ = slack.log[0]
    assert request.content_type == "application/json"
    said = json.loads(request.data)
    assert list(said) == ["text"]
    assert f"/inbox/{talk.pk}/|Open the conversation>" in said["text"]


@pytest.mark.parametrize("status", [302, 404, 500])
def test_slack_that_fails_is_tried_again_and_shown(
    in_acme: TenantContext, slack: HTTPServer, status: int
) -> None:
    slack.expect_request(SECRET_PATH).respond_with_data("no", status=status)
    target, talk = add(slack.url_for(SECRET_PATH)), waiting()

    def send() -> None:
        services.notification_send(conversation_id=talk.pk, target_id=target.pk)

    with pytest.raises(FetchFailed):
        send()
    target.refresh_from_db()
    assert target.failed_at is not None
    slack.clear()
    slack.expect_request(SECRET_PATH).respond_with_data("ok")
    send()
    target.refresh_from_db()
    assert target.failed_at is None


def test_a_mail_server_that_is_away_is_tried_again(
    in_acme: TenantContext, settings: Settings
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    target, talk = add("all@example.com"), waiting()
    with pytest.raises(OSError):  # noqa: PT011 - whichever of them
        services.notification_send(conversation_id=talk.pk, target_id=target.pk)
    target.refresh_from_db()
    assert target.failed_at is not None


def test_what_is_gone_meanwhile_is_left_alone(in_acme: TenantContext) -> None:
    target, talk = add("all@example.com"), waiting()
    services.notification_send(conversation_id=uuid4(), target_id=target.pk)
    services.notification_target_remove(target_id=target.pk)
    services.notification_send(conversation_id=talk.pk, target_id=target.pk)
    assert mail.outbox == []


def test_address_of_another_workspaces_row_opens_nothing(
    in_acme: TenantContext, globex: TenantContext
) -> None:
    with tenancy.tenant_scope(globex):
        theirs = bytes(add("globex@example.com").sealed)
    mine, talk = add("all@example.com"), waiting()
    NotificationTarget.objects.filter(pk=mine.pk).update(sealed=theirs)
    services.notification_send(conversation_id=talk.pk, target_id=mine.pk)
    assert mail.outbox == []
    mine.refresh_from_db()
    assert mine.failed_at is not None


@pytest.mark.parametrize(
    "address",
    [
        "",
        "team",
        "https://hooks.slack.com.evil.example/services/T",
        "https://evil.example/?https://hooks.slack.com",
        "http://hooks.slack.com/services/T",
        "https://user@hooks.slack.com/services/T",
        "https://hooks.slack.com/" + "x" * 500,
        "javascript:alert(1)",
    ],
)
def test_other_addresses_are_refused(in_acme: TenantContext, address: str) -> None:
    with pytest.raises(NotificationTargetInvalid):
        add(address)


def test_secrets_are_sealed_and_never_shown(in_acme: TenantContext, sign_in: SignIn) -> None:
    secret = "https://hooks.slack.com/services/T00/B00/abcdefghijklmnop"
    target = add(secret)
    assert b"hooks" not in bytes(target.sealed)
    client = sign_in(role="admin")
    for path in ("/settings/notifications/", "/api/v1/notifications"):
        content = client.get(path).content.decode()
        assert "mnop" in content
        assert "abcdef" not in content
    entry = AuditEntry.objects.get(act="notifications.changed")
    assert "abcdef" not in entry.data


def test_bad_queue_and_too_many_are_refused(
    in_acme: TenantContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SkillsInvalid):
        add("a@example.com", "Two words")
    monkeypatch.setattr(notifications, "TARGETS_LIMIT", 1)
    add("a@example.com")
    with pytest.raises(TooManyNotificationTargets):
        add("b@example.com")
    with pytest.raises(NotificationTargetNotFound):
        services.notification_target_remove(target_id=uuid4())


def test_page_adds_refuses_in_words_and_removes(in_acme: TenantContext, sign_in: SignIn) -> None:
    client = sign_in(role="admin")
    refused = client.post("/settings/notifications/", {"address": "team", "queue": ""})
    assert refused.status_code == 422
    assert "Give a mail address, or a Slack webhook" in refused.content.decode()
    client.post("/settings/notifications/", {"address": "team@example.com", "queue": "billing"})
    target = NotificationTarget.objects.get()
    assert (target.shown, target.queue) == ("team@example.com", "billing")
    client.post(f"/settings/notifications/{target.pk}/remove/")
    assert not NotificationTarget.objects.exists()


def test_who_may_only_read_settings_adds_nobody(in_acme: TenantContext, sign_in: SignIn) -> None:
    answer = sign_in(role="agent").post("/settings/notifications/", {"address": "team@example.com"})
    assert answer.status_code == 403
    assert not NotificationTarget.objects.exists()
