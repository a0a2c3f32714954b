"""Writes of workflows: start and drive runs."""

import time
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import Any
from uuid import UUID, uuid5

import structlog
from django.db import transaction
from django.utils import timezone

from conversations.errors import ConversationNotFound, StaleReply
from conversations.selectors import turn_context
from conversations.services import handover_request
from conversations.types import ConversationState, TurnContext
from core.audit.record import act_record
from core.audit.types import Act
from core.events import Later
from core.identifiers import uuid7
from workflows import quotas, selectors
from workflows.dispatch import run_dispatch, run_dispatched
from workflows.engine import journal, waits
from workflows.engine.contracts import input_check
from workflows.engine.events import EventType
from workflows.engine.execution import run_drive
from workflows.engine.presence import Present
from workflows.engine.state import RunState
from workflows.engine.waits import WaitOver
from workflows.errors import (
    AnswerRefused,
    RunNotStuck,
    RunsStopped,
    TurnNotRunnable,
    WorkflowNotFound,
)
from workflows.hosting import RunHost
from workflows.models import Run, Wait
from workflows.patience import patience_left
from workflows.spec.errors import SpecError
from workflows.steps.escalation import rescue
from workflows.stopping import stopped_purge
from workflows.stops import runs_are_stopped
from workflows.stranded import run_at_once, run_here
from workflows.types import DEFAULT_WORKFLOW, StartedRun
from workflows.versions import version_current

log = structlog.get_logger(__name__)

HISTORY_ITEMS = 10
HISTORY_CHARACTERS = 500
COMMENT_CHARACTERS = 1_000
SWEEP_LIMIT = 200
SWEEP_GRACE_SECONDS = 4.0
POLL_SECONDS = (0.005, 0.01, 0.02, 0.04, 0.05)


def run_start(
    *,
    workflow: str,
    conversation_id: UUID | None,
    trigger_event_id: UUID,
    input: dict[str, Any],  # noqa: A002 - the name every caller and the event know it by
) -> StartedRun:
    """Record a run pinned to the workflow's current text and send it to a worker on commit.

    Idempotent by trigger, by unanswered turn and by conversation: while one run of a conversation
    goes on no second is made. Raises ``WorkflowNotFound``, ``InputInvalid``, ``AnswerRefused``,
    ``RunsStopped``.
    """
    if runs_are_stopped(workflow):
        raise RunsStopped(reason="people_only")
    graph = version_current(workflow=workflow)
    now = timezone.now()
    new = journal.NewRun(
        id=uuid7(),
        workflow=graph.name,
        version=graph.version,
        content_hash=graph.content_hash,
        conversation_id=conversation_id,
        trigger_event_id=trigger_event_id,
        answered_seq=input.get("answered_seq"),
        started_at=now,
    )
    input_check(graph.input_schema, input)
    first = journal.fact(1, EventType.RUN_STARTED, "", {"input": input, "next": graph.entry}, now)
    refused = quotas.run_hold(new.id)
    if refused:
        raise AnswerRefused(reason=refused)
    if not journal.start(new, first):
        quotas.run_let_go(new.id)
        return _run_existing(trigger_event_id, conversation_id)
    run_dispatch(new.id, otherwise=partial(_run_stranded, new.id, conversation_id))
    return StartedRun(new.id, is_new=True)


def _run_stranded(run_id: UUID, conversation_id: UUID | None) -> None:
    """Go on without Redis: this process drives the run, or a person answers."""
    is_driven = run_here(run_id, partial(run_execute, run_id=run_id))
    if not is_driven and conversation_id is not None:
        _people_ask(conversation_id, "overloaded")


def _run_existing(trigger_event_id: UUID, conversation_id: UUID | None) -> StartedRun:
    found = selectors.run_of_turn(
        trigger_event_id=trigger_event_id, conversation_id=conversation_id
    )
    if found is None:
        raise TurnNotRunnable
    return StartedRun(found, is_new=False)


def message_answer(*, conversation_id: UUID, event_id: UUID, seq: int) -> StartedRun | None:
    """Count a visitor's message and answer it; people do where the plan or a switch says so.

    Idempotent by event and by unanswered turn. While the visitor seems to go on (``Later``), the
    message is left to the turn of the last one.
    """
    reason = quotas.message_admit(event_id)
    if reason:
        _people_ask(conversation_id, reason)
        return None
    return turn_answer(conversation_id=conversation_id, trigger_event_id=event_id, seq=seq)


def turn_answer(
    *, conversation_id: UUID, trigger_event_id: UUID, seq: int | None = None
) -> StartedRun | None:
    """Start a run for a conversation's unanswered messages; None when there is nothing to answer.

    Raises ``Later`` while the visitor seems to go on (``workflows.patience``); to a message `seq`
    that is not the last one any more nothing is to be done then.

    Nothing is to answer when a person has the conversation or is asked for, when a reply already
    stands after the last message, or when the conversation was deleted. Where no workflow can
    answer, or none may because the plan's runs or replies are used up, a person is asked for.
    """
    try:
        turn = turn_context(conversation_id=conversation_id)
    except ConversationNotFound:
        return None
    if turn.state is not ConversationState.AI or not turn.text.strip():
        return None
    patience = patience_left(turn)
    if patience > 0:
        if seq is not None and seq < turn.last_visitor_seq:
            return None  # the delivery of the last message answers it too
        raise Later(patience)
    asking = selectors.question_open(conversation_id=conversation_id)
    if asking is not None:
        return _question_answer(asking, turn)
    try:
        return run_start(
            workflow=DEFAULT_WORKFLOW,
            conversation_id=conversation_id,
            trigger_event_id=trigger_event_id,
            input=_turn_input(turn),
        )
    except (SpecError, WorkflowNotFound):
        # A published text this release cannot read any more: people answer until it is changed.
        log.exception("workflow_unusable", workflow=DEFAULT_WORKFLOW)
        rescue(conversation_id=conversation_id, run_id=None)
    except AnswerRefused as error:
        _people_ask(conversation_id, error.data["reason"])
    return None


def _question_answer(asking: Wait, turn: TurnContext) -> StartedRun | None:
    """Give a run the answer it waits for; None when it was given already."""
    value = {"text": turn.text, "turn": _turn_input(turn)}
    try:
        run_id = waits.wait_answer(asking.pk, value=value, answered_by=None)
    except WaitOver:
        return None
    run_dispatch(run_id)
    return StartedRun(run_id, is_new=False)


def approval_decide(
    *, wait_id: UUID, approved: bool, comment: str, decided_by: UUID | None
) -> None:
    """Decide what a run asked the team, and wake it. The first decision counts.

    Raises ``WaitNotFound``, ``WaitOver``.
    """
    asked = selectors.approval_get(wait_id=wait_id)
    value = {"approved": approved, "comment": comment[:COMMENT_CHARACTERS]}
    with transaction.atomic():
        run_id = waits.wait_answer(asked.pk, value=value, answered_by=decided_by)
        act_record(
            act=Act.APPROVAL_DECIDED,
            target_kind="wait",
            target_id=asked.pk,
            data={"run": str(run_id), "approved": approved},
        )
        run_dispatch(run_id)


def run_cancel(*, run_id: UUID, reason: str = "requested") -> Run:
    """Ask a run to stop; what it did is undone first. Idempotent; a run that is over stays so.

    A worker that has the run learns of it within a second, in the middle of a step too. Raises
    ``RunNotFound``.
    """
    run = selectors.run_get(run_id=run_id)
    with transaction.atomic():
        if journal.cancel_request(run_id, reason[:64]):
            act_record(
                act=Act.RUN_CANCELLED,
                target_kind="run",
                target_id=run_id,
                data={"workflow": run.workflow, "reason": reason[:64]},
            )
            run_dispatch(run_id)
    return selectors.run_get(run_id=run_id)


def compensations_redrive(*, run_id: UUID) -> None:
    """Try again what a stuck run could not undo. Raises ``RunNotFound``, ``RunNotStuck``."""
    run = selectors.run_get(run_id=run_id)
    with transaction.atomic():
        if not journal.redrive(run_id):
            raise RunNotStuck(run_id=str(run_id))
        act_record(
            act=Act.SAGA_REDRIVEN,
            target_kind="run",
            target_id=run_id,
            data={"workflow": run.workflow},
        )
        run_dispatch(run_id)


def _people_ask(conversation_id: UUID, reason: str) -> None:
    """Bring a person in while the AI has the conversation, with a line that says why."""
    try:
        turn = turn_context(conversation_id=conversation_id)
        if turn.state is ConversationState.AI:
            handover_request(conversation_id=conversation_id, fence=turn.fence, reason=reason)
    except (ConversationNotFound, StaleReply):
        log.info("handover_overtaken", conversation=str(conversation_id), reason=reason)


def _turn_input(turn: TurnContext) -> dict[str, Any]:
    history = [
        {"author": str(item.author), "text": item.text[:HISTORY_CHARACTERS]}
        for item in turn.history[-HISTORY_ITEMS:]
    ]
    return {
        "text": turn.text,
        "channel": turn.channel,
        "history": history,
        "fence": turn.fence,
        "answered_seq": turn.last_visitor_seq,
    }


def run_execute(*, run_id: UUID, gives_way: bool = False) -> RunState | None:
    """Drive a run to its end, or return None if another worker has it or it is over.

    Then its place is free for the next one that waits, whichever tenant's that is, and what the
    visitor wrote in the meantime is answered: a run that failed leaves that to a person. With
    ``gives_way`` express runs go first, between two of its steps, on a busy machine. While every
    run is stopped none is taken up: the sweep ends them.
    """
    host = RunHost(gives_way=gives_way)
    try:
        if runs_are_stopped():
            return None
        state = run_drive(run_id, host)
    finally:
        run_dispatched(run_id)
    if host.leaves_turn_of is not None:
        trigger = uuid5(run_id, "rest")
        with suppress(Later):  # the deliveries of the message and of the run's end come again
            turn_answer(conversation_id=host.leaves_turn_of, trigger_event_id=trigger)
    return state


def runs_sweep(
    *, limit: int = SWEEP_LIMIT, takes_over: bool = False, present: Present | None = None
) -> int:
    """Send runs whose worker is gone, or whose time has come, to a worker; returns how many.

    Those that are stopped are ended instead. With ``takes_over`` this process itself goes on with
    what a dead worker held: with as much as it can do at once, and with all of it while there is no
    broker. Who is known not to be ``present`` is gone before its leases have lapsed.
    """
    stopped_purge()
    lapsed = journal.lapsed(limit=limit, grace_seconds=SWEEP_GRACE_SECONDS, present=present)
    for run in lapsed:
        if takes_over and run.was_held:
            _run_take_over(run.id)
        else:
            run_dispatch(run.id, is_lapsed=True)
    return len(lapsed)


def _run_take_over(run_id: UUID) -> None:
    drive = partial(run_execute, run_id=run_id)
    if not run_at_once(run_id, drive):
        run_dispatch(run_id, is_lapsed=True, otherwise=partial(run_here, run_id, drive))


def runs_recover(run_ids: Sequence[UUID]) -> None:
    """Send released runs again that nobody has begun, and give back the tokens of idle ones.

    For when a worker has died: it kept both from the others. Idempotent; a run that a living worker
    was about to begin is sent twice, and its lease admits one of them.
    """
    going_on = selectors.runs_going_on(run_ids=run_ids)
    for run_id in run_ids:
        run = going_on.get(run_id)
        if run is None:
            run_dispatched(run_id)
        elif not run.lease_owner and not run.attempts:
            run_dispatch(run_id, is_lapsed=True)


def run_wait(run_id: UUID, timeout: float) -> Run:
    """Wait until a run is over or ``timeout`` seconds have passed; returns it as it then stands.

    Polls outside any transaction. Raises ``RunNotFound``.
    """
    until = time.monotonic() + timeout
    pauses = iter(POLL_SECONDS)
    pause = POLL_SECONDS[-1]
    run = selectors.run_get(run_id=run_id)
    while run.is_active and time.monotonic() < until:
        time.sleep(next(pauses, pause))
        run = selectors.run_get(run_id=run_id)
    return run
