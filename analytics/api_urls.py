from django.urls import path

from analytics import api

urlpatterns = [
    path("analytics/daily", api.DailyActivityView.as_view(), name="analytics-daily"),
]
