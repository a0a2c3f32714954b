"""Settings of the migration bench: one app has one migration more, found on the Python path.

Without the connection pool: the executor that is measured beside ours forks, and a pool's threads
do not survive that.
"""

from config.settings.dev import *  # noqa: F403
from config.settings.dev import DATABASES, MIGRATION_MODULES

MIGRATION_MODULES = {**MIGRATION_MODULES, "analytics": "bench_migrations"}
for database in DATABASES.values():
    database["OPTIONS"] = {"application_name": "frontdesk-bench"}
