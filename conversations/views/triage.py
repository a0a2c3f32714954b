"""What an agent arranges about a conversation in the inbox: triage and notes."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST

from conversations import services
from conversations.forms import NoteForm, TriageForm
from conversations.views.fragments import after_action, person_id_of
from tenants.permissions import requires


@require_POST
@requires("conversations:write")
def triage(request: HttpRequest, conversation_id: UUID) -> HttpResponse:
    """Change priority, labels and snoozing."""
    services.conversation_triage(
        conversation_id=conversation_id, changes=TriageForm(request.POST).require()
    )
    return after_action(request, conversation_id)


@require_POST
@requires("conversations:write")
def note(request: HttpRequest, conversation_id: UUID) -> HttpResponse:
    """Write a note that the team alone sees."""
    said = NoteForm(request.POST).require()
    services.note_add(conversation_id=conversation_id, person_id=person_id_of(request), **said)
    return after_action(request, conversation_id)
