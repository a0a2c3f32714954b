"""`manage.py degrade on|off|list`: give something up for a while, or take it back."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from core import directory, tenancy
from core.errors import DomainError
from tenants.switches.models import MEANING
from tenants.switches.services import switch_list, switch_turn_off, switch_turn_on
from tenants.switches.types import Switch

_LASTING = re.compile(r"(\d{1,5})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class Command(BaseCommand):
    help = "Turn a degrade switch on or off, or list them with their history."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("verb", choices=["on", "off", "list"])
        parser.add_argument("name", nargs="?", choices=[str(switch) for switch in Switch])
        parser.add_argument("--for", dest="lasting", default="30m", help="like 90s, 30m, 2h, 1d")
        parser.add_argument("--reason", default="")
        parser.add_argument("--tenant", default="", help="the slug of the one workspace it is for")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["verb"] == "list":
            self._list()
            return
        if options["name"] is None:
            raise CommandError(f"Name a switch: {', '.join(Switch)}.")
        tenant = _tenant(options["tenant"])
        named: dict[str, Any] = {
            "name": Switch(options["name"]),
            "tenant_id": tenant.id if tenant else None,
        }
        if options["verb"] == "off":
            ended = switch_turn_off(**named)
            self.stdout.write("Off." if ended else "It was not on.")
            return
        try:
            switch = switch_turn_on(
                lasting=lasting_read(options["lasting"]), reason=options["reason"], **named
            )
        except DomainError as error:
            raise CommandError(error.detail) from error
        self.stdout.write(f"On until {switch.expires_at:%Y-%m-%d %H:%M:%S} UTC.")

    def _list(self) -> None:
        for name, meaning in MEANING.items():
            self.stdout.write(f"{name:20} {meaning}")
        for switch in switch_list():
            state = "on" if switch.is_on else "ended"
            whose = switch.tenant_id or "all"
            until = switch.ended_at or switch.expires_at
            self.stdout.write(
                f"{state:6}{switch.name:20} {whose} {switch.source} "
                f"{switch.started_at:%Y-%m-%d %H:%M} - {until:%Y-%m-%d %H:%M}  {switch.reason}"
            )


def lasting_read(text: str) -> timedelta:
    """Return the time that a text like 30m names; raises CommandError."""
    found = _LASTING.fullmatch(text)
    if found is None:
        raise CommandError("Say for how long like 90s, 30m, 2h or 1d.")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def _tenant(slug: str) -> tenancy.TenantContext | None:
    if not slug:
        return None
    with tenancy.public_scope():
        for tenant in directory.tenants_active():
            if tenant.slug == slug:
                return tenant
    raise CommandError(f"There is no active workspace {slug!r}.")
