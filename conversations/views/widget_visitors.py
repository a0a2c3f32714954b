"""What the widget asks visitors, and the secret that a business names them with."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from conversations import services
from conversations.preferences import WidgetVisitors
from conversations.widget_forms import (
    QuestionFormSet,
    VisitorsForm,
    questions_entered,
    questions_initial,
)
from core.errors import ValidationFailed
from tenants.errors import EditConflict
from tenants.permissions import actor_for, requires
from tenants.preferences.selectors import snapshot_get

SWITCHES = ("asks_rating", "requires_identity")
EXAMPLE = """import jwt, time

token = jwt.encode(
    {
        "sub": str(user.id),               # your own id for the customer
        "name": user.name,
        "email": user.email,
        "exp": int(time.time()) + 3600,    # a day ahead at most
    },
    FRONTDESK_WIDGET_SECRET,
    algorithm="HS256",
)
# and in the page: window.$frontdesk.setUser(token)"""


@require_http_methods(["GET", "HEAD", "POST"])
@requires("settings:write")
def edit(request: HttpRequest) -> HttpResponse:
    """Change what visitors are asked before and after, and who may say who they are."""
    widget = services.widget_ensure()
    initial = {
        "version": snapshot_get(group=WidgetVisitors.key).version,
        **{name: getattr(widget, name) for name in SWITCHES},
    }
    form = VisitorsForm(request.POST or None, initial=initial)
    rows = QuestionFormSet(
        request.POST or None, initial=questions_initial(widget.form), prefix="question"
    )
    is_sent = request.method == "POST"
    if is_sent and form.is_valid() and rows.is_valid() and _is_saved(request, form, rows):
        messages.success(request, _("Saved. Whoever opens the chat from now on finds it so."))
        return redirect("conversations:widget_visitors")
    return _page(request, form, rows, status=422 if is_sent else 200)


@require_POST
@requires("settings:write")
def secret_rotate(request: HttpRequest) -> HttpResponse:
    """Make a new secret and show it, this once."""
    secret = services.identity_secret_rotate()
    widget = services.widget_ensure()
    initial = {
        "version": snapshot_get(group=WidgetVisitors.key).version,
        **{name: getattr(widget, name) for name in SWITCHES},
    }
    rows = QuestionFormSet(initial=questions_initial(widget.form), prefix="question")
    return _page(request, VisitorsForm(initial=initial), rows, secret=secret)


def _page(
    request: HttpRequest, form: VisitorsForm, rows: Any, *, status: int = 200, secret: str = ""
) -> HttpResponse:
    context = {
        "form": form,
        "rows": rows,
        "secret": secret,
        "changed_at": services.widget_ensure().identity_changed_at,
        "example": EXAMPLE,
    }
    page = "conversations/widget_visitors.html"
    response = render(request, page, context, status=status)
    response["Cache-Control"] = "no-store"
    return response


def _is_saved(request: HttpRequest, form: VisitorsForm, rows: Any) -> bool:
    """Save what was entered; what someone else changed meanwhile is said, and the next try wins."""
    changes = {name: form.cleaned_data[name] for name in SWITCHES}
    changes["form"] = questions_entered(row.cleaned_data for row in rows)
    version = form.cleaned_data["version"]
    try:
        services.widget_visitors_change(changes=changes, actor=actor_for(request), version=version)
    except EditConflict as error:
        form.add_error(None, str(error.detail))
        form.data = {**dict(form.data.items()), "version": str(error.data["version"])}
        return False
    except ValidationFailed as error:
        form.add_error(None, str(error.data["errors"][0]["detail"]))
        return False
    return True
