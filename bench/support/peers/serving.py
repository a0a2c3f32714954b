"""Serve the peers with uvicorn, one process each, on the stack's own Postgres and Redis."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from config.env import BASE_DIR, environment_load

SCHEMA = "bench_http"
APPS = {
    "stock": ["--factory", "django.core.asgi:get_asgi_application"],
    "fastapi": ["bench.support.peers.bare:app"],
}
LOCAL = "127.0.0.1"
START_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Peer:
    """Where a peer answers, and what it has to be told."""

    name: str
    port: int
    headers: Mapping[str, str]


@contextmanager
def peers_running(*, tenant_schema: str) -> Iterator[list[Peer]]:
    """Run both peers; the stock one has a schema of its own, dropped at the end.

    They connect as the owner role: the application role may not make a schema.
    """
    known = environment_load()
    dsn = known.text("DATABASE_OWNER_URL")
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "bench.support.peers.stock_settings",
        "BENCH_DSN": dsn,
        "BENCH_REDIS_URL": known.text("REDIS_URL"),
        "BENCH_SECRET": secrets.token_urlsafe(48),
        "BENCH_STOCK_SCHEMA": SCHEMA,
        "BENCH_TENANT_SCHEMA": tenant_schema,
    }
    with _schema(dsn), ExitStack() as running:
        token = _stock_prepare(environment)
        yield [
            running.enter_context(
                _served(name, environment, {"Host": LOCAL, "Authorization": f"Token {token}"})
            )
            for name in APPS
        ]


@contextmanager
def _schema(dsn: str) -> Iterator[None]:
    name = sql.Identifier(SCHEMA)
    with psycopg.connect(dsn, autocommit=True) as server:
        server.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(name))
        server.execute(sql.SQL("CREATE SCHEMA {}").format(name))
    try:
        yield
    finally:
        with psycopg.connect(dsn, autocommit=True) as server:
            server.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(name))


def _stock_prepare(environment: Mapping[str, str]) -> str:
    """Migrate the stock project, copy the products into it, and return its caller's token."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.support.peers.stock_prepare"],
        cwd=BASE_DIR,
        env=dict(environment),
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split()[-1]


@contextmanager
def _served(
    name: str, environment: Mapping[str, str], headers: Mapping[str, str]
) -> Iterator[Peer]:
    with socket.socket() as probe:
        probe.bind((LOCAL, 0))
        port = int(probe.getsockname()[1])
    uvicorn = str(Path(sys.executable).with_name("uvicorn"))
    options = [f"--port={port}", "--no-access-log", "--log-level=warning"]
    process = subprocess.Popen(  # noqa: S603 - our own program
        [uvicorn, *APPS[name], *options], cwd=BASE_DIR, env=dict(environment)
    )
    try:
        _listening_wait(port)
        yield Peer(name, port, headers)
    finally:
        process.terminate()
        process.wait(timeout=10)


def _listening_wait(port: int) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        with socket.socket() as probe:
            if probe.connect_ex((LOCAL, port)) == 0:
                return
        time.sleep(0.1)
    raise TimeoutError(f"Nothing listens on port {port}.")
