from django.urls import path

from billing import api

urlpatterns = [
    path("usage", api.UsageView.as_view(), name="usage"),
    path("usage/entries", api.UsageEntryListView.as_view(), name="usage-entries"),
]
