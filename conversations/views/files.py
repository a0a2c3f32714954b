"""What the scripts of the widget and the inbox know of files before they upload one."""

from __future__ import annotations

from typing import Any

from conversations.attachments.media import ACCEPTED
from conversations.attachments.parts import ADDRESS
from conversations.types import ATTACHMENT_BYTES, ATTACHMENTS_LIMIT


def upload_config() -> dict[str, Any]:
    """Return addresses and limits; `{conversation}` and `{id}` are the script's to fill in."""
    return {
        "upload_url": "/api/v1/conversations/{conversation}/attachments",
        "file_url": ADDRESS.format("{id}"),
        "max_bytes": ATTACHMENT_BYTES,
        "max_files": ATTACHMENTS_LIMIT,
        "accept": ACCEPTED,
    }
