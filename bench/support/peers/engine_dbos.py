"""DBOS: a workflow of five steps, each recorded before the next; called in this process."""

from __future__ import annotations

import os

from dbos import DBOS

from bench.support.engine_driver import Call, serve


def note(number: int) -> int:
    return number + 1


# Called, not written as decorators: their types are unknown outside the peers' environment.
step = DBOS.step()(note)


def five() -> int:
    number = 0
    for _ in range(5):
        number = step(number)
    return number


workflow = DBOS.workflow()(five)


def call() -> None:
    if workflow() != 5:
        raise RuntimeError("The workflow did not do its five steps.")


def prepare() -> Call:
    return call


if __name__ == "__main__":
    DBOS(
        config={
            "name": "bench",
            "system_database_url": os.environ["BENCH_DSN"],
            "log_level": "ERROR",
        }
    )
    DBOS.launch()
    serve(prepare)
