"""The platform's view of plans, subscriptions and usage; served on the platform host alone."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from billing.models import Plan, Subscription, UsageEntry
from core.admin import AuditedAdmin
from tenants.models import Tenant


class OfTenantAdmin(AuditedAdmin):
    """Rows that belong to a workspace, shown with its name in one query."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        names = Tenant.objects.filter(pk=OuterRef("tenant_id")).values("slug")[:1]
        found: QuerySet[Any] = super().get_queryset(request).annotate(slug=Subquery(names))
        return found

    @display(description=_("Workspace"), ordering="slug")  # type: ignore[untyped-decorator]  # no types
    def workspace(self, row: Any) -> str:
        return row.slug or str(row.tenant_id)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Plan)
class PlanAdmin(AuditedAdmin):
    """Plans on offer; a plan in use is never deleted, only no longer offered."""

    list_display = ["name", "code", "price_minor", "currency", "is_offered", "position"]
    list_filter = ["is_offered"]
    ordering = ["position", "code"]


@admin.register(Subscription)
class SubscriptionAdmin(OfTenantAdmin):
    """Which workspace has which plan; changed by billing's services."""

    list_display = ["workspace", "plan", "state", "trial_ends_at", "created_at"]
    list_filter = ["state", "plan"]
    list_select_related = ["plan"]
    ordering = ["-created_at"]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(UsageEntry)
class UsageEntryAdmin(OfTenantAdmin):
    """The ledger; nobody alters it, here or in the database."""

    list_display = ["occurred_at", "workspace", "meter", "quantity", "subject_id"]
    list_filter = ["meter", "occurred_at"]
    ordering = ["-occurred_at", "-id"]
    show_full_result_count = False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
