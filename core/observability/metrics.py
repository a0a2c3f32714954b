"""Every Prometheus metric of Frontdesk, in one place, with labels that cannot grow without bound.

Label values are enums, names from code, or a tenant through `tenant_label`. Never ids, hosts,
paths or anything a visitor typed. With PROMETHEUS_MULTIPROC_DIR set (the supervisor does it) all
processes of a host write into one directory and any process's `/metrics` shows their sum.
"""

from __future__ import annotations

import os
from collections import Counter as Counts
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    multiprocess,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

from core import tenancy

TENANT_LABEL_LIMIT: Final = 200
OTHER: Final = "other"
_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_MILLISECONDS: Final = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 1000.0)

# --- requests: rate, errors, duration per tenant
http_requests_total = Counter(
    "http_requests_total", "Requests answered.", ["tenant", "method", "status"]
)
http_request_duration_seconds = Histogram(
    "http_request_duration_seconds", "Time to answer a request.", ["tenant"], buckets=_SECONDS
)
http_work_duration_seconds = Histogram(
    "http_work_duration_seconds",
    "Time to answer a request, without what it waited for an answer of the AI.",
    buckets=_SECONDS,
)
database_pool_waiting = Gauge(
    "database_pool_waiting",
    "Requests that wait for a database connection, as the last one saw it.",
    multiprocess_mode="livemax",
)

# --- routing and models
router_decisions_total = Counter("router_decisions_total", "Routing decisions.", ["tier", "intent"])
router_decision_latency_ms = Histogram(
    "router_decision_latency_ms", "Time to decide a route, in milliseconds.", buckets=_MILLISECONDS
)
router_feedback_total = Counter(
    "router_feedback_total", "Routing decisions judged afterwards.", ["verdict"]
)
tokens_total = Counter(
    "tokens_total", "Model tokens used.", ["tenant", "tier", "direction", "provider"]
)
cost_usd_total = Counter("cost_usd_total", "Model cost in US dollars.", ["tenant", "tier"])

# --- workflows and tools
agent_runs_total = Counter("agent_runs_total", "Workflow runs ended.", ["workflow", "status"])
agent_run_duration_seconds = Histogram(
    "agent_run_duration_seconds", "Time from start to end of a run.", ["workflow"], buckets=_SECONDS
)
step_duration_seconds = Histogram(
    "step_duration_seconds", "Time a workflow step took.", ["step_type"], buckets=_SECONDS
)
progress_events = Counter("progress_events", "Steps that brought a run further.", ["step_type"])
safety_violations = Counter("safety_violations", "Runs that broke a limit.", ["limit"])
loop_cut_total = Counter("loop_cut_total", "Runs cut because they looped.", ["reason"])
tool_calls_total = Counter("tool_calls_total", "Tool calls ended.", ["tool", "outcome"])
retry_total = Counter("retry_total", "Attempts repeated after a failure.", ["component"])
breaker_state = Gauge(
    "breaker_state",
    "Circuit breakers as the last call saw them: 0 closed, 1 half open, 2 open.",
    ["tenant", "name"],
    multiprocess_mode="mostrecent",
)
breaker_opened_total = Counter("breaker_opened_total", "Circuit breakers opened.", ["name"])
breaker_rejections_total = Counter(
    "breaker_rejections_total", "Calls refused by an open circuit breaker.", ["name"]
)
bulkhead_rejections_total = Counter(
    "bulkhead_rejections_total", "Calls refused by a full bulkhead.", ["name"]
)

# --- sockets
ws_active_connections = Gauge(
    "ws_active_connections", "Sockets open now.", ["kind"], multiprocess_mode="livesum"
)
ws_frames_total = Counter("ws_frames_total", "Frames sent and received.", ["direction", "type"])
ws_backpressure_drops = Counter(
    "ws_backpressure_drops", "Frames dropped for a slow reader.", ["policy"]
)
ws_send_errors = Counter("ws_send_errors", "Frames that could not be sent.", ["reason"])
ws_closed_total = Counter("ws_closed_total", "Sockets closed by the server.", ["code"])

# --- conversations, knowledge, usage
messages_total = Counter("messages_total", "Messages stored.", ["tenant", "author"])
reply_latency_seconds = Histogram(
    "reply_latency_seconds",
    "From a visitor's message to its reply.",
    ["tenant"],
    buckets=_SECONDS,
)
handovers_total = Counter("handovers_total", "Conversations handed to people.", ["reason"])
documents_ingested_total = Counter("documents_ingested_total", "Documents processed.", ["outcome"])
retrieval_duration_seconds = Histogram(
    "retrieval_duration_seconds", "Time to find passages.", ["stage"], buckets=_SECONDS
)
billing_usage_total = Counter("billing_usage_total", "Usage metered.", ["tenant", "meter"])

# --- background work
outbox_pending = Gauge(
    "outbox_pending", "Deliveries due and not yet made.", multiprocess_mode="mostrecent"
)
outbox_lag_seconds = Gauge(
    "outbox_lag_seconds", "Age of the oldest delivery due.", multiprocess_mode="mostrecent"
)
outbox_dead_letters = Gauge(
    "outbox_dead_letters", "Deliveries given up and not redriven.", multiprocess_mode="mostrecent"
)
outbox_replays_open = Gauge(
    "outbox_replays_open", "Replays that have not ended.", multiprocess_mode="mostrecent"
)
outbox_deliveries_total = Counter(
    "outbox_deliveries_total", "Delivery attempts.", ["subscriber", "outcome"]
)
queue_depth = Gauge(
    "queue_depth", "Tasks waiting in a queue.", ["queue"], multiprocess_mode="mostrecent"
)
security_events_total = Counter("security_events_total", "What looked like an attack.", ["kind"])
audit_findings = Gauge(
    "audit_findings",
    "Differences found by the last verification of the audit log.",
    multiprocess_mode="mostrecent",
)
degrade_switches_on = Gauge(
    "degrade_switches_on",
    "Degrade switches that are on.",
    ["switch"],
    multiprocess_mode="mostrecent",
)
tasks_total = Counter("tasks_total", "Background tasks ended.", ["task", "outcome"])

_seen_tenants: set[str] = set()


def tenant_label() -> str:
    """Return the current tenant's slug as a label; beyond a few hundred tenants, `other`."""
    tenant = tenancy.current()
    if tenant is None:
        return "platform"
    if tenant.slug in _seen_tenants:
        return tenant.slug
    if len(_seen_tenants) >= TENANT_LABEL_LIMIT:
        return OTHER
    _seen_tenants.add(tenant.slug)
    return tenant.slug


@dataclass(frozen=True, slots=True)
class DerivedRate:
    """A share of a counter: samples whose `label` has none of the `fine` values, over all."""

    name: str
    documentation: str
    counter: str
    label: str
    fine: frozenset[str]


# A ratio set by one process cannot be summed over processes, so it is derived at the scrape.
DERIVED_RATES: Final = (
    DerivedRate(
        name="tool_error_rate",
        documentation="Share of tool calls that failed since start.",
        counter="tool_calls_total",
        label="outcome",
        fine=frozenset({"succeeded"}),
    ),
    DerivedRate(
        name="router_misroute_rate",
        documentation="Share of judged routing decisions that were wrong since start.",
        counter="router_feedback_total",
        label="verdict",
        fine=frozenset({"right"}),
    ),
)


def _tiers(samples: Sequence[Sample]) -> GaugeMetricFamily:
    """Return the share of each tier in the routing decisions."""
    shares = GaugeMetricFamily(
        "tier_distribution", "Share of routing decisions by tier since start.", labels=["tier"]
    )
    counts: Counts[str] = Counts()
    for sample in samples:
        if sample.name == "router_decisions_total":
            counts[sample.labels["tier"]] += int(sample.value)
    for tier, count in sorted(counts.items()):
        shares.add_metric([tier], count / (counts.total() or 1))
    return shares


class DerivedCollector(Collector):
    """Add the derived rates to what another registry collects."""

    def __init__(self, source: CollectorRegistry) -> None:
        self.source = source

    def collect(self) -> Iterable[Metric]:
        families = list(self.source.collect())
        yield from families
        samples = [sample for family in families for sample in family.samples]
        yield _tiers(samples)
        for rate in DERIVED_RATES:
            found = [sample for sample in samples if sample.name == rate.counter]
            total = sum(sample.value for sample in found)
            part = sum(s.value for s in found if s.labels.get(rate.label) not in rate.fine)
            yield GaugeMetricFamily(
                rate.name, rate.documentation, value=part / total if total else 0.0
            )


def metrics_render() -> tuple[bytes, str]:
    """Return the exposition of all processes that share this host's directory, and its type."""
    source = REGISTRY
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        source = CollectorRegistry()
        multiprocess.MultiProcessCollector(source)  # type: ignore[no-untyped-call]
    registry = CollectorRegistry()
    registry.register(DerivedCollector(source))
    return generate_latest(registry), CONTENT_TYPE_LATEST
