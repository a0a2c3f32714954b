"""Staff pages of routing: the decisions, and one of them explained."""

from typing import Any
from uuid import UUID

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from routing import selectors
from routing.forms import DecisionFilterForm
from tenants.permissions import requires

PAGE_SIZE = 50


@require_safe
@requires("routing:read")
def decisions(request: HttpRequest) -> HttpResponse:
    """List routing decisions with their summary."""
    form = DecisionFilterForm(request.GET)
    chosen: dict[str, Any] = form.cleaned_data if form.is_valid() else {}
    found = selectors.decision_list(tier=chosen.get("tier", ""), intent=chosen.get("intent", ""))
    page = Paginator(found, PAGE_SIZE).get_page(chosen.get("page") or 1)
    context = {
        "form": form,
        "page": page,
        "query": form.as_query(),
        "summary": selectors.decision_summary(found),
        "is_filtered": bool(form.as_query()),
    }
    return render(request, "routing/decisions.html", context)


@require_safe
@requires("routing:read")
def decision(request: HttpRequest, decision_id: UUID) -> HttpResponse:
    """Explain one decision: estimates, reason and every feature it rests on."""
    found = selectors.decision_get(decision_id=decision_id)
    if found is None:
        raise Http404
    features = sorted(found.features.items())
    context = {
        "decision": found,
        "present": [pair for pair in features if pair[1]],
        "absent": [name for name, value in features if not value],
    }
    return render(request, "routing/decision.html", context)
