"""What is asked of a pool's connection before it is used."""

import select
from typing import Any

from psycopg import Connection


def connection_is_open(connection: Connection[Any]) -> bool:
    """Tell whether the server has kept the connection meanwhile.

    An idle server sends nothing: bytes to read are its farewell, or the end of the stream. Looking
    costs no round trip, so it can be done each time.
    """
    if connection.closed:
        return False
    question = select.poll()
    question.register(connection.fileno(), select.POLLIN)
    return not question.poll(0)
