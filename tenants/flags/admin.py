"""The platform's flags: switched here for everybody, with their history and what was found."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from core.admin import AuditedAdmin, ReadOnlyAdmin
from core.errors import DomainError, ValidationFailed
from tenants.flags import experiments, services
from tenants.flags.models import Flag, FlagChange, FlagOverride
from tenants.flags.registry import spec_get, spec_list
from tenants.models import Person
from tenants.types import Actor


def actor_of(request: HttpRequest) -> Actor:
    """Return the administrator, as histories name them."""
    person = request.user
    assert isinstance(person, Person)
    return Actor(label=f"Frontdesk ({person.email})", person_id=person.pk)


class FlagForm(ModelForm):  # type: ignore[type-arg]  # as Django's admin wants it
    """A flag's switches, checked as the service checks them."""

    class Meta:
        model = Flag
        fields = ("everyone", "percent", "is_open", "variants")

    def clean_variants(self) -> Any:
        weights = self.cleaned_data["variants"] or {}
        try:
            services.weights_check(self.instance.name, weights)
        except ValidationFailed as error:
            self.add_error("variants", str(error.detail))
        return weights


@admin.register(Flag)
class FlagAdmin(AuditedAdmin):
    """Declared flags. Code declares them, so none is made or deleted here."""

    form = FlagForm
    list_display = ["name", "state", "percent", "is_open", "about", "modified"]
    list_filter = ["everyone", "is_open"]
    search_fields = ["name"]
    ordering = ["name"]
    fields = ["name", "about", "everyone", "percent", "is_open", "variants", "found", "modified"]
    readonly_fields = ["name", "about", "found", "modified"]
    actions = ["turn_off"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Flag]:
        declared = [spec.name for spec in spec_list()]
        rows: QuerySet[Flag] = super().get_queryset(request).filter(name__in=declared)
        return rows

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        services.flags_ensure()
        shown: HttpResponse = super().changelist_view(request, extra_context)
        return shown

    @display(  # type: ignore[untyped-decorator]  # unfold ships no types
        description=_("state"), label={"on": "success", "off": "danger", "gradual": "info"}
    )
    def state(self, flag: Flag) -> str:
        if flag.everyone is None:
            return "gradual"
        return "on" if flag.everyone else "off"

    @display(description=_("about"))  # type: ignore[untyped-decorator]  # unfold ships no types
    def about(self, flag: Flag) -> str:
        spec = spec_get(flag.name)
        return f"{spec.label}. {spec.description}"

    @display(description=_("found in all workspaces"))  # type: ignore[untyped-decorator]  # no types
    def found(self, flag: Flag) -> str:
        if not spec_get(flag.name).variants:
            return str(_("This is no experiment."))
        result = experiments.experiment_result(name=flag.name)
        lines = (
            (row.label, row.subjects, row.share, row.verdict, row.details) for row in result.rows
        )
        shown = format_html_join("", "<li>{}: {} saw it, {} reached the goal. {} {}</li>", lines)
        return format_html("<ul>{}</ul>", shown)

    def save_model(self, request: HttpRequest, obj: Flag, form: Any, change: bool) -> None:
        services.flag_update(name=obj.name, actor=actor_of(request), **form.cleaned_data)

    @admin.action(description=_("Turn off for everybody, now"))
    def turn_off(self, request: HttpRequest, queryset: QuerySet[Flag]) -> None:
        for flag in queryset:
            services.flag_switch_off(name=flag.name, actor=actor_of(request))
        self.message_user(request, _("They are off everywhere."), messages.SUCCESS)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class OverrideForm(ModelForm):  # type: ignore[type-arg]  # as Django's admin wants it
    """A declared flag in a workspace."""

    class Meta:
        model = FlagOverride
        fields = ("tenant", "flag", "is_on")

    def clean_flag(self) -> str:
        name = str(self.cleaned_data["flag"])
        try:
            spec_get(name)
        except DomainError as error:
            self.add_error("flag", str(error.detail))
        return name


@admin.register(FlagOverride)
class FlagOverrideAdmin(AuditedAdmin):
    """What single workspaces have; saved here it is the platform's decision."""

    form = OverrideForm
    list_display = ["flag", "tenant", "is_on", "is_platforms", "changed_at"]
    list_filter = ["is_on", "is_platforms"]
    search_fields = ["flag", "tenant__name", "tenant__slug"]
    list_select_related = ["tenant"]
    autocomplete_fields = ["tenant"]
    ordering = ["flag", "-changed_at"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["tenant", "flag"] if obj else []

    def save_model(self, request: HttpRequest, obj: FlagOverride, form: Any, change: bool) -> None:
        self._decide(request, obj, obj.is_on)

    def delete_model(self, request: HttpRequest, obj: FlagOverride) -> None:
        self._decide(request, obj, None)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[FlagOverride]) -> None:
        for override in queryset:
            self._decide(request, override, None)

    def _decide(self, request: HttpRequest, override: FlagOverride, is_on: bool | None) -> None:
        services.override_decide(
            tenant_id=override.tenant_id,
            name=override.flag,
            is_on=is_on,
            actor=actor_of(request),
        )


@admin.register(FlagChange)
class FlagChangeAdmin(ReadOnlyAdmin):
    """The history; nobody alters it, here or in the database."""

    list_display = ["changed_at", "flag", "tenant", "before", "after", "actor"]
    list_filter = ["flag"]
    search_fields = ["flag", "actor", "tenant__slug"]
    list_select_related = ["tenant"]
    ordering = ["-changed_at"]
