"""Places for uploads: each has a whole file in memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

from tenants.admission.admit import Work, admit
from tenants.admission.concurrency import Place, places_release
from tenants.admission.current import limits_current


@contextmanager
def upload_place() -> Iterator[None]:
    """Hold one of the workspace's places for uploads.

    Raises ConcurrencyLimit, SwitchedOff, and ServiceUnavailable while nobody can count.
    """
    place, holder = Place("uploads", limits_current().concurrent_uploads), uuid4().hex
    admit(purpose="upload", work=Work(places=[place], holder=holder)).enforce()
    try:
        yield
    finally:
        places_release(places=[place], holder=holder)
