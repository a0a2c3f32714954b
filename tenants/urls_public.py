"""Pages of the platform host."""

from django.urls import path

from tenants.views import platform

app_name = "platform"
urlpatterns = [
    path("", platform.landing, name="landing"),
    path("signup/", platform.sign_up, name="signup"),
    path("signup/slug/", platform.slug_state, name="slug_state"),
    path("login/", platform.workspace_choose, name="login"),
]
