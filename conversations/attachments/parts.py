"""An attachment as messages carry it: kept with the message, shown with its address."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from conversations.models import Attachment

ADDRESS: Final = "/api/v1/attachments/{}"


def part_of(attachment: Attachment) -> dict[str, Any]:
    """Return what a message keeps of an attachment; sizes only of pictures."""
    part = {
        "id": str(attachment.pk),
        "name": attachment.name,
        "media_type": attachment.media_type,
        "size": attachment.size,
    }
    if attachment.width and attachment.height:
        part |= {"width": attachment.width, "height": attachment.height}
    return part


def parts_shown(parts: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return a message's parts with the address of each, on the workspace's host."""
    return [{**part, "url": ADDRESS.format(part["id"])} for part in parts]


def names_of(parts: Iterable[Mapping[str, Any]]) -> str:
    """Return the names in a row, as where a message has no words."""
    return ", ".join(str(part["name"]) for part in parts)
