"""Access tokens: what they open, and everything that must not pass for one."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core import tenancy
from core.tenancy import TenantContext
from tenants import services, team
from tenants.authority import team_rows
from tenants.models import Person
from tenants.tokens import access, signing
from tenants.tokens.errors import TokenInvalid
from tenants.types import ROLE_SCOPES, SCOPES, Role
from tests.tenants.tokens import PASSWORD, claims, forged, get, host, me, moment, nowhere, post
from tests.tenants.tokens import sign_in as token_for


@pytest.fixture
def pair(acme: TenantContext, globex: TenantContext) -> dict[str, Any]:
    return token_for()


@pytest.fixture
def token(pair: dict[str, Any]) -> str:
    return str(pair["access_token"])


def refused(answer: Any, code: str = "token_invalid") -> bool:
    assert answer["Content-Type"] == "application/problem+json"
    assert answer["WWW-Authenticate"] == "Bearer"
    return (answer.status_code, answer.json()["code"]) == (401, code)


def test_token_says_who_for_whom_and_how_long(token: str, acme: TenantContext) -> None:
    said, header = claims(token), jwt.get_unverified_header(token)
    assert said["iss"] == "http://acme.localhost:8000"
    assert said["aud"] == "http://acme.localhost:8000/api/v1"
    assert said["tid"] == str(acme.id)
    assert said["exp"] - said["iat"] == 3600
    assert header == {"alg": "RS256", "typ": "at+jwt", "kid": signing.signer_current().kid}


def test_token_is_never_cached(acme: TenantContext) -> None:
    answer = post("auth/token", {"email": "owner@acme.example.com", "password": PASSWORD})
    assert answer["Cache-Control"] == "no-store"


@pytest.mark.parametrize("role", list(Role))
def test_me_says_who_calls(acme: TenantContext, globex: TenantContext, role: Role) -> None:
    said = me(token_for(role=role)["access_token"]).json()
    assert (said["kind"], said["role"]) == ("person", role)
    assert said["email"] == f"{role}@acme.example.com"
    assert said["tenant"] == {"id": str(acme.id), "slug": "acme"}
    assert set(said["scopes"]) == ROLE_SCOPES[role]


def test_me_knows_sessions_and_keys(sign_in: Any, api_key: Any) -> None:
    assert sign_in(role="agent").get("/api/v1/auth/me").json()["role"] == "agent"
    said = me(api_key("acme", "team:read")).json()
    assert (said["kind"], said["scopes"], said["role"]) == ("api_key", ["team:read"], None)
    assert host().get("/api/v1/auth/me").status_code == 401


@pytest.mark.parametrize("path", ["orders", "customers", "router/decisions", "documents"])
def test_token_opens_rest_routes_of_its_own_host_alone(token: str, path: str) -> None:
    assert get(path, token).status_code == 200
    assert refused(get(path, token, "globex"))


def test_token_without_the_scope_is_refused(acme: TenantContext) -> None:
    narrow = token_for(scopes=["team:read"])["access_token"]
    answer = get("orders", narrow)
    assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")


def test_token_cannot_be_asked_for_more_than_the_role_holds(acme: TenantContext) -> None:
    body = {"email": "viewer@acme.example.com", "password": PASSWORD, "scopes": ["settings:write"]}
    assert post("auth/token", body).json()["code"] == "scope_missing"


def test_token_speaks_louder_than_a_session(sign_in: Any, token: str) -> None:
    client = sign_in(role="viewer")
    said = client.get("/api/v1/auth/me", headers={"authorization": f"Bearer {token}"}).json()
    assert said["role"] == "owner"


def test_token_of_a_person_of_two_workspaces_opens_one(
    token: str, globex: TenantContext, people: Any
) -> None:
    with tenancy.tenant_scope(globex):
        services.member_add(person=people["acme", "owner"], role=Role.OWNER)
    assert refused(me(token, "globex"))


def test_role_change_counts_at_the_next_request(acme: TenantContext, people: Any) -> None:
    token = token_for(role="admin")["access_token"]
    with tenancy.tenant_scope(acme):
        services.member_add(person=people["acme", "admin"], role=Role.VIEWER)
    said = me(token).json()
    assert said["role"] == "viewer"
    assert set(said["scopes"]) == ROLE_SCOPES[Role.VIEWER]
    assert get("api-keys", token).status_code == 403


def test_removed_member_is_out_at_the_next_request(acme: TenantContext, people: Any) -> None:
    pair = token_for(role="agent")
    with tenancy.tenant_scope(acme):
        owner = team_rows().get(person=people["acme", "owner"])
        team.team_member_remove(actor=owner, person_id=people["acme", "agent"].pk)
    assert refused(me(pair["access_token"]))
    answer = post("auth/token/refresh", {"refresh_token": pair["refresh_token"]})
    assert refused_refresh(answer)


def refused_refresh(answer: Any) -> bool:
    return (answer.status_code, answer.json()["code"]) == (401, "refresh_token_invalid")


def test_new_password_ends_earlier_tokens(acme: TenantContext, people: Any) -> None:
    pair = token_for(role="agent")
    person = Person.objects.get(pk=people["acme", "agent"].pk)  # the fixture keeps its own
    with tenancy.tenant_scope(acme):
        team.person_password_set(person=person, current=PASSWORD, new="another horse 43")
    assert refused(me(pair["access_token"]))
    answer = post("auth/token/refresh", {"refresh_token": pair["refresh_token"]})
    assert refused_refresh(answer)


# --- what must not pass


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "http://globex.localhost:8000"},
        {"iss": None},
        {"aud": "http://globex.localhost:8000/api/v1"},
        {"aud": ["everyone"]},
        {"aud": None},
        {"tid": nowhere()},
        {"tid": None},
        {"tid": ["a"]},
        {"sub": nowhere()},
        {"sub": "' OR 1=1 --"},
        {"fam": nowhere()},
        {"fam": "x"},
        {"fam": 7},
        {"pwm": "0" * 32},
        {"exp": None},
        {"exp": "soon"},
        {"exp": 10**30},
        {"exp": float("inf")},
        {"scope": None},
        {"jti": None},
    ],
    ids=str,
)
def test_claim_that_is_wrong_or_missing_is_refused(token: str, changes: dict[str, Any]) -> None:
    assert refused(me(forged(token, **changes)))


@pytest.mark.parametrize("claim", ["nbf", "iat"])
def test_token_of_the_future_is_refused(token: str, claim: str) -> None:
    changes: dict[str, Any] = {claim: moment(minutes=5)}
    assert refused(me(forged(token, **changes)))


def test_forger_itself_makes_good_tokens(token: str) -> None:
    assert me(forged(token)).status_code == 200


def test_expired_token_says_so(token: str) -> None:
    old = forged(token, iat=moment(hours=-2), nbf=moment(hours=-2), exp=moment(minutes=-1))
    assert refused(me(old), "token_expired")


def test_scope_beyond_the_role_gives_nothing(acme: TenantContext) -> None:
    token = forged(token_for(role="viewer")["access_token"], scope=" ".join(SCOPES))
    assert set(me(token).json()["scopes"]) == ROLE_SCOPES[Role.VIEWER]


def encoded(part: Any) -> str:
    raw = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", ""])
def test_unsigned_token_is_refused(token: str, algorithm: str) -> None:
    header = {**jwt.get_unverified_header(token), "alg": algorithm}
    for signature in ("", "AAAA"):
        assert refused(me(f"{encoded(header)}.{token.split('.')[1]}.{signature}"))


@pytest.mark.parametrize("form", ["pem", "der", "n"])
def test_token_signed_with_the_public_key_as_a_secret_is_refused(token: str, form: str) -> None:
    public = signing.signer_current().private.public_key()
    kind = serialization.PublicFormat.SubjectPublicKeyInfo
    secret = {
        "pem": public.public_bytes(serialization.Encoding.PEM, kind),
        "der": public.public_bytes(serialization.Encoding.DER, kind),
        "n": signing.jwks()["keys"][0]["n"].encode(),
    }[form]
    header = {**jwt.get_unverified_header(token), "alg": "HS256"}
    signed = f"{encoded(header)}.{token.split('.')[1]}"
    mac = hmac.new(secret, signed.encode(), hashlib.sha256).digest()
    assert refused(me(f"{signed}.{encoded(mac)}"))


@pytest.mark.parametrize("algorithm", ["RS384", "RS512", "PS256"])
def test_other_algorithm_of_the_right_key_is_refused(token: str, algorithm: str) -> None:
    signer = signing.signer_current()
    headers = {"kid": signer.kid, "typ": "at+jwt"}
    other = jwt.encode(claims(token), signer.private, algorithm=algorithm, headers=headers)
    assert refused(me(other))


def test_token_of_a_strangers_key_is_refused(token: str) -> None:
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    jwk = jwt.algorithms.RSAAlgorithm.to_jwk(stranger.public_key(), as_dict=True)
    for headers in (
        {"kid": signing.signer_current().kid},
        {"kid": signing._thumbprint(jwk)},
        {"kid": signing._thumbprint(jwk), "jwk": jwk},
        {"kid": signing._thumbprint(jwk), "jku": "http://globex.localhost/jwks.json"},
        {},
    ):
        other = jwt.encode(
            claims(token), stranger, algorithm="RS256", headers={"typ": "at+jwt", **headers}
        )
        assert refused(me(other))


@pytest.mark.parametrize(
    "kid",
    [
        *("", "x", "A" * 43, "../../../../dev/null", "/dev/null", "a' OR '1'='1", "%", "*"),
        *("' UNION SELECT 'x", "A" * 42 + "\n", "A" * 43 + "\n", "\x00", "ü" * 43, "A" * 2000),
        *(None, 7, True, ["A" * 43], {"kid": "A"}),
    ],
    ids=repr,
)
def test_kid_that_is_unknown_or_a_trick_is_refused(token: str, kid: Any) -> None:
    header = {"alg": "RS256", "typ": "at+jwt", "kid": kid}
    _, payload, signature = token.split(".")
    assert refused(me(f"{encoded(header)}.{payload}.{signature}"))


@pytest.mark.parametrize("kind", ["JWT", "at+JWT ", "dpop+jwt", ""])
def test_token_of_another_type_is_refused(token: str, kind: str) -> None:
    assert refused(me(forged(token, {"typ": kind})))


def test_changed_byte_of_a_token_is_refused(token: str) -> None:
    for index in range(0, len(token) - 2, 17):
        other = "A" if token[index] != "A" else "B"
        assert refused(me(token[:index] + other + token[index + 1 :])), index


@pytest.mark.parametrize("length", [0, 1, 2, 3, 10, 100, 1000, 4095, 4096, 4097, 60_000])
@pytest.mark.parametrize("alphabet", ["a", ".", "a.b.c.", "eyJ", "[", "é"])
def test_garbage_of_every_length_is_refused(
    acme: TenantContext, length: int, alphabet: str
) -> None:
    garbage = (alphabet * length)[:length]
    assert me(garbage).status_code == 401


def test_deeply_nested_token_is_refused(token: str) -> None:
    deep = encoded(b"[" * 3000)
    for garbage in (f"{deep}.{deep}.AAAA", f"{token.split('.')[0]}.{deep}.AAAA"):
        assert refused(me(garbage))


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=300))
def test_reader_raises_nothing_but_its_own_error(in_acme: TenantContext, text: str) -> None:
    for garbage in (text, f"eyJhbGciOiJSUzI1NiJ9.{text}.{text}"):
        with pytest.raises(TokenInvalid):
            access.access_token_read(token=garbage)
        assert access.token_is_jwt(garbage) in {True, False}


@pytest.mark.parametrize("header", ["Bearer", "Bearer ", "bearer x", "Bearer  x y", "BEARER a.b.c"])
def test_header_without_a_token_is_refused(acme: TenantContext, header: str) -> None:
    assert host().get("/api/v1/orders", headers={"authorization": header}).status_code == 401


# --- asking for one


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("owner@acme.example.com", "wrong"),
        ("nobody@acme.example.com", PASSWORD),
        ("owner@globex.example.com", PASSWORD),
    ],
)
def test_wrong_password_stranger_and_neighbour_read_the_same(
    acme: TenantContext, globex: TenantContext, email: str, password: str
) -> None:
    answer = post("auth/token", {"email": email, "password": password})
    assert answer.json()["code"] == "credentials_invalid"
    assert answer.json()["detail"] == "This e-mail and password do not open this workspace."


def test_guessing_is_braked_together_with_the_sign_in_page(acme: TenantContext) -> None:
    email = f"{nowhere()}@acme.example.com"
    for number in range(10):
        if number % 2:
            host().post("/login/", {"email": email, "password": "x"})
        else:
            post("auth/token", {"email": email, "password": "x"})
    answer = post("auth/token", {"email": email.upper(), "password": "x"})
    assert (answer.status_code, answer.json()["code"]) == (429, "rate_limited")
    assert int(answer["Retry-After"]) > 0


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"email": "owner@acme.example.com"},
        {"email": "no address", "password": "x"},
        {"email": "owner@acme.example.com", "password": "x", "surprise": 1},
        {"email": "owner@acme.example.com", "password": "x", "scopes": ["everything"]},
        {"email": "owner@acme.example.com", "password": "x", "scopes": "team:read"},
        {"email": ["owner@acme.example.com"], "password": {"a": 1}},
        {"email": "owner@acme.example.com", "password": "a\u0000b"},
        [],
    ],
    ids=str,
)
def test_body_that_breaks_the_contract_is_refused(acme: TenantContext, body: Any) -> None:
    assert post("auth/token", body).status_code == 400


def test_platform_host_issues_nothing(acme: TenantContext) -> None:
    client = host().__class__(headers={"host": "localhost"})
    assert client.post("/api/v1/auth/token").status_code == 404
    assert client.get("/.well-known/jwks.json").status_code == 404


def test_request_by_token_makes_few_queries(token: str) -> None:
    me(token)
    with CaptureQueriesContext(connection) as queries:
        assert me(token).status_code == 200
    statements = [q["sql"] for q in queries if "tenants_" in q["sql"]]
    assert len(statements) == 1, statements  # the membership; key and family are remembered


def test_reading_for_another_tenant_is_refused(token: str, globex: TenantContext) -> None:
    with tenancy.tenant_scope(globex), pytest.raises(TokenInvalid):
        access.access_token_read(token=token)
