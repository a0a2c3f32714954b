"""Points in time as arguments of commands."""

from argparse import ArgumentTypeError
from datetime import UTC, datetime


def instant(text: str) -> datetime:
    """Return an ISO 8601 date or time, in UTC unless it says otherwise; for argparse's `type`."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        message = f"{text!r} is no time; write 2026-11-20 or 2026-11-20T08:00+01:00"
        raise ArgumentTypeError(message) from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
