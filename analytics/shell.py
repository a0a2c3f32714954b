"""What analytics adds to the navigation and to the home page."""

from __future__ import annotations

from datetime import timedelta

from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from analytics import selectors
from analytics.forms import METRIC_LABELS
from analytics.types import DateRange, Metric
from core import fragments
from core.charts import bar_chart
from core.navigation import NavItem, nav
from tenants.permissions import scopes_for

WEEK = timedelta(days=6)
HOME_METRICS = (Metric.CONVERSATIONS, Metric.AI_REPLIES, Metric.HANDOVERS, Metric.RESOLVED)
HOME_CHARTED = (Metric.AI_REPLIES, Metric.AGENT_REPLIES)


def shell_fill() -> None:
    """Register the entries; called once when the app is ready."""
    nav.register(
        NavItem(
            key="analytics",
            label=_("Analytics"),
            url_name="analytics:activity",
            icon="chart",
            scope="analytics:read",
            order=60,
        )
    )
    fragments.register("home_today", week, order=20)


def week(request: HttpRequest) -> str:
    """Return the last seven days in four numbers and a chart, or nothing if nothing happened."""
    if "analytics:read" not in scopes_for(request):
        return ""
    today = timezone.now().date()
    report = selectors.activity_report(within=DateRange(today - WEEK, today))
    if not any(card.value for card in report.cards):
        return ""
    cards = {card.metric: card for card in report.cards}
    labels = [date_format(day.day, "D") for day in report.days]
    series = [
        (str(METRIC_LABELS[metric]), [day.values[metric] for day in report.days])
        for metric in HOME_CHARTED
    ]
    context = {
        "cards": [(METRIC_LABELS[metric], cards[metric].value) for metric in HOME_METRICS],
        "chart": bar_chart(labels, series),
    }
    return render_to_string("analytics/week.html", context, request)
