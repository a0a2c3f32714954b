"""A forgotten password: who gets a link, what it is worth, what ends with the old password."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.utils import timezone

from core import tenancy
from core.errors import RateLimited
from core.tenancy import TenantContext
from tenants import errors, throttle
from tenants.accounts import passwords
from tests.tenants import tokens
from tests.tenants.mails import link_in, path_in, sent

EMAIL = "viewer@acme.example.com"
NEW = "another horse 43"


@pytest.fixture(autouse=True)
def fresh_count(in_acme: TenantContext) -> None:
    for email in (EMAIL, "nobody@acme.example.com", "viewer@globex.example.com"):
        throttle.attempts_forget(kind="reset", subject=email)
    throttle.attempts_forget(kind="reset-address", subject="192.0.2.1")


def request(email: str) -> None:
    passwords.password_reset_request(email=email, client_address="192.0.2.1")


def requested() -> str:
    """Ask for the link and return its key."""
    with sent() as mails:
        request(EMAIL)
    return path_in(mails[0]).split("/")[3]


def test_request_mails_a_member_a_link_to_the_workspaces_own_host() -> None:
    with sent() as mails:
        request("Viewer@acme.example.com")
    assert mails[0].to == [EMAIL]
    assert link_in(mails[0]).startswith("http://acme.localhost:8000/password/reset/")


@pytest.mark.parametrize("email", ["nobody@acme.example.com", "viewer@globex.example.com"])
def test_request_does_the_same_for_strangers_and_mails_nothing(
    globex: TenantContext, email: str, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks() as of_member:
        request(EMAIL)
    with django_capture_on_commit_callbacks(execute=True) as of_stranger:
        request(email)
    assert len(of_member) == len(of_stranger) == 1
    assert mail.outbox == []


def test_request_is_braked_by_account_and_by_client() -> None:
    for _ in range(passwords.PER_ACCOUNT):
        request(EMAIL)
    with pytest.raises(RateLimited):
        request(EMAIL)
    for number in range(passwords.PER_ADDRESS - passwords.PER_ACCOUNT):
        request(f"nobody{number}@acme.example.com")
    with pytest.raises(RateLimited):
        request("nobody@acme.example.com")


def test_reset_sets_the_password_once(people: Any) -> None:
    key = requested()
    with sent() as mails:
        person = passwords.password_reset(key=key, new=NEW)
    assert person.check_password(NEW)
    assert "has been changed" in mails[0].body
    with pytest.raises(errors.LinkInvalid):
        passwords.password_reset(key=key, new="a third horse 44")


def test_reset_refuses_weak_passwords_and_keeps_the_link(people: Any) -> None:
    key = requested()
    with pytest.raises(errors.PasswordWeak):
        passwords.password_reset(key=key, new="short")
    passwords.password_reset(key=key, new=NEW)


def test_reset_link_ends_after_an_hour_and_opens_no_other_workspace(
    globex: TenantContext,
) -> None:
    key = requested()
    with tenancy.tenant_scope(globex), pytest.raises(errors.LinkInvalid):
        passwords.password_reset(key=key, new=NEW)
    later = time_machine.travel(timezone.now() + timedelta(hours=1, minutes=1))
    with later, pytest.raises(errors.LinkInvalid):
        passwords.password_reset(key=key, new=NEW)


@pytest.mark.parametrize("key", ["", "x", "0" * 32 + "-abc-def", "0" * 32 + "-\x00"])
def test_reset_key_that_is_none_is_refused(key: str) -> None:
    with pytest.raises(errors.LinkInvalid):
        passwords.password_reset_person(key=key)


def test_reset_ends_sessions_and_tokens(sign_in: Any) -> None:
    client, key = sign_in(role="viewer"), requested()
    pair = tokens.sign_in(role="viewer")
    assert tokens.me(pair["access_token"]).status_code == 200
    passwords.password_reset(key=key, new=NEW)
    assert client.get("/").status_code == 302
    assert tokens.me(pair["access_token"]).status_code == 401
    again = tokens.post("auth/token/refresh", {"refresh_token": pair["refresh_token"]})
    assert again.status_code == 401
