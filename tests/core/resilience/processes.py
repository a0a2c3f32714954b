"""Start `worker` as a process of its own, on the Redis of this test."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings

from core import tenancy


@contextmanager
def worker(act: str, *args: str) -> Iterator[subprocess.Popen[str]]:
    """Run the worker for the current tenant; it is killed when the block ends."""
    command = [sys.executable, "-m", "tests.core.resilience.worker", act]
    process = subprocess.Popen(
        [*command, str(tenancy.require().id), *args],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "config.settings.test",
            "WORKER_REDIS_URL": settings.REDIS_URL,
        },
        cwd=settings.BASE_DIR,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def line(process: subprocess.Popen[str]) -> str:
    """Return the next line that the process prints."""
    assert process.stdout is not None
    return process.stdout.readline().strip()
