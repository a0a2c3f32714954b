from django.urls import path

from billing import views

app_name = "billing"
urlpatterns = [
    path("usage/", views.usage, name="usage"),
    path("usage.csv", views.usage_csv, name="usage_csv"),
    path("usage/entries.csv", views.entries_csv, name="entries_csv"),
]
