"""`/api/v1/.../attachments`: files for messages, and the files of messages."""

from __future__ import annotations

from typing import ClassVar, Final
from uuid import UUID

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.utils.http import content_disposition_header
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from conversations import selectors, services
from conversations.api.access import acting_person, visitor_of
from conversations.api.chat import ChatView
from conversations.attachments.media import EXTENSIONS, IMAGES, TEXTUAL
from conversations.attachments.parts import part_of, parts_shown
from conversations.attachments.reading import attachment_get, attachment_sent_get, content_of
from conversations.errors import AttachmentNotFound, ConversationNotFound
from conversations.models import Attachment
from conversations.serializers import AttachmentSerializer, UploadBody
from core.idempotency.types import Repeat
from tenants.tokens.authentication import membership_of

SCOPES: Final = {
    "GET": "conversations:read",
    "POST": "conversations:write",
    "DELETE": "conversations:write",
}
# What stands around a file in a multipart body.
ENVELOPE_BYTES: Final = 16 * 1024
# Wherever the file is opened, nothing of it runs and nothing is fetched.
POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
CACHE_SECONDS: Final = 3_600


class AttachmentListView(ChatView):
    """Upload a file for a message that is still to be sent."""

    repeat = Repeat.ATOMIC
    required_scopes: ClassVar[dict[str, str]] = SCOPES
    route_classes: ClassVar[dict[str, str]] = {"POST": "upload"}
    parser_classes = [MultiPartParser]

    @extend_schema(
        tags=["conversations"],
        operation_id="conversations_attachments_create",
        request={"multipart/form-data": UploadBody},
        responses={201: AttachmentSerializer},
    )
    def post(self, request: Request, conversation_id: UUID) -> Response:
        _conversation_check(request, conversation_id)
        services.size_check(_declared_size(request._request) - ENVELOPE_BYTES)
        body = UploadBody(data=request.data)
        body.is_valid(raise_exception=True)
        file: UploadedFile[bytes] = body.validated_data["file"]
        services.size_check(file.size or 0)
        attachment = services.attachment_upload(
            conversation_id=conversation_id,
            filename=file.name or "",
            content=file.read(),
            person_id=_uploader(request, body.validated_data["person_id"]),
        )
        return Response(_shown(attachment), status=201)


class AttachmentView(ChatView):
    """Return a file of a message, or remove an upload that was not sent."""

    repeat = Repeat.ATOMIC
    required_scopes: ClassVar[dict[str, str]] = SCOPES

    @extend_schema(
        tags=["conversations"],
        operation_id="attachments_retrieve",
        responses={
            (200, kind): OpenApiResponse(OpenApiTypes.BINARY, "The file.") for kind in EXTENSIONS
        },
    )
    def get(self, request: Request, attachment_id: UUID) -> HttpResponse:
        visitor = visitor_of(request)
        found = attachment_sent_get(
            attachment_id=attachment_id, customer_id=visitor.pk if visitor else None
        )
        return file_response(found)

    @extend_schema(tags=["conversations"], operation_id="attachments_delete", responses={204: None})
    def delete(self, request: Request, attachment_id: UUID) -> Response:
        found = attachment_get(attachment_id=attachment_id)
        visitor = visitor_of(request)
        if visitor is not None and found.conversation.customer_id != visitor.pk:
            raise AttachmentNotFound()
        services.attachment_discard(attachment=found, person_id=_remover(request, found))
        return Response(status=204)


def file_response(attachment: Attachment) -> HttpResponse:
    """Return the file for a browser: only pictures may be shown in place."""
    kind = attachment.media_type
    charset = "; charset=utf-8" if kind in TEXTUAL else ""
    response = HttpResponse(content_of(attachment), content_type=f"{kind}{charset}")
    response["Content-Disposition"] = str(
        content_disposition_header(kind not in IMAGES, attachment.name)
    )
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = POLICY
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    response["Cache-Control"] = f"private, max-age={CACHE_SECONDS}"
    response["Vary"] = "Authorization, Cookie"
    return response


def _conversation_check(request: Request, conversation_id: UUID) -> None:
    """Raise ConversationNotFound for none, or for another visitor's."""
    found = selectors.conversation_get(conversation_id=conversation_id)
    visitor = visitor_of(request)
    if visitor is not None and found.customer_id != visitor.pk:
        raise ConversationNotFound()


def _declared_size(request: HttpRequest) -> int:
    declared = request.META.get("CONTENT_LENGTH") or "0"
    return int(declared) if declared.isdecimal() else 0


def _uploader(request: Request, named: UUID | None) -> UUID | None:
    """Return whose reply a file is for: a member's own, whom a machine names, nobody's."""
    if visitor_of(request) is not None:
        return None
    is_member = membership_of(request) is not None
    return acting_person(request, named) if is_member or named else None


def _remover(request: Request, attachment: Attachment) -> UUID | None:
    """Return as whom an upload is removed; a machine removes anybody's."""
    if visitor_of(request) is not None:
        return None
    membership = membership_of(request)
    return membership.person_id if membership else attachment.person_id


def _shown(attachment: Attachment) -> dict[str, object]:
    return parts_shown([part_of(attachment)])[0]
