"""Words of the widget, translated here and handed to its JavaScript as JSON.

Keys ending in ``.one``/``.other`` (and whatever other categories a language has) are plural forms;
``{name}`` stands for a value the script fills in.
"""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

LAUNCHER: dict[str, Promise] = {
    "open": _("Open chat"),
    "close": _("Close chat"),
    "unread": _("{n} unread"),
}

# What happens to files on their way, for the panel and the inbox.
UPLOADS: dict[str, Promise] = {
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

PANEL: dict[str, Promise] = {
    **UPLOADS,
    "file_download": _("Download {name}, {size}"),
    "file_open": _("{name}, opens in a new tab"),
    "files": _("Attached files"),
    "a_person": _("a person"),
    "ai_tag": _("AI"),
    "answers_at_once": _("AI assistant, answers at once"),
    "dismiss": _("Dismiss"),
    "joined": _("{name} from {tenant} joined the conversation"),
    "line_down": _("No connection. Trying again…"),
    "line_refused": _("This chat is not available here."),
    "not_sent": _("Not sent"),
    "queued": _("Waiting for a person. You can keep writing."),
    "queued_at.one": _("You are next. A person will be with you soon; you can keep writing."),
    "queued_at.other": _("You are number {n} in the queue. You can keep writing."),
    "queued_closed": _("The team is back {when}. Your conversation waits for them."),
    "queued_wait.one": _("About a minute."),
    "queued_wait.other": _("About {n} minutes."),
    "resolved": _("This conversation is resolved."),
    "resolved_short": _("Resolved"),
    "retry": _("Try again"),
    "sending": _("Sending…"),
    "sent": _("Sent"),
    "source": _("Source {n}: {title}, opens in a new tab"),
    "sources": _("Sources"),
    "start_again": _("New conversation"),
    "talk_to_person": _("Talk to a person"),
    "talking_to": _("You are talking to {name}"),
    "too_long": _("That message is too long: {length} characters, {limit} are allowed."),
    "trouble": _("That did not work. Please try again."),
    "typing": _("{name} is typing"),
    "waiting_button": _("Waiting for a person"),
    "waiting_short": _("Waiting for a person"),
    "with_button": _("{name} is here"),
    "you_said": _("You said:"),
}


def texts(words: dict[str, Promise]) -> dict[str, str]:
    """Return ``words`` in the language of the request."""
    return {key: str(text) for key, text in words.items()}
