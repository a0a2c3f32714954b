"""The platform host: landing, sign-up, admin, API docs."""

from django.contrib import admin
from django.urls import include, path

from core.problems import urlpatterns as problem_pages
from tenants.urls_accounts import PLATFORM, SECURITY

urlpatterns = [
    *PLATFORM,
    path("admin/security/", include(SECURITY)),
    path("admin/", admin.site.urls),
    *problem_pages,
    path("", include("tenants.urls_public")),
]

handler400 = "core.http.bad_request"
handler404 = "core.http.not_found"
handler500 = "core.http.server_error"
