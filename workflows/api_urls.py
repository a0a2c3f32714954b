"""REST addresses of workflows, under /api/v1/."""

from django.urls import path

from workflows import api, measure_api, replay_api, run_api, version_api

_NAME = "workflows/<str:name>"
_VERSION = f"{_NAME}/versions/<str:content_hash>"

urlpatterns = [
    path("workflows", api.WorkflowListView.as_view(), name="api_workflows"),
    path("workflows/validate", api.WorkflowValidateView.as_view(), name="api_workflows_validate"),
    path("workflows/analytics", measure_api.WorkflowsFiguresView.as_view(), name="api_figures"),
    path("workflows/stop", version_api.StopView.as_view(), name="api_workflows_stop"),
    path("workflows/resume", version_api.ResumeView.as_view(), name="api_workflows_resume"),
    path(f"{_NAME}/versions", version_api.VersionListView.as_view(), name="api_versions"),
    path(_VERSION, version_api.VersionDetailView.as_view(), name="api_version"),
    path(
        f"{_VERSION}/validate", version_api.VersionValidateView.as_view(), name="api_version_check"
    ),
    path(
        f"{_VERSION}/publish", version_api.VersionPublishView.as_view(), name="api_version_publish"
    ),
    path(f"{_NAME}/analytics", measure_api.StepsFiguresView.as_view(), name="api_step_figures"),
    path(f"{_NAME}/rollback", version_api.RollbackView.as_view(), name="api_rollback"),
    path(f"{_NAME}/retire", version_api.RetireView.as_view(), name="api_retire"),
    path(f"{_NAME}/compare", version_api.DiffView.as_view(), name="api_compare"),
    path(f"{_NAME}/drafts", version_api.DraftListView.as_view(), name="api_drafts"),
    path(
        f"{_NAME}/drafts/<uuid:draft_id>", version_api.DraftDetailView.as_view(), name="api_draft"
    ),
    path("runs", api.RunListView.as_view(), name="api_runs"),
    path("runs/<uuid:run_id>", api.RunDetailView.as_view(), name="api_run"),
    path("runs/<uuid:run_id>/cancel", run_api.RunCancelView.as_view(), name="api_run_cancel"),
    path("runs/<uuid:run_id>/redrive", run_api.RunRedriveView.as_view(), name="api_run_redrive"),
    path("approvals", run_api.ApprovalListView.as_view(), name="api_approvals"),
    path("approvals/<uuid:wait_id>", run_api.ApprovalDetailView.as_view(), name="api_approval"),
    path("runs/<uuid:run_id>/replay", replay_api.ReplayView.as_view(), name="api_run_replay"),
]
