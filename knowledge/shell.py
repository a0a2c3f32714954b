"""What the knowledge base adds to the navigation and to the first steps of a workspace."""

from django.utils.translation import gettext_lazy as _

from core import onboarding
from core.navigation import NavItem, nav
from knowledge import selectors


def shell_fill() -> None:
    """Register the entries; called once when the app is ready."""
    nav.register(
        NavItem(
            key="knowledge",
            label=_("Knowledge"),
            url_name="knowledge:documents",
            icon="book",
            scope="knowledge:read",
            order=20,
        )
    )
    onboarding.register(
        onboarding.ChecklistItem(
            key="documents",
            title=_("Add your documents"),
            description=_("Policies, manuals, price lists: what the AI may answer from."),
            action=_("Upload"),
            url_name="knowledge:documents",
            is_done=selectors.documents_exist,
            scope="knowledge:write",
            order=10,
        )
    )
