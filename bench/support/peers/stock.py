"""Django REST framework as its tutorial leaves it, on ASGI with a pool, for the same row.

`TokenAuthentication` (one SELECT with a join), `IsAuthenticated`, `UserRateThrottle` over the Redis
cache, a `ModelViewSet` (one SELECT). One schema, no tenants.
"""

from __future__ import annotations

from typing import Any

from django.db import models
from rest_framework import routers, serializers, viewsets


class Product(models.Model):
    id = models.UUIDField(primary_key=True)
    sku = models.CharField(max_length=40)
    name = models.CharField(max_length=160)
    description = models.TextField()
    category = models.CharField(max_length=80)
    price_minor = models.PositiveIntegerField()
    currency = models.CharField(max_length=3)

    objects: models.Manager[Product] = models.Manager()

    class Meta:
        app_label = "bench"
        db_table = "product"
        managed = False


class ProductSerializer(serializers.ModelSerializer[Product]):
    class Meta:
        model = Product
        fields = "__all__"


class ProductViewSet(viewsets.ModelViewSet[Product]):
    queryset = Product.objects.all()
    serializer_class = ProductSerializer


router = routers.DefaultRouter(trailing_slash=False)
router.register("products", ProductViewSet)
urlpatterns: list[Any] = router.urls
