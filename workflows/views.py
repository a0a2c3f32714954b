"""Pages of workflows: the library, a workflow, runs, and one run explained."""

from datetime import timedelta
from http import HTTPStatus
from uuid import UUID

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from tenants.permissions import requires, scopes_for
from workflows import selectors
from workflows.drawing import graph_draw
from workflows.errors import WorkflowNotFound
from workflows.explaining import run_explain
from workflows.forms import RunFilterForm
from workflows.models import Run
from workflows.spec.errors import SpecError
from workflows.spec.graph import Graph
from workflows.types import DEFAULT_WORKFLOW

PAGE_SIZE = 50
COUNTED_DAYS = 7
SHOWN_VERSIONS = 5


@require_safe
@requires("workflows:read")
def index(request: HttpRequest) -> HttpResponse:
    """List the workflows that can run here, with what they did lately."""
    counts = selectors.run_counts(since=timezone.now() - timedelta(days=COUNTED_DAYS))
    workflows = [
        {
            "entry": entry,
            "counts": counts.get(entry.name, {"total": 0, "failed": 0}),
            "is_default": entry.name == DEFAULT_WORKFLOW,
        }
        for entry in selectors.workflow_entries()
    ]
    context = {
        "workflows": workflows,
        "days": COUNTED_DAYS,
        "silent": selectors.workflows_silent(),
        "stops": selectors.stop_list(),
        "can_write": "workflows:write" in scopes_for(request),
        "approvals": selectors.approval_list().count(),
        "active_runs": selectors.run_list(status="active").count(),
    }
    return render(request, "workflows/index.html", context)


@require_safe
@requires("workflows:read")
def workflow(request: HttpRequest, name: str) -> HttpResponse:
    """Show a workflow: its graph, its text and its versions."""
    entry = selectors.workflow_get(workflow=name)
    context = {
        "entry": entry,
        "graph": entry.graph,
        "drawing": graph_draw(entry.graph) if entry.graph else None,
        "versions": selectors.version_list(workflow=name)[:SHOWN_VERSIONS],
        "published": selectors.published_hash(workflow=name),
        "runs": selectors.run_list(workflow=name)[:5],
        "can_write": "workflows:write" in scopes_for(request),
    }
    return render(request, "workflows/workflow.html", context)


@require_safe
@requires("workflows:read")
def runs(request: HttpRequest) -> HttpResponse:
    """List runs, newest first."""
    names = [entry.name for entry in selectors.workflow_entries()]
    form = RunFilterForm(request.GET, workflows=names)
    chosen = {key: value for key, value in form.cleaned_data.items()} if form.is_valid() else {}
    page = Paginator(selectors.run_list(**chosen), PAGE_SIZE).get_page(request.GET.get("page"))
    asked = request.GET.copy()
    asked.pop("page", None)
    context = {
        "form": form,
        "page": page,
        "query": f"{asked.urlencode()}&" if asked else "",
        "is_filtered": any(chosen.values()),
    }
    return render(request, "workflows/runs.html", context)


@require_safe
@requires("workflows:read")
def run(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """Explain a run; while it goes on the page asks for what is new, and gets 204 if nothing is."""
    found = selectors.run_get(run_id=run_id)
    if (
        request.headers.get("HX-Request")
        and request.GET.get("seen") == f"{found.status}-{found.seq}"
    ):
        return HttpResponse(status=HTTPStatus.NO_CONTENT)
    story = run_explain(selectors.run_events(run_id=run_id), _graph_of(found))
    context = {
        "run": found,
        "story": story,
        "can_write": "workflows:write" in scopes_for(request),
    }
    is_part = bool(request.headers.get("HX-Request"))
    template = "workflows/_run.html" if is_part else "workflows/run.html"
    response = render(request, template, context)
    patch_vary_headers(response, ["HX-Request"])
    return response


def _graph_of(found: Run) -> Graph | None:
    """Return the run's own version, or None when this release cannot read it any more."""
    try:
        return selectors.graph_get(workflow=found.workflow, content_hash=found.content_hash)
    except (SpecError, WorkflowNotFound):
        return None
