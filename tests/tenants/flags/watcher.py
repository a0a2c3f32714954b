"""A process of its own that asks for a flag all the time: ``watcher.py TENANT FLAG``.

Run by ``test_services`` with the test's database. Says "on" when it has seen the flag on, then
"off" and the moment when it has seen it off.
"""

import os
import sys
import time

import django


def main() -> None:
    """Watch the flag go on and off."""
    django.setup()
    from django.conf import settings

    settings.REDIS_URL = os.environ["WATCHER_REDIS_URL"]
    from core import directory, tenancy
    from tenants import flags

    slug, name = sys.argv[1:]
    with tenancy.public_scope():
        tenant = next(found for found in directory.tenants_active() if found.slug == slug)
    until = time.monotonic() + 20
    with tenancy.tenant_scope(tenant):
        while not flags.is_on(name) and time.monotonic() < until:
            time.sleep(0.01)
        print("on", flush=True)
        while flags.is_on(name) and time.monotonic() < until:
            time.sleep(0.01)
    print("off" if time.monotonic() < until else "never", time.time(), flush=True)


if __name__ == "__main__":
    main()
