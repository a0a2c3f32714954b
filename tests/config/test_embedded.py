"""Embedded Postgres and Redis: private, durable, and theirs alone."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
import redis

from config.embedded import EmbeddedPostgres, EmbeddedRedis, server_running
from tests.config.conftest import ports_free


def test_postgres_keeps_data_over_a_restart_and_asks_for_a_password(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path / "postgres", ports_free(1)[0], "first-secret")
    with server_running(server, tmp_path / "log"):
        with psycopg.connect(server.superuser_dsn, autocommit=True) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
            connection.execute("CREATE EXTENSION vector")
        wrong = server.superuser_dsn.replace("first-secret", "wrong")
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(wrong)
    with (
        server_running(server, tmp_path / "log"),
        psycopg.connect(server.superuser_dsn) as connection,
    ):
        assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)
        listening = connection.execute("SHOW listen_addresses").fetchone()
        durable = connection.execute("SHOW fsync").fetchone()
    assert (listening, durable) == (("127.0.0.1",), ("on",))


def test_redis_keeps_data_over_a_restart_and_asks_for_a_password(tmp_path: Path) -> None:
    server = EmbeddedRedis(tmp_path / "redis", ports_free(1)[0], "first-secret")
    with server_running(server, tmp_path / "log"), redis.Redis.from_url(server.url) as client:
        client.set("kept", "42")
        with redis.Redis(port=server.port) as stranger, pytest.raises(redis.AuthenticationError):
            stranger.ping()
    with server_running(server, tmp_path / "log"), redis.Redis.from_url(server.url) as client:
        assert client.get("kept") == b"42"
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}


def test_passwords_are_not_on_the_command_line(tmp_path: Path) -> None:
    postgres = EmbeddedPostgres(tmp_path, 1, "hidden-secret")
    cache = EmbeddedRedis(tmp_path, 1, "hidden-secret")
    assert "hidden-secret" not in " ".join([*postgres.command(), *cache.command()])
