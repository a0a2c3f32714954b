"""The flags and the experiment of conversations."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from tenants.flags import FlagSpec, Variant, flag_declare

UNBRANDED = flag_declare(
    FlagSpec(
        name="widget_unbranded",
        label=_("Chat without our name"),
        description=_("Leaves out the line “Powered by Frontdesk” under the chat."),
        is_open=True,
    )
)
GREETING = flag_declare(
    FlagSpec(
        name="widget_greeting",
        label=_("Experiment: a question as greeting"),
        description=_(
            "Some new visitors are greeted with a question; counted is who then writes. Only where "
            "the widget has no greeting of its own."
        ),
        is_open=True,
        variants=(Variant("control"), Variant("question")),
        goal="visitor_wrote",
    )
)
# What is shown instead of the usual greeting; the control shows that one.
GREETINGS = {"question": _("Hello! What are you looking for today?")}
