"""The second step: what turns it on, which codes are right, that none works twice."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator

from core import tenancy
from core.errors import RateLimited
from core.tenancy import TenantContext
from tenants import errors, throttle
from tenants.accounts import factors
from tenants.models import Person
from tests.tenants import tokens
from tests.tenants.accounts.devices import App
from tests.tenants.mails import sent

PASSWORD = "correct horse 42"


@pytest.fixture
def person(in_acme: TenantContext, people: dict[Any, Any]) -> Iterator[Person]:
    found = Person.objects.get(pk=people["acme", "agent"].pk)
    throttle.person_attempts_forget(kind="second-factor", person_id=found.pk)
    yield found
    throttle.person_attempts_forget(kind="second-factor", person_id=found.pk)


def test_activate_turns_the_step_on_and_tells_the_person(person: Person) -> None:
    assert not factors.second_factor_is_on(person=person)
    with sent() as mails:
        app = App.of(person)
    assert factors.second_factor_is_on(person=person)
    assert len(set(app.recovery_codes)) == 10
    assert "Two-step sign-in is on" in mails[0].body


def test_activate_needs_the_apps_code_and_a_proved_address(person: Person) -> None:
    with pytest.raises(errors.SecondFactorWrong):
        factors.app_activate(person=person, secret=App().secret, code=App().code())
    EmailAddress.objects.filter(user=person).update(verified=False)
    app = App()
    with pytest.raises(errors.EmailUnverified):
        factors.app_activate(person=person, secret=app.secret, code=app.code())
    assert not factors.second_factor_is_on(person=person)


def test_activate_never_replaces_an_app(person: Person) -> None:
    App.of(person)
    with pytest.raises(errors.SecondFactorOn):
        App.of(person)


def test_secrets_are_sealed(person: Person) -> None:
    app = App.of(person)
    stored = str(list(Authenticator.objects.filter(user=person).values("data")))
    assert app.secret not in stored
    assert not any(code in stored for code in app.recovery_codes)


def test_secret_sealed_under_another_key_lets_nobody_in(person: Person, settings: Any) -> None:
    app = App.of(person)
    settings.SECRET_KEY = "another key of the tests, long enough to be one 0123456789"
    with pytest.raises(errors.SecondFactorUnreadable):
        factors.code_verify(person=person, code=app.code())


def test_code_works_once(person: Person) -> None:
    app = App.of(person)
    factors.code_verify(person=person, code=app.code())
    with pytest.raises(errors.SecondFactorWrong):
        factors.code_verify(person=person, code=app.code())
    factors.code_verify(person=person, code=f" {app.code(1)[:3]} {app.code(1)[3:]} ")


def test_code_used_on_one_host_is_used_on_all(person: Person, globex: TenantContext) -> None:
    app = App.of(person)
    factors.code_verify(person=person, code=app.code())
    with tenancy.tenant_scope(globex), pytest.raises(errors.SecondFactorWrong):
        factors.code_verify(person=person, code=app.code())


def test_first_use_of_a_code_is_one_of_many_at_once(person: Person) -> None:
    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(lambda _: factors._claimed(person, "123456"), range(8)))
    assert sum(won) == 1


@pytest.mark.parametrize("steps", [-3, 3])
def test_code_of_another_time_is_wrong(person: Person, steps: int) -> None:
    app = App.of(person)
    with pytest.raises(errors.SecondFactorWrong):
        factors.code_verify(person=person, code=app.code(steps))


def test_recovery_code_works_once_and_is_replaced_with_the_others(person: Person) -> None:
    app = App.of(person)
    first, second = app.recovery_codes[:2]
    factors.code_verify(person=person, code=first)
    assert factors.factors_for(person=person).recovery_codes_left == 9
    with pytest.raises(errors.SecondFactorWrong):
        factors.code_verify(person=person, code=first)
    renewed = factors.recovery_codes_renew(person=person)
    with pytest.raises(errors.SecondFactorWrong):
        factors.code_verify(person=person, code=second)
    factors.code_verify(person=person, code=renewed[0])


def test_attempts_are_braked_over_all_hosts(person: Person, globex: TenantContext) -> None:
    app = App.of(person)
    for number in range(factors.ATTEMPTS):
        scope = tenancy.tenant_scope(globex) if number % 2 else tenancy.public_scope()
        with scope, pytest.raises(errors.SecondFactorWrong):
            factors.code_verify(person=person, code="000000x")
    with pytest.raises(RateLimited):
        factors.code_verify(person=person, code=app.code())


def test_remove_turns_everything_off(person: Person) -> None:
    App.of(person)
    for _ in range(2):
        factors.factors_remove(person=person)
    assert not factors.second_factor_is_on(person=person)
    assert not Authenticator.objects.filter(user=person).exists()
    with pytest.raises(errors.SecondFactorOff):
        factors.recovery_codes_renew(person=person)


def test_one_persons_code_is_not_anothers(
    person: Person, globex: TenantContext, people: dict[Any, Any]
) -> None:
    other = Person.objects.get(pk=people["acme", "admin"].pk)
    throttle.person_attempts_forget(kind="second-factor", person_id=other.pk)
    app, _ = App.of(person), App.of(other)
    with pytest.raises(errors.SecondFactorWrong):
        factors.code_verify(person=other, code=app.code())
    with pytest.raises(errors.SecondFactorWrong):
        factors.code_verify(person=other, code=app.recovery_codes[0])


# --- tokens


def ask(**body: str) -> Any:
    return tokens.post(
        "auth/token", {"email": "agent@acme.example.com", "password": PASSWORD, **body}
    )


def test_token_asks_for_the_code_of_who_has_one(person: Person) -> None:
    assert ask().status_code == 200
    app = App.of(person)
    missing, wrong = ask(), ask(otp="000000")
    assert (missing.status_code, missing.json()["code"]) == (401, "second_factor_required")
    assert (wrong.status_code, wrong.json()["code"]) == (401, "second_factor_wrong")
    code = app.code()
    assert "access_token" in ask(otp=code).json()
    again = ask(otp=code)
    assert (again.status_code, again.json()["code"]) == (401, "second_factor_wrong")
    assert ask(otp=app.recovery_codes[0]).status_code == 200


def test_token_tells_nothing_of_codes_without_the_password(person: Person) -> None:
    app = App.of(person)
    answer = ask(password="wrong horse 42", otp=app.code())
    assert answer.json()["code"] == "credentials_invalid"
    assert ask(otp=app.code()).status_code == 200  # and the code was not used up


def test_token_brakes_guesses_of_the_code(person: Person) -> None:
    App.of(person)
    codes = [ask(otp="000000").json()["code"] for _ in range(factors.ATTEMPTS + 1)]
    assert codes[-1] == "rate_limited"
    assert set(codes[:-1]) == {"second_factor_wrong"}
