"""Mails in a workspace's name: who they are from, what fits a header, a server that is away."""

from __future__ import annotations

from email import message_from_bytes
from email.utils import parseaddr
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.core import mail as outbox
from django.core.mail.backends.locmem import EmailBackend

from core.tasks import TENANT_HEADER
from core.tenancy import TenantContext
from tenants import mail, tasks
from tenants.models import Tenant

LETTER = mail.Letter(
    subject="One <more>\r\nBcc: x@evil.example",
    lines=("Tea & <b>cake</b>",),
    action="Open it",
    path="/account/",
)


class AwayOnce(EmailBackend):
    """A mail server that refuses the first connection."""

    refusals = 1

    def send_messages(self, messages: Any) -> int:
        if AwayOnce.refusals:
            AwayOnce.refusals -= 1
            raise ConnectionRefusedError
        return super().send_messages(messages)


def test_letter_is_text_and_html_that_escapes(in_acme: TenantContext) -> None:
    mail.letter_send(to="a@acme.example.com", letter=LETTER)
    message: Any = outbox.outbox[-1]
    html = str(message.alternatives[0][0])
    assert "Tea & <b>cake</b>" in message.body
    assert "Tea &amp; &lt;b&gt;cake&lt;/b&gt;" in html
    assert "http://acme.localhost:8000/account/" in message.body
    assert message.extra_headers["Auto-Submitted"] == "auto-generated"


@pytest.mark.parametrize("name", ["Tea, Cake & Co", 'A "B" <x@evil.example>', "Näh\nBcc: x@y.z"])
def test_sender_is_the_workspace_whatever_it_is_called(
    in_acme: TenantContext, globex: TenantContext, name: str
) -> None:
    Tenant.objects.filter(pk=in_acme.id).update(name=name)
    mail.letter_send(to="a@acme.example.com", letter=LETTER)
    raw = message_from_bytes(outbox.outbox[-1].message().as_bytes())
    assert parseaddr(str(raw["From"]))[1] == "no-reply@localhost"
    assert raw["Bcc"] is None
    assert raw["To"] == "a@acme.example.com"


def test_mail_is_tried_again_when_the_server_was_away(
    in_acme: TenantContext, people: Any, settings: Any
) -> None:
    address = EmailAddress.objects.get(user=people["acme", "viewer"])
    EmailAddress.objects.filter(pk=address.pk).update(verified=False)
    settings.EMAIL_BACKEND = "tests.tenants.test_mail.AwayOnce"
    tasks.verification_mail.apply(
        kwargs={"address_id": address.pk}, headers={TENANT_HEADER: str(in_acme.id)}, throw=False
    )
    assert AwayOnce.refusals == 0
    assert outbox.outbox[-1].to == [address.email]
