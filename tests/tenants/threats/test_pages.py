"""Security as a workspace sees it: events, blocks, lifting; page and REST, nobody else's."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from core import tenancy
from core.tenancy import TenantContext
from tenants.threats.blocks import block_add
from tenants.threats.events import threat_note
from tenants.threats.models import Block
from tenants.threats.types import BlockReach, Subject, SubjectKind, ThreatKind

SignIn = Callable[..., Client]
PAGE = "/settings/security/"


@pytest.fixture
def noted(acme: TenantContext, globex: TenantContext) -> dict[str, Block]:
    """Note and block something in both workspaces."""
    found = {}
    for tenant, network in ((acme, "93.184.216.0/24"), (globex, "151.101.1.0/24")):
        with tenancy.tenant_scope(tenant):
            subject = Subject(SubjectKind.ADDRESS, uuid4().hex, network)
            event_id = threat_note(kind=ThreatKind.CREDENTIAL_STUFFING, subject=subject)
            found[tenant.slug] = block_add(
                subject=subject, reach=BlockReach.SIGN_IN, event_id=event_id
            )
    return found


def test_page_says_what_happened_and_what_to_do(noted: dict[str, Block], sign_in: SignIn) -> None:
    body = sign_in().get(PAGE).content.decode()
    for words in ("Many accounts tried", "two-step sign-in", "93.184.216.0/24", "cannot sign in"):
        assert words in body
    assert "151.101.1.0/24" not in body


def test_page_without_events_says_what_is_watched(acme: TenantContext, sign_in: SignIn) -> None:
    assert "Nothing has looked like an attack" in sign_in().get(PAGE).content.decode()


def test_every_kind_and_subject_has_words(acme: TenantContext, sign_in: SignIn) -> None:
    with tenancy.tenant_scope(acme):
        for kind in ThreatKind:
            for subject_kind in SubjectKind:
                threat_note(kind=kind, subject=Subject(subject_kind, uuid4().hex))
    assert sign_in().get(PAGE).status_code == 200
    assert sign_in().get(f"{PAGE}?page=2").status_code == 200


def test_page_has_the_same_queries_at_any_length(acme: TenantContext, sign_in: SignIn) -> None:
    client, counts = sign_in(), []
    client.get(PAGE)  # what a process remembers is read once
    for _ in range(2):
        with tenancy.tenant_scope(acme):
            for _ in range(3):
                threat_note(
                    kind=ThreatKind.KEY_LEAKED, subject=Subject(SubjectKind.API_KEY, uuid4().hex)
                )
        with CaptureQueriesContext(connection) as queries:
            client.get(PAGE)
        counts.append(sum("securityevent" in query["sql"] for query in queries))
    assert counts[0] == counts[1]


def test_block_is_lifted(noted: dict[str, Block], acme: TenantContext, sign_in: SignIn) -> None:
    client = sign_in()
    assert client.post(f"{PAGE}{noted['acme'].pk}/lift/").status_code == 302
    assert "Blocked now" not in client.get(PAGE).content.decode()
    assert client.post(f"{PAGE}{noted['globex'].pk}/lift/").status_code == 404


def test_api_lists_and_lifts(noted: dict[str, Block], sign_in: SignIn) -> None:
    client = sign_in()
    [event] = client.get("/api/v1/security-events").json()["results"]
    assert (event["kind"], event["count"], event["network"]) == (
        "credential_stuffing",
        1,
        "93.184.216.0/24",
    )
    [block] = client.get("/api/v1/blocks").json()["results"]
    assert client.delete(f"/api/v1/blocks/{block['id']}").status_code == 204
    assert client.get("/api/v1/blocks").json()["results"] == []
    assert client.delete(f"/api/v1/blocks/{noted['globex'].pk}").status_code == 404
