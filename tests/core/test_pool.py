"""A connection that its server has closed is not handed out again."""

import psycopg
import pytest
from django.db import connection

from core import tenancy
from core.db.pool import connection_is_open
from tests.services import SUPERUSER


def test_open_connection_is_told_from_one_that_the_server_ended() -> None:
    with psycopg.connect(SUPERUSER, autocommit=True) as killer, psycopg.connect(SUPERUSER) as idle:
        assert connection_is_open(idle)
        killer.execute("SELECT pg_terminate_backend(%s, 5000)", (idle.info.backend_pid,))
        assert not connection_is_open(idle)
        idle.close()
        assert not connection_is_open(idle)


@pytest.mark.django_db(transaction=True)
def test_request_after_a_restart_of_the_server_gets_a_connection_that_works() -> None:
    def backend() -> int:
        with tenancy.public_scope(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            return int(cursor.fetchone()[0])

    ended = backend()
    connection.close()  # gives it back to the pool, as the end of a request does
    with psycopg.connect(SUPERUSER, autocommit=True) as killer:
        killer.execute("SELECT pg_terminate_backend(%s, 5000)", (ended,))
    assert backend() != ended
