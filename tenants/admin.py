"""The platform's view of workspaces and people; served on the platform host alone."""

from __future__ import annotations

from datetime import datetime, timedelta
from importlib import import_module
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.admin import TabularInline
from unfold.decorators import action, display
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from core import directory
from core.admin import AuditedAdmin, ReadOnlyAdmin
from tenants import selectors
from tenants.accounts import factors
from tenants.flags import admin as flags_admin
from tenants.models import (
    ApiKey,
    Block,
    DegradeSwitch,
    Domain,
    Membership,
    Person,
    SecurityEvent,
    Tenant,
)
from tenants.preferences import admin as preferences_admin
from tenants.switches import services as switches
from tenants.switches.types import Switch
from tenants.types import TenantStatus

__all__ = ["flags_admin", "preferences_admin"]  # registered with the others

admin.site.unregister(Group)  # scopes come with roles; Django's groups mean nothing here
# allauth's pages show secrets, sealed as they are, and set what only links in mails may set.
for label in ("account", "mfa", "socialaccount"):
    import_module(f"allauth.{label}.admin")
    hidden = [model for model in admin.site._registry if model._meta.app_label == label]
    admin.site.unregister(hidden)


class MembershipInline(TabularInline):  # type: ignore[misc]  # unfold ships no types
    model = Membership
    extra = 0
    autocomplete_fields = ["person", "tenant"]
    fields = ["person", "tenant", "role", "created_at"]
    readonly_fields = ["created_at"]


class DomainInline(TabularInline):  # type: ignore[misc]  # unfold ships no types
    model = Domain
    extra = 0


@admin.register(Tenant)
class TenantAdmin(AuditedAdmin):
    """Workspaces. They are made by sign-up, which provisions their schema, not here."""

    list_display = ["name", "slug", "state", "plan", "people", "created_at", "open_link"]
    list_filter = ["status", "plan", "is_demo"]
    search_fields = ["name", "slug", "memberships__person__email"]
    ordering = ["-created_at"]
    date_hierarchy = "created_at"
    readonly_fields = ["id", "slug", "schema_name", "is_demo", "created_at"]
    fields = [
        "name",
        "slug",
        "status",
        "plan",
        "limits",
        "id",
        "schema_name",
        "is_demo",
        "created_at",
    ]
    inlines = [DomainInline, MembershipInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Tenant]:
        rows: QuerySet[Tenant] = super().get_queryset(request)
        counted: QuerySet[Tenant] = rows.annotate(people_count=Count("memberships", distinct=True))
        return counted

    @display(  # type: ignore[untyped-decorator]  # unfold ships no types
        description=_("status"),
        ordering="status",
        label={TenantStatus.ACTIVE.value: "success", TenantStatus.SUSPENDED.value: "danger"},
    )
    def state(self, tenant: Tenant) -> str:
        return tenant.status

    @display(description=_("people"), ordering="people_count")  # type: ignore[untyped-decorator]  # unfold ships no types
    def people(self, tenant: Any) -> int:
        return int(tenant.people_count)

    @display(description=_("workspace"))  # type: ignore[untyped-decorator]  # unfold ships no types
    def open_link(self, tenant: Tenant) -> str:
        url = selectors.tenant_base_url(tenant.slug)
        return format_html('<a href="{}" rel="noopener" target="_blank">{}</a>', url, _("Open"))

    def save_model(self, request: HttpRequest, obj: Tenant, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        directory.cache_forget()  # a suspended workspace closes now, not when the cache expires

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Domain)
class DomainAdmin(AuditedAdmin):
    list_display = ["domain", "tenant", "is_primary"]
    list_filter = ["is_primary"]
    search_fields = ["domain", "tenant__name", "tenant__slug"]
    autocomplete_fields = ["tenant"]
    list_select_related = ["tenant"]

    def save_model(self, request: HttpRequest, obj: Domain, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        directory.cache_forget()


class PersonCreationForm(UserCreationForm):  # type: ignore[misc]  # unfold ships no types
    class Meta:
        model = Person
        fields = ("email",)
        field_classes = {"email": forms.EmailField}


@admin.register(Person)
class PersonAdmin(AuditedAdmin, UserAdmin):  # type: ignore[misc,type-arg]  # unfold ships no types
    """People across workspaces."""

    form = UserChangeForm
    add_form = PersonCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ["email", "full_name", "is_active", "is_staff", "last_login", "created_at"]
    list_filter = ["is_active", "is_staff"]
    search_fields = ["email", "full_name"]
    ordering = ["email"]
    readonly_fields = ["id", "last_login", "created_at"]
    filter_horizontal = ()
    fieldsets = (
        (None, {"fields": ("email", "full_name", "password")}),
        (_("Access"), {"fields": ("is_active", "is_staff", "is_superuser")}),
        (_("Record"), {"fields": ("id", "last_login", "created_at")}),
    )
    add_fieldsets = ((None, {"fields": ("email", "password1", "password2")}),)
    inlines = [MembershipInline]
    actions = ["second_factor_off"]

    @admin.action(description=_("Turn two-step sign-in off (lost phone and codes)"))
    def second_factor_off(self, request: HttpRequest, people: QuerySet[Person]) -> None:
        for person in people:
            factors.factors_remove(person=person)
            self.log_change(request, person, "Two-step sign-in turned off.")
        self.message_user(request, _("Their password alone signs them in now."))


@admin.register(Membership)
class MembershipAdmin(AuditedAdmin):
    list_display = ["person", "tenant", "role", "created_at"]
    list_filter = ["role"]
    search_fields = ["person__email", "tenant__name", "tenant__slug"]
    autocomplete_fields = ["person", "tenant"]
    list_select_related = ["person", "tenant"]
    readonly_fields = ["created_at"]


@admin.register(ApiKey)
class ApiKeyAdmin(AuditedAdmin):
    """Keys as the platform may see them: whose, when used, never the secret or its hash."""

    list_display = ["name", "tenant", "prefix", "last_used_at", "expires_at", "revoked_at"]
    list_filter = ["revoked_at", "expires_at"]
    search_fields = ["name", "prefix", "tenant__name", "tenant__slug"]
    list_select_related = ["tenant"]
    exclude = ["secret_hash"]
    readonly_fields = [
        "id",
        "tenant",
        "name",
        "prefix",
        "scopes",
        "created_at",
        "created_by",
        "last_used_at",
        "expires_at",
        "revoked_at",
    ]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(SecurityEvent)
class SecurityEventAdmin(ReadOnlyAdmin):
    """What looked like an attack, in every workspace; an all-zero tenant is the platform's host."""

    list_display = ["last_at", "kind", "level", "subject_kind", "network", "count", "tenant_id"]
    list_filter = ["severity", "kind"]
    search_fields = ["=tenant_id", "=subject", "network"]
    ordering = ["-last_at"]
    date_hierarchy = "last_at"

    @display(  # type: ignore[untyped-decorator]  # unfold ships no types
        description=_("severity"),
        ordering="severity",
        label={"notice": "info", "warning": "warning", "critical": "danger"},
    )
    def level(self, event: SecurityEvent) -> str:
        return event.severity


@admin.register(Block)
class BlockAdmin(ReadOnlyAdmin):
    """Who is kept out; lifting takes two seconds to reach every process."""

    list_display = [
        "starts_at",
        "subject_kind",
        "network",
        "reach",
        "ends_at",
        "lifted_at",
        "tenant_id",
    ]
    list_filter = ["reach", "subject_kind"]
    search_fields = ["=tenant_id", "=subject", "network"]
    ordering = ["-starts_at"]
    actions = ["blocks_lift"]

    @action(description=_("Lift: let them in again"))  # type: ignore[untyped-decorator]  # unfold ships no types
    def blocks_lift(self, request: HttpRequest, queryset: QuerySet[Block]) -> None:
        """End the chosen blocks at once."""
        count = queryset.filter(lifted_at=None).update(lifted_at=timezone.now())
        messages.success(
            request, ngettext("%d block is lifted.", "%d blocks are lifted.", count) % count
        )


class DegradeSwitchForm(forms.ModelForm):  # type: ignore[type-arg]  # unfold ships no types
    """What to give up, for whom, until when and why."""

    workspace = forms.ModelChoiceField(
        Tenant.objects.order_by("name"), required=False, empty_label=_("all workspaces")
    )

    class Meta:
        model = DegradeSwitch
        fields = ("name", "expires_at", "reason")

    def clean_expires_at(self) -> datetime:
        found: datetime = self.cleaned_data["expires_at"]
        if not timedelta() < found - timezone.now() <= switches.LONGEST:
            raise forms.ValidationError(_("Choose a time within the next seven days."))
        return found


@admin.register(DegradeSwitch)
class DegradeSwitchAdmin(AuditedAdmin):
    """Degrade switches and their history; every change goes through their service."""

    form = DegradeSwitchForm
    list_display = ["name", "state", "whose", "source", "reason", "started_at", "ends"]
    list_filter = ["name", "source"]
    fields = ["name", "workspace", "expires_at", "reason"]
    ordering = ["-started_at"]
    actions = ["turn_off"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[DegradeSwitch]:
        slugs = Tenant.objects.filter(pk=OuterRef("tenant_id")).values("slug")[:1]
        rows: QuerySet[DegradeSwitch] = super().get_queryset(request)
        return rows.annotate(slug=Subquery(slugs))

    @display(  # type: ignore[untyped-decorator]  # unfold ships no types
        description=_("state"), label={"on": "warning", "ended": "info"}
    )
    def state(self, switch: DegradeSwitch) -> str:
        return "on" if switch.is_on else "ended"

    @display(description=_("workspace"))  # type: ignore[untyped-decorator]  # unfold ships no types
    def whose(self, switch: Any) -> str:
        return str(switch.slug or switch.tenant_id or _("all"))

    @display(description=_("ends"))  # type: ignore[untyped-decorator]  # unfold ships no types
    def ends(self, switch: DegradeSwitch) -> datetime:
        return switch.ended_at or switch.expires_at

    @admin.action(description=_("Turn off now"))
    def turn_off(self, request: HttpRequest, chosen: QuerySet[DegradeSwitch]) -> None:
        for switch in chosen:
            switches.switch_turn_off(name=Switch(switch.name), tenant_id=switch.tenant_id)

    def save_model(self, request: HttpRequest, obj: DegradeSwitch, form: Any, change: bool) -> None:
        workspace = form.cleaned_data["workspace"]
        made = switches.switch_turn_on(
            name=Switch(obj.name),
            lasting=obj.expires_at - timezone.now(),
            reason=obj.reason,
            tenant_id=workspace.pk if workspace else None,
            started_by=request.user.pk,
        )
        obj.pk, obj.source = made.pk, made.source

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
