"""The workspace's settings by group, and their history."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from core.errors import DomainError, PermissionDenied
from tenants.errors import SettingGroupUnknown
from tenants.permissions import actor_for, requires, scopes_for
from tenants.preferences import selectors, services
from tenants.preferences.forms import GroupForm
from tenants.preferences.groups import WorkspaceProfile
from tenants.preferences.models import SettingChange
from tenants.preferences.registry import SettingGroup, group_get, group_list, shown_of

PAGE_SIZE = 25


@dataclass(frozen=True, slots=True)
class ShownChange:
    """A change as the history shows it: what was, and what came of it."""

    change: SettingChange
    label: Any
    fields: list[tuple[Any, str, str]]


@require_safe
@requires("settings:read")
def workspace(request: HttpRequest) -> HttpResponse:
    """Show every group with what it holds."""
    return _page(request)


@require_POST
@requires("settings:write")
def workspace_save(request: HttpRequest) -> HttpResponse:
    """Change one group; what somebody else changed meanwhile is not written over unseen."""
    group = group_get(request.POST.get("group", WorkspaceProfile.key))
    form = GroupForm(group, selectors.snapshot_get(group=group.key), request.POST)
    if not form.is_valid():
        return _page(request, form, status=422)
    try:
        services.setting_change(
            group=group.key,
            values=form.values,
            actor=actor_for(request),
            version=form.cleaned_data["version"],
        )
    except PermissionDenied:
        raise
    except DomainError as error:
        form.error_add(error)
        return _page(request, form, status=409 if error.http_status == 409 else 422)
    messages.success(request, _("Saved."))
    return redirect("tenants:settings_workspace")


@require_safe
@requires("settings:read")
def history(request: HttpRequest) -> HttpResponse:
    """Show who changed what and when, the latest first."""
    pages = Paginator(selectors.change_list(), PAGE_SIZE)
    page = pages.get_page(request.GET.get("page"))
    context = {
        "page_obj": page,
        "changes": [_shown(change) for change in page.object_list],
        "is_editable": "settings:write" in scopes_for(request),
    }
    return render(request, "tenants/settings/history.html", context)


@require_POST
@requires("settings:write")
def revert(request: HttpRequest, change_id: UUID) -> HttpResponse:
    """Give a group back what it held before a change; this is a change too."""
    change = selectors.change_get(change_id=change_id)
    try:
        services.setting_revert(
            group=change.group,
            to_version=change.version - 1,
            version=None,
            actor=actor_for(request),
        )
    except DomainError as error:
        messages.error(request, str(error.detail))
    else:
        messages.success(request, _("The settings are as they were before that change."))
    return redirect("tenants:settings_history")


def _page(
    request: HttpRequest, entered: GroupForm | None = None, status: int = 200
) -> HttpResponse:
    actor = actor_for(request)
    may_write = "settings:write" in scopes_for(request)
    groups = [
        (group, _form(group, entered), may_write and (actor.is_owner or not group.is_owners))
        for group in group_list()
    ]
    context = {"groups": groups, "history_exists": selectors.change_list()[:1].exists()}
    return render(request, "tenants/settings/workspace.html", context, status=status)


def _form(group: SettingGroup, entered: GroupForm | None) -> GroupForm | None:
    """Return the group's form, the one just sent as it was; none where it has its own page."""
    if group.page:
        return None
    if entered is not None and entered.group.key == group.key:
        return entered
    return GroupForm(group, selectors.snapshot_get(group=group.key))


def _shown(change: SettingChange) -> ShownChange:
    try:
        group = group_get(change.group)
    except SettingGroupUnknown:  # an app that is gone; its history stays
        return ShownChange(change, change.group, list(_differences(change, None)))
    return ShownChange(change, group.label, list(_differences(change, group)))


def _differences(
    change: SettingChange, group: SettingGroup | None
) -> Iterator[tuple[Any, str, str]]:
    for name in change.after:
        before, after = change.before.get(name), change.after[name]
        if before != after:
            is_known = group is not None and name in group.model.model_fields
            label = shown_of(group, name).label if group is not None and is_known else name
            yield label, _value(before), _value(after)


def _value(value: Any) -> str:
    """Return a value in words."""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, list):
        return ", ".join(str(part) for part in value) or _("nothing")
    return _("nothing") if value in (None, "") else str(value)
