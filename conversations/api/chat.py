"""`/api/v1/chat/`: say something, get the answer or where to ask for it."""

from __future__ import annotations

import re
import time
from dataclasses import asdict
from uuid import UUID, uuid4

from django.http import HttpRequest
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.authentication import SessionAuthentication
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from conversations import selectors, services
from conversations.api.access import ChatAccess, VisitorAuthentication, visitor_of
from conversations.errors import MessageNotFound, TenantMismatch
from conversations.serializers import ChatAnswerSerializer, ChatMessageBody
from conversations.types import ChatAnswer
from core import tenancy
from core.idempotency.fingerprint import write_id
from core.idempotency.types import Repeat
from core.observability.http import wait_note
from tenants.authentication import ApiKeyAuthentication
from tenants.tokens.authentication import AccessTokenAuthentication

WAIT_SECONDS = 20
WAIT_LIMIT_SECONDS = 30
# Names why a person will answer where the AI would have.
DEGRADED_HEADER = "Frontdesk-Degraded"
_WAIT = re.compile(r"(?:^|[,;\s])wait=(\d{1,4})(?:$|[,;\s])")


class ChatView(APIView):
    """Base of the chat: visitors by token, machines and members by scope."""

    authentication_classes = (
        VisitorAuthentication,
        AccessTokenAuthentication,
        ApiKeyAuthentication,
        SessionAuthentication,
    )
    permission_classes = (ChatAccess,)


@extend_schema(
    tags=["chat"],
    parameters=[
        OpenApiParameter(
            "Prefer",
            OpenApiTypes.STR,
            OpenApiParameter.HEADER,
            description=f"`wait=n`: how many seconds to wait for the answer, {WAIT_SECONDS} unless "
            f"told, {WAIT_LIMIT_SECONDS} at most.",
        )
    ],
)
class ChatMessageView(ChatView):
    """Say something in a conversation and get the answer."""

    # Waits for the answer, so it cannot be one transaction; the client id tells repetitions apart.
    repeat = Repeat.HARMLESS
    required_scope = "conversations:write"
    route_classes = {"POST": "chat"}

    @extend_schema(
        request=ChatMessageBody,
        responses={
            200: ChatAnswerSerializer,
            202: OpenApiResponse(ChatAnswerSerializer, "Not answered yet: ask `status_url`."),
        },
    )
    def post(self, request: Request) -> Response:
        body = ChatMessageBody(data=request.data)
        body.is_valid(raise_exception=True)
        said = body.validated_data
        _tenant_check(said["tenant_id"])
        received = services.chat_message_receive(
            customer=visitor_of(request),
            user_id=said["user_id"],
            conversation_id=said["conversation_id"],
            client_id=said["client_id"] or write_id(request) or uuid4().hex,
            text=said["message"],
            attachments=said["attachments"],
            context=said["context"],
        )
        seconds = wait_seconds(request.headers.get("Prefer", ""))
        began = time.perf_counter()
        answer = services.chat_answer_wait(
            message_id=received.message_id,
            conversation_id=received.conversation_id,
            seconds=seconds,
        )
        wait_note(request._request, time.perf_counter() - began)
        response = answer_response(answer, request._request)
        response["Preference-Applied"] = f"wait={seconds}"
        return response


@extend_schema(tags=["chat"])
class ChatStatusView(ChatView):
    """Return what became of a message."""

    required_scope = "conversations:read"

    @extend_schema(responses={200: ChatAnswerSerializer})
    def get(self, request: Request, message_id: UUID) -> Response:
        message = selectors.message_get(message_id=message_id)
        customer = visitor_of(request)
        if customer is not None and message.conversation.customer_id != customer.pk:
            raise MessageNotFound()
        answer = selectors.chat_answer(message_id=message_id)
        return answer_response(answer, request._request, pending_status=200)


def wait_seconds(prefer: str) -> int:
    """Return how long the `Prefer` header asks to wait (RFC 7240)."""
    found = _WAIT.search(prefer)
    return min(int(found[1]), WAIT_LIMIT_SECONDS) if found else WAIT_SECONDS


def _tenant_check(named: str) -> None:
    tenant = tenancy.require()
    if named and named.lower() not in {str(tenant.id), tenant.id.hex, tenant.slug}:
        raise TenantMismatch()


def answer_response(
    answer: ChatAnswer, request: HttpRequest, *, pending_status: int = 202
) -> Response:
    """Return the answer; while it is pending, with the address to ask again."""
    path = reverse("api_chat_status", kwargs={"message_id": answer.message_id})
    status_url = request.build_absolute_uri(path)
    shown = ChatAnswerSerializer({**asdict(answer), "status_url": status_url})
    if answer.status != "pending":
        degraded = {DEGRADED_HEADER: answer.degraded} if answer.degraded else {}
        return Response(shown.data, headers=degraded)
    headers = {"Location": status_url, "Retry-After": "1"}
    return Response(shown.data, status=pending_status, headers=headers)
