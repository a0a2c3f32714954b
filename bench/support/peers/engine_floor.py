"""The floor: five bare inserts, each a commit of its own, on a connection of the caller's own."""

from __future__ import annotations

import os
from uuid import uuid4

import psycopg

from bench.support.engine_driver import Call, serve

TABLE = """
    CREATE TABLE step (run uuid, seq int, output jsonb NOT NULL, PRIMARY KEY (run, seq))
"""


def connect() -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(os.environ["BENCH_DSN"], autocommit=True)


def prepare() -> Call:
    connection = connect()

    def call() -> None:
        run = uuid4()
        for seq in range(5):
            connection.execute("INSERT INTO step VALUES (%s, %s, '{\"number\": 1}')", (run, seq))

    return call


if __name__ == "__main__":
    with connect() as once:
        once.execute(TABLE)
    serve(prepare)
