from django.urls import path

from knowledge import views

app_name = "knowledge"
urlpatterns = [
    path("", views.documents, name="documents"),
    path("upload/", views.upload, name="upload"),
    path("url/", views.url_add, name="url_add"),
    path("rows/", views.rows, name="rows"),
    path("test/", views.test, name="test"),
    path("documents/<uuid:document_id>/", views.document, name="document"),
    path("documents/<uuid:document_id>/status/", views.document_status, name="document_status"),
    path("documents/<uuid:document_id>/delete/", views.document_delete, name="document_delete"),
    path("documents/<uuid:document_id>/retry/", views.document_retry, name="document_retry"),
    path("source/<uuid:chunk_id>/", views.source, name="source"),
]
