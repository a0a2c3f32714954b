"""Prepare the stock peer's schema: its tables, a copy of the tenant's products, a user's token."""

from __future__ import annotations

import os

import django

COLUMNS = "id, sku, name, description, category, price_minor, currency"


def prepare() -> str:
    """Migrate, copy, and return the token."""
    from django.contrib.auth.models import User
    from django.core.management import call_command
    from django.db import connection
    from rest_framework.authtoken.models import Token

    call_command("migrate", verbosity=0)
    tenant = connection.ops.quote_name(os.environ["BENCH_TENANT_SCHEMA"])
    with connection.cursor() as cursor:
        copied = f"SELECT {COLUMNS} FROM {tenant}.commerce_product"  # noqa: S608 - our own schema
        cursor.execute(f"CREATE TABLE product AS {copied}")
        cursor.execute("ALTER TABLE product ADD PRIMARY KEY (id)")
    return str(Token.objects.create(user=User.objects.create_user("bench")).key)


if __name__ == "__main__":
    django.setup()
    print(prepare())
