"""Canned replies: whose they are, what may stand in them, and what they say to whom."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from conversations import services
from conversations.canned import canned_reply_list
from conversations.errors import (
    CannedReplyNotFound,
    SharedByAdmins,
    ShortcutInvalid,
    ShortcutTaken,
    VariableInvalid,
)
from conversations.models import CannedReply
from conversations.variables import variables_check, variables_fill
from core import tenancy
from core.audit.models import AuditEntry
from core.tenancy import TenantContext
from tests.factories.conversations import conversation_make, say

pytestmark = pytest.mark.django_db(transaction=True)

SignIn = Callable[..., Client]
People = dict[tuple[str, str], Any]


def kept(shortcut: str, text: str = "Hello!", owner_id: Any = None) -> CannedReply:
    return services.canned_reply_create(
        owner_id=owner_id, shortcut=shortcut, text=text, may_share=True
    )


def shortcuts(person_id: Any, query: str = "") -> list[str]:
    return [found.shortcut for found in canned_reply_list(person_id=person_id, query=query)]


class TestVariables:
    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("Hi {{customer.name}}!", "Hi Maeve!"),
            ("Hi {{ customer.name | there }}!", "Hi Maeve!"),
            ("I am {{agent.name|one of us}}.", "I am one of us."),
            ("I am {{agent.name}}.", "I am ."),
            ("{not a place} and }", "{not a place} and }"),
        ],
    )
    def test_places_are_filled(self, text: str, said: str) -> None:
        assert variables_fill(text, {"customer.name": "Maeve", "agent.name": " "}) == said

    @pytest.mark.parametrize(
        "text", ["{{customer.password}}", "{{}}", "{{ customer.name", "customer.name }}", "{{{{a}}"]
    )
    def test_what_nothing_fills_is_refused(self, text: str) -> None:
        with pytest.raises(VariableInvalid):
            variables_check(text)

    @given(st.text(alphabet="{}|. customername", max_size=60))
    def test_what_is_accepted_leaves_no_place_open(self, text: str) -> None:
        try:
            variables_check(text)
        except VariableInvalid:
            return
        assert "{{customer.name" not in variables_fill(text, {"customer.name": "Maeve"})

    def test_a_value_is_not_filled_again(self) -> None:
        values = {"customer.name": "{{agent.name}}", "agent.name": "secret"}
        assert variables_fill("{{customer.name}}", values) == "{{agent.name}}"


def test_own_ones_come_first_and_nobody_elses(in_acme: TenantContext, people: People) -> None:
    agent, owner = people["acme", "agent"].pk, people["acme", "owner"].pk
    kept("refund")
    kept("refund", "Mine", owner_id=agent)
    kept("thanks", "Thank you", owner_id=owner)
    assert shortcuts(agent) == ["refund", "refund"]
    assert canned_reply_list(person_id=agent)[0].text == "Mine"
    assert shortcuts(owner) == ["thanks", "refund"]


def test_search_takes_every_word_and_shortcuts_first(
    in_acme: TenantContext, people: People
) -> None:
    person = people["acme", "agent"].pk
    kept("parcel-late", "Your refund is late, like your parcel")
    kept("refund", "It takes five days")
    assert shortcuts(person, "ref") == ["refund", "parcel-late"]
    assert shortcuts(person, "late REFUND") == ["parcel-late"]
    assert shortcuts(person, "100%") == []
    assert shortcuts(person, "\x00") == ["parcel-late", "refund"]


@pytest.mark.parametrize("shortcut", ["", "two words", "-x", "x" * 41, "ümlaut", "a/b"])
def test_shortcut_that_cannot_be_typed_is_refused(in_acme: TenantContext, shortcut: str) -> None:
    with pytest.raises(ShortcutInvalid):
        kept(shortcut)


def test_shortcut_is_there_once(in_acme: TenantContext, people: People) -> None:
    kept("Hello")
    with pytest.raises(ShortcutTaken):
        kept("/hello")
    kept("hello", owner_id=people["acme", "agent"].pk)
    assert CannedReply.objects.count() == 2


def test_shared_ones_are_admins_and_on_record(in_acme: TenantContext, people: People) -> None:
    with pytest.raises(SharedByAdmins):
        services.canned_reply_create(owner_id=None, shortcut="x", text="y")
    found = kept("x")
    person = people["acme", "agent"].pk
    with pytest.raises(SharedByAdmins):
        services.canned_reply_update(reply_id=found.pk, person_id=person, shortcut="x", text="z")
    with pytest.raises(SharedByAdmins):
        services.canned_reply_delete(reply_id=found.pk, person_id=person)
    services.canned_reply_delete(reply_id=found.pk, person_id=person, may_share=True)
    acts = AuditEntry.objects.filter(act__startswith="canned").values_list("act", flat=True)
    assert sorted(acts) == ["canned_reply.deleted", "canned_reply.saved"]


def test_own_ones_are_nobody_elses_to_change(in_acme: TenantContext, people: People) -> None:
    mine = kept("x", owner_id=people["acme", "agent"].pk)
    with pytest.raises(CannedReplyNotFound):
        services.canned_reply_delete(
            reply_id=mine.pk, person_id=people["acme", "owner"].pk, may_share=True
        )
    assert not AuditEntry.objects.filter(act__startswith="canned").exists()


def test_reply_field_is_offered_filled_in_texts(
    in_acme: TenantContext, globex: TenantContext, sign_in: SignIn, people: People
) -> None:
    kept("hi", 'Hello {{customer.name|there}}, "{{agent.name}}" <b>here</b>')
    with tenancy.tenant_scope(globex):
        kept("secret", "Of globex")
    talk = conversation_make()
    say(talk.pk)
    page = sign_in("acme", "agent").get(f"/inbox/{talk.pk}/canned/", {"q": "h"}).content.decode()
    name = people["acme", "agent"].display_name
    assert f"Hello there, &quot;{name}&quot; &lt;b&gt;here&lt;/b&gt;" in page
    assert "secret" not in page
    assert sign_in("acme", "viewer").get(f"/inbox/{talk.pk}/canned/").status_code == 403
    assert sign_in("globex", "agent").get(f"/inbox/{talk.pk}/canned/").status_code == 404


class TestPage:
    def test_agent_keeps_their_own(
        self, in_acme: TenantContext, sign_in: SignIn, people: People
    ) -> None:
        client = sign_in("acme", "agent")
        form = {"shortcut": "/Hello", "text": "Hello {{customer.name|you}}"}
        assert client.post("/settings/replies/new/", form).status_code == 302
        made = CannedReply.objects.get()
        assert (made.shortcut, made.owner_id) == ("hello", people["acme", "agent"].pk)
        assert "/hello" in client.get("/settings/replies/").content.decode()
        assert "/hello" not in sign_in("acme", "owner").get("/settings/replies/").content.decode()
        assert sign_in("acme", "owner").get(f"/settings/replies/{made.pk}/").status_code == 404
        client.post(f"/settings/replies/{made.pk}/", {**form, "text": "Good day"})
        made.refresh_from_db()
        assert made.text == "Good day"
        client.post(f"/settings/replies/{made.pk}/delete/")
        assert not CannedReply.objects.exists()

    def test_agent_shares_nothing(self, in_acme: TenantContext, sign_in: SignIn) -> None:
        client = sign_in("acme", "agent")
        form = {"shortcut": "x", "text": "y", "is_shared": "on"}
        refused = client.post("/settings/replies/new/", form)
        assert refused.status_code == 422
        shared = kept("hello")
        for path in ("", "delete/"):
            assert client.post(f"/settings/replies/{shared.pk}/{path}", form).status_code == 302
        shared.refresh_from_db()
        assert shared.text == "Hello!"

    @pytest.mark.parametrize(
        ("form", "said"),
        [
            ({"shortcut": "no good", "text": "y"}, "such as refund-policy"),
            ({"shortcut": "x", "text": "{{password}}"}, "A text may leave open"),
            ({"shortcut": "taken", "text": "y", "is_shared": "on"}, "with this shortcut already"),
        ],
    )
    def test_what_is_wrong_is_said_beside_the_field(
        self, in_acme: TenantContext, sign_in: SignIn, form: dict[str, str], said: str
    ) -> None:
        kept("taken")
        answer = sign_in("acme", "admin").post("/settings/replies/new/", form)
        assert answer.status_code == 422
        assert said in answer.content.decode()


class TestApi:
    @pytest.fixture
    def call(self, in_acme: TenantContext, api_key: Callable[..., str]) -> Callable[..., Any]:
        key = api_key("acme", "conversations:read", "settings:write")

        def called(method: str, path: str = "", body: object = None) -> Any:
            client = Client(headers={"host": "acme.localhost", "authorization": f"Bearer {key}"})
            return getattr(client, method)(
                f"/api/v1/canned-replies{path}", body, content_type="application/json"
            )

        return called

    def test_shared_ones_are_kept_by_machines(
        self, call: Callable[..., Any], people: People
    ) -> None:
        kept("mine", owner_id=people["acme", "agent"].pk)
        made = call("post", body={"shortcut": "hi", "text": "Hi {{customer.name|there}}"})
        assert (made.status_code, made.json()["is_shared"]) == (201, True)
        path = f"/{made.json()['id']}"
        assert call("put", path, {"shortcut": "hi", "text": "Hello"}).json()["text"] == "Hello"
        assert [one["shortcut"] for one in call("get", "?search=hel").json()["results"]] == ["hi"]
        assert [one["shortcut"] for one in call("get").json()["results"]] == ["hi"]
        assert call("delete", path).status_code == 204
        assert call("delete", path).json()["code"] == "canned_reply_not_found"

    def test_bad_input_is_a_problem(self, call: Callable[..., Any]) -> None:
        wrong = call("post", body={"shortcut": "x", "text": "{{nonsense}}"})
        assert (wrong.status_code, wrong.json()["code"]) == (400, "variable_invalid")
        assert call("post", body={"shortcut": "X Y", "text": "y"}).status_code == 400
        assert call("put", f"/{uuid4()}", {"shortcut": "x", "text": "y"}).status_code == 404
