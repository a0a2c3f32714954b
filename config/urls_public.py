"""The platform host: landing, sign-up, admin, API docs."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("", include("tenants.urls_public")),
]
