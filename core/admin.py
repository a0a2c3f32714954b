"""The outbox as the platform sees it: what was published, who has it, what is stuck."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from django.contrib import admin, messages
from django.db.models import Count, Model, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.admin import ModelAdmin
from unfold.decorators import action, display

from core.audit.models import AuditCheckpoint, AuditEntry
from core.audit.record import act_record
from core.audit.types import PLATFORM_CHAIN, Act
from core.events.dead_letters import dead_letters_redrive
from core.events.models import DeadLetter, Delivery, EventReplay, OutboxEvent

ACTION_ROWS_RECORDED: Final = 100


class AuditedAdmin(ModelAdmin):  # type: ignore[misc]  # unfold ships no types
    """An admin page whose every change and action is recorded in the audit log."""

    def log_addition(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        self._record(Act.ADMIN_ADDED, obj)
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        self._record(Act.ADMIN_CHANGED, obj, fields=changed_fields(message))
        return super().log_change(request, obj, message)

    def log_deletions(self, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
        for obj in queryset:
            self._record(Act.ADMIN_DELETED, obj)
        return super().log_deletions(request, queryset)

    def response_action(self, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
        """Run the chosen action and record it with the rows it was run on."""
        chosen = request.POST.getlist("_selected_action")[:ACTION_ROWS_RECORDED]
        response = super().response_action(request, queryset)
        if response is not None and chosen:
            act_record(
                act=Act.ADMIN_ACTION,
                target_kind=self.opts.label_lower,
                data={"action": request.POST.get("action", ""), "rows": chosen},
            )
        return response

    def _record(self, act: Act, obj: Model, fields: list[str] | None = None) -> None:
        """Record in the platform's chain, and in that of the workspace whose row it is."""
        chains = {None, audit_chain_of(obj)}
        for tenant_id in sorted(chains, key=str):
            act_record(
                act=act,
                target_kind=self.opts.label_lower,
                target_id=obj.pk,
                data={"fields": fields} if fields else None,
                tenant_id=tenant_id,
            )


def audit_chain_of(obj: Model) -> UUID | None:
    """Return the workspace a row belongs to, or is; None for rows of the platform."""
    found = obj.pk if obj._meta.label_lower == "tenants.tenant" else getattr(obj, "tenant_id", None)
    return found if isinstance(found, UUID) else None


def changed_fields(message: Any) -> list[str]:
    """Return the names of the fields a change message of Django's admin lists."""
    parts = message if isinstance(message, list) else []
    return sorted({name for part in parts for name in part.get("changed", {}).get("fields", [])})


class ReadOnlyAdmin(AuditedAdmin):
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
    list_filter = ["subscriber", "finished_at"]
    search_fields = ["subscriber", "=tenant_id", "=event_seq", "reason"]
    ordering = ["-id"]
    actions = ["dead_letters_redrive"]

    @action(description=_("Redrive: deliver again"))  # type: ignore[untyped-decorator]  # unfold ships no types
    def dead_letters_redrive(self, request: HttpRequest, queryset: QuerySet[DeadLetter]) -> None:
        """Put the chosen dead letters back in line."""
        count = dead_letters_redrive(ids=list(queryset.values_list("pk", flat=True)))
        text = ngettext(
            "%d dead letter is back in line.", "%d dead letters are back in line.", count
        )
        messages.success(request, text % count)


@admin.register(EventReplay)
class EventReplayAdmin(ReadOnlyAdmin):
    """Stored events delivered again; `manage.py events_replay` begins and cancels it."""

    list_display = ["requested_at", "subscriber", "tenant_id", "state", "planned", "left", "failed"]
    list_filter = ["state", "subscriber"]
    search_fields = ["subscriber", "=tenant_id"]
    ordering = ["-requested_at"]
    exclude = ["cursor_at", "cursor_id", "turn_at"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[EventReplay]:
        waiting = Delivery.objects.filter(replay_id=OuterRef("pk"), state=Delivery.State.PENDING)
        left = waiting.values("replay_id").annotate(number=Count("pk")).values("number")
        found: QuerySet[EventReplay] = super().get_queryset(request)
        return found.annotate(left=Coalesce(Subquery(left), 0))

    @display(description=_("left"))  # type: ignore[untyped-decorator]  # unfold ships no types
    def left(self, replay: EventReplay) -> int:
        return int(replay.left)  # type: ignore[attr-defined]  # annotated above


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    """Every workspace's audit log, and the platform's own (its chain is all zero)."""

    list_display = ["occurred_at", "act", "actor_kind", "actor_id", "target", "chain", "seq"]
    list_filter = ["act", "actor_kind"]
    search_fields = ["=tenant_id", "=actor_id", "=target_id", "=request_id"]
    ordering = ["-id"]
    exclude = ["hash"]

    @display(description=_("target"))  # type: ignore[untyped-decorator]  # unfold ships no types
    def target(self, entry: AuditEntry) -> str:
        return f"{entry.target_kind} {entry.target_id}".strip()

    @display(description=_("chain"))  # type: ignore[untyped-decorator]  # unfold ships no types
    def chain(self, entry: AuditEntry) -> str:
        is_own = entry.tenant_id == PLATFORM_CHAIN
        return str(_("platform")) if is_own else str(entry.tenant_id)


@admin.register(AuditCheckpoint)
class AuditCheckpointAdmin(ReadOnlyAdmin):
    list_display = ["signed_at", "tenant_id", "seq", "key_id"]
    search_fields = ["=tenant_id"]
    ordering = ["-id"]
    exclude = ["hash", "signature"]
