"""Where the widget may appear and how it looks."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from conversations import services
from conversations.forms import WidgetForm
from conversations.preferences import WidgetLook
from tenants.errors import EditConflict
from tenants.permissions import actor_for, requires
from tenants.preferences.selectors import snapshot_get

FIELDS = ("allowed_origins", "title", "greeting", "suggestions", "accent", "theme")


@require_http_methods(["GET", "HEAD", "POST"])
@requires("settings:write")
def edit(request: HttpRequest) -> HttpResponse:
    """Change the sites that may show the chat, its words and its colour."""
    widget = services.widget_ensure()
    version = snapshot_get(group=WidgetLook.key).version
    initial = {"version": version, **{name: getattr(widget, name) for name in FIELDS}}
    form = WidgetForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid() and _is_saved(request, form):
        messages.success(request, _("Saved. Pages show it within five minutes."))
        return redirect("conversations:widget_settings")
    status = 422 if form.errors else 200
    return render(request, "conversations/widget_settings.html", {"form": form}, status=status)


def _is_saved(request: HttpRequest, form: WidgetForm) -> bool:
    """Save the form; what someone else changed meanwhile is said on it, and the next try wins."""
    changes = {name: form.cleaned_data[name] for name in FIELDS}
    version = form.cleaned_data["version"]
    try:
        services.widget_look_change(changes=changes, actor=actor_for(request), version=version)
    except EditConflict as error:
        form.add_error(None, str(error.detail))
        form.data = {**dict(form.data.items()), "version": str(error.data["version"])}
        return False
    return True
