"""Run a command on servers of its own, so that an evaluation neither needs nor touches others."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

from django.core.management.base import CommandError

from core import tenancy
from core.tenancy import TenantContext
from tenants.services import tenant_create

MARK: Final = "FRONTDESK_EVALUATION"
ROOT: Final = Path(__file__).resolve().parents[2]


def is_inside() -> bool:
    """Return whether this process runs on servers of its own already."""
    return MARK in os.environ


def run_inside(arguments: list[str]) -> None:
    """Run `manage.py` with the same arguments once more, on servers of its own.

    Raises CommandError with its exit code when it fails.
    """
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-m", "config.scratch", str(ROOT / "manage.py"), *arguments],
        env={**os.environ, MARK: "1", "PYTHONPATH": str(ROOT)},
        check=False,
    )
    if done.returncode:
        raise CommandError("The evaluation did not end.", returncode=done.returncode)


def workspace_make(name: str) -> TenantContext:
    """Return a new workspace of that name."""
    with tenancy.public_scope():
        return tenant_create(name=name, slug=name).context
