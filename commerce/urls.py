from django.urls import path

from commerce import views

app_name = "commerce"
urlpatterns = [
    path("orders/", views.orders, name="orders"),
    path("orders/<str:number>/", views.order, name="order"),
    path("demo/", views.storefront, name="storefront"),
]
