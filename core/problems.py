"""The pages behind the `type` of every problem document: what it means, what to do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from inspect import cleandoc

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils.module_loading import autodiscover_modules
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from core.errors import DomainError

# Modules that define expected failures, or import those that do.
_SOURCES = ("errors", "api_urls", "routing", "fetch")


@dataclass(frozen=True, slots=True)
class Problem:
    """One code, as it is documented."""

    code: str
    title: str
    status: int
    meaning: str
    is_retryable: bool

    @property
    def advice(self) -> str:
        """Return what a caller does about it."""
        return _advice(self.status, is_retryable=self.is_retryable)


def _advice(status: int, *, is_retryable: bool) -> str:
    if is_retryable:
        return _("Wait as long as Retry-After says, or a moment, and send the same request again.")
    by_status = {
        401: _("Send valid credentials for this workspace."),
        403: _("Ask an owner of the workspace for a role or key that includes this."),
        404: _("Check the address and the ids in it; they belong to one workspace each."),
        409: _("Read the current state, decide anew, and send what is still wanted."),
    }
    other = _("Change the request as the detail and the errors say; repeating it will not help.")
    return by_status.get(status, other)


@cache
def problems() -> dict[str, Problem]:
    """Return every documented problem by its code, in order."""
    autodiscover_modules(*_SOURCES)
    found: dict[str, Problem] = {}
    for error in _subclasses(DomainError):
        if "code" in vars(error):
            found.setdefault(error.code, _problem(error))
    return dict(sorted(found.items()))


def _subclasses(parent: type[DomainError]) -> Iterator[type[DomainError]]:
    yield parent
    for child in parent.__subclasses__():
        yield from _subclasses(child)


def _problem(error: type[DomainError]) -> Problem:
    own = vars(error).get("__doc__") if error is not DomainError else None
    return Problem(
        code=error.code,
        title=str(error.title),
        status=error.http_status,
        meaning=cleandoc(own) if own else "",
        is_retryable=error.retryable,
    )


@require_safe
def problem_list(request: HttpRequest) -> HttpResponse:
    """List every problem the API may answer with."""
    return render(request, "docs/problems.html", {"problems": problems().values()})


@require_safe
def problem_page(request: HttpRequest, code: str) -> HttpResponse:
    """Explain one problem."""
    problem = problems().get(code)
    if problem is None:
        raise Http404
    return render(request, "docs/problem.html", {"problem": problem})


urlpatterns = [
    path("docs/errors/", problem_list, name="problems"),
    path("docs/errors/<slug:code>", problem_page, name="problem"),
]
