"""What the scripts of the widget and the inbox know of files before they upload one."""

from __future__ import annotations

from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from conversations.attachments.media import ACCEPTED
from conversations.attachments.parts import ADDRESS
from conversations.types import ATTACHMENT_BYTES, ATTACHMENTS_LIMIT

# What happens to files on their way, said in the inbox; the widget's words are its own.
UPLOAD_WORDS: Final[dict[str, Promise]] = {
    "file_empty": _("{name} is empty."),
    "file_failed": _("This file could not be uploaded."),
    "file_remove": _("Remove {name}"),
    "file_retry": _("Try {name} again"),
    "file_too_large": _("{name} is too large: a file may have {limit} MB."),
    "file_type": _("{name}: send pictures, PDF, text, CSV or office documents."),
    "file_uploading": _("Uploading {name}"),
    "file_waiting": _("No connection. Trying again…"),
    "files_too_many": _("A message has {n} files at most."),
    "files_wait": _("The files are still being uploaded."),
}


def upload_config() -> dict[str, Any]:
    """Return addresses and limits; `{conversation}` and `{id}` are the script's to fill in."""
    return {
        "upload_url": "/api/v1/conversations/{conversation}/attachments",
        "file_url": ADDRESS.format("{id}"),
        "max_bytes": ATTACHMENT_BYTES,
        "max_files": ATTACHMENTS_LIMIT,
        "accept": ACCEPTED,
    }
