"""REST addresses of workflows, under /api/v1/."""

from django.urls import path

from workflows import api

urlpatterns = [
    path("workflows", api.WorkflowListView.as_view(), name="api_workflows"),
    path("workflows/validate", api.WorkflowValidateView.as_view(), name="api_workflows_validate"),
    path("runs", api.RunListView.as_view(), name="api_runs"),
    path("runs/<uuid:run_id>", api.RunDetailView.as_view(), name="api_run"),
]
