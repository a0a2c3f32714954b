"""Addresses of the workflow pages, under /workflows/."""

from django.urls import path

from workflows import measure_views, replay_views, run_views, version_views, views

app_name = "workflows"

# No name of a workflow has a hyphen, so none can hide `runs-stop/`.
urlpatterns = [
    path("", views.index, name="index"),
    path("runs/", views.runs, name="runs"),
    path("runs/<uuid:run_id>/", views.run, name="run"),
    path("runs/<uuid:run_id>/replay/", replay_views.replay, name="replay"),
    path("runs/<uuid:run_id>/cancel/", run_views.cancel, name="run_cancel"),
    path("runs/<uuid:run_id>/redrive/", run_views.redrive, name="run_redrive"),
    path("runs-approvals/", run_views.approvals, name="approvals"),
    path("runs-approvals/<uuid:wait_id>/", run_views.approval_decide, name="approval_decide"),
    path("runs-stop/", version_views.stop, name="stop"),
    path("runs-resume/", version_views.resume, name="resume"),
    path("runs-figures/", measure_views.overview, name="figures"),
    path("<str:name>/", views.workflow, name="workflow"),
    path("<str:name>/edit/", version_views.edit, name="edit"),
    path("<str:name>/versions/", version_views.index, name="versions"),
    path("<str:name>/figures/", measure_views.steps, name="steps"),
    path("<str:name>/compare/", version_views.compare, name="compare"),
    path("<str:name>/rollback/", version_views.rollback, name="rollback"),
    path("<str:name>/retire/", version_views.retire, name="retire"),
    path(
        "<str:name>/versions/<str:content_hash>/validate/",
        version_views.validate,
        name="validate",
    ),
    path("<str:name>/versions/<str:content_hash>/publish/", version_views.publish, name="publish"),
    path(
        "<str:name>/drafts/<uuid:draft_id>/delete/", version_views.draft_delete, name="draft_delete"
    ),
]
