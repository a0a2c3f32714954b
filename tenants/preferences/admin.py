"""What workspaces have set, for the platform to read; they change it themselves."""

from __future__ import annotations

from django.contrib import admin

from core.admin import ReadOnlyAdmin
from tenants.preferences.models import SettingChange, WorkspaceSetting


class OfTenantAdmin(ReadOnlyAdmin):
    """Rows of workspaces to look at."""

    list_select_related = ["tenant"]
    list_filter = ["group"]
    search_fields = ["tenant__name", "tenant__slug"]


@admin.register(WorkspaceSetting)
class WorkspaceSettingAdmin(OfTenantAdmin):
    """The settings of each workspace by group."""

    list_display = ["tenant", "group", "version", "updated_at"]
    ordering = ["-updated_at"]


@admin.register(SettingChange)
class SettingChangeAdmin(OfTenantAdmin):
    """Their history; nobody alters it, here or in the database."""

    list_display = ["changed_at", "tenant", "group", "version", "actor"]
    ordering = ["-changed_at"]
