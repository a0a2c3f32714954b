"""Who a visitor is, where the widget may appear, and what a new workspace gets."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
import time_machine
from django.utils import timezone

from conversations import errors, selectors, services
from conversations.models import Conversation, Customer, WidgetInstallation
from conversations.origins import origin_is_allowed, origin_normalise
from conversations.services.visitors import visitor_token_sign
from conversations.subscribers import widget_create
from conversations.types import VisitorSession
from core import tenancy
from core.errors import ValidationFailed
from core.events import StoredEvent, catalogue
from core.realtime.handshake import TOKEN_PREFIX
from core.tenancy import TenantContext
from tests.factories.conversations import say

# RFC 7230 `token`: what a WebSocket subprotocol may consist of.
TOKEN_CHARACTERS = set(
    "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
)


def session_start(token: str = "", origin: str = "") -> VisitorSession:
    widget = services.widget_ensure()
    return services.visitor_session_start(key=widget.key, origin=origin, visitor_token=token)


def test_new_visitor_becomes_a_customer_with_a_conversation(in_acme: TenantContext) -> None:
    session = session_start()
    conversation = Conversation.objects.get(pk=session.conversation_id)
    assert conversation.customer_id == session.customer_id
    assert set(TOKEN_PREFIX + session.visitor_token) <= TOKEN_CHARACTERS


def test_known_visitor_comes_back_to_the_conversation(in_acme: TenantContext) -> None:
    first = session_start()
    again = session_start(first.visitor_token)
    assert (again.customer_id, again.conversation_id) == (first.customer_id, first.conversation_id)
    assert Customer.objects.count() == 1


def test_visit_after_a_resolve_starts_a_new_conversation(
    in_acme: TenantContext, people: dict[tuple[str, str], Customer]
) -> None:
    first = session_start()
    say(first.conversation_id)
    services.conversation_resolve(
        conversation_id=first.conversation_id, person_id=people["acme", "agent"].pk
    )
    again = session_start(first.visitor_token)
    assert again.customer_id == first.customer_id
    assert again.conversation_id != first.conversation_id


def test_token_of_another_tenant_names_nobody(acme: TenantContext, globex: TenantContext) -> None:
    with tenancy.tenant_scope(globex):
        theirs = session_start()
    with tenancy.tenant_scope(acme):
        with pytest.raises(errors.VisitorTokenInvalid):
            services.visitor_authenticate(visitor_token=theirs.visitor_token)
        mine = session_start(theirs.visitor_token)
        assert mine.customer_id != theirs.customer_id


def test_token_of_a_customer_of_the_same_id_elsewhere_is_refused(
    acme: TenantContext, globex: TenantContext
) -> None:
    identifier = uuid4()
    for tenant in (acme, globex):
        with tenancy.tenant_scope(tenant):
            Customer.objects.create(pk=identifier)
    with tenancy.tenant_scope(globex):
        token = visitor_token_sign(identifier)
    with tenancy.tenant_scope(acme), pytest.raises(errors.VisitorTokenInvalid):
        services.visitor_authenticate(visitor_token=token)


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "é", "." * 500])
def test_forged_token_is_refused(in_acme: TenantContext, token: str) -> None:
    with pytest.raises(errors.VisitorTokenInvalid):
        services.visitor_authenticate(visitor_token=token)


def test_token_expires_after_thirty_days(in_acme: TenantContext) -> None:
    token = session_start().visitor_token
    with time_machine.travel(timezone.now() + timedelta(days=29)):
        services.visitor_authenticate(visitor_token=token)
    with (
        time_machine.travel(timezone.now() + timedelta(days=31)),
        pytest.raises(errors.VisitorTokenInvalid),
    ):
        services.visitor_authenticate(visitor_token=token)


def test_widget_of_another_tenant_is_unknown(acme: TenantContext, globex: TenantContext) -> None:
    with tenancy.tenant_scope(globex):
        key = services.widget_ensure().key
    with tenancy.tenant_scope(acme), pytest.raises(errors.WidgetUnknown):
        services.visitor_session_start(key=key, origin="")


@pytest.mark.parametrize("key", ["", "wk_", "\x00", "x" * 500])
def test_unknown_widget_key_is_refused(in_acme: TenantContext, key: str) -> None:
    with pytest.raises(errors.WidgetUnknown):
        services.visitor_session_start(key=key, origin="")


def test_page_must_be_the_workspaces_own_or_an_allowed_one(in_acme: TenantContext) -> None:
    widget = services.widget_ensure()
    services.widget_update(widget_id=widget.pk, allowed_origins=["https://shop.example:8443"])
    for origin in ("", "http://acme.localhost:8000", "https://shop.example:8443"):
        session_start(origin=origin)
    for origin in ("https://shop.example", "https://evil.example", "http://globex.localhost"):
        with pytest.raises(errors.OriginRefused):
            session_start(origin=origin)


@pytest.mark.parametrize(
    "origin",
    ["null", "file://", "ftp://acme.localhost", "http://", "acme.localhost", "http://[::1", "x"],
)
def test_strange_origins_are_foreign(in_acme: TenantContext, origin: str) -> None:
    assert not origin_is_allowed(origin, [])


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("https://Shop.Example/", "https://shop.example"),
        (" http://shop.example:80 ", "http://shop.example"),
        ("https://shop.example:8443", "https://shop.example:8443"),
    ],
)
def test_origins_are_stored_as_browsers_write_them(typed: str, stored: str) -> None:
    assert origin_normalise(typed) == stored


@pytest.mark.parametrize(
    "typed",
    ["shop.example", "https://shop.example/page", "https://a@shop.example", "https://x:99999", "*"],
)
def test_what_is_no_origin_is_refused(typed: str) -> None:
    with pytest.raises(errors.OriginInvalid):
        origin_normalise(typed)


def test_widget_look_can_be_changed(in_acme: TenantContext) -> None:
    widget = services.widget_ensure()
    changed = services.widget_update(
        widget_id=widget.pk,
        title="Acme",
        greeting="Hi!",
        accent="#0a7c4a",
        suggestions=["Returns?"],
    )
    assert (changed.title, changed.greeting, changed.accent) == ("Acme", "Hi!", "#0a7c4a")
    with pytest.raises(ValidationFailed):
        services.widget_update(widget_id=widget.pk, accent="red; }")
    with pytest.raises(errors.WidgetUnknown):
        services.widget_update(widget_id=uuid4(), title="Nobody's")


def test_new_workspace_gets_one_widget(in_acme: TenantContext) -> None:
    event = catalogue.TenantCreated(tenant_id=in_acme.id, plan="trial")
    stored = StoredEvent(
        event_id=uuid4(), tenant_id=in_acme.id, event=event, occurred_at=timezone.now()
    )
    for _ in range(2):
        widget_create(stored)
    assert WidgetInstallation.objects.count() == 1
    found = selectors.widget_current()
    assert found is not None
    assert found.key.startswith("wk_")


def test_customer_of_the_business_is_one_however_often_named(in_acme: TenantContext) -> None:
    first = services.customer_ensure(external_id="user-7")
    assert services.customer_ensure(external_id="user-7").pk == first.pk
    renamed = services.customer_update(customer_id=first.pk, name="Ada", email="")
    assert renamed is not None
    assert renamed.display_name == "Ada"


def test_anonymous_customer_has_a_name_to_go_by() -> None:
    customer = Customer(pk=UUID("00000000-0000-0000-0000-00000000beef"))
    assert str(customer.display_name) == "Visitor BEEF"
