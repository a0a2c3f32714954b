"""Staff pages of billing: usage against the plan, and the ledger it is counted from."""

from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.formats import date_format
from django.views.decorators.http import require_safe

from billing import selectors
from billing.forms import METER_LABELS, UsageForm, quantity_text, usage_query
from billing.types import Meter, Period, UsageReport
from core.charts import BarChart, bar_chart
from core.csv import csv_response
from core.errors import ValidationFailed
from tenants.permissions import requires

PAGE_SIZE = 25


@require_safe
@requires("billing:read")
def usage(request: HttpRequest) -> HttpResponse:
    """Show a month's usage: totals against limits, days, and the ledger's entries."""
    form = _form(request)
    period = selectors.period_get(form.cleaned_data["period"])
    report = selectors.usage_report(period=period)
    meter = form.chosen_meter
    entries = selectors.entry_list(period=period, meter=meter)
    context = {
        **_report_context(report, meter),
        "subscription": selectors.subscription_current(),
        "page": Paginator(entries, PAGE_SIZE).get_page(form.cleaned_data["page"] or 1),
        "query": f"{usage_query(period=period.name, meter=meter)}&",
    }
    return render(request, "billing/usage.html", context)


@require_safe
@requires("billing:read")
def usage_csv(request: HttpRequest) -> HttpResponse:
    """Download a month's usage by day and meter: the numbers of the page."""
    period = selectors.period_get(_form(request).cleaned_data["period"])
    report = selectors.usage_report(period=period)
    rows = ([day.day.isoformat(), *day.quantities.values()] for day in report.days)
    total = ["total", *(total.quantity for total in report.totals)]
    return csv_response(f"usage-{period.name}.csv", ["day", *Meter], [*rows, total])


@require_safe
@requires("billing:read")
def entries_csv(request: HttpRequest) -> HttpResponse:
    """Download a month's ledger entries."""
    period = selectors.period_get(_form(request).cleaned_data["period"])
    columns = ["occurred_at", "meter", "quantity", "subject_id", "event_id"]
    entries = selectors.entry_list(period=period).values_list(*columns)
    rows = ((at.isoformat(), *rest) for at, *rest in entries.iterator())
    return csv_response(f"usage-entries-{period.name}.csv", columns, rows)


def _form(request: HttpRequest) -> UsageForm:
    form = UsageForm(request.GET)
    if not form.is_valid():
        faults = form.errors.get_json_data()
        raise ValidationFailed(
            errors=[
                {"pointer": f"/{name}", "code": fault["code"], "detail": fault["message"]}
                for name, found in faults.items()
                for fault in found
            ]
        )
    return form


def _report_context(report: UsageReport, meter: Meter) -> dict[str, Any]:
    links = [
        (
            total,
            METER_LABELS[total.meter],
            usage_query(period=report.period.name, meter=total.meter),
            quantity_text(total.meter, total.quantity),
            "" if total.limit is None else quantity_text(total.meter, total.limit),
        )
        for total in report.totals
    ]
    return {
        "report": report,
        "totals": links,
        "meter": meter,
        "meter_label": METER_LABELS[meter],
        "chart": _chart(report, meter),
        "days": [(day.day, day.quantities[meter]) for day in report.days if day.quantities[meter]],
        "previous": _period_query(report.period.previous, meter),
        "following": _period_query(report.period.following, meter),
    }


def _chart(report: UsageReport, meter: Meter) -> BarChart:
    labels = [date_format(day.day, "M j") for day in report.days]
    values = [day.quantities[meter] for day in report.days]
    return bar_chart(labels, [(str(METER_LABELS[meter]), values)])


def _period_query(period: Period, meter: Meter) -> str:
    return usage_query(period=period.name, meter=meter)
