"""One object of each kind for a tenant, and which of them an address' parameter names.

A new kind of address: make the object in `things_make`, name it in `PARAMETERS`.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import uuid4

from allauth.account.models import EmailAddress, EmailConfirmationHMAC
from django.utils import timezone

from commerce.models import Order, Product
from conversations.models import CannedReply, Message
from conversations.services import canned_reply_create, notification_target_add, policy_save
from core.tenancy import TenantContext, require, tenant_scope
from knowledge.models import Chunk, Document, DocumentContent
from routing.models import RoutingDecision
from tenants.accounts.passwords import password_reset_key
from tenants.invitations import invitation_create
from tenants.models import Block, Invitation
from tenants.preferences import selectors as preferences
from tenants.preferences.models import SettingChange
from tenants.preferences.services import setting_change
from tenants.selectors import membership_list
from tenants.services import api_key_create, login_ticket_create
from tenants.types import Actor, Role
from tests.factories.conversations import attachment_make, conversation_make, say
from workflows.drafts import draft_create
from workflows.models import Run, RunEvent, Wait
from workflows.versions import workflow_publish

WORKFLOW = "name: {name}\nversion: '1'\nsteps:\n  - id: say\n    type: reply\n"
# Kinds that have the same names in every workspace, so no other tenant's can be named.
COMMON = {"setting_group"}
# "<what stands before it>/<parameter>" of an address -> the kind of thing it names.
PARAMETERS = {
    "messages/message_id": "message",
    "conversations/conversation_id": "conversation",
    "inbox/conversation_id": "conversation",
    "canned-replies/reply_id": "canned_reply",
    "replies/reply_id": "canned_reply",
    "attachments/attachment_id": "attachment",
    "customers/id": "customer",
    "documents/document_id": "document",
    "source/chunk_id": "chunk",
    "orders/id": "order",
    "orders/number": "order_number",
    "products/id": "product",
    "decisions/id": "decision",
    "routing/decision_id": "decision",
    "runs/run_id": "run",
    "approvals/wait_id": "approval",
    "runs-approvals/wait_id": "approval",
    "workflows/name": "workflow",
    "versions/content_hash": "version",
    "drafts/draft_id": "draft",
    "team/person_id": "person",
    "agents/person_id": "agent",
    "notifications/target_id": "notification",
    "sla-policies/policy_id": "sla_policy",
    "service-levels/policy_id": "sla_policy",
    "keys/key_id": "key",
    "api-keys/key_id": "key",
    "ticket/ticket": "ticket",
    "blocks/block_id": "block",
    "security/block_id": "block",
    "errors/code": "error_code",
    "settings/group": "setting_group",
    "history/change_id": "setting_change",
    "verify/key": "verification",
    "reset/key": "reset",
    "invitation/token": "invitation_token",
    "invitations/invitation_id": "invitation",
}


def things_make(tenant: TenantContext, person: Any) -> dict[str, str]:
    """Return {kind: what an address names it by} of new objects in the tenant."""
    with tenant_scope(tenant):
        return {
            **_conversation(),
            **_document(tenant.slug),
            **_commerce(tenant.slug),
            **_workflow(tenant.slug),
            "decision": str(_decision().pk),
            "canned_reply": str(_canned_reply().pk),
            "block": str(_block().pk),
            "error_code": "not_found",
            "setting_group": "workspace",
            "setting_change": str(_setting_change().pk),
            "person": str(person.pk),
            "notification": str(notification_target_add(address="team@example.com").pk),
            "sla_policy": str(
                policy_save(values={"name": "Quick", "first_response_minutes": 5}).pk
            ),
            "agent": str(membership_list().filter(role=Role.AGENT)[0].person_id),
            "key": str(api_key_create(name=f"{tenant.slug}'s", scopes=["settings:write"]).id),
            **_links(tenant.slug, person),
            "ticket": login_ticket_create(person_id=person.pk),
        }


def _links(slug: str, person: Any) -> dict[str, str]:
    """Return what the links in mails hold: to an address, a password, two invitations."""
    address = EmailAddress.objects.create(user=person, email=f"new@{slug}.example.com")
    invited = invitation_create(actor=None, email=f"i@{slug}.example.com", role=Role.VIEWER)
    offered = invitation_create(actor=None, email=f"j@{slug}.example.com", role=Role.VIEWER)
    token = (slug * 43)[:43]
    Invitation.objects.filter(pk=offered.pk).update(token_hash=sha256(token.encode()).hexdigest())
    return {
        "verification": EmailConfirmationHMAC.create(address).key,
        "reset": password_reset_key(person=person),
        "invitation": str(invited.pk),
        "invitation_token": token,
    }


def _conversation() -> dict[str, str]:
    conversation = conversation_make()
    say(conversation.pk, "Where is my parcel?")
    message = Message.objects.get(conversation=conversation)
    attachment = attachment_make(conversation.pk, message=message)
    return {
        "conversation": str(conversation.pk),
        "customer": str(conversation.customer_id),
        "message": str(message.pk),
        "attachment": str(attachment.pk),
    }


def _canned_reply() -> CannedReply:
    return canned_reply_create(owner_id=None, shortcut="hello", text="Hello!", may_share=True)


def _document(slug: str) -> dict[str, str]:
    document = Document.objects.create(
        title="Returns", filename=f"{slug}.md", format="md", state="failed", size_bytes=7
    )
    DocumentContent.objects.create(document=document, original=b"Returns")
    chunk = Chunk.objects.create(
        document=document, version=1, position=0, text="Returns", start=0, end=7, token_count=1
    )
    return {"document": str(document.pk), "chunk": str(chunk.pk)}


def _commerce(slug: str) -> dict[str, str]:
    product = Product.objects.create(sku=f"{slug}-1", name="Tent", price_minor=100, currency="EUR")
    order = Order.objects.create(
        number=f"{slug.upper()}-1",
        customer="Maeve Larkin",
        email="maeve@example.com",
        status="shipped",
        currency="EUR",
        total_minor=100,
        placed_at=datetime.now(UTC),
    )
    return {"product": str(product.pk), "order": str(order.pk), "order_number": order.number}


def _decision() -> RoutingDecision:
    return RoutingDecision.objects.create(
        channel="web",
        tier="SLM_A",
        intent="faq",
        confidence=0.9,
        complexity=0.1,
        reasoning="short",
        provider="local",
        cost_estimate=0,
        currency="EUR",
        latency_estimate_ms=1,
        decided_in_ms=1.0,
        features={},
    )


def _workflow(slug: str) -> dict[str, str]:
    version = workflow_publish(source=WORKFLOW.format(name=f"{slug}_own"), published_by=None)
    now = datetime.now(UTC)
    run = Run.objects.create(
        workflow=version.name,
        version="1",
        content_hash=version.content_hash,
        status="completed",
        trigger_event_id=uuid4(),
        seq=2,
        lease_until=now,
        started_at=now,
        finished_at=now,
    )
    asked = Wait.objects.create(
        run=run, key=":ask:0", step_id="ask", kind="approval", state="open", created_at=now
    )
    facts = [
        ("run.started", {"input": {}, "next": "say"}),
        ("run.ended", {"status": "completed"}),
    ]
    for seq, (kind, payload) in enumerate(facts, start=1):
        RunEvent.objects.create(run=run, seq=seq, type=kind, payload=payload, at=now)
    draft = draft_create(workflow=version.name, title="Mine", source=version.source, author=None)
    named = {"workflow": version.name, "version": version.content_hash, "draft": str(draft.pk)}
    return {"run": str(run.pk), "approval": str(asked.pk), **named}


def _block() -> Block:
    return Block.objects.create(
        tenant_id=require().id,
        subject_kind="address",
        subject=uuid4().hex,
        reach="all",
        ends_at=timezone.now() + timedelta(minutes=15),
    )


def _setting_change() -> SettingChange:
    values = {"timezone": "Europe/Berlin"}
    setting_change(group="workspace", values=values, actor=Actor("somebody", is_owner=True))
    return preferences.change_list()[0]
