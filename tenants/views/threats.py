"""What looked like an attack on this workspace, and who is kept out because of it."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Page, Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from tenants import selectors
from tenants.models import Block, SecurityEvent
from tenants.permissions import requires, scopes_for
from tenants.threats.blocks import block_lift
from tenants.threats.labels import REACH_LABELS, TEXTS, ThreatText
from tenants.threats.types import BlockReach, SubjectKind, ThreatKind

PAGE_SIZE = 25


@dataclass(frozen=True, slots=True)
class EventRow:
    """An event as the page shows it."""

    event: SecurityEvent
    text: ThreatText
    who: str


@require_safe
@requires("audit:read")
def security(request: HttpRequest) -> HttpResponse:
    """Show the blocks that are on, and the events."""
    found = selectors.security_event_list()
    page: Page[SecurityEvent] = Paginator(found, PAGE_SIZE).get_page(request.GET.get("page"))
    names = {str(key.pk): key.name for key in selectors.api_key_list()}
    context = {
        "blocks": [_block_row(block, names) for block in selectors.block_list()],
        "page": page,
        "rows": [
            EventRow(event, TEXTS[ThreatKind(event.kind)], _who(event, names))
            for event in page.object_list
        ],
        "is_editable": "settings:write" in scopes_for(request),
    }
    return render(request, "tenants/settings/threats.html", context)


@require_POST
@requires("settings:write")
def security_lift(request: HttpRequest, block_id: UUID) -> HttpResponse:
    """End a block at once."""
    block_lift(block_id=block_id)
    messages.success(request, _("The block has been lifted."))
    return redirect("tenants:settings_security")


def _block_row(block: Block, names: dict[str, str]) -> tuple[Block, str, Promise]:
    return block, _who(block, names), REACH_LABELS[BlockReach(block.reach)]


def _who(row: SecurityEvent | Block, names: dict[str, str]) -> str:
    """Return whom a row is about: a key by its name, an address by its network."""
    if row.subject_kind == SubjectKind.API_KEY:
        return names.get(row.subject, _("an API key"))
    return row.network or {
        SubjectKind.ACCOUNT: _("an account"),
        SubjectKind.TOKEN_FAMILY: _("a signed-in app"),
    }.get(SubjectKind(row.subject_kind), _("an unknown address"))
