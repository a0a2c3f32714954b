"""The panel of a run's page that walks the run again."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from core.errors import RateLimited
from tenants.permissions import requires
from workflows import selectors
from workflows.errors import ReplayImpossible
from workflows.forms import ReplayForm
from workflows.replays import replay_admit, run_replay

SHOWN_VERSIONS = 50


@require_safe
@requires("workflows:read")
def replay(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """Show a run beside its replay with its own version, or with the one asked for."""
    found = selectors.run_get(run_id=run_id)
    versions = selectors.version_list(workflow=found.workflow)[:SHOWN_VERSIONS]
    form = ReplayForm(request.GET, versions=versions)
    context: dict[str, Any] = {"run": found, "form": form}
    if form.is_valid():
        context.update(_replayed(run_id, form.cleaned_data["version"]))
    is_part = bool(request.headers.get("HX-Request"))
    template = "workflows/_replay.html" if is_part else "workflows/replay.html"
    return render(request, template, context)


def _replayed(run_id: UUID, version: str) -> dict[str, Any]:
    try:
        replay_admit(run_id=run_id)
        return {"replay": run_replay(run_id=run_id, version=version)}
    except (RateLimited, ReplayImpossible) as error:
        return {"refused": error.detail}
