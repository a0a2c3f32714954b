"""The one family of expected failures, and how each is told over HTTP, sockets and tasks."""

from __future__ import annotations

from typing import Any


class DomainError(Exception):
    """Something a caller did or met that the domain foresees.

    `code` is stable and documented, `detail` is a sentence for people, `data` holds public fields
    that go into the problem document. Never put private data in either.
    """

    code = "domain_error"
    title = "The request could not be carried out."
    http_status = 400
    retryable = False

    def __init__(self, detail: str = "", **data: Any) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.data = data

    def problem(self) -> dict[str, Any]:
        """Return the RFC 9457 problem document, without `instance`."""
        return {
            "type": f"/docs/errors/{self.code}",
            "title": str(self.title),
            "status": self.http_status,
            "code": self.code,
            "detail": str(self.detail),
            "retryable": self.retryable,
            **self.data,
        }

    def frame(self) -> dict[str, Any]:
        """Return the socket's `error` frame."""
        return {"type": "error", "code": self.code, "detail": str(self.detail), **self.data}


class BadRequest(DomainError):
    code = "bad_request"
    title = "This request cannot be read."


class ParseError(BadRequest):
    """The body is not what its content type says, or is nested too deeply."""

    code = "parse_error"
    title = "The body of this request cannot be read."


class MediaTypeUnsupported(DomainError):
    """The content type is none of those that the API's schema lists for this call."""

    code = "unsupported_media_type"
    title = "This content type is not taken here."
    http_status = 415


class MethodNotAllowed(DomainError):
    """The address exists; the `Allow` header lists the methods it takes."""

    code = "method_not_allowed"
    title = "This address does not take this method."
    http_status = 405


class NotAcceptable(DomainError):
    """The API answers in JSON, and the `Accept` header asks for something else."""

    code = "not_acceptable"
    title = "This cannot be answered in the form that was asked for."
    http_status = 406


class BodyTooLarge(DomainError):
    code = "body_too_large"
    title = "The body of this request is too large."
    http_status = 413


class NotFound(DomainError):
    code = "not_found"
    title = "There is nothing here by that name."
    http_status = 404


class PermissionDenied(DomainError):
    code = "permission_denied"
    title = "You may not do this."
    http_status = 403


class Unauthenticated(DomainError):
    code = "unauthenticated"
    title = "Sign in, or send an API key."
    http_status = 401


class ValidationFailed(DomainError):
    """Input that breaks a contract; `errors` lists {pointer, code, detail} for each fault."""

    code = "validation_failed"
    title = "Some of what you sent is not valid."
    http_status = 400

    def __init__(self, detail: str = "", *, errors: list[dict[str, str]] | None = None) -> None:
        super().__init__(detail, errors=errors or [])


class Conflict(DomainError):
    code = "conflict"
    title = "This clashes with the current state."
    http_status = 409


class RateLimited(DomainError):
    code = "rate_limited"
    title = "Too many requests; wait a moment."
    http_status = 429
    retryable = True


class InternalError(DomainError):
    code = "internal_error"
    title = "Something went wrong on our side; try again."
    http_status = 500
    retryable = True


class ServiceUnavailable(DomainError):
    code = "service_unavailable"
    title = "This is unavailable for the moment."
    http_status = 503
    retryable = True


class EventTooLarge(DomainError):
    """What happened would be told to other parts in an event of more than 64 KiB."""

    code = "event_too_large"
    title = "An event of this size cannot be stored."
    http_status = 413


class SubscriberUnknown(NotFound):
    """No part of this installation listens to events under that name."""

    code = "subscriber_unknown"
    title = "No subscriber has this name."


class ReplayRefused(DomainError):
    """The span of a replay is empty or in the future, or its subscriber cannot be rebuilt."""

    code = "replay_refused"
    title = "These events cannot be replayed like this."
    http_status = 422


class ReplayUnderWay(Conflict):
    """One replay of a subscriber at a time runs for a workspace."""

    code = "replay_under_way"
    title = "A replay of this subscriber is under way."
