"""The outbox as the platform sees it: what was published, who has it, what is stuck."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.admin import ModelAdmin
from unfold.decorators import action, display

from core.events import redrive
from core.events.models import DeadLetter, Delivery, OutboxEvent


class ReadOnlyAdmin(ModelAdmin):  # type: ignore[misc]  # unfold ships no types
    """Rows that only the software writes."""

    show_full_result_count = False  # the tables are partitioned and large; counting is not free
    list_per_page = 50

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(OutboxEvent)
class OutboxEventAdmin(ReadOnlyAdmin):
    list_display = ["id", "name", "version", "tenant_id", "occurred_at"]
    list_filter = ["name"]
    search_fields = ["=event_id", "=tenant_id", "name"]
    ordering = ["-id"]


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    list_display = ["id", "subscriber", "status", "attempts", "tenant_id", "occurred_at", "reason"]
    list_filter = ["state", "subscriber"]
    search_fields = ["subscriber", "=tenant_id", "=event_seq"]
    ordering = ["-id"]

    @display(  # type: ignore[untyped-decorator]  # unfold ships no types
        description=_("state"),
        ordering="state",
        label={
            Delivery.State.PENDING.label: "info",
            Delivery.State.DONE.label: "success",
            Delivery.State.DEAD.label: "danger",
        },
    )
    def status(self, delivery: Delivery) -> str:
        return str(Delivery.State(delivery.state).label)


@admin.register(DeadLetter)
class DeadLetterAdmin(ReadOnlyAdmin):
    """Deliveries whose retries are used up; redrive once the cause is fixed."""

    list_display = ["id", "subscriber", "reason", "attempts", "tenant_id", "finished_at"]
    list_filter = ["subscriber"]
    search_fields = ["subscriber", "=tenant_id", "reason"]
    ordering = ["-id"]
    actions = ["dead_letters_redrive"]

    @action(description=_("Redrive: deliver again"))  # type: ignore[untyped-decorator]  # unfold ships no types
    def dead_letters_redrive(self, request: HttpRequest, queryset: QuerySet[DeadLetter]) -> None:
        """Put the chosen dead letters back in line."""
        count = redrive(list(queryset.values_list("pk", flat=True)))
        text = ngettext(
            "%d dead letter is back in line.", "%d dead letters are back in line.", count
        )
        messages.success(request, text % count)
