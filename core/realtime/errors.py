"""What can be wrong with a frame or a connection, under stable codes (docs/protocol.md)."""

from core.errors import DomainError, RateLimited


class FrameInvalid(DomainError):
    code = "frame_invalid"
    title = "A field is missing or has the wrong form."


class FrameBinary(FrameInvalid):
    code = "frame_binary"
    title = "Frames are text; this one was binary."


class FrameTooLarge(FrameInvalid):
    code = "frame_too_large"
    title = "A frame may have 64 KB at most."


class FrameNotJson(FrameInvalid):
    code = "frame_not_json"
    title = "A frame is one JSON object."


class FrameUnknownType(FrameInvalid):
    code = "frame_unknown_type"
    title = "There is no frame of this type."


class FrameUnknownField(FrameInvalid):
    code = "frame_unknown_field"
    title = "This frame has no such field."


class HelloRequired(DomainError):
    code = "hello_required"
    title = "Say hello first."


class FrameRateLimited(RateLimited):
    title = "Too many frames; wait a moment."


class ProtocolUnsupported(DomainError):
    """The client offers no version of the protocol that is spoken here; `versions` lists them."""

    code = "protocol_unsupported"
    title = "This version of the protocol is not spoken here."
    http_status = 406


class SlowConsumer(Exception):
    """Raised by a queue that may not grow further; the connection is closed with 3008."""


class Refused(Exception):
    """Raised before a connection is served, with the close code and the error that says why.

    A WebSocket's client sees HTTP 403 unless the refusal `is_visible`: then the handshake is
    completed, an `error` frame says what is wrong if the refusal `is_told`, and the code follows.
    """

    def __init__(
        self, code: int, error: DomainError, *, is_visible: bool = False, is_told: bool = False
    ) -> None:
        super().__init__(error.code)
        self.code = code
        self.error = error
        self.is_visible = is_visible
        self.is_told = is_told
