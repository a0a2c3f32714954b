"""Look at dead letters, and put them back in line once the cause is mended."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core import directory, tenancy
from core.events.dead_letters import (
    REDRIVE_LIMIT,
    dead_letter_event,
    dead_letter_list,
    dead_letters_redrive,
)
from core.events.models import DeadLetter
from core.management.instants import instant


class Command(BaseCommand):
    help = "List, show or redrive the deliveries whose attempts are used up."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("act", choices=("list", "show", "redrive"))
        parser.add_argument("ids", nargs="*", type=int, help="their numbers")
        parser.add_argument("--subscriber", default="", help="only this subscriber's")
        parser.add_argument("--tenant", default="", help="only this workspace's (its slug)")
        parser.add_argument(
            "--since", type=instant, help="of events from this instant on (ISO 8601)"
        )
        parser.add_argument("--until", type=instant, help="of events before this instant")
        parser.add_argument("--all", action="store_true", help="redrive whatever there is")
        parser.add_argument("--limit", type=int, default=50, help="how many to list")

    def handle(self, *args: Any, **options: Any) -> None:
        chosen = _chosen(options)
        with tenancy.platform_scope():
            if options["act"] == "redrive":
                self._redrive(chosen, is_all=options["all"])
            elif options["act"] == "show":
                self._show(options["ids"])
            else:
                self._list(chosen, options["limit"])

    def _list(self, chosen: dict[str, Any], limit: int) -> None:
        found = dead_letter_list(**chosen)
        slugs = {tenant.id: tenant.slug for tenant in directory.tenants_active()}
        for letter in found[:limit]:
            whose = slugs.get(letter.tenant_id, str(letter.tenant_id))
            self.stdout.write(
                f"{letter.pk}  {letter.occurred_at:%Y-%m-%d %H:%M:%S}  {whose}  "
                f"{letter.subscriber}  {letter.reason}"
            )
        self.stdout.write(f"{found.count()} dead letters")

    def _show(self, ids: list[int]) -> None:
        letters = list(dead_letter_list(ids=ids))
        if not ids or len(letters) < len(set(ids)):
            raise CommandError(
                "Name dead letters by their numbers; `dead_letters list` shows them."
            )
        for letter in letters:
            self.stdout.write(json.dumps(_described(letter), indent=2))

    def _redrive(self, chosen: dict[str, Any], *, is_all: bool) -> None:
        if not is_all and not any(value for value in chosen.values()):
            raise CommandError("Say which: numbers, --subscriber, --tenant, --since or --all.")
        count = dead_letters_redrive(**chosen)
        left = dead_letter_list(**chosen).count()
        self.stdout.write(f"{count} dead letters are back in line")
        if left:
            self.stdout.write(f"{left} are left: {REDRIVE_LIMIT} go at a time, so repeat it")


def _chosen(options: dict[str, Any]) -> dict[str, Any]:
    return {
        "ids": options["ids"] or None,
        "subscriber": options["subscriber"],
        "tenant_id": _tenant_id(options["tenant"]),
        "since": options["since"],
        "until": options["until"],
    }


def _tenant_id(slug: str) -> Any:
    if not slug:
        return None
    for tenant in directory.tenants_active():
        if tenant.slug == slug:
            return tenant.id
    raise CommandError(f"There is no active workspace {slug!r}.")


def _described(letter: DeadLetter) -> dict[str, Any]:
    event = dead_letter_event(letter)
    return {
        "id": letter.pk,
        "tenant_id": str(letter.tenant_id),
        "subscriber": letter.subscriber,
        "reason": letter.reason,
        "attempts": letter.attempts,
        "transactions_lost": letter.strikes,
        "given_up_at": letter.finished_at.isoformat() if letter.finished_at else None,
        "occurred_at": letter.occurred_at.isoformat(),
        "event": event
        and {"id": str(event.event_id), "name": event.name, "payload": event.payload},
    }
