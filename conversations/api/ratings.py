"""`/api/v1/ratings`: how customers found their conversations."""

from __future__ import annotations

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.generics import ListAPIView

from conversations import selectors
from conversations.models import Rating
from conversations.serializers import RatingSerializer
from core.api import CursorPagination
from core.errors import ValidationFailed

SCORES = ("1", "2", "3", "4", "5")


class RatingPagination(CursorPagination):
    """Newest ratings first."""

    orders = ("-created_at",)


@extend_schema(
    tags=["conversations"],
    parameters=[OpenApiParameter("score", str, enum=SCORES, description="Only ratings of it.")],
)
class RatingListView(ListAPIView[Rating]):
    """List the ratings of resolved conversations, newest first."""

    required_scope = "conversations:read"
    serializer_class = RatingSerializer
    pagination_class = RatingPagination
    queryset = Rating.objects.none()

    def get_queryset(self) -> QuerySet[Rating]:
        asked = self.request.query_params.get("score", "")
        if asked and asked not in SCORES:
            fault = {"pointer": "/score", "code": "invalid_choice", "detail": ", ".join(SCORES)}
            raise ValidationFailed(errors=[fault])
        return selectors.rating_list(score=int(asked) if asked else None)
