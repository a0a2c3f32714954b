"""What the tests of the widget's calls share: a visitor's browser, and the team's settings."""

from __future__ import annotations

import json
import time
from typing import Any
from uuid import UUID

import jwt
from django.test import Client

from conversations import services
from core import tenancy
from core.tenancy import TenantContext


class Browser:
    """A visitor's browser at a workspace's widget, with the token it keeps."""

    def __init__(self, tenant: TenantContext) -> None:
        self.tenant = tenant
        self.client = Client(headers={"host": f"{tenant.slug}.localhost:8000"})
        with tenancy.tenant_scope(tenant):
            self.key = services.widget_ensure().key
        self.session: dict[str, Any] = {}

    def begin(self, user_token: str = "", **body: Any) -> Any:
        """Open a session, by the token kept so far; keeps what it gives."""
        token = self.session.get("visitor_token", "")
        sent = {"key": self.key, "visitor_token": token, "user_token": user_token, **body}
        answer = self.post("session", sent)
        if answer.status_code == 200:
            self.session = answer.json()
        return answer

    def call(self, door: str, /, **body: Any) -> Any:
        """Make one of a visitor's calls; those about a conversation name the session's."""
        if door != "visitor":
            body = {"conversation_id": self.session["conversation_id"], **body}
        token = self.session["visitor_token"]
        return self.post(door, body, authorization=f"Bearer {token}")

    def post(self, name: str, body: Any, **headers: str) -> Any:
        return self.client.post(
            f"/widget/{name}",
            json.dumps(body),
            content_type="application/json",
            headers={"accept": "application/json", **headers},
        )

    def say(self, text: str = "Hello") -> str:
        """Say something in the session's conversation; returns the conversation."""
        conversation: str = self.session["conversation_id"]
        with tenancy.tenant_scope(self.tenant):
            services.message_receive(
                conversation_id=UUID(conversation),
                client_id=f"c{time.monotonic_ns()}",
                text=text,
            )
        return conversation


def signed(secret: str, *, algorithm: str = "HS256", lives: int = 600, **claims: Any) -> str:
    """Return a token as a business's server signs it; a claim of None is left out."""
    content = {"sub": "user-7", "exp": int(time.time()) + lives, **claims}
    kept = {name: value for name, value in content.items() if value is not None}
    return jwt.encode(kept, secret, algorithm=algorithm)


def secret_made(tenant: TenantContext) -> str:
    with tenancy.tenant_scope(tenant):
        services.widget_ensure()
        return services.identity_secret_rotate()
