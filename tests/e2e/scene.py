"""One object of each kind that a page of a workspace shows; runs in the running stack's shell.

Finds what is there and makes what is not, so that it may be run again and again.
"""

from __future__ import annotations

import json
from datetime import timedelta
from hashlib import sha256
from typing import Final

from allauth.account.models import EmailAddress, EmailConfirmationHMAC
from django.utils import timezone

from commerce.models import Order
from conversations.models import CannedReply, Message, SlaPolicy
from conversations.services import canned_reply_create, policy_save
from core import directory
from core.tenancy import TenantContext, tenant_scope
from knowledge.models import Document
from routing.models import RoutingDecision
from tenants.accounts.passwords import password_reset_key
from tenants.models import Invitation
from tenants.preferences import selectors as preferences
from tenants.preferences.services import setting_change
from tenants.selectors import membership_list
from tenants.types import Actor, Role
from workflows.models import Run, Wait, WorkflowVersion
from workflows.versions import version_draft

WORKFLOW: Final = "customer_support"


def tell(host: str) -> None:
    """Print the objects of the workspace of this host, as one line of JSON."""
    tenant = directory.tenant_by_host(host)
    if tenant is None:
        raise LookupError(host)
    with tenant_scope(tenant):
        _history()
        things = {**_talk(), **_runs(), **_versions(), **_links(tenant), **_promise()}
        document = Document.objects.filter(state="ready").earliest("created_at")
        things |= {"document": str(document.pk), "order": Order.objects.latest("placed_at").number}
    print(json.dumps(things))


def _history() -> None:
    """Leave a change in the history of the settings, and take it back."""
    if not preferences.change_list():
        for zone in ("Europe/Dublin", "UTC"):
            values = {"timezone": zone}
            setting_change(group="workspace", values=values, actor=Actor("Demo", is_owner=True))


def _talk() -> dict[str, str]:
    answer = Message.objects.filter(author="ai", citations__0__isnull=False).latest("created_at")
    source = answer.citations[0]["url"].split("#")[0].strip("/")
    return {"conversation": str(answer.conversation_id), "source": source}


def _promise() -> dict[str, str]:
    """Return a service level that the workspace keeps, and what is said often."""
    values = {"name": "Paying customers", "first_response_minutes": 30, "resolution_minutes": 480}
    kept = SlaPolicy.objects.filter(name=values["name"]).first()
    policy = kept or policy_save(values=values)
    said = {"shortcut": "sorry-late", "text": "We are sorry, {{customer.name|dear customer}}."}
    reply = CannedReply.objects.filter(owner_id=None, shortcut=said["shortcut"]).first()
    reply = reply or canned_reply_create(owner_id=None, may_share=True, **said)
    return {"policy": str(policy.pk), "reply": str(reply.pk)}


def _runs() -> dict[str, str]:
    run = Run.objects.filter(workflow=WORKFLOW, status="completed").latest("started_at")
    now = timezone.now()
    asked = {"title": "Refund 1,240 EUR to Maeve Larkin?", "details": "Her tent came back dry."}
    timed = {"created_at": now, "until": now + timedelta(days=365)}
    if not Wait.objects.filter(kind="approval", state="open").exists():
        Wait.objects.create(
            run=run, key=":e2e:0", step_id="ask", kind="approval", state="open", data=asked, **timed
        )
    decision = RoutingDecision.objects.latest("created_at")
    return {"run": str(run.pk), "decision": str(decision.pk)}


def _versions() -> dict[str, str]:
    """Return a workflow with two versions, of which the second says more about itself."""
    first = WorkflowVersion.objects.filter(name=WORKFLOW).earliest("created_at")
    note = "\n# Answers in the visitor's own language.\n"
    second = version_draft(workflow=WORKFLOW, source=first.yaml.rstrip() + note)
    return {"workflow": WORKFLOW, "before": first.content_hash, "after": second.content_hash}


def _links(tenant: TenantContext) -> dict[str, str]:
    """Return what the links in mails hold: to an address, to a password, to an invitation.

    All for somebody who does not sign in meanwhile: that would end the link to a new password.
    """
    person = membership_list().filter(role=Role.ADMIN)[0].person
    email = f"later@{tenant.slug}.example.com"
    address, _ = EmailAddress.objects.get_or_create(user=person, email=email)
    token = (tenant.slug * 43)[:43]
    Invitation.objects.update_or_create(
        tenant_id=tenant.id,
        email=f"invited@{tenant.slug}.example.com",
        defaults={
            "role": Role.AGENT.value,
            "token_hash": sha256(token.encode()).hexdigest(),
            "expires_at": timezone.now() + timedelta(days=7),
        },
    )
    return {
        "verification": EmailConfirmationHMAC.create(address).key,
        "reset": password_reset_key(person=person),
        "invitation": token,
    }
