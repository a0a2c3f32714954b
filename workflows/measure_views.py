"""Pages of how workflows do, and how the steps of one do."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from analytics.forms import RangeForm
from analytics.selectors import range_get
from analytics.types import DateRange
from core.charts import bar_chart
from tenants.admission.admit import admit
from tenants.permissions import requires
from workflows import selectors
from workflows.measuring import step_figures, workflow_figures


@require_safe
@requires("workflows:read")
def overview(request: HttpRequest) -> HttpResponse:
    """Show how each workflow did in a range of days."""
    within = _range(request)
    figures = workflow_figures(within=within)
    series = [
        (_("completed"), [each.completed for each in figures]),
        (_("handed over"), [each.handed_over for each in figures]),
        (_("failed"), [each.failed for each in figures]),
    ]
    chart = bar_chart([each.workflow for each in figures], series)
    context = {**_period(within), "figures": figures, "chart": chart}
    return render(request, "workflows/figures.html", context)


@require_safe
@requires("workflows:read")
def steps(request: HttpRequest, name: str) -> HttpResponse:
    """Show how the steps of a workflow did: how many runs reached each, and were left there."""
    within = _range(request)
    selectors.workflow_known(workflow=name)
    figures = step_figures(within=within, workflow=name)
    series = [
        (_("went on"), [each.reached - each.left for each in figures]),
        (_("left here"), [each.left for each in figures]),
    ]
    context = {
        **_period(within),
        "name": name,
        "whole": next(iter(workflow_figures(within=within, workflow=name)), None),
        "figures": figures,
        "chart": bar_chart([each.step_id for each in figures], series),
    }
    return render(request, "workflows/step_figures.html", context)


def _range(request: HttpRequest) -> DateRange:
    admit(purpose="analytics").enforce()
    asked = {name: request.GET.get(name, "") for name in ("first", "last")}
    return range_get(**asked)


def _period(within: DateRange) -> dict[str, Any]:
    chosen = {"first": within.first, "last": within.last}
    query = f"first={within.first.isoformat()}&last={within.last.isoformat()}"
    return {"form": RangeForm(initial=chosen), "query": query}
