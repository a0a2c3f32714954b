"""What the tests of mailed links share: doing something, and the links its mails hold."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from django.core import mail
from django.core.mail import EmailMessage
from django.test import TestCase


@contextmanager
def sent() -> Iterator[list[Any]]:
    """Collect the mails of what happens inside; they are sent once it has committed."""
    found: list[Any] = []
    before = len(mail.outbox)
    with TestCase.captureOnCommitCallbacks(execute=True):
        yield found
    found.extend(mail.outbox[before:])


def link_in(message: EmailMessage) -> str:
    """Return the address of a mail's one link."""
    found = re.findall(r"https?://\S+", str(message.body))
    assert len(found) == 1, message.body
    return str(found[0])


def path_in(message: EmailMessage) -> str:
    return urlsplit(link_in(message)).path
