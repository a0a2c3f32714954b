"""Frames as strict models: unknown types, unknown fields and wrong forms are refused by name."""

from __future__ import annotations

import json
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from core.realtime import errors

MAX_FRAME_BYTES = 64 * 1024


class Frame(BaseModel):
    """Base of all frames, in both directions."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, populate_by_name=True)

    def wire(self) -> dict[str, Any]:
        """Return the frame as JSON-ready values, without the fields that do not apply."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


F = TypeVar("F", bound=Frame)


class FrameSet(Generic[F]):
    """The frames one side may send, told apart by `type`."""

    def __init__(self, *models: type[F]) -> None:
        self.models = {str(model.model_fields["type"].default): model for model in models}

    def decode(self, text: str | None) -> F:
        """Return the frame in `text` (None for a binary message); raises FrameInvalid and kin."""
        found = _json_object(text)
        model = self.models.get(str(found.get("type")))
        if model is None:
            raise errors.FrameUnknownType()
        try:
            # Validated as JSON, not as Python objects: strict mode reads UUIDs from strings there.
            return model.model_validate_json(text or "")
        except ValidationError as error:
            raise _refusal(error, found) from None


def _json_object(text: str | None) -> dict[str, Any]:
    if text is None:
        raise errors.FrameBinary()
    # A character is one byte at least: most oversize text is known without encoding it.
    if len(text) > MAX_FRAME_BYTES or len(text.encode(errors="replace")) > MAX_FRAME_BYTES:
        raise errors.FrameTooLarge()
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise errors.FrameNotJson() from None
    if not isinstance(found, dict):
        raise errors.FrameNotJson()
    return found


def _refusal(error: ValidationError, found: dict[str, Any]) -> errors.FrameInvalid:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    data: dict[str, Any] = {"field": ".".join(str(part) for part in first["loc"])[:80]}
    client_id = found.get("client_id")
    # A lone surrogate could not be sent back.
    if isinstance(client_id, str) and client_id.isascii():
        data["client_id"] = client_id[:64]
    if first["type"] == "extra_forbidden":
        return errors.FrameUnknownField(**data)
    return errors.FrameInvalid(**data)
