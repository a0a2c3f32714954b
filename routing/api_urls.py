from django.urls import path

from routing import api

urlpatterns = [
    path("router/decide", api.RouterDecideView.as_view(), name="router-decide"),
    path("router/decisions", api.RoutingDecisionListView.as_view(), name="router-decisions"),
    path(
        "router/decisions/<uuid:pk>",
        api.RoutingDecisionDetailView.as_view(),
        name="router-decision",
    ),
]
