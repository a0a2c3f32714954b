"""The workspace's audit log: who did what, and a copy to take along."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.core.paginator import Page, Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from core import tenancy
from core.audit import selectors as audit_selectors
from core.audit.models import AuditEntry
from core.audit.record import act_record
from core.audit.types import Act, ActorKind
from core.csv import csv_response
from tenants import selectors
from tenants.audit_labels import ACT_LABELS, ACTOR_LABELS
from tenants.forms import AuditForm
from tenants.permissions import requires

PAGE_SIZE = 50
EXPORT_ROWS = 100_000
COLUMNS = (
    "seq",
    "occurred_at",
    "act",
    "actor_kind",
    "actor_id",
    "network",
    "target_kind",
    "target_id",
    "data",
    "request_id",
)


@dataclass(frozen=True, slots=True)
class AuditRow:
    """An entry as the page shows it."""

    entry: AuditEntry
    act: str
    actor: str
    target: str
    facts: list[tuple[str, str]]


@require_safe
@requires("audit:read")
def audit_list(request: HttpRequest) -> HttpResponse:
    """Show the log with filters; an entry says what was done, by whom and to what."""
    form = AuditForm(request.GET or None)
    chosen = form.chosen()
    found = audit_selectors.entry_list(**chosen)
    page: Page[AuditEntry] = Paginator(found, PAGE_SIZE).get_page(request.GET.get("page"))
    kept = urlencode({name: value for name, value in request.GET.items() if name in form.fields})
    context = {
        "form": form,
        "page": page,
        "rows": _rows(list(page.object_list)),
        "query": f"{kept}&" if kept else "",
        "checkpoint": audit_selectors.checkpoint_latest(),
        "is_filtered": bool(chosen),
    }
    status = 422 if form.errors else 200
    return render(request, "tenants/settings/audit.html", context, status=status)


@require_safe
@requires("audit:read")
def audit_csv(request: HttpRequest) -> HttpResponse:
    """Download the newest 100,000 entries the filters leave; the download is an entry itself."""
    chosen = AuditForm(request.GET or None).chosen()
    act_record(act=Act.AUDIT_EXPORTED, data={"filters": sorted(chosen)})
    entries = audit_selectors.entry_list(**chosen).values_list(*COLUMNS)[:EXPORT_ROWS]
    rows = ((seq, at.isoformat(), *rest) for seq, at, *rest in entries.iterator(chunk_size=2000))
    return csv_response(f"audit-{tenancy.require().slug}.csv", COLUMNS, rows)


def _rows(entries: list[AuditEntry]) -> list[AuditRow]:
    names = _names()
    return [
        AuditRow(
            entry=entry,
            act=str(ACT_LABELS[Act(entry.act)]),
            actor=_actor(entry, names),
            target=_target(entry, names),
            facts=_facts(entry.data),
        )
        for entry in entries
    ]


def _names() -> dict[UUID, str]:
    """Return what the workspace's people and keys are called, by id."""
    people = {found.person_id: found.person.display_name for found in selectors.membership_list()}
    keys = {key.pk: key.name for key in selectors.api_key_list()}
    return {**people, **keys}


def _actor(entry: AuditEntry, names: dict[UUID, str]) -> str:
    known = names.get(entry.actor_id) if entry.actor_id else None
    return known or str(ACTOR_LABELS[ActorKind(entry.actor_kind)])


def _target(entry: AuditEntry, names: dict[UUID, str]) -> str:
    """Return a thing's name, or the id where that says something to people; not the actor again."""
    if entry.target_id == str(entry.actor_id):
        return ""
    try:
        return names.get(UUID(entry.target_id), "")
    except ValueError:
        return entry.target_id


def _facts(data: str) -> list[tuple[str, str]]:
    """Return an entry's facts as words to show."""
    found: dict[str, Any] = json.loads(data)
    return [(name.replace("_", " "), _fact(value)) for name, value in found.items()]


def _fact(value: Any) -> str:
    is_list = isinstance(value, Iterable) and not isinstance(value, str)
    return ", ".join(str(item) for item in value) if is_list else str(value)
