"""Verify the audit log; exit 1 and name every difference when it was tampered with."""

from __future__ import annotations

import json
import time
from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from core.audit.verify import Verification, audit_verify


class Command(BaseCommand):
    help = "Check every chain of the audit log against its hashes, heads and signed checkpoints."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--tenant", type=UUID, help="verify the chain of this workspace only")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        began = time.perf_counter()
        found = audit_verify(tenant_id=options["tenant"])
        seconds = time.perf_counter() - began
        if options["json"]:
            self.stdout.write(json.dumps(_report(found, seconds)))
        else:
            self._tell(found, seconds)
        if found.findings:
            raise CommandError("The audit log is not what was recorded.", returncode=1)

    def _tell(self, found: Verification, seconds: float) -> None:
        for finding in found.distinct:
            self.stderr.write(str(finding))
        self.stdout.write(
            f"{found.entries} entries of {found.chains} chains and {found.checkpoints} "
            f"checkpoints read in {seconds:.2f} s; {len(found.distinct)} differences"
        )


def _report(found: Verification, seconds: float) -> dict[str, object]:
    return {
        "chains": found.chains,
        "entries": found.entries,
        "checkpoints": found.checkpoints,
        "seconds": round(seconds, 3),
        "findings": [
            {
                "chain": str(finding.tenant_id),
                "first": finding.first,
                "last": finding.last,
                "kind": finding.kind.value,
            }
            for finding in found.distinct
        ],
    }
