"""What can be wrong with an `Idempotency-Key`."""

from core.errors import Conflict, DomainError


class KeyInvalid(DomainError):
    code = "idempotency_key_invalid"
    title = "An Idempotency-Key is 1 to 255 visible ASCII characters."


class KeyUnsupported(DomainError):
    code = "idempotency_unsupported"
    title = "This call cannot be repeated under an Idempotency-Key; send it without one."


class KeyReused(DomainError):
    code = "idempotency_key_reused"
    title = "This Idempotency-Key was used for a different request."
    http_status = 422


class InFlight(Conflict):
    code = "idempotency_in_flight"
    title = "The first request with this Idempotency-Key is still being worked on."
    retryable = True


class InDoubt(Conflict):
    """It may or may not have taken effect. Look whether it did; try again with a new key."""

    code = "idempotency_in_doubt"
    title = "The first request with this key broke off; look whether it took effect."


class AnswerNotKept(Conflict):
    """The request was carried out once. Its answer streamed or was over 256 KB."""

    code = "idempotency_answer_not_kept"
    title = "This was carried out already; its answer was too large to be kept."
