from django.urls import path

from analytics import views

app_name = "analytics"
urlpatterns = [
    path("", views.activity, name="activity"),
    path("activity.csv", views.activity_csv, name="activity_csv"),
]
