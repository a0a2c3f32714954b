"""`/api/v1/settings`: the workspace's settings by group, with their history."""

from __future__ import annotations

from typing import ClassVar

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api import CursorPagination
from core.idempotency.types import Repeat
from tenants.permissions import actor_for
from tenants.preferences import selectors, services
from tenants.preferences.models import SettingChange
from tenants.preferences.registry import group_get, group_list
from tenants.serializers import (
    SettingBody,
    SettingChangeSerializer,
    SettingGroupSerializer,
    SettingRevertBody,
    SettingSerializer,
)


class ChangePagination(CursorPagination):
    """The latest changes first."""

    orders = ("-changed_at",)


class SettingGroupListView(APIView):
    """List the groups of settings."""

    required_scope = "settings:read"

    @extend_schema(
        tags=["settings"],
        operation_id="settings_list",
        responses={200: SettingGroupSerializer(many=True)},
    )
    def get(self, request: Request) -> Response:
        groups = [
            {
                "group": group.key,
                "title": str(group.label),
                "description": str(group.description),
                "owners_only": group.is_owners,
                "schema": group.model.model_json_schema(),
            }
            for group in group_list()
        ]
        return Response(SettingGroupSerializer(groups, many=True).data)


class SettingView(APIView):
    """Show or change one group of settings."""

    required_scopes: ClassVar[dict[str, str]] = {"GET": "settings:read", "PATCH": "settings:write"}
    repeat = Repeat.ATOMIC

    @extend_schema(
        tags=["settings"], operation_id="settings_get", responses={200: SettingSerializer}
    )
    def get(self, request: Request, group: str) -> Response:
        return Response(SettingSerializer(selectors.snapshot_get(group=group)).data)

    @extend_schema(
        tags=["settings"],
        operation_id="settings_change",
        request=SettingBody,
        responses={200: SettingSerializer},
    )
    def patch(self, request: Request, group: str) -> Response:
        """Change the values that are given, from the version that was read."""
        body = SettingBody(data=request.data)
        body.is_valid(raise_exception=True)
        changed = services.setting_change(
            group=group, actor=actor_for(request._request), **body.validated_data
        )
        return Response(SettingSerializer(changed).data)


@extend_schema(tags=["settings"])
class SettingHistoryView(ListAPIView[SettingChange]):
    """List the changes of one group, the latest first."""

    required_scope = "settings:read"
    serializer_class = SettingChangeSerializer
    pagination_class = ChangePagination
    queryset = SettingChange.objects.none()

    def get_queryset(self) -> QuerySet[SettingChange]:
        group = self.kwargs.get("group")  # none while the schema is drawn
        return selectors.change_list(group=group_get(group).key) if group else self.queryset


class SettingRevertView(APIView):
    """Give one group of settings the values of an earlier version."""

    required_scope = "settings:write"
    repeat = Repeat.ATOMIC

    @extend_schema(
        tags=["settings"],
        operation_id="settings_revert",
        request=SettingRevertBody,
        responses={200: SettingSerializer},
    )
    def post(self, request: Request, group: str) -> Response:
        body = SettingRevertBody(data=request.data)
        body.is_valid(raise_exception=True)
        changed = services.setting_revert(
            group=group, actor=actor_for(request._request), **body.validated_data
        )
        return Response(SettingSerializer(changed).data)
