"""How customers found their conversations."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from conversations import announce, selectors
from conversations.errors import RatingClosed
from conversations.models import Conversation, Rating
from conversations.services.transcript import conversation_lock
from conversations.texts import text_is_storable
from conversations.types import COMMENT_LIMIT, ConversationState
from core.errors import ValidationFailed
from core.events import catalogue, publish

RATED_WITHIN = timedelta(days=7)
CHANGED_WITHIN = timedelta(days=1)


def rating_give(*, conversation_id: UUID, score: int, comment: str = "") -> Rating:
    """Note how the customer found a resolved conversation, 1 to 5.

    Once a resolution, within a week of it; given again within a day it is changed, the same one
    changes nothing. Locks the conversation. Raises ConversationNotFound, RatingClosed,
    ValidationFailed. Publishes ConversationRated.
    """
    comment = _comment_check(comment)
    with transaction.atomic():
        conversation = conversation_lock(conversation_id)
        _open_check(conversation)
        resolution = conversation.fence
        known = Rating.objects.filter(conversation=conversation, resolution=resolution).first()
        rating = known or Rating(conversation=conversation, resolution=resolution)
        earlier = known.score if known else None
        if known and (known.score, known.comment) == (score, comment):
            return known
        if known and timezone.now() - known.created_at > CHANGED_WITHIN:
            raise RatingClosed()
        rating.score, rating.comment, rating.updated_at = score, comment, timezone.now()
        rating.save()
        announce.change_announce(conversation)
        publish(
            catalogue.ConversationRated(
                conversation_id=conversation.pk,
                rating_id=rating.pk,
                score=score,
                earlier_score=earlier,
            )
        )
    return rating


def _comment_check(comment: str) -> str:
    if len(comment) > COMMENT_LIMIT or not text_is_storable(comment):
        fault = {"pointer": "/comment", "code": "invalid", "detail": f"{COMMENT_LIMIT} characters"}
        raise ValidationFailed(errors=[fault])
    return comment.strip()


def _open_check(conversation: Conversation) -> None:
    """Raise RatingClosed unless the conversation can be rated now."""
    widget = selectors.widget_current()
    is_asked = widget is None or widget.asks_rating
    resolved_at = conversation.resolved_at
    is_resolved = conversation.state == ConversationState.RESOLVED and resolved_at is not None
    if not (is_asked and is_resolved and timezone.now() - resolved_at <= RATED_WITHIN):  # type: ignore[operator]  # asked just before
        raise RatingClosed()
