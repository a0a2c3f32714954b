"""Verify a million entries of the audit log, then tamper with it in five ways and look for each.

On a Postgres of its own. Entries are appended by the function that Frontdesk appends with; a
thousand workspaces share a tenth of them, one has the rest. A superuser tampers with a copy of the
database each time. The last line is one JSON object: rows, chains, seconds (median of three),
tampering_found, found.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final
from uuid import UUID

import psycopg

from config.scratch import DATABASE, scratch_servers

ROWS: Final = 1_000_000
SMALL_CHAINS: Final = 1000
SMALL_ROWS: Final = 100
TENANT: Final = UUID(int=7)
LONG: Final = ROWS - SMALL_CHAINS * SMALL_ROWS
LIMIT_SECONDS: Final = 2.0
COPY: Final = "frontdesk_bench_copy"
Connection = psycopg.Connection[tuple[Any, ...]]

# Two hundred entries a transaction: dead versions of a head that is still locked cannot be pruned.
FILL: Final = """
CREATE PROCEDURE bench_fill(chain uuid, wanted int) LANGUAGE plpgsql AS $$
BEGIN
    FOR n IN 1..wanted LOOP
        PERFORM audit_append(
            chain, 'member.role_set', 'person', gen_random_uuid(), '192.0.2.0/24',
            md5(n::text), 'person', gen_random_uuid()::text, '{"from":"agent","to":"admin"}'
        );
        IF n % 200 = 0 THEN COMMIT; END IF;
    END LOOP;
END $$
"""
# What a forger does who knows how the chain is made, and has the database but not the key.
RESTAMP: Final = """
DO $$
DECLARE entry core_auditentry; previous bytea;
BEGIN
    SELECT hash INTO previous FROM core_auditentry WHERE {chain} AND seq = 897999;
    FOR entry IN SELECT * FROM core_auditentry WHERE {chain} AND seq >= 898000 ORDER BY seq LOOP
        previous := sha256(previous
            || audit_field(uuid_send(entry.tenant_id)) || audit_field(int8send(entry.seq))
            || audit_field(timestamptz_send(entry.occurred_at))
            || audit_field(textsend(entry.act)) || audit_field(textsend(entry.actor_kind))
            || audit_field(uuid_send(entry.actor_id)) || audit_field(textsend(entry.network))
            || audit_field(textsend(entry.request_id))
            || audit_field(textsend(entry.target_kind))
            || audit_field(textsend(entry.target_id)) || audit_field(textsend(entry.data)));
        UPDATE core_auditentry SET hash = previous WHERE id = entry.id;
    END LOOP;
    UPDATE core_audithead SET hash = previous WHERE {chain};
END $$
"""
# What is done: what must be found, and the statements.
TAMPERINGS: Final = {
    "edit": ("altered", ("UPDATE core_auditentry SET data = '[]' WHERE {chain} AND seq = 400000",)),
    "delete": ("missing", ("DELETE FROM core_auditentry WHERE {chain} AND seq = 400000",)),
    "truncate": (
        "truncated",
        (
            "DELETE FROM core_auditentry WHERE {chain} AND seq > 899000",
            "UPDATE core_audithead SET seq = 899000, hash = (SELECT hash FROM core_auditentry "
            "WHERE {chain} AND seq = 899000) WHERE {chain}",
        ),
    ),
    "reorder": (
        "moved",
        (
            "UPDATE core_auditentry SET seq = -seq WHERE {chain} AND seq IN (5000, 5001)",
            "UPDATE core_auditentry SET seq = 10001 + seq WHERE {chain} AND seq < 0",
        ),
    ),
    "restamp": (
        "rewritten",
        (
            "UPDATE core_auditentry SET occurred_at = occurred_at - interval '1 day' "
            "WHERE {chain} AND seq = 898000",
            RESTAMP,
        ),
    ),
}


def fill(connection: Connection) -> None:
    """Append a million entries: one long chain and a thousand short ones."""
    connection.execute(FILL)
    for number in range(SMALL_CHAINS):
        chain = UUID(int=1000 + number)
        connection.execute("CALL bench_fill(%s, %s)", (chain, SMALL_ROWS))
    connection.execute("CALL bench_fill(%s, %s)", (TENANT, ROWS - SMALL_CHAINS * SMALL_ROWS))
    connection.execute("VACUUM ANALYZE core_auditentry")


def times() -> list[float]:
    """Return the seconds of three verifications; raises RuntimeError if one finds anything."""
    from core.audit.verify import audit_verify

    seconds = []
    for _ in range(3):
        began = time.perf_counter()
        found = audit_verify()
        seconds.append(time.perf_counter() - began)
        if found.findings or found.entries != ROWS:
            raise RuntimeError(f"{found.entries} entries, {found.distinct[:5]}")
    return seconds


@contextmanager
def copied(superuser: str) -> Iterator[Connection]:
    """Connect to a copy of the database that the verifier looks at meanwhile."""
    from django.db import connections

    settings = connections["platform"].settings_dict
    with psycopg.connect(superuser, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {COPY} TEMPLATE {DATABASE} STRATEGY file_copy")
        settings["NAME"] = COPY
        try:
            with psycopg.connect(superuser, dbname=COPY, autocommit=True) as connection:
                yield connection
        finally:
            settings["NAME"] = DATABASE
            server.execute(f"DROP DATABASE {COPY} WITH (FORCE)")


def tampered(superuser: str, statements: tuple[str, ...]) -> list[str]:
    """Return the kinds of what is found after the statements, on a copy."""
    from core.audit.verify import audit_verify

    with copied(superuser) as connection:
        for statement in statements:
            connection.execute(statement.replace("{chain}", f"tenant_id = '{TENANT}'"))
        return sorted({finding.kind.value for finding in audit_verify().distinct})


def main() -> int:
    """Run the bench; exit 1 when a target is missed."""
    with scratch_servers() as postgres:
        import django

        django.setup()
        from django.db import connections

        from core.audit.checkpoints import checkpoints_make

        superuser = postgres.superuser_dsn
        with psycopg.connect(superuser, dbname=DATABASE, autocommit=True) as connection:
            fill(connection)
        checkpoints_make()
        for alias in connections:
            connections[alias].close()
            connections[alias].close_pool()  # type: ignore[attr-defined]  # of Postgres' wrapper
        seconds = times()
        found = {
            name: tampered(superuser, statements) for name, (_, statements) in TAMPERINGS.items()
        }
    return report(seconds, found)


def report(seconds: list[float], found: dict[str, list[str]]) -> int:
    """Print the figures; return 1 when a target is missed."""
    named = sum(found[name] == [kind] for name, (kind, _) in TAMPERINGS.items())
    median = round(statistics.median(seconds), 2)
    result = {
        "rows": ROWS,
        "chains": SMALL_CHAINS + 1,
        "seconds": median,
        "tampering_found": named,
        "tampering_tried": len(TAMPERINGS),
        "found": found,
    }
    print(json.dumps(result))
    return int(median > LIMIT_SECONDS or named < len(TAMPERINGS))


if __name__ == "__main__":
    sys.exit(main())
