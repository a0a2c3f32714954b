"""Addresses of the workflow pages, under /workflows/."""

from django.urls import path

from workflows import views

app_name = "workflows"

urlpatterns = [
    path("", views.index, name="index"),
    path("runs/", views.runs, name="runs"),
    path("runs/<uuid:run_id>/", views.run, name="run"),
    path("<str:name>/", views.workflow, name="workflow"),
    path("<str:name>/edit/", views.edit, name="edit"),
]
