#!/usr/bin/env python
"""Run Frontdesk's management commands, each with the database role it needs and no more."""

import os
import sys

OWNER_COMMANDS = {"migrate", "migrate_schemas", "tenants_migrate", "sqlmigrate", "showmigrations"}
# These need no installation: what of it they need they start for themselves.
STANDALONE_COMMANDS = {"pii_eval", "retrieval_eval", "answers_eval", "knowledge_calibrate"}


def main() -> None:
    """Enter the shared schema explicitly and hand over to Django."""
    command = sys.argv[1] if len(sys.argv) > 1 else ""
    if command in STANDALONE_COMMANDS:
        os.environ.setdefault("FRONTDESK_ENV", "test")
    import config  # noqa: F401 - chooses the settings

    os.environ.setdefault("FRONTDESK_DB_ROLE", "owner" if command in OWNER_COMMANDS else "app")
    from core import tenancy

    with tenancy.public_scope():
        from django.core.management import execute_from_command_line

        execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
