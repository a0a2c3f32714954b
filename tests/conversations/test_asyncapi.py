"""The documents of the protocol say what the code does."""

from __future__ import annotations

import json
import re

import jsonschema
import pytest
import yaml

from config.env import BASE_DIR
from conversations import announce, errors, frames
from conversations.asyncapi import document_build
from conversations.models import Message
from core.realtime import errors as frame_errors
from core.tenancy import TenantContext
from tests.factories.conversations import answer, conversation_make, say

DOCS = BASE_DIR / "docs"


def test_asyncapi_yaml_is_what_the_frames_say() -> None:
    stored = yaml.safe_load((DOCS / "asyncapi.yaml").read_text())
    built = json.loads(json.dumps(document_build()))
    assert stored == built, "Run: manage.py asyncapi > docs/asyncapi.yaml"


def test_asyncapi_references_lead_somewhere() -> None:
    document = document_build()
    references = re.findall(r'"\$ref": "#/([^"]+)"', json.dumps(document))
    assert references
    for reference in references:
        found = document
        for part in reference.split("/"):
            found = found[part]


def test_protocol_names_every_frame_error_and_close_code() -> None:
    text = (DOCS / "protocol.md").read_text()
    models = (*frames.VISITOR_HEARS, *frames.AGENT_HEARS)
    heard = {str(model.model_fields["type"].default) for model in models}
    said = {*frames.VISITOR_FRAMES.models, *frames.AGENT_FRAMES.models}
    codes = {
        error.code
        for error in (
            *vars(frame_errors).values(),
            errors.MessageEmpty,
            errors.MessageTooLong,
            errors.ClientIdTaken,
            errors.ConversationNotFound,
            errors.ConversationNotOpen,
            errors.TooManyOpen,
            errors.NotAssignedToYou,
        )
        if isinstance(getattr(error, "code", None), str)
    } - {"domain_error"}
    missing = [name for name in heard | said | codes if f"`{name}" not in text and name not in text]
    assert not missing
    for code in ("3008", "3501", "4401", "4403", "1012", "1009"):
        assert code in text


@pytest.mark.parametrize("kind", ["visitor", "ai"])
def test_message_frame_fits_its_schema(in_acme: TenantContext, kind: str) -> None:
    conversation = conversation_make()
    say(conversation.pk)
    answer(conversation.pk)
    message = Message.objects.get(conversation=conversation, author=kind)
    document = document_build()
    schema = {"$ref": "#/components/schemas/MessageFrame", "components": document["components"]}
    jsonschema.validate(announce.message_frame(message), schema)
