"""The one mechanism by which every REST write honours `Idempotency-Key`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from django.db import transaction
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.idempotency import store
from core.idempotency.errors import KeyUnsupported
from core.idempotency.fingerprint import key_parse, request_fingerprint, scope_digest
from core.idempotency.types import KEY_HEADER, REPLAYED_HEADER, WRITES, Answer, Claim, Repeat

KEPT_HEADERS = (
    "Cache-Control",
    "Content-Language",
    "Content-Type",
    "ETag",
    "Link",
    "Location",
    "Preference-Applied",
    "Retry-After",
)


class _Replay(Exception):
    """Ends a request whose answer is there already."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.answer = answer


class IdempotentWrites(APIView):
    """Carry a keyed write out once, after authentication, permission and throttle.

    A success is kept; a refusal changed nothing and lets the key go. An answer of 5xx leaves a
    view's own `repeat` to decide.
    """

    repeat: Repeat = Repeat.IN_DOUBT
    _claim: Claim | None = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        header = request.headers.get(KEY_HEADER)
        if header is None or request.method not in WRITES:
            return
        self._claim = self._claimed(request, key_parse(header))
        if self.repeat is Repeat.ATOMIC:
            name = (request.method or "").lower()
            setattr(self, name, partial(self._together, getattr(self, name)))

    def _claimed(self, request: Request, key: str) -> Claim:
        if self.repeat is Repeat.REFUSED:
            raise KeyUnsupported()
        found = store.key_claim(
            scope=scope_digest(request, key),
            fingerprint=request_fingerprint(request),
            repeat=self.repeat,
        )
        if isinstance(found, Answer):
            raise _Replay(found)
        request._request.idempotency_id = found.record_id.hex  # type: ignore[attr-defined]
        return found

    def _together(
        self, handler: Callable[..., Response], request: Request, *args: Any, **kwargs: Any
    ) -> Response:
        """Commit the write and its answer in one transaction."""
        with transaction.atomic():
            response = handler(request, *args, **kwargs)
            _rendered(self.finalize_response(request, response, *args, **kwargs))
            if response.status_code < 400 and self._claim is not None:
                store.answer_keep(claim=self._claim, answer=_answer(response))
                self._claim = None
        return response

    def handle_exception(self, exc: Exception) -> Any:
        if isinstance(exc, _Replay):
            return _replayed(exc.answer)
        return super().handle_exception(exc)

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            response = super().dispatch(request, *args, **kwargs)
        except Exception:
            self._broken_off()
            raise
        self._settle(response)
        return response

    def _settle(self, response: HttpResponseBase) -> None:
        if self._claim is None:
            return
        if response.status_code >= 500:
            self._broken_off()
        elif response.status_code >= 400:
            store.key_release(claim=self._claim)
        else:
            store.answer_keep(claim=self._claim, answer=_answer(_rendered(response)))

    def _broken_off(self) -> None:
        if self._claim is not None:
            is_unknown = self.repeat is Repeat.IN_DOUBT
            (store.doubt_record if is_unknown else store.key_release)(claim=self._claim)


def _rendered(response: HttpResponseBase) -> HttpResponseBase:
    render = getattr(response, "render", None)
    if callable(render):
        render()
    return response


def _answer(response: HttpResponseBase) -> Answer | None:
    """Return what is to be kept of a response; None for one that streams."""
    if response.streaming or not isinstance(response, HttpResponse):
        return None
    headers = {name: response[name] for name in KEPT_HEADERS if name in response}
    return Answer(response.status_code, response.content, headers)


def _replayed(answer: Answer) -> HttpResponse:
    response = HttpResponse(answer.body, status=answer.status)
    del response["Content-Type"]
    for name, value in answer.headers.items():
        response[name] = value
    response[REPLAYED_HEADER] = "true"
    return response
