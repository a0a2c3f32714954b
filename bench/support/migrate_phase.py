"""One phase of the migration bench in a process of its own; prints its seconds as JSON."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Sequence

os.environ["FRONTDESK_DB_ROLE"] = "owner"
os.environ["DJANGO_SETTINGS_MODULE"] = "bench.support.migrate_settings"


def multiprocessing() -> None:
    """Migrate every tenant by django-tenants' multiprocessing executor."""
    from django.core.management import call_command

    options = {"interactive": False, "verbosity": 0}
    call_command("migrate_schemas", tenant=True, executor="multiprocessing", **options)


def base() -> None:
    """Migrate what comes before the tenants: the shared schema and the template."""
    from tenants import provisioning

    provisioning.shared_migrate()
    provisioning.template_build()


def ours() -> None:
    """Find the tenants that are behind and migrate them."""
    from tenants import provisioning

    provisioning.schemas_upgrade(provisioning.schemas_outdated())


def everything() -> None:
    """Run the whole command, as a deployment does."""
    from django.core.management import call_command

    call_command("tenants_migrate", verbosity=0)


PHASES = {phase.__name__: phase for phase in (multiprocessing, base, ours, everything)}


def timed(phase: Callable[[], None]) -> float:
    began = time.perf_counter()
    phase()
    return time.perf_counter() - began


def main(names: Sequence[str]) -> None:
    import django

    from core import tenancy

    with tenancy.public_scope():
        django.setup()
        seconds = {name: timed(PHASES[name]) for name in names}
    print(json.dumps(seconds))


if __name__ == "__main__":
    main(sys.argv[1:])
