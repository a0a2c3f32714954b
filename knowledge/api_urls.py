from django.urls import path

from knowledge import api

urlpatterns = [
    path("documents", api.DocumentListView.as_view(), name="documents"),
    path("documents/<uuid:document_id>", api.DocumentDetailView.as_view(), name="document"),
    path("knowledge/search", api.KnowledgeSearchView.as_view(), name="knowledge-search"),
]
