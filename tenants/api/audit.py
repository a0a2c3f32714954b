"""`/api/v1/audit`: who did what in this workspace."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.generics import ListAPIView

from core.api import CursorPagination
from core.audit import selectors
from core.audit.models import AuditEntry
from core.audit.types import Act
from tenants.serializers import AuditEntrySerializer, AuditQuery


class AuditPagination(CursorPagination):
    """Pages in the order of the chain, newest first."""

    orders = ("-seq",)


@extend_schema(
    tags=["audit"],
    parameters=[
        OpenApiParameter("act", enum=[str(act) for act in Act], description="Only this act."),
        OpenApiParameter("actor_id", OpenApiTypes.UUID, description="Only by this actor."),
        OpenApiParameter("since", OpenApiTypes.DATETIME, description="From this instant on."),
        OpenApiParameter("until", OpenApiTypes.DATETIME, description="Before this instant."),
    ],
)
class AuditListView(ListAPIView[AuditEntry]):
    """List the workspace's audit log, newest first."""

    required_scope = "audit:read"
    serializer_class = AuditEntrySerializer
    pagination_class = AuditPagination
    queryset = AuditEntry.objects.none()

    def get_queryset(self) -> QuerySet[AuditEntry]:
        names = ("act", "actor_id", "since", "until")
        query = AuditQuery(data={name: self.request.query_params.get(name) for name in names})
        query.is_valid(raise_exception=True)
        chosen: dict[str, Any] = query.validated_data
        act = chosen.pop("act", None)
        return selectors.entry_list(act=Act(act) if act else None, **chosen)
