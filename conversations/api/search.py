"""`/api/v1/conversations/search`: the full history, the latest first."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from conversations.api.inbox import STATES, states_asked
from conversations.models import Conversation
from conversations.searching import Cursor, FoundPage, conversations_search
from conversations.serializers import FoundPageSerializer
from conversations.types import LABEL_LENGTH
from core.errors import ValidationFailed

QUERY_LENGTH = 200
PAGE_SIZE, PAGE_LIMIT = 50, 200


@extend_schema(
    tags=["conversations"],
    parameters=[
        OpenApiParameter(
            "search",
            str,
            required=True,
            description="Words said, or of the customer's name or address; all have to be there."
            " Quotes keep words together.",
        ),
        OpenApiParameter("state", str, enum=STATES),
        OpenApiParameter("label", str, description="A label they have."),
        OpenApiParameter("cursor", str, description="Where the last page ended."),
        OpenApiParameter("page_size", int, description="50, or up to 200."),
    ],
    responses={200: FoundPageSerializer},
)
class SearchView(GenericAPIView[Conversation]):
    """Search the full history; each conversation is found once, at its latest match."""

    required_scope = "conversations:read"
    serializer_class = FoundPageSerializer
    queryset = Conversation.objects.none()
    pagination_class = None

    def get(self, request: Request) -> Response:
        asked = request.query_params
        page = conversations_search(
            query=_words(asked.get("search", "")),
            states=states_asked(asked),
            label=asked.get("label", "")[:LABEL_LENGTH],
            cursor=Cursor.read(asked["cursor"]) if asked.get("cursor") else None,
            limit=_size(asked.get("page_size", "")),
        )
        return Response(FoundPageSerializer(_answer(request, page)).data)


def _answer(request: Request, page: FoundPage) -> dict[str, Any]:
    here = request.build_absolute_uri()
    following = replace_query_param(here, "cursor", str(page.next)) if page.next else None
    return {"next": following, "results": page.results}


def _words(search: str) -> str:
    if not search.strip():
        raise ValidationFailed(errors=[_fault("required", "Say what to search for.")])
    if len(search) > QUERY_LENGTH:
        detail = f"At most {QUERY_LENGTH} characters."
        raise ValidationFailed(errors=[_fault("max_length", detail)])
    return search


def _fault(code: str, detail: str) -> dict[str, str]:
    return {"pointer": "/search", "code": code, "detail": detail}


def _size(asked: str) -> int:
    """Return how many to show; like the lists, what is no number in range means the usual."""
    size = int(asked) if asked.isdecimal() and len(asked) < 6 else 0
    return min(size, PAGE_LIMIT) or PAGE_SIZE
