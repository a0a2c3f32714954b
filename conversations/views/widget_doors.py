"""What the widget's calls have in common: a brake, the page's origin, the visitor's token, JSON."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from conversations import selectors, services
from conversations.errors import ConversationNotFound, OriginRefused
from conversations.models import Customer
from conversations.origins import origin_is_allowed
from core.errors import DomainError, Unauthenticated
from core.http import problem_response
from tenants.throttle import attempt_count, client_address

View = Callable[[HttpRequest], HttpResponse]
VisitorView = Callable[[HttpRequest, Customer], HttpResponse]


def answers_in_json(view: View) -> View:
    """Tell a script of what failed in JSON, whatever it says it accepts."""

    @wraps(view)
    def wrapped(request: HttpRequest) -> HttpResponse:
        try:
            return view(request)
        except DomainError as error:
            return problem_response(error, instance=request.path)

    return wrapped


def visitors_door(*, kind: str, a_minute: int) -> Callable[[VisitorView], View]:
    """Let in who brings a visitor token from a page that may show the widget.

    Exempt from CSRF because it reads no cookie. `a_minute` calls are let in of one address, and a
    tenth of it, five at least, of one visitor.
    """

    def decorate(view: VisitorView) -> View:
        @csrf_exempt
        @require_POST
        @answers_in_json
        @wraps(view)
        def wrapped(request: HttpRequest) -> HttpResponse:
            brake(request, kind, a_minute)
            origin_check(request)
            customer = services.visitor_authenticate(visitor_token=bearer(request))
            own = max(5, a_minute // 10)
            attempt_count(
                kind=f"{kind}_own",
                subject=customer.pk.hex,
                limit=own,
                seconds=60,
                fails_closed=False,
            )
            return view(request, customer)

        return wrapped

    return decorate


def origin_check(request: HttpRequest) -> None:
    """Raise OriginRefused for a page that may not show the widget."""
    widget = selectors.widget_current()
    allowed = widget.allowed_origins if widget else ()
    if not origin_is_allowed(request.headers.get("Origin", ""), allowed):
        raise OriginRefused()


def own_conversation(customer: Customer, wanted: str) -> UUID:
    """Return the id if the conversation is the visitor's; raises ConversationNotFound if not."""
    try:
        conversation = selectors.conversation_get(conversation_id=UUID(wanted))
    except ValueError:
        raise ConversationNotFound() from None
    if conversation.customer_id != customer.pk:
        raise ConversationNotFound()
    return conversation.pk


def bearer(request: HttpRequest) -> str:
    """Return the token of the Authorization header; raises Unauthenticated."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated()
    return token.strip()


def brake(request: HttpRequest, kind: str, limit: int) -> None:
    """Count a call of an address; raises RateLimited beyond `limit` a minute."""
    subject = client_address(request)
    attempt_count(kind=kind, subject=subject, limit=limit, seconds=60, fails_closed=False)
