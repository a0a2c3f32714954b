"""Where the widget may appear and how it looks."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from conversations import services
from conversations.forms import WidgetForm
from tenants.permissions import requires

FIELDS = ("allowed_origins", "title", "greeting", "suggestions", "accent")


@require_http_methods(["GET", "HEAD", "POST"])
@requires("settings:write")
def edit(request: HttpRequest) -> HttpResponse:
    """Change the sites that may show the chat, its words and its colour."""
    widget = services.widget_ensure()
    form = WidgetForm(
        request.POST or None, initial={name: getattr(widget, name) for name in FIELDS}
    )
    if request.method == "POST" and form.is_valid():
        services.widget_update(widget_id=widget.pk, **form.cleaned_data)
        messages.success(request, _("Saved. Pages show it within five minutes."))
        return redirect("conversations:widget_settings")
    status = 422 if form.errors else 200
    return render(request, "conversations/widget_settings.html", {"form": form}, status=status)
