"""What workspaces have set, for the platform to read; they change it themselves."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from tenants.preferences.models import SettingChange, WorkspaceSetting


class ReadOnlyAdmin(ModelAdmin):  # type: ignore[misc]  # unfold ships no types
    """Rows to look at."""

    list_select_related = ["tenant"]
    list_filter = ["group"]
    search_fields = ["tenant__name", "tenant__slug"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(WorkspaceSetting)
class WorkspaceSettingAdmin(ReadOnlyAdmin):
    """The settings of each workspace by group."""

    list_display = ["tenant", "group", "version", "updated_at"]
    ordering = ["-updated_at"]


@admin.register(SettingChange)
class SettingChangeAdmin(ReadOnlyAdmin):
    """Their history; nobody alters it, here or in the database."""

    list_display = ["changed_at", "tenant", "group", "version", "actor"]
    ordering = ["-changed_at"]
