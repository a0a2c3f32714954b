"""What every REST resource shares: strict bodies, cursor pages, problem documents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.core.exceptions import RequestDataTooBig
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import exceptions, pagination, serializers
from rest_framework.request import Request
from rest_framework.views import set_rollback

from core import errors
from core.http import database_error, problem_response

ORDERING = "ordering"


class StrictSerializer(serializers.Serializer[Any]):
    """A request body that refuses fields it does not know."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict):
            unknown = sorted(set(data) - set(self.fields))
            if unknown:
                message = _("This field is not known here.")
                raise serializers.ValidationError(
                    {name: [serializers.ErrorDetail(message, "unknown_field")] for name in unknown}
                )
        return super().to_internal_value(data)


class StrictModelSerializer(StrictSerializer, serializers.ModelSerializer[Any]):
    """A model's request body that refuses fields it does not know."""


class CursorPagination(pagination.CursorPagination):
    """Pages by cursor, 50 at a time (`page_size` up to 200), in the first of the view's orders.

    `orders` are fields that are never null; `?ordering=` chooses one, `-` in front turns it round.
    The id keeps equal ones apart, so that no page repeats or skips a row.
    """

    orders: ClassVar[tuple[str, ...]] = ("-created_at",)
    page_size_query_param = "page_size"
    max_page_size = 200

    @classmethod
    def choices(cls) -> list[str]:
        """Return every order there is, the usual one first."""
        turned = [name[1:] if name.startswith("-") else f"-{name}" for name in cls.orders]
        return [name for pair in zip(cls.orders, turned, strict=True) for name in pair]

    def get_ordering(self, request: Request, queryset: Any, view: Any) -> tuple[str, str]:
        asked = request.query_params.get(ORDERING)  # that it is a choice, `core.contracts` has seen
        order = asked if asked in self.choices() else self.orders[0]
        return order, "-pk" if order.startswith("-") else "pk"

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        """Describe the order beside cursor and page size."""
        described = _("In which order; `-` in front turns it round.")
        schema = {"type": "string", "enum": self.choices(), "default": self.orders[0]}
        order = {"name": ORDERING, "in": "query", "required": False, "schema": schema}
        usual = super().get_schema_operation_parameters(view)
        return [*usual, {**order, "description": described}]

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Describe a page: REST framework's own says `nullable`, which OpenAPI 3.1 has no more."""
        address = {"type": ["string", "null"], "format": "uri"}
        properties = {
            "next": address,
            "previous": address,
            "results": schema,
        }
        return {"type": "object", "required": list(properties), "properties": properties}

    def paginate_queryset(
        self, queryset: QuerySet[Any] | Sequence[Any], request: Request, view: Any = None
    ) -> list[Any] | None:
        """Return the page; a cursor whose position fits no column raises NotFound."""
        try:
            return super().paginate_queryset(queryset, request, view)
        except (DjangoValidationError, ValueError) as error:
            raise exceptions.NotFound(self.invalid_cursor_message) from error


def exception_handler(error: Exception, context: dict[str, Any]) -> HttpResponse | None:
    """Return the problem document of an expected failure; None lets the 500 handler log it."""
    domain = _domain_error(error) or database_error(error)
    if domain is None:
        return None
    set_rollback()
    response = problem_response(domain, instance=context["request"].path)
    for header, value in _headers(error).items():
        response[header] = value
    return response


def _domain_error(error: Exception) -> errors.DomainError | None:
    if isinstance(error, errors.DomainError):
        return error
    if isinstance(error, Http404):
        return errors.NotFound()
    if isinstance(error, DjangoPermissionDenied):
        return errors.PermissionDenied()
    if isinstance(error, RequestDataTooBig):
        return errors.BodyTooLarge()
    if isinstance(error, exceptions.ValidationError):
        return errors.ValidationFailed(errors=field_errors(error.detail))
    return _api_error(error) if isinstance(error, exceptions.APIException) else None


_OURS: dict[type[exceptions.APIException], type[errors.DomainError]] = {
    exceptions.ParseError: errors.ParseError,
    exceptions.UnsupportedMediaType: errors.MediaTypeUnsupported,
    exceptions.MethodNotAllowed: errors.MethodNotAllowed,
    exceptions.NotAcceptable: errors.NotAcceptable,
    exceptions.NotFound: errors.NotFound,
    exceptions.PermissionDenied: errors.PermissionDenied,
    exceptions.NotAuthenticated: errors.Unauthenticated,
    exceptions.AuthenticationFailed: errors.Unauthenticated,
    exceptions.Throttled: errors.RateLimited,
}


def _api_error(error: exceptions.APIException) -> errors.DomainError:
    """Return ours for REST framework's own errors, else one with the status and code it chose."""
    ours = _OURS.get(type(error))
    if ours is not None:
        return ours(str(error.detail))
    code = str(error.get_codes()) if not isinstance(error.get_codes(), dict) else error.default_code
    mapped = errors.DomainError(str(error.detail))
    mapped.code, mapped.http_status = code, error.status_code
    mapped.title = str(error.default_detail)
    return mapped


def _headers(error: Exception) -> dict[str, str]:
    headers = {}
    if getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = str(error.auth_header)  # type: ignore[attr-defined]
    if getattr(error, "wait", None):
        headers["Retry-After"] = str(int(error.wait))  # type: ignore[attr-defined]
    return headers


def field_errors(detail: Any, pointer: str = "") -> list[dict[str, str]]:
    """Return [{pointer, code, detail}] for a nested REST framework error."""
    if isinstance(detail, dict):
        found = [field_errors(value, f"{pointer}/{name}") for name, value in detail.items()]
        return [item for part in found for item in part]
    if isinstance(detail, list):
        return [item for value in detail for item in field_errors(value, pointer)]
    code = getattr(detail, "code", "invalid")
    return [{"pointer": pointer or "/", "code": str(code), "detail": str(detail)}]


@extend_schema_field(OpenApiTypes.BINARY)
class UploadField(serializers.FileField):
    """A file in a form, documented as its bytes."""
