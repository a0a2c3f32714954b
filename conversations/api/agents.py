"""`/api/v1/agents` and what gives a conversation to one: assign, put back into the queue."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from conversations import selectors, services
from conversations.api.access import acting_person
from conversations.api.inbox import ActionView
from conversations.models import Conversation
from conversations.serializers import (
    AgentBody,
    AgentSerializer,
    AssignBody,
    AvailabilityBody,
    ConversationSerializer,
)
from core.idempotency.types import Repeat


class AgentListView(APIView):
    """Who of the team may answer: whether they are there, what they have, what they serve."""

    required_scope = "conversations:read"

    @extend_schema(tags=["conversations"], responses={200: AgentSerializer(many=True)})
    def get(self, request: Request) -> Response:
        agents: Any = selectors.agent_list()  # the stubs know no `many`
        return Response(AgentSerializer(agents, many=True).data)


@extend_schema(tags=["conversations"])
class AgentView(GenericAPIView[Any]):
    """How many conversations somebody has at once by assignment, and which queues they serve."""

    repeat = Repeat.ATOMIC
    required_scope = "settings:write"
    serializer_class = AgentBody
    queryset = Conversation.objects.none()

    @extend_schema(request=AgentBody, responses={200: AgentSerializer})
    def patch(self, request: Request, person_id: UUID) -> Response:
        """Change what is given; what is left out stays as it is."""
        body = AgentBody(data=request.data, partial=True)
        body.is_valid(raise_exception=True)
        services.agent_update(person_id=person_id, changes=body.validated_data)
        return Response(AgentSerializer(selectors.agent_get(person_id=person_id)).data)


@extend_schema(tags=["conversations"])
class AvailabilityView(GenericAPIView[Any]):
    """Whether conversations come to somebody while their inbox is open."""

    repeat = Repeat.ATOMIC
    required_scope = "conversations:write"
    serializer_class = AvailabilityBody
    queryset = Conversation.objects.none()

    @extend_schema(request=AvailabilityBody, responses={200: AgentSerializer})
    def put(self, request: Request, person_id: UUID) -> Response:
        body = AvailabilityBody(data=request.data)
        body.is_valid(raise_exception=True)
        services.availability_set(person_id=person_id, **body.validated_data)
        return Response(AgentSerializer(selectors.agent_get(person_id=person_id)).data)


@extend_schema(tags=["conversations"])
class AssignView(GenericAPIView[Conversation]):
    """Give a conversation to a member of the team, whoever has it now."""

    repeat = Repeat.ATOMIC
    required_scope = "conversations:write"
    serializer_class = AssignBody
    queryset = Conversation.objects.none()

    @extend_schema(request=AssignBody, responses={200: ConversationSerializer})
    def post(self, request: Request, conversation_id: UUID) -> Response:
        body = AssignBody(data=request.data)
        body.is_valid(raise_exception=True)
        conversation = services.conversation_assign(
            conversation_id=conversation_id,
            person_id=acting_person(request, body.validated_data["person_id"]),
            assignee_id=body.validated_data["assignee_id"],
        )
        return Response(ConversationSerializer(conversation).data)


class RequeueView(ActionView):
    """Put a conversation back into the queue it came from, at its place."""

    act = staticmethod(services.conversation_requeue)
