"""Check this machine and the stack, with a remedy for each problem."""

from typing import Any

from django.core.management.base import BaseCommand

from config.diagnosis import diagnose
from core.observability.checks import CheckResult


class Command(BaseCommand):
    help = "Look at Python, disk, services, database rights, migrations, workers and the outbox."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        is_well = diagnose(self._say)
        self.stdout.write("All is well." if is_well else "Something needs attention.")
        if not is_well:
            raise SystemExit(1)

    def _say(self, result: CheckResult) -> None:
        mark = self.style.SUCCESS("ok  ") if result.is_ok else self.style.ERROR("FAIL")
        self.stdout.write(f"{mark}  {result.name:<13} {result.detail}")
        if result.remedy and not result.is_ok:
            self.stdout.write(f"      {'':<13} -> {result.remedy}")
