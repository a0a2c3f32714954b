"""The platform's view of workspaces and people; served on the platform host alone."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import display
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from core import directory
from tenants import selectors
from tenants.accounts import factors
from tenants.models import ApiKey, Domain, Membership, Person, Tenant
from tenants.types import TenantStatus

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
class TenantAdmin(ModelAdmin):  # type: ignore[misc]  # unfold ships no types
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
class DomainAdmin(ModelAdmin):  # type: ignore[misc]  # unfold ships no types
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
class PersonAdmin(UserAdmin, ModelAdmin):  # type: ignore[misc,type-arg]  # unfold ships no types
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
class MembershipAdmin(ModelAdmin):  # type: ignore[misc]  # unfold ships no types
    list_display = ["person", "tenant", "role", "created_at"]
    list_filter = ["role"]
    search_fields = ["person__email", "tenant__name", "tenant__slug"]
    autocomplete_fields = ["person", "tenant"]
    list_select_related = ["person", "tenant"]
    readonly_fields = ["created_at"]


@admin.register(ApiKey)
class ApiKeyAdmin(ModelAdmin):  # type: ignore[misc]  # unfold ships no types
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
