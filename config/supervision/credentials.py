"""Passwords and keys made once per stack and remembered in a file only its owner can read."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path
from typing import Final

NAMES: Final = (
    "postgres_superuser",
    "postgres_owner",
    "postgres_app",
    "postgres_platform",
    "redis",
    "secret_key",
)


def credentials_ensure(path: Path) -> dict[str, str]:
    """Return every credential, making those that are missing. Idempotent."""
    known: dict[str, str] = json.loads(path.read_text()) if path.is_file() else {}
    missing = [name for name in NAMES if name not in known]
    if missing:
        known |= {name: secrets.token_urlsafe(32) for name in missing}
        private_write(path, json.dumps(known, indent=2) + "\n")
    return known


def private_write(path: Path, text: str) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    temporary.replace(path)
