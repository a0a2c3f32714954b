"""A claim at every statement of the reply's path, and the reply's path at every one of a claim's.

Both run the product's own code in threads of one process, against servers of their own without any
worker. One of the two is stopped before and after each statement that it sends to Postgres, the
other is done meanwhile: to its end, or, where it waits for a lock that the stopped one holds, to
that lock. The reply's path is the visitor's message, its event, the run from beginning to end (it
routes, searches, branches and replies), and what is delivered again afterwards.
"""

from __future__ import annotations

from typing import Any

from config.scratch import scratch_servers


def interleavings_run() -> dict[str, Any]:
    """Do them all on servers of their own; returns the counts."""
    with scratch_servers():
        import django

        from core import tenancy

        with tenancy.public_scope():
            django.setup()
        from bench.support.interleaved import all_placed, connections_close

        try:
            return all_placed()
        finally:
            connections_close()
