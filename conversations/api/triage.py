"""`/api/v1/conversations/{id}/triage` and `/notes`: what the team arranges among itself."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.generics import GenericAPIView, ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from conversations import selectors, services
from conversations.api.access import acting_person
from conversations.models import Conversation, ConversationNote
from conversations.serializers import (
    ConversationSerializer,
    NoteBody,
    NoteSerializer,
    TriageBody,
)
from conversations.types import Priority
from core.api import CursorPagination
from core.idempotency.types import Repeat


@extend_schema(tags=["conversations"])
class TriageView(GenericAPIView[Conversation]):
    """How urgent a conversation is, its labels, and until when it is put off."""

    repeat = Repeat.ATOMIC
    required_scope = "conversations:write"
    serializer_class = TriageBody
    queryset = Conversation.objects.none()

    @extend_schema(request=TriageBody, responses={200: ConversationSerializer})
    def patch(self, request: Request, conversation_id: UUID) -> Response:
        """Change what is given; what is left out stays as it is."""
        body = TriageBody(data=request.data, partial=True)
        body.is_valid(raise_exception=True)
        changes = dict(body.validated_data)
        if "priority" in changes:
            changes["priority"] = Priority[changes["priority"].upper()]
        conversation = services.conversation_triage(
            conversation_id=conversation_id,
            changes=changes,  # type: ignore[arg-type]  # exactly its keys: the body is strict
        )
        return Response(ConversationSerializer(conversation).data)


class NotePagination(CursorPagination):
    """In the order they were written."""

    orders = ("created_at",)


@extend_schema(tags=["conversations"])
class NoteListView(ListAPIView[ConversationNote]):
    """List the team's notes on a conversation, or add one; visitors never see them."""

    repeat = Repeat.ATOMIC
    required_scopes: ClassVar[dict[str, str]] = {
        "GET": "conversations:read",
        "POST": "conversations:write",
    }
    serializer_class = NoteSerializer
    pagination_class = NotePagination
    queryset = ConversationNote.objects.none()

    def get_queryset(self) -> QuerySet[ConversationNote]:
        found = selectors.conversation_get(conversation_id=self.kwargs["conversation_id"])
        return selectors.note_list(conversation_id=found.pk)

    @extend_schema(request=NoteBody, responses={201: NoteSerializer})
    def post(self, request: Request, conversation_id: UUID) -> Response:
        body = NoteBody(data=request.data)
        body.is_valid(raise_exception=True)
        said = body.validated_data
        note = services.note_add(
            conversation_id=conversation_id,
            person_id=acting_person(request, said["person_id"]),
            client_id=said["client_id"],
            text=said["text"],
        )
        return Response(NoteSerializer(note).data, status=201)
