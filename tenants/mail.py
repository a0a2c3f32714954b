"""Mails in a workspace's name: a few sentences and at most one link, as text and as HTML.

Links lead to the workspace's own address as the settings know it, never to what a request's Host
header says.
"""

from __future__ import annotations

from dataclasses import dataclass
from email.utils import formataddr, parseaddr

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string

from tenants import selectors


@dataclass(frozen=True, slots=True)
class Letter:
    """What a mail says; `path` is where its button leads on the workspace's host."""

    subject: str
    lines: tuple[str, ...]
    action: str = ""
    path: str = ""
    closing: str = ""


def letter_send(*, to: str, letter: Letter) -> None:
    """Send a letter of the current tenant. Raises OSError when no mail server takes it.

    Not idempotent; called by tasks, which try again.
    """
    tenant = selectors.tenant_current()
    url = selectors.tenant_base_url(tenant.slug) + letter.path if letter.path else ""
    context = {"letter": letter, "url": url, "workspace": tenant.name}
    message = EmailMultiAlternatives(
        subject=_one_line(letter.subject),
        body=render_to_string("mail/letter.txt", context),
        from_email=_sender(tenant.name),
        to=[to],
        headers={"Auto-Submitted": "auto-generated"},
    )
    message.attach_alternative(render_to_string("mail/letter.html", context), "text/html")
    message.send()


def _sender(workspace: str) -> str:
    """Return the platform's address under the workspace's name."""
    _, address = parseaddr(settings.DEFAULT_FROM_EMAIL)
    return formataddr((_one_line(workspace), address))


def _one_line(text: str) -> str:
    """Return `text` fit for a header: a workspace may be called anything."""
    return " ".join(text.split())
