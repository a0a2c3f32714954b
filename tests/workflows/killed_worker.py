"""A worker of its own process that dies by SIGKILL inside a step: ``killed_worker.py RUN STEP``.

Run by ``test_killed_worker`` with the test's database; drives acme's run and never returns.
"""

import os
import signal
import sys
from uuid import UUID

import django


def main() -> None:
    """Drive the run until the named step begins."""
    django.setup()
    from core import directory, tenancy
    from tests.workflows.engine_steps import CountStep, engine_bench
    from workflows.engine.execution import run_drive
    from workflows.engine.step import StepContext

    run_id, last_step, source = UUID(sys.argv[1]), sys.argv[2], sys.argv[3]
    ordinary = CountStep.run

    def run(self: CountStep, config: object, context: StepContext) -> object:
        if context.step_id == last_step:
            os.kill(os.getpid(), signal.SIGKILL)
        return ordinary(self, config, context)  # type: ignore[arg-type]  # passes them on

    CountStep.run = run  # type: ignore[assignment,method-assign]
    with tenancy.public_scope():
        tenant = next(found for found in directory.tenants_active() if found.slug == "acme")
    with tenancy.tenant_scope(tenant), engine_bench(source) as bench:
        run_drive(run_id, bench)


if __name__ == "__main__":
    main()
