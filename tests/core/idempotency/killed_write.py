"""A web process that dies by SIGKILL in a keyed write: ``killed_write.py SECRET KEY PATH BODY``.

It dies in the write's transaction, the write done and its answer about to be kept. Run by
``test_writes`` on the test's database; never returns.
"""

import os
import signal
import sys
from typing import Any

import django


def main() -> None:
    """Send the request, and die in it."""
    django.setup()
    from django.test import Client

    from core.idempotency import store

    def die(**_: Any) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    store.answer_keep = die
    secret, key, path, body = sys.argv[1:]
    client = Client(headers={"host": "acme.localhost", "Authorization": f"Bearer {secret}"})
    headers = {"Idempotency-Key": key, "Prefer": "wait=0"}
    client.post(path, body, content_type="application/json", headers=headers)


if __name__ == "__main__":
    main()
