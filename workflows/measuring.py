"""How workflows do: volume, latency, failures and drop-off, for each and for its steps.

Read from the runs and their events by SQL in the tenant's schema: the runs of a period by the index
on their start, their events by the primary key. Days are in UTC.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any, Final

from django.db import connection

from analytics.types import DateRange
from workflows.engine.events import ACTIVE, EventType, RunStatus

# Of a busy period the newest runs tell what all of them would.
MOST_RUNS: Final = 20_000
_ACTIVE: Final = sorted(status.value for status in ACTIVE)
_FAILED: Final = sorted({RunStatus.FAILED, RunStatus.COMPENSATED, RunStatus.STUCK})
# Skipped steps were passed by; these say that a run was really there.
_REACHED: Final = [
    EventType.STEP_COMPLETED.value,
    EventType.STEP_FAILED.value,
    EventType.SCOPE_OPENED.value,
    EventType.WAIT_OPENED.value,
    EventType.TOOL_REQUESTED.value,
]
_READ: Final = [*_REACHED, EventType.STEP_SKIPPED.value, EventType.STEP_RETRIED.value]

_WORKFLOWS: Final = """
    WITH run AS (
        SELECT workflow, status, currency, cost_micro,
            extract(epoch FROM finished_at - started_at)::float * 1000 AS took
        FROM workflows_run
        WHERE started_at >= %(since)s AND started_at < %(until)s
            AND (%(workflow)s = '' OR workflow = %(workflow)s)),
    spent AS (
        SELECT workflow, currency, sum(cost_micro) AS total FROM run
        WHERE cost_micro > 0 GROUP BY workflow, currency),
    cost AS (SELECT workflow, json_object_agg(currency, total) AS costs FROM spent GROUP BY 1)
    SELECT workflow, count(*) AS runs,
        count(*) FILTER (WHERE status = 'completed') AS completed,
        count(*) FILTER (WHERE status = 'handed_over') AS handed_over,
        count(*) FILTER (WHERE status = ANY(%(failed)s)) AS failed,
        count(*) FILTER (WHERE status = ANY(%(active)s)) AS active,
        max(costs::text),
        percentile_cont(0.5) WITHIN GROUP (ORDER BY took),
        percentile_cont(0.95) WITHIN GROUP (ORDER BY took)
    FROM run LEFT JOIN cost USING (workflow)
    GROUP BY workflow ORDER BY runs DESC, workflow
"""
# Where a run that is over and did not come through was last, it was left. A sub-workflow's steps
# stand in scopes whose names have an @, and are that workflow's.
_STEPS: Final = """
    WITH run AS (
        SELECT id, status FROM workflows_run
        WHERE workflow = %(workflow)s AND started_at >= %(since)s AND started_at < %(until)s
        ORDER BY started_at DESC LIMIT %(most)s),
    fact AS (
        SELECT run_id, run.status, seq, type, step_id, payload ->> 'kind' AS kind,
            (payload ->> 'duration_ms')::float AS took,
            payload ->> 'currency' AS currency, (payload ->> 'cost_micro')::bigint AS cost
        FROM run JOIN workflows_runevent ON run_id = run.id
        WHERE type = ANY(%(read)s) AND step_id <> ''
            AND COALESCE(payload ->> 'scope', '') NOT LIKE '%%@%%'),
    last AS (
        SELECT DISTINCT ON (run_id) run_id, step_id FROM fact
        WHERE type = ANY(%(reached)s) AND status <> 'completed' AND NOT status = ANY(%(active)s)
        ORDER BY run_id, seq DESC),
    gone AS (SELECT step_id, count(*) AS left_here FROM last GROUP BY step_id),
    spent AS (
        SELECT step_id, currency, sum(cost) AS total FROM fact
        WHERE cost > 0 GROUP BY step_id, currency),
    cost AS (SELECT step_id, json_object_agg(currency, total) AS costs FROM spent GROUP BY 1)
    SELECT fact.step_id, COALESCE(max(kind), '') AS kind,
        count(DISTINCT run_id) FILTER (WHERE type = ANY(%(reached)s)) AS reached,
        COALESCE(max(left_here), 0) AS left_here,
        count(*) FILTER (WHERE type = 'step.completed') AS completed,
        count(*) FILTER (WHERE type = 'step.skipped') AS skipped,
        count(*) FILTER (WHERE type = 'step.failed') AS failed,
        count(*) FILTER (WHERE type = 'step.retried') AS retried, max(costs::text),
        percentile_cont(0.5) WITHIN GROUP (ORDER BY took) FILTER (WHERE type = 'step.completed'),
        percentile_cont(0.95) WITHIN GROUP (ORDER BY took) FILTER (WHERE type = 'step.completed')
    FROM fact LEFT JOIN gone USING (step_id) LEFT JOIN cost USING (step_id)
    GROUP BY fact.step_id ORDER BY min(seq), fact.step_id
"""


@dataclass(frozen=True, slots=True)
class WorkflowFigures:
    """The runs of a workflow that began in a period; latencies in milliseconds, None for none.

    They are those of runs that are over, with what they waited for. ``costs`` maps a currency to
    millionths of it.
    """

    workflow: str
    runs: int
    completed: int
    handed_over: int
    failed: int
    active: int
    costs: Mapping[str, int]
    p50_ms: float | None
    p95_ms: float | None

    @property
    def failure_rate(self) -> float:
        """Return the share of runs that failed."""
        return self.failed / self.runs if self.runs else 0.0


@dataclass(frozen=True, slots=True)
class StepFigures:
    """A step in those runs: ``reached`` and ``left`` count runs, the others visits.

    A run that is over and did not complete was left at the step where it was last. ``p50_ms`` and
    ``p95_ms`` are those of completed visits, without waiting; None for none. ``costs`` as above.
    """

    step_id: str
    kind: str
    reached: int
    left: int
    completed: int
    skipped: int
    failed: int
    retried: int
    costs: Mapping[str, int]
    p50_ms: float | None
    p95_ms: float | None

    @property
    def drop_off(self) -> float:
        """Return the share of the runs that reached the step and were left there."""
        return self.left / self.reached if self.reached else 0.0


def workflow_figures(*, within: DateRange, workflow: str = "") -> list[WorkflowFigures]:
    """Return how each workflow did, or one, the busiest first. One query."""
    rows = _rows(_WORKFLOWS, within, workflow, failed=_FAILED)
    told = [(*row[:6], _costs(row[6]), *row[7:]) for row in rows]
    return [WorkflowFigures(*values) for values in told]


def step_figures(*, within: DateRange, workflow: str) -> list[StepFigures]:
    """Return how the steps of a workflow did, in the order runs come to them. One query.

    Of more than 20,000 runs in the period the newest are read.
    """
    read = {"read": _READ, "reached": _REACHED, "most": MOST_RUNS}
    rows = _rows(_STEPS, within, workflow, **read)
    told = [(*row[:8], _costs(row[8]), *row[9:]) for row in rows]
    return [StepFigures(*values) for values in told]


def _rows(statement: str, within: DateRange, workflow: str, **values: Any) -> list[tuple[Any, ...]]:
    known: Mapping[str, Any] = {
        "since": datetime.combine(within.first, time.min, UTC),
        "until": datetime.combine(within.last + timedelta(days=1), time.min, UTC),
        "workflow": workflow,
        "active": _ACTIVE,
        **values,
    }
    with connection.cursor() as cursor:
        cursor.execute(statement, known)
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found


def _costs(text: str | None) -> Mapping[str, int]:
    costs: Mapping[str, int] = json.loads(text or "{}")
    return costs
