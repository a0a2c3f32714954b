"""Every page there is, once: what axe looks at and what the pictures show.

`tests/architecture/test_pages.py` compares this list with the URL resolvers of both kinds of host:
a new address is either here, with who sees it, or in NOT_PAGES, with what it is instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Who = Literal["stranger", "owner", "agent", "admin"]


@dataclass(frozen=True, slots=True)
class Page:
    """One page: the route as its URLconf writes it, a name, who looks at it.

    `address` is where it is looked at, if that is not the route itself; {names} are filled in from
    what `scene.py` finds. `holds` is what only the page itself has, so that no error page and no
    sign-in form is ever taken for it.
    """

    route: str
    name: str
    who: Who = "owner"
    address: str | None = None
    holds: str = "main:not(:has(.error-code))"

    def path(self, found: dict[str, str]) -> str:
        """Return the path of the page, beginning with a slash."""
        return "/" + (self.route if self.address is None else self.address).format(**found)


WORKSPACE: Final = (
    Page("", "home"),
    Page("inbox/", "inbox", address="inbox/?view=all", holds=".inbox-rows"),
    Page(
        "inbox/<uuid:conversation_id>/",
        "conversation",
        address="inbox/{conversation}/?view=all",
        holds="#inbox-messages",
    ),
    Page("knowledge/", "knowledge", holds="[data-document]"),
    Page("knowledge/test/", "knowledge-test", address="knowledge/test/?q=return+a+jacket"),
    Page(
        "knowledge/documents/<uuid:document_id>/",
        "document",
        address="knowledge/documents/{document}/",
    ),
    Page("knowledge/source/<uuid:chunk_id>/", "source", "stranger", "{source}", "mark"),
    Page("workflows/", "workflows"),
    Page("workflows/runs/", "runs"),
    Page("workflows/runs/<uuid:run_id>/", "run", address="workflows/runs/{run}/"),
    Page("workflows/runs/<uuid:run_id>/replay/", "replay", address="workflows/runs/{run}/replay/"),
    Page("workflows/runs-approvals/", "approvals", holds="form[action*=approvals]"),
    Page("workflows/runs-figures/", "figures"),
    Page("workflows/<str:name>/", "workflow", address="workflows/{workflow}/"),
    Page("workflows/<str:name>/edit/", "workflow-edit", address="workflows/{workflow}/edit/"),
    Page("workflows/<str:name>/versions/", "versions", address="workflows/{workflow}/versions/"),
    Page("workflows/<str:name>/figures/", "step-figures", address="workflows/{workflow}/figures/"),
    Page(
        "workflows/<str:name>/compare/",
        "compare",
        address="workflows/{workflow}/compare/?before={before}&after={after}",
    ),
    Page("routing/", "routing"),
    Page("routing/<uuid:decision_id>/", "decision", address="routing/{decision}/"),
    Page("orders/", "orders"),
    Page("orders/<str:number>/", "order", address="orders/{order}/"),
    Page("analytics/", "analytics"),
    Page("billing/usage/", "billing"),
    Page("settings/widget/", "settings-widget"),
    Page("settings/widget/look/", "settings-widget-look"),
    Page("settings/widget/visitors/", "settings-widget-visitors"),
    Page("settings/workspace/", "settings-workspace"),
    Page("settings/workspace/history/", "settings-history", holds="table"),
    Page("settings/flags/", "settings-flags"),
    Page("settings/team/", "settings-team"),
    Page("settings/agents/", "settings-agents"),
    Page("settings/replies/", "settings-replies", holds="table"),
    Page("settings/replies/new/", "settings-reply-new"),
    Page(
        "settings/replies/<uuid:reply_id>/",
        "settings-reply",
        address="settings/replies/{reply}/",
    ),
    Page("settings/notifications/", "settings-notifications"),
    Page("settings/service-levels/", "settings-service-levels", holds="table"),
    Page("settings/service-levels/new/", "settings-service-level-new"),
    Page(
        "settings/service-levels/<uuid:policy_id>/",
        "settings-service-level",
        address="settings/service-levels/{policy}/",
    ),
    Page("settings/keys/", "settings-keys"),
    Page("settings/security/", "settings-security"),
    Page("settings/audit/", "settings-audit"),
    Page("account/", "account"),
    Page("account/security/", "account-security"),
    Page("account/security/app/", "account-app", holds="#app-secret"),
    Page("login/", "login", "stranger", holds="[name=password]"),
    Page("password/forgotten/", "forgotten", "stranger"),
    Page("password/reset/<str:key>/", "reset", "stranger", "password/reset/{reset}/", "form"),
    Page(
        "account/verify/<str:key>/", "verify", "stranger", "account/verify/{verification}/", "form"
    ),
    Page("invitation/<str:token>/", "invitation", "stranger", "invitation/{invitation}/", "form"),
    Page("demo/", "shop", "stranger", holds="#frontdesk-widget button"),
    Page("docs/errors/", "problems", "stranger"),
    Page("docs/errors/<slug:code>", "problem", "stranger", "docs/errors/not_found", "main code"),
)
PLATFORM: Final = (
    Page("", "landing", "stranger"),
    Page("signup/", "signup", "stranger"),
    Page("login/", "workspace-choose", "stranger"),
    Page("docs/errors/", "platform-problems", "stranger"),
    Page(
        "docs/errors/<slug:code>",
        "platform-problem",
        "stranger",
        "docs/errors/not_found",
        "main code",
    ),
    Page("admin/login/", "admin-login", "stranger", holds="[name=password]"),
    Page("admin/", "admin", "admin", holds="h1"),
    Page("admin/security/", "admin-security", "admin"),
    Page("admin/security/app/", "admin-app", "admin", holds="#app-secret"),
)

_POST: Final = "only POST, leads back to a page"
_PART: Final = "a part of a page, loaded into it"
_FILE: Final = "a file, or JSON"
_LEADS: Final = "leads elsewhere"
_STEPS: Final = "looked at in test_second_step.py, which has an app and a passkey"
_PASSKEY: Final = {
    "account/security/": {
        "off/": _POST,
        "recovery-codes/": _STEPS,
        "passkeys/": _STEPS,
        "passkeys/remove/": _POST,
    },
    "login/": {"second-step/": _STEPS, "passkey/": _FILE},
}


def _below(prefix: str, reasons: dict[str, str]) -> dict[str, str]:
    return {prefix + rest: reason for rest, reason in reasons.items()}


NOT_PAGES_OF_WORKSPACE: Final = {
    **_below("account/security/", _PASSKEY["account/security/"]),
    **_below("login/", _PASSKEY["login/"]),
    "login/sso/": _LEADS,
    "login/sso/callback/": _LEADS,
    "login/ticket/<str:ticket>/": _LEADS,
    ".well-known/jwks.json": _FILE,
    "logout/": _POST,
    "account/email/": _POST,
    "account/verify/": _POST,
    "account/sessions/end/": _POST,
    "account/sessions/end-others/": _POST,
    "settings/": _LEADS,
    "settings/workspace/save/": _POST,
    "settings/workspace/history/<uuid:change_id>/revert/": _POST,
    "settings/flags/set/": _POST,
    "settings/team/invite/": _POST,
    "settings/team/invitations/<uuid:invitation_id>/send/": _POST,
    "settings/team/invitations/<uuid:invitation_id>/revoke/": _POST,
    "settings/team/<uuid:person_id>/role/": _POST,
    "settings/team/<uuid:person_id>/remove/": _POST,
    "settings/keys/create/": _POST,
    "settings/keys/<uuid:key_id>/rotate/": _POST,
    "settings/keys/<uuid:key_id>/revoke/": _POST,
    "settings/security/<uuid:block_id>/lift/": _POST,
    "settings/audit/export/": _FILE,
    "settings/agents/<uuid:person_id>/": _POST,
    "settings/replies/<uuid:reply_id>/delete/": _POST,
    "settings/notifications/<uuid:target_id>/remove/": _POST,
    "settings/service-levels/<uuid:policy_id>/delete/": _POST,
    "settings/widget/secret/": _POST,
    "inbox/list/": _PART,
    "inbox/team/": _PART,
    "inbox/availability/": _POST,
    **_below(
        "inbox/<uuid:conversation_id>/",
        {
            "updates/": _PART,
            "reply/": _POST,
            "claim/": _POST,
            "hand-back/": _POST,
            "resolve/": _POST,
            "triage/": _POST,
            "note/": _POST,
            "assign/": _POST,
            "requeue/": _POST,
            "canned/": _PART,
        },
    ),
    "widget.js": _FILE,
    "widget/panel/": "the chat itself: test_pages.py opens it on the shop's page",
    **{f"widget/{call}": _FILE for call in ("visitor", "form", "contact", "rating")},
    "widget/session": _FILE,
    "widget/handover": _FILE,
    "knowledge/upload/": _POST,
    "knowledge/url/": _POST,
    "knowledge/rows/": _PART,
    "knowledge/documents/<uuid:document_id>/status/": _PART,
    "knowledge/documents/<uuid:document_id>/delete/": _POST,
    "knowledge/documents/<uuid:document_id>/retry/": _POST,
    "workflows/runs/<uuid:run_id>/cancel/": _POST,
    "workflows/runs/<uuid:run_id>/redrive/": _POST,
    "workflows/runs-approvals/<uuid:wait_id>/": _POST,
    "workflows/runs-stop/": _POST,
    "workflows/runs-resume/": _POST,
    "workflows/<str:name>/rollback/": _POST,
    "workflows/<str:name>/retire/": _POST,
    "workflows/<str:name>/versions/<str:content_hash>/validate/": _POST,
    "workflows/<str:name>/versions/<str:content_hash>/publish/": _POST,
    "workflows/<str:name>/drafts/<uuid:draft_id>/delete/": _POST,
    "billing/usage.csv": _FILE,
    "billing/usage/entries.csv": _FILE,
    "analytics/activity.csv": _FILE,
    "api/schema/": _FILE,
    "api/docs/": "Swagger UI's own markup, unchanged",
}
NOT_PAGES_OF_PLATFORM: Final = {
    **_below("admin/security/", _PASSKEY["account/security/"]),
    **_below("admin/login/", _PASSKEY["login/"]),
    "signup/slug/": _PART,
}
# The rest of the Django admin is django-unfold's own markup, unchanged.
ELSEWHERE_OF_PLATFORM: Final = "admin/"
ERROR_TEMPLATES: Final = ("400", "403", "403_csrf", "404", "500", "errors/problem")
