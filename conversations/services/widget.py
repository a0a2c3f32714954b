"""The widget a tenant embeds."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db import transaction

from conversations import selectors
from conversations.errors import WidgetUnknown
from conversations.models import WidgetInstallation
from conversations.origins import origin_normalise
from core.audit.record import act_record
from core.audit.types import Act
from core.errors import ValidationFailed

_ACCENT = re.compile(r"#[0-9a-fA-F]{6}")


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
) -> WidgetInstallation:
    """Change what is given; raises WidgetUnknown, OriginInvalid, ValidationFailed."""
    if accent is not None and not _ACCENT.fullmatch(accent):
        raise ValidationFailed(errors=[{"pointer": "/accent", "code": "invalid", "detail": accent}])
    changes: dict[str, Any] = {
        "title": title,
        "greeting": greeting,
        "accent": accent,
        "allowed_origins": _normalised(allowed_origins),
        "suggestions": list(suggestions) if suggestions is not None else None,
    }
    with transaction.atomic():
        widget = WidgetInstallation.objects.select_for_update().filter(pk=widget_id).first()
        if widget is None:
            raise WidgetUnknown()
        for field, value in changes.items():
            if value is not None:
                setattr(widget, field, value)
        widget.save()
        act_record(
            act=Act.WIDGET_CHANGED,
            target_kind="widget",
            target_id=widget_id,
            data={"fields": sorted(name for name, value in changes.items() if value is not None)},
        )
    return widget


def _normalised(origins: Iterable[str] | None) -> list[str] | None:
    if origins is None:
        return None
    return sorted({origin_normalise(origin) for origin in origins})
