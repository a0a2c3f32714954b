"""Staff pages of analytics: what happened, by day."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.formats import date_format
from django.views.decorators.http import require_safe

from analytics import selectors
from analytics.forms import METRIC_LABELS, RangeForm
from analytics.types import ActivityReport, Metric
from core.charts import BarChart, bar_chart
from core.csv import csv_response
from tenants.admission.admit import admit
from tenants.permissions import requires

CHARTED = (Metric.AI_REPLIES, Metric.AGENT_REPLIES)


@require_safe
@requires("analytics:read")
def activity(request: HttpRequest) -> HttpResponse:
    """Show the headline numbers, the chart and the days of a range."""
    report = _report(request)
    chosen = report.range
    context: dict[str, Any] = {
        "report": report,
        "form": RangeForm(initial={"first": chosen.first, "last": chosen.last}),
        "cards": [(card, METRIC_LABELS[card.metric]) for card in report.cards],
        "headings": [METRIC_LABELS[metric] for metric in Metric],
        "days": [day for day in reversed(report.days) if any(day.values.values())],
        "chart": _chart(report),
        "query": f"first={chosen.first.isoformat()}&last={chosen.last.isoformat()}",
    }
    return render(request, "analytics/activity.html", context)


@require_safe
@requires("analytics:read")
def activity_csv(request: HttpRequest) -> HttpResponse:
    """Download the days of a range: the numbers of the page."""
    report = _report(request)
    name = f"activity-{report.range.first}-{report.range.last}.csv"
    rows = [[day.day.isoformat(), *day.values.values()] for day in report.days]
    total = ["total", *(card.value for card in report.cards)]
    return csv_response(name, ["day", *Metric], [*rows, total])


def _report(request: HttpRequest) -> ActivityReport:
    admit(purpose="analytics").enforce()
    asked = {name: request.GET.get(name, "") for name in ("first", "last")}
    return selectors.activity_report(within=selectors.range_get(**asked))


def _chart(report: ActivityReport) -> BarChart:
    labels = [date_format(day.day, "M j") for day in report.days]
    series = [
        (str(METRIC_LABELS[metric]), [day.values[metric] for day in report.days])
        for metric in CHARTED
    ]
    return bar_chart(labels, series)
