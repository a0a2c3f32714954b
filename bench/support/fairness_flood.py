"""Ask as one tenant without a pause: slug, how often, how many at once."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from itertools import cycle

import django

import config  # noqa: F401 - chooses the settings
from core import directory, tenancy


def main(slug: str, count: int, at_once: int) -> None:
    """Ask `count` questions in new conversations, `at_once` of them at a time."""
    django.setup()
    from bench.fairness import ask, questions_of

    with tenancy.public_scope():
        [tenant] = [found for found in directory.tenants_active() if found.slug == slug]
    texts = cycle(questions_of(slug))
    with tenancy.tenant_scope(tenant), ThreadPoolExecutor(at_once) as pool:
        asked = [pool.submit(copy_context().run, ask, next(texts)) for _ in range(count)]
        for done in asked:
            done.result()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
