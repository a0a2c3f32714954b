"""Pages of what people decide about runs: approvals, cancelling, and undoing what is stuck."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from tenants.permissions import requires, scopes_for
from workflows import selectors, services
from workflows.engine.waits import WaitOver
from workflows.errors import RunNotStuck
from workflows.forms import DecisionForm
from workflows.version_views import person_of

SHOWN = 100


@require_safe
@requires("workflows:read")
def approvals(request: HttpRequest) -> HttpResponse:
    """List what runs ask the team, what waits longest first."""
    context = {
        "approvals": selectors.approval_list()[:SHOWN],
        "can_decide": "conversations:write" in scopes_for(request),
    }
    return render(request, "workflows/approvals.html", context)


@require_POST
@requires("conversations:write")
def approval_decide(request: HttpRequest, wait_id: UUID) -> HttpResponse:
    """Take a decision; of two people who decide at once the first counts."""
    form = DecisionForm(request.POST)
    selectors.approval_get(wait_id=wait_id)
    if not form.is_valid():
        messages.error(request, _("Approve or reject; a comment has at most 1,000 characters."))
        return redirect("workflows:approvals")
    try:
        services.approval_decide(
            wait_id=wait_id, **form.cleaned_data, decided_by=person_of(request)
        )
    except WaitOver as over:
        messages.warning(request, over.title)
    else:
        messages.success(request, _("Decided. The run goes on."))
    return redirect("workflows:approvals")


@require_POST
@requires("workflows:write")
def cancel(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """Ask a run to stop; what it did is undone first."""
    services.run_cancel(run_id=run_id)
    messages.success(request, _("The run stops; what it did is undone first."))
    return redirect("workflows:run", run_id=run_id)


@require_POST
@requires("workflows:write")
def redrive(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """Try again what a stuck run could not undo."""
    try:
        services.compensations_redrive(run_id=run_id)
    except RunNotStuck as error:
        messages.warning(request, error.title)
    return redirect("workflows:run", run_id=run_id)
