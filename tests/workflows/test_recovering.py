"""What was sent to a worker that died goes to another one, and its tokens come back."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.utils import timezone

from conversations.models import Customer
from conversations.services import message_receive, visitor_conversation
from core import tenancy
from core.db.leadership import session_open
from core.redis import redis_client
from core.tenancy import TenantContext
from tests.workflows.conftest import Say, said_by_ai
from tests.workflows.test_sweeping import STEPS, Meddle, strand
from workflows import dispatch, services
from workflows.dispatch import released_after, runs_released
from workflows.engine.presence import Present
from workflows.models import Run
from workflows.sweeping import sweep

pytestmark = pytest.mark.django_db(transaction=True)

Use = Callable[[str], None]


@pytest.fixture(autouse=True)
def _own_queues(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(dispatch, "PREFIX", f"fd:test:{{{uuid4().hex}}}:")
    yield
    for key in redis_client().scan_iter(f"{dispatch.PREFIX}*"):
        redis_client().delete(key)


@pytest.fixture
def unsent(settings: Any) -> Callable[[Callable[[], None]], None]:
    """Return a function that releases the run of a message, and loses what was sent."""

    def unsent(say: Callable[[], None]) -> None:
        settings.RUNS_EXPRESS_WINDOW = settings.RUNS_BULK_WINDOW = 0
        say()
        settings.RUNS_EXPRESS_WINDOW = settings.RUNS_BULK_WINDOW = 4
        assert len(released_after("finish", uuid4(), uuid4())) == 1

    return unsent


def swept(*, has_lost: bool) -> None:
    present = Present(timezone.now() - timedelta(hours=1), [], has_lost)
    with tenancy.public_scope(), session_open("test") as session:
        sweep(session, present)


def test_run_that_a_dead_worker_had_not_begun_is_sent_again_in_its_workspace(
    use_workflow: Use,
    say: Say,
    meddle: Meddle,
    conversation: UUID,
    globex: TenantContext,
    unsent: Callable[[Callable[[], None]], None],
    django_capture_on_commit_callbacks: Any,
) -> None:
    meddle(lambda context: None)
    use_workflow(STEPS)
    unsent(lambda: say("hi"))
    with tenancy.tenant_scope(globex):
        theirs = visitor_conversation(customer=Customer.objects.create()).pk

        def begin() -> None:
            with django_capture_on_commit_callbacks(execute=True):
                message_receive(conversation_id=theirs, client_id="1", text="hello")

        unsent(begin)
    swept(has_lost=False)
    assert said_by_ai(conversation) == []
    swept(has_lost=True)
    assert said_by_ai(conversation) == ["Hello"]
    with tenancy.tenant_scope(globex):
        assert len(said_by_ai(theirs)) == 1
    assert runs_released() == {}


def test_token_of_a_run_that_is_over_or_waits_comes_back(
    use_workflow: Use, say: Say, meddle: Meddle, conversation: UUID, in_acme: TenantContext
) -> None:
    meddle(lambda context: None)
    use_workflow(STEPS)
    say("hi")
    run = Run.objects.get()
    released_after("submit", in_acme.id, run.pk)
    swept(has_lost=True)
    assert runs_released() == {}
    later = timezone.now() + timedelta(hours=1)
    Run.objects.update(status="waiting", lease_until=later)
    released_after("submit", in_acme.id, run.pk)
    swept(has_lost=True)
    assert runs_released() == {}
    assert said_by_ai(conversation) == ["Hello"]


def test_run_that_a_living_worker_drives_is_left_alone(
    use_workflow: Use,
    say: Say,
    meddle: Meddle,
    conversation: UUID,
    in_acme: TenantContext,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    use_workflow(STEPS)
    run = strand(meddle, lambda: say("hi"))
    released_after("submit", in_acme.id, run.pk)
    monkeypatch.setattr(services, "run_dispatch", lambda *_, **__: pytest.fail("was sent"))
    swept(has_lost=True)
    assert runs_released() == {in_acme.id: [run.pk]}
    assert said_by_ai(conversation) == []


def test_without_redis_nothing_is_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    import redis

    away = redis.Redis(port=1, socket_connect_timeout=0.2)
    monkeypatch.setattr(dispatch, "redis_client", lambda: away)
    assert runs_released() == {}
