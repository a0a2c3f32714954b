"""The examples of the OpenAPI document: one word for each field, put together along the schemas.

An example is made from the schema it stands beside, so a new field gets one by itself: the first of
its choices, its default, what VALUES says of its name, or a value of its type.
`tests/architecture/test_openapi.py` holds every example against its schema.
"""

from __future__ import annotations

from typing import Any

ID = "01939a4e-7c1b-7d20-9f3a-5b8e2c4d6f10"
INSTANT = "2026-11-25T09:30:00Z"
DAY = "2026-11-25"
CURSOR = "cD0yMDI2LTExLTI1KzA5JTNBMzAlM0EwMCUyQjAwJTNBMDA="  # the last row of a page: an instant
NEXT = "https://acme.example.com/api/v1/{}?cursor=" + CURSOR
WORKFLOW = "name: greeting\nversion: '1'\nsteps:\n  - id: say\n    type: reply\n"
DIGEST = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
# By "Component.field" where a word means something else there, else by the field's name.
VALUES: dict[str, Any] = {
    "Citation.title": "Returns",
    "Citation.url": f"/knowledge/source/{ID}/?s=0&e=41",
    "Attachment.name": "tent.png",
    "Attachment.media_type": "image/png",
    "Attachment.url": f"/api/v1/attachments/{ID}",
    "attachments": [],
    "Message.attachments": [],
    "Message.author": "ai",
    "Note.text": "@Maeve Larkin, can you look at this?",
    "Note.mentions": [ID],
    "Found.excerpt": "Does the tent come with pegs?",
    "Found.marks": [[9, 13]],
    "CannedReply.text": "Hello {{customer.name|there}}, your refund is on its way.",
    "CannedReplyBody.text": "Hello {{customer.name|there}}, your refund is on its way.",
    "shortcut": "refund-policy",
    "labels": ["refund"],
    "skills": ["billing"],
    "channels": ["web"],
    "NotificationTargetBody.address": "team@example.com",
    "NotificationTarget.shown": "team@example.com",
    "SlaPolicyBody.name": "Quick answers",
    "PatchedSlaPolicyBody.name": "Quick answers",
    "Customer.name": "Maeve Larkin",
    "Rating.score": 5,
    "Rating.comment": "Quick and friendly.",
    "attributes": {"plan": "gold", "orders": 3},
    "Document.version": 1,
    "Document.title": "Returns",
    "Order.customer": "Maeve Larkin",
    "Passage.url": f"/knowledge/source/{ID}/",
    "Problem.message": "There is no step of this type.",
    "RunEvent.type": "run.started",
    "CancelBody.reason": "requested",
    "Step.type": "reply",
    "Workflow.name": "greeting",
    "WorkflowVersion.name": "greeting",
    "WorkflowVersion.state": "published",
    "Version.name": "greeting",
    "Version.state": "published",
    "VersionDetail.name": "greeting",
    "VersionDetail.state": "published",
    "Verdict.state": "draft",
    "Draft.title": "Friendlier greeting",
    "DraftDetail.title": "Friendlier greeting",
    "DraftBody.title": "Friendlier greeting",
    "Stop.workflow": "",
    "StopBody.workflow": "",
    "Stops.ended": 3,
    "Stops.left": 0,
    "ApiKey.name": "Shop's server",
    "ApiKeyBody.name": "Shop's server",
    "ApiKeyBody.expires_at": "2099-01-01T00:00:00Z",
    "Setting.version": 3,
    "SettingBody.version": 3,
    "PatchedSettingBody.version": 3,
    "SettingChange.version": 3,
    "SettingRevertBody.version": 3,
    "SettingRevertBody.to_version": 2,
    "ChatAnswer.status": "answered",
    "DeadLetter.id": 4711,
    "DeadLetter.error": "OperationalError",
    "DeadLetter.attempts": 4,
    "RedriveBody.ids": [4711],
    "redriven": 3,
    "subscriber": "analytics.activity_project",
    "accent": "#0f766e",
    "access_token": "eyJhbGciOiJSUzI1NiIsInR5cCI6ImF0K2p3dCJ9.eyJzdWIiOiI3In0.c2lnbmVk",
    "active_runs": 0,
    "added": ["greet"],
    "allowed_origins": ["https://shop.example.com"],
    "author": ID,
    "carrier": "DHL",
    "category": "Tents",
    "changed": ["say"],
    "channel": "api",
    "client_id": "reply-1",
    "code": "validation_failed",
    "collection": "policies",
    "content_hash": DIGEST,
    "context": {"page": "/cart"},
    "RouterRequest.context": {"channel": "api", "history_length": 2},
    "cost_estimate": 0.0004,
    "RoutingDecision.cost_estimate": "0.000400",
    "currency": "EUR",
    "current_step": "say",
    "description": "Greets and answers.",
    "detail": "Some of what you sent is not valid.",
    "edited_by": ID,
    "email": "maeve@example.com",
    "epoch": "1",
    "error_code": "",
    "error_detail": "",
    "expires_in": 3600,
    "external_id": "shop-user-4711",
    "filename": "returns.md",
    "first": DAY,
    "group": "workspace",
    "otp": "123456",
    "values": {"timezone": "Europe/Berlin"},
    "greeting": "Hello! What may we help with?",
    "heading": "How to return",
    "id": ID,
    "Step.id": "say",
    "instance": "/api/v1/orders",
    "key": "wk_2kdPAEcSC5o8v3mKTPQcKYS1",
    "language": "en",
    "message": "How long may I take to return a tent?",
    "name": "Ridgeline tent",
    "note": "Greets by name.",
    "number": "AC-10042",
    "Citation.number": 1,
    "owner_name": "",
    "owner_id": None,
    "password": "correct horse battery",
    "period": "2026-11",
    "person_id": ID,
    "pointer": "/name",
    "prefix": "3ade7d3779ce",
    "preview": "How long may I take to return a tent?",
    "preview_author": "visitor",
    "provider": "local",
    "published_by": ID,
    "published_at": INSTANT,
    "query": "return period of a tent",
    "quote": "You may return a tent within thirty days.",
    "reason": "",
    "reasoning": "A short question that the documents answer.",
    "refresh_expires_in": 1_209_600,
    "refresh_token": "fdr_" + "x" * 43,
    "removed": [],
    "replaced_by": None,
    "replaces": DIGEST,
    "result": {"status": "answered"},
    "revoked_at": None,
    "route": {"tier": "SLM_A", "confidence": 0.91},
    "scope": "conversations:read knowledge:read",
    "scopes": ["conversations:read", "knowledge:read"],
    "secret": "fd_3ade7d3779ce_" + "x" * 49,
    "sku": "AC-TE-101",
    "slug": "acme",
    "stopped_by": ID,
    "source_url": "https://shop.example.com/returns",
    "status_url": f"https://acme.example.com/api/v1/chat/messages/{ID}",
    "step_id": "say",
    "suggestions": ["Where is my order?"],
    "tenant_id": "acme",
    "text": "You may return a tent within thirty days.",
    "title": "Ask us",
    "token_type": "Bearer",
    "tracking_code": "00340434161094042557",
    "unified": "--- 9f86d081884c\n+++ 3ade7d3779ce\n@@ -4 +4 @@\n-  - id: say\n+  - id: greet\n",
    "url": "https://shop.example.com/returns",
    "user_id": "shop-user-4711",
    "version": "1",
    "workflow": "greeting",
    "yaml": WORKFLOW,
}
# Fields that are left out of a request's example, because they exclude another that is in it.
EXCLUDED = {
    "application/json": {"DocumentUpload": {"file"}, "ChatMessageBody": {"conversation_id"}},
    "multipart/form-data": {"DocumentUpload": {"url"}},
}
PARAMETERS: dict[str, Any] = {
    "Prefer": "wait=5",
    "after": DIGEST,
    "before": DIGEST[::-1],
    "collection": "policies",
    "content_hash": DIGEST,
    "cursor": CURSOR,
    "first": "2026-11-01",
    "group": "workspace",
    "last": "2026-11-30",
    "name": "greeting",
    "page_size": 50,
    "period": "2026-11",
    "score": "5",
    "search": "tent",
    "category": "Tents",
    "subscriber": "analytics.activity_project",
    "workflow": "greeting",
}


_SIMPLE = {"integer": 1, "number": 0.91, "boolean": False, "null": None}
_TEXTS = {"uuid": ID, "date-time": INSTANT, "date": DAY, "binary": "(the file)"}


class Examples:
    """Makes examples along the schemas of one document."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._schemas: dict[str, Any] = document["components"]["schemas"]

    def body(self, schema: dict[str, Any], *, media: str = "", path: str = "") -> Any:
        """Return an example of a body; a page's says where the next one is."""
        made = self._value(schema, media=media)
        if isinstance(made, dict) and {"next", "previous", "results"} <= set(made):
            return {**made, "next": NEXT.format(path.removeprefix("/api/v1/")), "previous": None}
        return made

    def parameter(self, parameter: dict[str, Any]) -> Any:
        """Return a value of a parameter, wherever it stands."""
        return PARAMETERS.get(parameter["name"]) or self._value(parameter["schema"])

    def _value(
        self, schema: dict[str, Any], component: str = "", name: str = "", media: str = ""
    ) -> Any:
        if f"{component}.{name}" in VALUES:
            return VALUES[f"{component}.{name}"]
        if "$ref" in schema:
            component = schema["$ref"].rpartition("/")[2]
            return self._value(self._schemas[component], component, media=media)
        for several in ("allOf", "oneOf", "anyOf"):
            if several in schema:
                return self._value(schema[several][0], component, name, media)
        if "enum" in schema:
            return schema["enum"][0]
        return VALUES[name] if name in VALUES else self._by_type(schema, component, media)

    def _by_type(self, schema: dict[str, Any], component: str, media: str) -> Any:
        if "default" in schema:
            return schema["default"]
        kind = schema.get("type", "object")
        kind = kind[0] if isinstance(kind, list) else kind
        if kind == "array":
            return [self._value(schema["items"], component, media=media)]
        if kind == "string":
            return _TEXTS.get(schema.get("format", ""), "")
        return self._object(schema, component, media) if kind == "object" else _SIMPLE[kind]

    def _object(self, schema: dict[str, Any], component: str, media: str) -> dict[str, Any]:
        left_out = EXCLUDED.get(media, {}).get(component, set())
        return {
            name: self._value(part, component, name, media)
            for name, part in schema.get("properties", {}).items()
            if name not in left_out
        }
