"""What the platform's admin shows first: how many workspaces, what is stuck."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models import Count, Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from core import fragments
from core.events.models import Delivery, OutboxEvent
from tenants import selectors
from tenants.models import Person, Tenant
from tenants.types import TenantStatus

NEWEST = 8


def dashboard_context(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add the figures and the newest workspaces to the admin's first page."""
    return {
        **context,
        "figures": _figures(),
        "newest": _newest(),
        "more": fragments.render("platform_dashboard", request),
    }


def _figures() -> list[dict[str, Any]]:
    is_active = Q(status=TenantStatus.ACTIVE.value)
    tenants = Tenant.objects.aggregate(active=Count("pk", filter=is_active), all=Count("pk"))
    stuck = Delivery.objects.aggregate(
        pending=Count("pk", filter=Q(state=Delivery.State.PENDING)),
        dead=Count("pk", filter=Q(state=Delivery.State.DEAD)),
    )
    recent = OutboxEvent.objects.filter(occurred_at__gte=timezone.now() - timedelta(days=1))
    return [
        _figure(_("Active workspaces"), tenants["active"], "tenants_tenant"),
        _figure(_("People"), Person.objects.count(), "tenants_person"),
        _figure(_("Events in 24 hours"), recent.count(), "core_outboxevent"),
        _figure(_("Deliveries waiting"), stuck["pending"], "core_delivery"),
        _figure(_("Dead letters"), stuck["dead"], "core_deadletter"),
    ]


def _figure(label: str, value: int, model: str) -> dict[str, Any]:
    return {"label": label, "value": value, "url": reverse(f"admin:{model}_changelist")}


def _newest() -> dict[str, Any]:
    """Return the table of the latest workspaces in the form unfold's component wants."""
    rows = Tenant.objects.annotate(people=Count("memberships")).order_by("-created_at")[:NEWEST]
    return {
        "headers": [_("Workspace"), _("Address"), _("Plan"), _("People"), _("Opened")],
        "rows": [
            [
                t.name,
                selectors.tenant_base_url(t.slug),
                t.plan,
                t.people,
                f"{t.created_at:%Y-%m-%d}",
            ]
            for t in rows
        ],
    }
