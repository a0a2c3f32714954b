from django.urls import path

from routing import views

app_name = "routing"
urlpatterns = [
    path("", views.decisions, name="decisions"),
    path("<uuid:decision_id>/", views.decision, name="decision"),
]
