"""A workspace is created by replaying the template: at once, and exactly."""

from __future__ import annotations

import re
from collections.abc import Iterator

import psycopg
import pytest
from django.db import DatabaseError, connection, connections, transaction
from django.db.models import Model

from core import directory, tenancy
from core.tenancy import TenantContext
from tenants import errors, selectors, services
from tenants.models import ApiKey, Domain, Membership, Tenant
from tests.services import SUPERUSER


@pytest.fixture
def fresh(db: None, django_db_blocker: object) -> Iterator[None]:
    """Drop what a test creates beside the two standing tenants."""
    yield
    with psycopg.connect(SUPERUSER, dbname=connection.settings_dict["NAME"], autocommit=True) as s:
        rows = s.execute(
            "SELECT id, schema_name FROM tenants_tenant WHERE slug LIKE 'fresh%'"
        ).fetchall()
        for tenant_id, schema in rows:
            s.execute(f'DROP SCHEMA IF EXISTS "{schema}" CASCADE')
            for table in ("domain", "membership", "apikey"):
                where = f"DELETE FROM tenants_{table} WHERE tenant_id = %s"  # noqa: S608 - constants
                s.execute(where, (tenant_id,))
            s.execute("DELETE FROM tenants_tenant WHERE id = %s", (tenant_id,))
    directory.cache_forget()


def _columns(schema: str) -> list[tuple[object, ...]]:
    with tenancy.public_scope(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull "
            "FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid "
            "JOIN pg_namespace n ON n.oid = c.relnamespace "
            "WHERE n.nspname = %s AND a.attnum > 0 ORDER BY 1, 2",
            (schema,),
        )
        columns: list[tuple[object, ...]] = cursor.fetchall()
        return columns


@pytest.mark.django_db(transaction=True)
def test_new_workspace_equals_the_template(fresh: None, world: object) -> None:
    tenant = services.tenant_create(name="Fresh", slug="fresh-one")
    assert _columns(tenant.schema_name) == _columns("fd_template")
    assert _columns(tenant.schema_name) != []


@pytest.mark.django_db(transaction=True)
def test_sign_up_gives_a_workspace_its_owner_can_enter(fresh: None, world: object) -> None:
    made = services.workspace_sign_up(
        name="Fresh", slug="fresh-two", email="Owner@Fresh.example.com", password="correct horse 42"
    )
    tenant = selectors.tenant_for_host("fresh-two.localhost:8000")
    assert tenant is not None
    with tenancy.tenant_scope(tenant):
        ticket = re.search(r"/login/ticket/([^/]+)/", made.login_url)
        assert ticket is not None
        person = services.login_ticket_consume(ticket=ticket[1])
        assert person.email == "owner@fresh.example.com"
        with pytest.raises(errors.TicketInvalid):
            services.login_ticket_consume(ticket=ticket[1])


@pytest.mark.django_db(transaction=True)
def test_sign_up_with_a_known_email_needs_its_password(fresh: None, world: object) -> None:
    email = "owner@acme.example.com"
    with pytest.raises(errors.EmailTaken):
        services.workspace_sign_up(
            name="Fresh", slug="fresh-three", email=email, password="not the password 1"
        )
    assert selectors.tenant_for_host("fresh-three.localhost") is None


@pytest.mark.parametrize(
    ("slug", "error"),
    [
        ("ab", errors.SlugInvalid),
        ("Upper", errors.SlugInvalid),
        ("under_score", errors.SlugInvalid),
        ("1st", errors.SlugInvalid),
        ("two--dashes", errors.SlugInvalid),
        ("x" * 41, errors.SlugInvalid),
        ('a"; drop schema public', errors.SlugInvalid),
        ("admin", errors.SlugReserved),
        ("acme", errors.SlugTaken),
    ],
)
def test_slug_that_may_not_be_used_is_refused(
    world: object, db: None, slug: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        services.slug_check(slug)


def test_application_role_cannot_create_schemas(in_acme: TenantContext) -> None:
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT tenant_schema_create(%s)", (str(in_acme.id),))
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA t_mine")


@pytest.mark.parametrize("model", [Tenant, Domain, Membership, ApiKey])
def test_row_level_security_hides_the_other_tenants_rows(
    acme: TenantContext, globex: TenantContext, model: type[Model]
) -> None:
    key = "pk" if model is Tenant else "tenant_id"
    with tenancy.tenant_scope(globex):
        services.api_key_create(name="theirs", scopes=["knowledge:read"])
    with tenancy.tenant_scope(acme):
        services.api_key_create(name="mine", scopes=["knowledge:read"])
        assert {getattr(row, key) for row in model._default_manager.all()} == {acme.id}
    assert model._default_manager.count() == 0  # the shared schema is nobody's


def test_row_level_security_refuses_writing_for_another_tenant(
    acme: TenantContext, globex: TenantContext
) -> None:
    with tenancy.tenant_scope(acme), pytest.raises(DatabaseError), transaction.atomic():
        ApiKey.objects.create(tenant_id=globex.id, name="x", prefix="p", secret_hash="h")


def test_application_role_is_bound_by_row_level_security(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user")
        assert cursor.fetchone() == (False, False)


def test_every_shared_table_with_tenant_rows_is_protected(world: object, db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
            "JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id' "
            "WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relispartition "
            "AND NOT (c.relrowsecurity AND c.relforcerowsecurity)"
        )
        assert cursor.fetchall() == []


def test_platform_role_sees_every_tenant(world: object, db: None) -> None:
    with tenancy.platform_scope():
        assert set(Tenant.objects.values_list("slug", flat=True)) >= {"acme", "globex"}
    assert connections["platform"].settings_dict["USER"] == "frontdesk_platform"


def test_api_key_of_another_tenant_is_refused(acme: TenantContext, globex: TenantContext) -> None:
    with tenancy.tenant_scope(globex):
        secret = services.api_key_create(name="theirs", scopes=["knowledge:read"]).secret
        assert services.api_key_verify(secret=secret).name == "theirs"
    with tenancy.tenant_scope(acme), pytest.raises(errors.ApiKeyInvalid):
        services.api_key_verify(secret=secret)


def test_revoked_api_key_is_refused(in_acme: TenantContext) -> None:
    made = services.api_key_create(name="mine", scopes=["knowledge:read"])
    services.api_key_revoke(key_id=made.id)
    with pytest.raises(errors.ApiKeyInvalid):
        services.api_key_verify(secret=made.secret)
