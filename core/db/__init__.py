"""The database engine: django-tenants' Postgres backend, driven by `core.tenancy`."""
