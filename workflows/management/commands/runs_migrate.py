"""`manage.py runs_migrate WORKFLOW`: move runs that go on to another version of it."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import yaml
from django.core.management.base import BaseCommand, CommandError

from core import directory, tenancy
from core.errors import DomainError
from core.tenancy import TenantContext
from workflows.migrating import Migration, runs_migrate

MAX_BYTES = 64 * 1024


class Command(BaseCommand):
    """Move runs by a map; exit with 1 when some were refused or are left."""

    help = (
        "Move the runs of WORKFLOW that wait or go on from one version to another. The map is a "
        "YAML file of `old_step: new_step`; steps that are the same in both need no line."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the workflow, the two versions, and the map."""
        parser.add_argument("workflow", metavar="WORKFLOW")
        parser.add_argument("--tenant", required=True, help="the workspace's slug")
        parser.add_argument("--from", dest="from_hash", required=True, metavar="HASH")
        parser.add_argument("--to", dest="to_hash", required=True, metavar="HASH")
        parser.add_argument("--map", dest="map", required=True, type=Path, metavar="FILE")
        parser.add_argument("--dry-run", action="store_true", help="only say what would happen")

    def handle(self, *args: Any, **options: Any) -> None:
        """Move them, and say what became of each."""
        wanted = {key: options[key] for key in ("workflow", "from_hash", "to_hash", "dry_run")}
        names = _names(options["map"])
        with tenancy.tenant_scope(_tenant(options["tenant"])):
            try:
                migration = runs_migrate(names=names, **wanted)
            except DomainError as error:
                raise CommandError(str(error.detail)) from error
        self._tell(migration, "would move" if options["dry_run"] else "moved")

    def _tell(self, migration: Migration, verb: str) -> None:
        for run_id in migration.moved:
            self.stdout.write(f"{verb} {run_id}")
        for run_id, reason in migration.refused.items():
            self.stderr.write(f"refused {run_id}: {reason}")
        for run_id in migration.busy:
            self.stderr.write(f"busy {run_id}: a worker has it")
        left = len(migration.refused) + len(migration.busy)
        if left:
            raise CommandError(f"{left} runs stay on their version.")


def _names(path: Path) -> dict[str, str]:
    """Read a map of words to words; raises ``CommandError``."""
    try:
        with path.open("rb") as file:
            found = yaml.safe_load(file.read(MAX_BYTES).decode())
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise CommandError(f"{path}: {error}") from error
    found = {} if found is None else found
    is_map = isinstance(found, dict) and all(
        isinstance(word, str) for pair in found.items() for word in pair
    )
    if not is_map:
        raise CommandError(f"{path}: write one `old_step: new_step` a line.")
    return dict(found)


def _tenant(slug: str) -> TenantContext:
    with tenancy.public_scope():
        for tenant in directory.tenants_active():
            if tenant.slug == slug:
                return tenant
    raise CommandError(f"There is no active workspace {slug!r}.")
