"""What every REST view keeps to without saying so: its declared parameters, its keyed writes."""

from __future__ import annotations

import copy
from typing import Any, ClassVar

from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter
from rest_framework.mixins import ListModelMixin
from rest_framework.request import Request
from rest_framework.views import APIView

from core.errors import ValidationFailed
from core.idempotency.views import IdempotentWrites

Choices = dict[str, frozenset[str] | None]


class StrictQuery(APIView):
    """Refuse query parameters that the OpenAPI schema of this call does not declare."""

    declared_by_method: ClassVar[dict[str, Choices]]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        method = "GET" if request.method == "HEAD" else request.method or ""
        if not request.query_params or not hasattr(self, method.lower()):
            return
        declared = self._declared(method)
        faults = [
            fault
            for name, values in request.query_params.lists()
            for fault in _faults(declared, name, values)
        ]
        if faults:
            raise ValidationFailed(errors=faults)

    def _declared(self, method: str) -> Choices:
        """Return the call's parameters, worked out once: `contracted` gives each class a store."""
        if method not in self.declared_by_method:
            self.declared_by_method[method] = parameters_declared(type(self), method)
        return self.declared_by_method[method]


def _faults(declared: Choices, name: str, values: list[str]) -> list[dict[str, str]]:
    pointer = f"/{name}"
    if name not in declared:
        detail = _("This parameter is not known here.")
        return [{"pointer": pointer, "code": "unknown_parameter", "detail": detail}]
    choices = declared[name]
    if choices is None or all(value in choices or not value for value in values):
        return []
    return [{"pointer": pointer, "code": "invalid_choice", "detail": ", ".join(sorted(choices))}]


def parameters_declared(view_class: type[APIView], method: str) -> Choices:
    """Return the query parameters of a call as documented, each with its choices or None."""
    view: Any = view_class()
    view.request, view.kwargs, view.format_kwarg = None, {}, None
    schema = _schema_of(view, method)
    declared: Choices = {
        parameter.name: frozenset(map(str, parameter.enum)) if parameter.enum else None
        for parameter in schema.get_override_parameters()
        if isinstance(parameter, OpenApiParameter) and parameter.location == OpenApiParameter.QUERY
    }
    if method == "GET" and isinstance(view, ListModelMixin):
        paged = view.paginator.get_schema_operation_parameters(view)  # type: ignore[attr-defined]
        declared.update({parameter["name"]: _choices(parameter) for parameter in paged})
    return declared


def _choices(parameter: dict[str, Any]) -> frozenset[str] | None:
    choices = parameter["schema"].get("enum")
    return frozenset(choices) if choices else None


def _schema_of(view: Any, method: str) -> Any:
    """Return a schema of this call's own; the shared one belongs to the generator."""
    own = getattr(getattr(view, method.lower()), "kwargs", {}).get("schema")
    schema = own() if own else copy.copy(view.schema)
    schema.view, schema.method = view, method
    return schema


def contracted(view: Any) -> Any:
    """Return a REST view that keeps to the contracts above; other views as they are."""
    cls = getattr(view, "cls", None)
    if cls is None or issubclass(cls, StrictQuery):
        return view
    names = {"__doc__": cls.__doc__, "__module__": cls.__module__, "declared_by_method": {}}
    made: Any = type(cls.__name__, (cls, StrictQuery, IdempotentWrites), names)
    return made.as_view(**view.initkwargs)
