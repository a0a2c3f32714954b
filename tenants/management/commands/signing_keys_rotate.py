"""Replace the key that signs access tokens; the old one verifies until its last token is over."""

from typing import Any

from django.core.management.base import BaseCommand

from tenants.tokens import signing


class Command(BaseCommand):
    help = "Make a new key for access tokens; tokens of the old key stay valid until they expire."

    def handle(self, *args: Any, **options: Any) -> None:
        key = signing.signing_key_rotate()
        self.stdout.write(f"{key.kid} signs now; {len(signing.jwks()['keys'])} keys verify")
