"""What `manage.py doctor` looks at: the machine, the services, the rights, the work in progress."""

from __future__ import annotations

import shutil
import socket
import sys
from collections.abc import Callable, Iterable
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings
from django.db import connections

from config.env import BASE_DIR
from core import tenancy
from core.embedding import DIMENSIONS, embed
from core.observability.checks import (
    READINESS,
    Check,
    CheckResult,
    check_run,
    queues_check,
)

DISK_FREE_BYTES: Final = 1024**3
PYTHON_NEEDED: Final = (3, 11)


def python_check() -> CheckResult:
    version = ".".join(str(part) for part in sys.version_info[:3])
    is_ok = sys.version_info >= PYTHON_NEEDED
    return CheckResult("python", is_ok, version, "" if is_ok else "Install Python 3.11 or newer.")


def disk_check() -> CheckResult:
    """See that data directories can still grow."""
    folder = settings.VAR_DIR if settings.VAR_DIR.exists() else BASE_DIR
    free = shutil.disk_usage(folder).free
    detail = f"{free / 1024**3:.1f} GiB free"
    is_ok = free > DISK_FREE_BYTES
    return CheckResult("disk", is_ok, detail, "" if is_ok else "Free space on the disk of var/.")


def port_check(name: str, url: str) -> Check:
    """Return a check that something listens where the process should."""
    address = urlsplit(url.replace("{host}", "localhost"))
    port = address.port or (443 if address.scheme in ("https", "wss") else 80)

    def check() -> CheckResult:
        with socket.socket() as probe:
            probe.settimeout(2)
            is_open = probe.connect_ex((address.hostname or "localhost", port)) == 0
        detail = f"port {port} {'answers' if is_open else 'does not answer'}"
        remedy = f"Run `make up`, or read the log of {name}."
        return CheckResult(name, is_open, detail, "" if is_open else remedy)

    return check


def extension_check() -> CheckResult:
    """See that pgvector is there."""
    found = _rows("SELECT extversion FROM pg_extension WHERE extname = 'vector'")
    if found:
        return CheckResult("pgvector", True, str(found[0][0]))
    remedy = "As superuser: CREATE EXTENSION vector; in the database."
    return CheckResult("pgvector", False, "not installed", remedy)


def role_check() -> CheckResult:
    """See that the application's own role is bound by row-level security and owns nothing."""
    name, is_super, bypasses = _rows(
        "SELECT rolname, rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user"
    )[0]
    owned = _rows(
        "SELECT count(*) FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace "
        "WHERE pg_get_userbyid(relowner) = current_user AND n.nspname !~ '^pg_'"
    )[0][0]
    if is_super or bypasses or owned:
        why = "is superuser" if is_super else "bypasses it" if bypasses else f"owns {owned} objects"
        remedy = "Connect DATABASE_URL as frontdesk_app (docs/operations.md, database roles)."
        return CheckResult("role", False, f"{name} {why}", remedy)
    return CheckResult("role", True, f"{name} is bound by row-level security")


def isolation_check() -> CheckResult:
    """See that every shared table with tenants' rows carries forced row-level security."""
    open_tables = _rows(
        "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        "JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id' "
        "WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relispartition "
        "AND NOT (c.relrowsecurity AND c.relforcerowsecurity) ORDER BY 1"
    )
    if not open_tables:
        return CheckResult("row security", True, "on for every shared table with tenants' rows")
    names = ", ".join(str(row[0]) for row in open_tables)
    return CheckResult("row security", False, f"missing on {names}", "Run `tenants_migrate`.")


def dead_letters_check() -> CheckResult:
    """Count deliveries that were given up."""
    with tenancy.platform_scope(), connections["platform"].cursor() as cursor:
        cursor.execute("SELECT count(*) FROM core_delivery WHERE state = 'dead'")
        count = int(cursor.fetchone()[0])
    remedy = "Read `manage.py dead_letters list`, mend the cause, redrive."
    return CheckResult("dead letters", count == 0, str(count), remedy if count else "")


def model_check() -> CheckResult:
    """Load the embedding model and see that it tells meanings apart."""
    try:
        question, near, far = embed(["return a jacket", "send clothes back", "lunar gravity"])
    except (OSError, RuntimeError, ValueError) as error:
        return CheckResult(
            "model", False, type(error).__name__, "Build .venv again: `make clean up`."
        )
    is_sane = float(question @ near) > float(question @ far)
    return CheckResult("model", is_sane, f"MiniLM, {DIMENSIONS} dimensions")


def _rows(statement: str) -> list[tuple[object, ...]]:
    with tenancy.public_scope(), connections["default"].cursor() as cursor:
        cursor.execute(statement)
        return list(cursor.fetchall())


def checks() -> dict[str, Check]:
    """Return every check, the machine first."""
    return {
        "python": python_check,
        "disk": disk_check,
        "database": READINESS["database"],
        "pgvector": extension_check,
        "role": role_check,
        "row security": isolation_check,
        "migrations": READINESS["migrations"],
        "redis": READINESS["redis"],
        "web": port_check("web", settings.PUBLIC_BASE_URL),
        "realtime": port_check("realtime", settings.REALTIME_URL),
        "workers": READINESS["workers"],
        "queues": queues_check,
        "relay": READINESS["relay"],
        "dead letters": dead_letters_check,
        "model": model_check,
    }


def diagnose(say: Callable[[CheckResult], None]) -> bool:
    """Run every check, say each answer as it comes, and return whether all are well."""
    results: Iterable[CheckResult] = (check_run(name, check) for name, check in checks().items())
    is_well = True
    for result in results:
        say(result)
        is_well = is_well and result.is_ok
    return is_well
