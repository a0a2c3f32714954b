"""The first page of a workspace: today, and the first steps until they are done."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from core import fragments, onboarding
from tenants.permissions import requires, scopes_for


@require_safe
@requires("conversations:read")
def home(request: HttpRequest) -> HttpResponse:
    """Show the checklist and what the other apps have to say about today."""
    context = {
        "checklist": onboarding.checklist_for(scopes=scopes_for(request)),
        "today": fragments.render("home_today", request),
        "snippet": fragments.render("widget_snippet", request),
    }
    return render(request, "tenants/home.html", context)
