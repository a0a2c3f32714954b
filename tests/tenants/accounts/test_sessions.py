"""Where people are signed in: the list, and what ends which sessions, tokens and sockets."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core import tenancy
from core.redis import redis_client
from core.tenancy import TenantContext
from tenants import errors, selectors, services, team
from tenants.accounts import sessions
from tenants.models import Person, PersonSession
from tenants.types import SESSION_DAYS_LIMIT, Role
from tests.tenants import tokens

SignIn = Callable[..., Client]
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture
def agent(people: dict[Any, Any], acme: TenantContext) -> Person:
    return Person.objects.get(pk=people["acme", "agent"].pk)


def listed(acme: TenantContext, person: Person) -> list[PersonSession]:
    with tenancy.tenant_scope(acme):
        return list(sessions.session_list(person=person))


def is_in(client: Client) -> bool:
    return client.get("/account/").status_code == 200


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        (FIREFOX, "Firefox on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/140.0 Safari/537.36 Edg/140.0", "Edge on Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Safari/604.1", "Safari on iPhone"),
        ("curl/8.0", ""),
        ("", ""),
    ],
)
def test_device_is_named_in_words(user_agent: str, name: str) -> None:
    assert sessions.device_name(user_agent) == name


def test_sign_in_is_listed_and_sign_out_forgotten(acme: TenantContext, agent: Person) -> None:
    client = Client(headers={"host": "acme.localhost", "user-agent": FIREFOX})
    client.post("/login/", {"email": agent.email, "password": tokens.PASSWORD})
    (found,) = listed(acme, agent)
    assert found.device == "Firefox on Linux"
    page = client.get("/account/").content.decode()
    assert ("Firefox on Linux" in page, "This one" in page) == (True, True)
    client.post("/logout/")
    assert listed(acme, agent) == []


def test_list_is_of_this_person_and_workspace_alone(
    acme: TenantContext, globex: TenantContext, agent: Person, sign_in: SignIn
) -> None:
    with tenancy.tenant_scope(globex):
        services.member_add(person=agent, role=Role.AGENT)
        elsewhere = Client(headers={"host": "globex.localhost"})
        elsewhere.force_login(agent)
    sign_in(role="agent")
    sign_in(role="admin")
    assert len(listed(acme, agent)) == 1
    (theirs,) = listed(globex, agent)
    with tenancy.tenant_scope(acme), pytest.raises(errors.SessionUnknown):
        sessions.session_end(person=agent, session_id=theirs.pk)
    assert elsewhere.get("/account/").status_code == 200


def test_one_session_is_ended(acme: TenantContext, agent: Person, sign_in: SignIn) -> None:
    here, there = sign_in(role="agent"), sign_in(role="agent")
    other = PersonSession.objects.none()
    with tenancy.tenant_scope(acme):
        other = PersonSession.objects.filter(session_key=there.session.session_key)
        pk = other.get().pk
    here.post("/account/sessions/end/", {"session": str(pk)})
    assert (is_in(here), is_in(there)) == (True, False)
    page = here.post("/account/sessions/end/", {"session": str(pk)}, follow=True)
    assert "not signed in there any more" in page.content.decode()


@pytest.mark.parametrize("named", ["", "nonsense", str(uuid4())])
def test_ending_what_is_none_says_so(sign_in: SignIn, named: str) -> None:
    page = sign_in().post("/account/sessions/end/", {"session": named}, follow=True)
    assert "not signed in there any more" in page.content.decode()


def test_nobody_ends_anothers_session(acme: TenantContext, agent: Person, sign_in: SignIn) -> None:
    mine = sign_in(role="agent")
    pk = listed(acme, agent)[0].pk
    sign_in(role="owner").post("/account/sessions/end/", {"session": str(pk)})
    assert is_in(mine)


def test_end_others_reaches_every_workspace_and_token(
    acme: TenantContext, globex: TenantContext, agent: Person, sign_in: SignIn
) -> None:
    with tenancy.tenant_scope(globex):
        services.member_add(person=agent, role=Role.AGENT)
        elsewhere = Client(headers={"host": "globex.localhost"})
        elsewhere.force_login(agent)
    here, there = sign_in(role="agent"), sign_in(role="agent")
    pair = tokens.sign_in(role="agent")
    here.post("/account/sessions/end-others/")
    assert (is_in(here), is_in(there), is_in(elsewhere)) == (True, False, False)
    assert tokens.me(pair["access_token"]).status_code == 401
    answer = tokens.post("auth/token/refresh", {"refresh_token": pair["refresh_token"]})
    assert answer.status_code == 401
    agent.refresh_from_db()
    assert len(listed(acme, agent)) == 1
    assert tokens.me(tokens.sign_in(role="agent")["access_token"]).status_code == 200


def test_new_password_keeps_this_session_on_the_list_and_no_other(
    acme: TenantContext, agent: Person, sign_in: SignIn
) -> None:
    here, there = sign_in(role="agent"), sign_in(role="agent")
    here.post("/account/", {"current": tokens.PASSWORD, "new": "a longer sentence 7"})
    assert (is_in(here), is_in(there)) == (True, False)
    agent.refresh_from_db()
    assert [found.session_key for found in listed(acme, agent)] == [here.session.session_key]


def test_who_is_removed_is_out_at_once_here_and_stays_elsewhere(
    acme: TenantContext,
    globex: TenantContext,
    agent: Person,
    sign_in: SignIn,
    people: dict[Any, Any],
) -> None:
    with tenancy.tenant_scope(globex):
        services.member_add(person=agent, role=Role.AGENT)
        elsewhere = Client(headers={"host": "globex.localhost"})
        elsewhere.force_login(agent)
    here, pair = sign_in(role="agent"), tokens.sign_in(role="agent")
    with tenancy.tenant_scope(acme):
        owner = selectors.membership_for(person_id=people["acme", "owner"].pk)
        assert owner
        team.team_member_remove(actor=owner, person_id=agent.pk)
        services.member_add(person=agent, role=Role.AGENT)  # even if they come back
    assert (is_in(here), is_in(elsewhere)) == (False, True)
    answer = tokens.post("auth/token/refresh", {"refresh_token": pair["refresh_token"]})
    assert answer.status_code == 401


def test_last_seen_is_noted_once_a_minute(
    acme: TenantContext, agent: Person, sign_in: SignIn
) -> None:
    client = sign_in(role="agent")
    with tenancy.tenant_scope(acme):
        mine = PersonSession.objects.filter(session_key=client.session.session_key)
        long_ago = timezone.now() - timedelta(hours=1)
        for key in redis_client().scan_iter(tenancy.tenant_key("seen", "*")):
            redis_client().delete(key)
        mine.update(last_seen_at=long_ago)
        client.get("/account/")
        assert mine.get().last_seen_at > long_ago
        mine.update(last_seen_at=long_ago)
        client.get("/account/")
        assert mine.get().last_seen_at == long_ago


@pytest.mark.parametrize("others", [1, 3])
def test_account_query_count_does_not_grow_with_sessions(sign_in: SignIn, others: int) -> None:
    for _ in range(others):
        sign_in()
    client = sign_in()
    client.get("/account/")
    with CaptureQueriesContext(connection) as queries:
        client.get("/account/")
    statements = [q["sql"] for q in queries if q["sql"].startswith(("SELECT", "UPDATE"))]
    assert len(statements) <= 5, statements


def test_session_is_listed_as_long_as_a_workspace_may_let_it_last(
    acme: TenantContext, sign_in: SignIn
) -> None:
    old = sign_in().session.session_key
    with tenancy.tenant_scope(acme):
        made = timezone.now() - timedelta(days=SESSION_DAYS_LIMIT - 1)
        PersonSession.objects.filter(session_key=old).update(created_at=made)
    sign_in()
    with tenancy.tenant_scope(acme):
        assert PersonSession.objects.filter(session_key=old).exists()
