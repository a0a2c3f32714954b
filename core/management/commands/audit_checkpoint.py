"""Sign the audit log's chains now, and say with which keys they are signed."""

from typing import Any

from django.core.management.base import BaseCommand

from core.audit import checkpoints


class Command(BaseCommand):
    help = "Sign every chain of the audit log that has grown since its last checkpoint."

    def handle(self, *args: Any, **options: Any) -> None:
        count = checkpoints.checkpoints_make()
        self.stdout.write(f"{count} chains signed")
        for key_id, public in checkpoints.public_keys().items():
            self.stdout.write(f"Ed25519 {key_id}: {public}")
