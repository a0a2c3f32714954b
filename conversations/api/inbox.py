"""`/api/v1/conversations`: what the inbox shows and does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.generics import GenericAPIView, ListAPIView, RetrieveAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from conversations import selectors, services
from conversations.api.access import acting_person
from conversations.models import Conversation, Message
from conversations.serializers import (
    ActorBody,
    AgentReplyBody,
    ConversationSerializer,
    MessageSerializer,
)
from conversations.types import LABEL_LENGTH, ConversationState
from core.api import CursorPagination
from core.errors import ValidationFailed
from core.idempotency.types import Repeat

STATES = tuple(str(state) for state in ConversationState)


def states_asked(asked: Mapping[str, str]) -> list[ConversationState]:
    """Return the state a query asks for, none for any; raises ValidationFailed for no state."""
    state = asked.get("state", "")
    if state and state not in STATES:
        fault = {"pointer": "/state", "code": "invalid_choice", "detail": ", ".join(STATES)}
        raise ValidationFailed(errors=[fault])
    return [ConversationState(state)] if state else []


class ConversationPagination(CursorPagination):
    """Newest conversations first, or as the inbox shows them: by what was said last."""

    orders = ("-created_at", "-last_message_at")


class MessagePagination(CursorPagination):
    """In the order they were said."""

    orders = ("seq",)


@extend_schema(
    tags=["conversations"],
    parameters=[
        OpenApiParameter("state", str, enum=STATES),
        OpenApiParameter("label", str, description="A label they have."),
    ],
)
class ConversationListView(ListAPIView[Conversation]):
    """List conversations, newest first."""

    required_scope = "conversations:read"
    serializer_class = ConversationSerializer
    pagination_class = ConversationPagination
    queryset = Conversation.objects.none()

    def get_queryset(self) -> QuerySet[Conversation]:
        asked = self.request.query_params
        label = asked.get("label", "")[:LABEL_LENGTH]
        return selectors.conversation_list(states=states_asked(asked), label=label)


@extend_schema(tags=["conversations"])
class ConversationDetailView(RetrieveAPIView[Conversation]):
    """Return one conversation."""

    required_scope = "conversations:read"
    serializer_class = ConversationSerializer
    queryset = Conversation.objects.none()

    def get_object(self) -> Conversation:
        return selectors.conversation_get(conversation_id=self.kwargs["conversation_id"])


@extend_schema(tags=["conversations"])
class MessageListView(ListAPIView[Message]):
    """List a conversation's messages in order, or reply as its agent."""

    repeat = Repeat.ATOMIC
    required_scopes: ClassVar[dict[str, str]] = {
        "GET": "conversations:read",
        "POST": "conversations:write",
    }
    serializer_class = MessageSerializer
    pagination_class = MessagePagination
    queryset = Message.objects.none()

    def get_queryset(self) -> QuerySet[Message]:
        found = selectors.conversation_get(conversation_id=self.kwargs["conversation_id"])
        return selectors.message_list(conversation_id=found.pk)

    @extend_schema(request=AgentReplyBody, responses={201: MessageSerializer})
    def post(self, request: Request, conversation_id: UUID) -> Response:
        body = AgentReplyBody(data=request.data)
        body.is_valid(raise_exception=True)
        said = body.validated_data
        message = services.agent_reply(
            conversation_id=conversation_id,
            person_id=acting_person(request, said["person_id"]),
            client_id=said["client_id"],
            text=said["text"],
            attachments=said["attachments"],
        )
        return Response(MessageSerializer(message).data, status=201)


@extend_schema(tags=["conversations"], request=ActorBody, responses={200: ConversationSerializer})
class ActionView(GenericAPIView[Conversation]):
    """Base of what a person does with a conversation."""

    repeat = Repeat.ATOMIC
    required_scope = "conversations:write"
    serializer_class = ActorBody
    queryset = Conversation.objects.none()
    act: ClassVar[Callable[..., Conversation]]

    def post(self, request: Request, conversation_id: UUID) -> Response:
        body = ActorBody(data=request.data)
        body.is_valid(raise_exception=True)
        person_id = acting_person(request, body.validated_data["person_id"])
        conversation = type(self).act(conversation_id=conversation_id, person_id=person_id)
        return Response(ConversationSerializer(conversation).data)


class ClaimView(ActionView):
    """Take a conversation; 409 `already_claimed` says who was first."""

    act = staticmethod(services.conversation_claim)


class HandBackView(ActionView):
    """Return a conversation to the AI."""

    act = staticmethod(services.conversation_hand_back)


class ResolveView(ActionView):
    """Close a conversation."""

    act = staticmethod(services.conversation_resolve)
