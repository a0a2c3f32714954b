"""A worker that dies by SIGKILL: ``killed_worker.py RUN WHERE SOURCE LEDGER LEASE_SECONDS``.

It dies as the step ``WHERE`` begins, or when the tool of that name has acted; what its shop has
done by then is in the file ``LEDGER``. Its leases last ``LEASE_SECONDS``. Run by
``test_killed_worker`` with the test's database; drives acme's run and never returns.
"""

import json
import os
import signal
import sys
from pathlib import Path
from uuid import UUID

import django


def main() -> None:
    """Drive the run to where it dies."""
    django.setup()
    from core import directory, tenancy
    from tests.workflows.engine_steps import engine_bench
    from tests.workflows.engine_tools import shop_open
    from workflows import steps
    from workflows.engine import journal, lease
    from workflows.engine.execution import run_drive
    from workflows.engine.presence import presence

    for module in (journal, lease):
        vars(module)["LEASE_SECONDS"] = float(sys.argv[5])
    presence.start()
    assert presence.held_wait(10)
    run_id, where, source, ledger = UUID(sys.argv[1]), sys.argv[2], sys.argv[3], Path(sys.argv[4])

    def die() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def acted(tool: str) -> None:
        ledger.write_text(json.dumps(shop.effects))
        if tool == where:
            die()

    steps.load()
    with tenancy.public_scope():
        tenant = next(found for found in directory.tenants_active() if found.slug == "acme")
    with tenancy.tenant_scope(tenant), shop_open() as shop, engine_bench(source) as bench:
        shop.during = acted
        bench.during = {where: die}
        run_drive(run_id, bench)


if __name__ == "__main__":
    main()
