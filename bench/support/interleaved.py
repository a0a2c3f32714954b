"""The two paths of `bench.support.interleavings`, one stopped while the other goes on."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID, uuid4

from django.db import connection, connections

from conversations.models import Customer, Message
from conversations.services import conversation_claim, message_receive, visitor_conversation
from conversations.types import Author, SystemKind
from core import tenancy
from core.tenancy import TenantContext
from tenants.services import member_add, person_create, tenant_create
from tenants.types import Role
from workflows.models import Run
from workflows.services import run_execute, turn_answer

QUESTION: Final = "How long do I have to return a jacket?"
AFTERTHOUGHT: Final = "And how do I send it back?"
# So long the stopped one waits for the other, which may itself wait for a lock of the stopped one.
BLOCKED_SECONDS: Final = 0.15
ROUND_SECONDS: Final = 60.0
Execute = Callable[..., Any]


@dataclass(slots=True)
class Place:
    """Where a path is stopped: at which of its statements, before or after it."""

    number: int
    is_after: bool
    meanwhile: Callable[[], None]
    statements: int = 0
    is_reached: bool = False

    def __call__(self, execute: Execute, sql: Any, params: Any, many: bool, context: Any) -> Any:
        """Send a statement, stopping where it is to be stopped (Django's `execute_wrapper`)."""
        self.statements += 1
        is_here = self.statements == self.number
        if is_here and not self.is_after:
            self._stop()
        result = execute(sql, params, many, context)
        if is_here and self.is_after:
            self._stop()
        return result

    def _stop(self) -> None:
        self.is_reached = True
        self.meanwhile()


@dataclass(slots=True)
class Tally:
    """What came of all rounds; `blocked` are those in which the other had to wait for a lock."""

    rounds: int = 0
    ai_after_claim: int = 0
    replied_first: int = 0
    silenced: int = 0
    blocked: int = 0
    places: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class Talk:
    """One conversation: the two paths in threads of their own, in the workspace's scope."""

    tenant: TenantContext
    person_id: UUID
    pool: ThreadPoolExecutor
    conversation_id: UUID = field(default_factory=uuid4)
    blocked: bool = False

    def begin(self) -> None:
        self.conversation_id = visitor_conversation(customer=Customer.objects.create()).pk

    def receive(self, text: str = QUESTION) -> None:
        """Say something; its event is delivered with the commit, and starts a run."""
        message_receive(conversation_id=self.conversation_id, client_id=uuid4().hex, text=text)

    def drive(self) -> None:
        """Drive every run there is, as the workers would, also those that are over."""
        for run_id in Run.objects.filter(conversation_id=self.conversation_id).values_list("pk"):
            run_execute(run_id=run_id[0])

    def reply(self) -> None:
        self.receive()
        self.drive()

    def claim(self) -> None:
        conversation_claim(conversation_id=self.conversation_id, person_id=self.person_id)

    def start(self, path: Callable[[], None], place: Place | None = None) -> Future[None]:
        return self.pool.submit(self._entered, path, place)

    def _entered(self, path: Callable[[], None], place: Place | None) -> None:
        with tenancy.tenant_scope(self.tenant):
            try:
                if place is None:
                    path()
                else:
                    with connection.execute_wrapper(place):
                        path()
            finally:
                connection.close()

    def placed(self, path: Callable[[], None], other: Callable[[], None], place: Place) -> None:
        """Run a path, and the other one where it is stopped, or after it if it never got there."""
        others: list[Future[None]] = []

        def meanwhile() -> None:
            others.append(self.start(other))
            self.blocked = bool(wait(others, timeout=BLOCKED_SECONDS).not_done)

        place.meanwhile = meanwhile
        self.start(path, place).result(ROUND_SECONDS)
        for found in others or [self.start(other)]:
            found.result(ROUND_SECONDS)

    def go_on(self) -> None:
        """Deliver again what was delivered, and let the visitor write once more."""
        turn_answer(conversation_id=self.conversation_id, trigger_event_id=uuid4())
        self.drive()
        self.receive(AFTERTHOUGHT)
        self.drive()

    def count(self, tally: Tally) -> None:
        said = Message.objects.filter(conversation_id=self.conversation_id)
        joined = said.get(kind=SystemKind.JOINED).seq
        replies = list(said.filter(author=Author.AI).values_list("seq", flat=True))
        tally.rounds += 1
        tally.blocked += self.blocked
        tally.ai_after_claim += sum(seq > joined for seq in replies)
        tally.replied_first += any(seq < joined for seq in replies)
        tally.silenced += not replies


def all_placed() -> dict[str, Any]:
    """Stop each path everywhere; returns how often, and what the AI said after the claim."""
    with tenancy.public_scope():
        tenant = tenant_create(name="Claims", slug="bench-claims").context
        person = person_create(
            email="agent@claims.example", password=uuid4().hex, full_name="An Agent"
        )
    tally = Tally()
    with ThreadPoolExecutor(4) as pool, tenancy.tenant_scope(tenant):
        member_add(person=person, role=Role.AGENT)
        talk = Talk(tenant, person.pk, pool)
        for is_reply_stopped in (True, False):
            for _ in range(2):  # the first knows less by heart and asks more
                count = _statements(talk, is_reply_stopped)
            for number in range(1, count + 1):
                for is_after in (False, True):
                    _round(talk, is_reply_stopped, Place(number, is_after, _nothing), tally)
            tally.places["reply" if is_reply_stopped else "claim"] = count
    return {
        "ai_after_claim": tally.ai_after_claim,
        "placed_claims": tally.rounds,
        "placed_at_statements": tally.places,
        "placed_after_the_reply": tally.replied_first,
        "placed_before_the_reply": tally.silenced,
        "placed_waiting_for_a_lock": tally.blocked,
    }


def _nothing() -> None:
    """Let the path go on."""


def _statements(talk: Talk, is_reply_stopped: bool) -> int:
    """Return how many statements a path sends when nobody interferes."""
    place = Place(0, False, _nothing)
    _round(talk, is_reply_stopped, place, Tally())
    return place.statements


def _round(talk: Talk, is_reply_stopped: bool, place: Place, tally: Tally) -> None:
    """Run both paths, one stopped at the place, and everything again that could come again."""
    talk.begin()
    talk.blocked = False
    if is_reply_stopped:
        talk.placed(talk.reply, talk.claim, place)
    else:
        talk.receive()
        talk.placed(talk.claim, talk.drive, place)
    talk.go_on()
    talk.count(tally)


def connections_close() -> None:
    """Let go of every connection, so that the servers can end."""
    for found in connections.all():
        found.close()
        close_pool: Callable[[], None] = getattr(found, "close_pool", found.close)
        close_pool()
