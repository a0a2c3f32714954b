"""The widget a tenant embeds."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from django.db import transaction

from conversations import selectors
from conversations.errors import WidgetUnknown
from conversations.models import WidgetInstallation
from conversations.origins import origin_normalise
from conversations.preferences import WidgetLook, WidgetVisitors
from core.errors import ValidationFailed
from tenants.preferences import Values
from tenants.preferences.services import setting_change
from tenants.preferences.types import Snapshot
from tenants.types import Actor

_ACCENT = re.compile(r"#[0-9a-fA-F]{6}")
_CHECKED = ("theme", *WidgetVisitors.model_fields)


def widget_ensure(*, key: str = "") -> WidgetInstallation:
    """Return the tenant's widget, new with this key if there is none. Idempotent."""
    found = selectors.widget_current()
    if found is not None:
        return found
    return WidgetInstallation.objects.create(**({"key": key} if key else {}))


def widget_update(
    *,
    widget_id: UUID,
    title: str | None = None,
    greeting: str | None = None,
    accent: str | None = None,
    allowed_origins: Iterable[str] | None = None,
    suggestions: Iterable[str] | None = None,
    **more: Any,
) -> WidgetInstallation:
    """Change what is given; raises WidgetUnknown, OriginInvalid, ValidationFailed.

    `more` are theme, form, asks_rating and requires_identity, as the settings' groups check them.
    """
    if accent is not None and not _ACCENT.fullmatch(accent):
        raise ValidationFailed(errors=[{"pointer": "/accent", "code": "invalid", "detail": accent}])
    changes: dict[str, Any] = {
        "title": title,
        "greeting": greeting,
        "accent": accent,
        "allowed_origins": _normalised(allowed_origins),
        "suggestions": list(suggestions) if suggestions is not None else None,
        **{name: more.pop(name, None) for name in _CHECKED},
    }
    if more:
        raise TypeError(f"A widget has no {', '.join(more)}.")
    with transaction.atomic():
        widget = WidgetInstallation.objects.select_for_update().filter(pk=widget_id).first()
        if widget is None:
            raise WidgetUnknown()
        for field, value in changes.items():
            if value is not None:
                setattr(widget, field, value)
        widget.save()
    return widget


def widget_look_change(
    *, changes: Mapping[str, Any], actor: Actor, version: int | None = None
) -> Snapshot:
    """Change the current tenant's widget as somebody wants it, with a line of history.

    Locks the settings' group. Raises OriginInvalid, EditConflict, ValidationFailed. Publishes
    SettingsChanged.
    """
    wanted = dict(changes)
    if "allowed_origins" in wanted:
        wanted["allowed_origins"] = _normalised(wanted["allowed_origins"])
    return setting_change(group=WidgetLook.key, values=wanted, actor=actor, version=version)


def look_read() -> Mapping[str, Any]:
    """Return the widget's look from its row, for the settings."""
    widget = selectors.widget_current() or WidgetInstallation()
    return {name: getattr(widget, name) for name in WidgetLook.model_fields}


def look_write(values: Values) -> None:
    """Store the look in the widget's row, where every page load reads it."""
    widget_update(widget_id=widget_ensure().pk, **values.model_dump())


def widget_visitors_change(
    *, changes: Mapping[str, Any], actor: Actor, version: int | None = None
) -> Snapshot:
    """Change what visitors are asked and who names them, with a line of history.

    Locks the settings' group. Raises EditConflict, ValidationFailed. Publishes SettingsChanged.
    """
    return setting_change(group=WidgetVisitors.key, values=changes, actor=actor, version=version)


def visitors_read() -> Mapping[str, Any]:
    """Return what visitors are asked from the widget's row, for the settings."""
    widget = selectors.widget_current() or WidgetInstallation()
    return {name: getattr(widget, name) for name in WidgetVisitors.model_fields}


def visitors_write(values: Values) -> None:
    """Store what visitors are asked in the widget's row, where every panel reads it."""
    widget_update(widget_id=widget_ensure().pk, **values.model_dump(mode="json"))


def _normalised(origins: Iterable[str] | None) -> list[str] | None:
    if origins is None:
        return None
    return sorted({origin_normalise(origin) for origin in origins})
