from django.urls import path

from commerce import api

urlpatterns = [
    path("orders", api.OrderListView.as_view(), name="orders"),
    path("orders/<uuid:pk>", api.OrderDetailView.as_view(), name="order"),
    path("products", api.ProductListView.as_view(), name="products"),
    path("products/<uuid:pk>", api.ProductDetailView.as_view(), name="product"),
]
