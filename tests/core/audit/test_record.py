"""Recording: in line, with the act, by the current tenant alone, and never altered by us."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

import pytest
from django.db import DatabaseError, connection, connections, transaction

from core import tenancy
from core.audit.actors import actor_current, actor_scope, network_of
from core.audit.models import AuditEntry
from core.audit.record import act_record
from core.audit.types import PLATFORM_CHAIN, Act, Actor, ActorKind
from core.audit.verify import audit_verify
from core.tenancy import TenantContext
from tests.core.audit.chains import PERSON, chain_write


def test_entry_says_who_did_what_to_what(in_acme: TenantContext) -> None:
    number = act_record(
        act=Act.KEY_REVOKED, target_kind="api_key", target_id="k1", data={"n": 1}, actor=PERSON
    )
    entry = AuditEntry.objects.get(seq=number)
    assert (entry.act, entry.actor_kind, entry.actor_id) == ("api_key.revoked", "person", PERSON.id)
    assert (entry.target_kind, entry.target_id, entry.network) == ("api_key", "k1", "192.0.2.0/24")
    assert json.loads(entry.data) == {"n": 1}
    assert len(entry.hash) == 32


def test_numbers_follow_each_other_in_each_chain(
    acme: TenantContext, globex: TenantContext
) -> None:
    for tenant in (acme, globex):
        with tenancy.tenant_scope(tenant):
            first = act_record(act=Act.SIGNED_IN)
            assert act_record(act=Act.SIGNED_OUT) == first + 1


def test_without_a_request_the_system_acts(in_acme: TenantContext) -> None:
    act_record(act=Act.WORKFLOW_PUBLISHED)
    assert AuditEntry.objects.latest("seq").actor_kind == "system"


def test_actor_is_asked_when_something_is_recorded() -> None:
    known = [Actor(ActorKind.SYSTEM)]
    with actor_scope(lambda: known[-1]):
        known.append(PERSON)
        assert actor_current() == PERSON
    assert actor_current() == Actor(ActorKind.SYSTEM)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:1:2:3::4", "2001:db8:1::/48"),
        ("::ffff:192.0.2.77", "192.0.2.0/24"),
        ("", ""),
        ("unix:", ""),
    ],
)
def test_network_leaves_the_person_out(address: str, network: str) -> None:
    assert network_of(address) == network


def test_entry_goes_with_the_act_that_is_rolled_back(in_acme: TenantContext) -> None:
    before = AuditEntry.objects.count()
    with transaction.atomic():
        act_record(act=Act.KEY_CREATED)
        transaction.set_rollback(True)
    assert AuditEntry.objects.count() == before
    assert act_record(act=Act.KEY_CREATED) == before + 1


def test_other_tenant_reads_none_of_it(acme: TenantContext, globex: TenantContext) -> None:
    with tenancy.tenant_scope(acme):
        act_record(act=Act.KEY_CREATED)
    with tenancy.tenant_scope(globex):
        assert not AuditEntry.objects.filter(tenant_id=acme.id).exists()


def test_application_writes_no_other_chain(in_acme: TenantContext, globex: TenantContext) -> None:
    for chain in (globex.id, PLATFORM_CHAIN):
        with pytest.raises(DatabaseError, match="current tenant alone"), transaction.atomic():
            act_record(act=Act.KEY_CREATED, tenant_id=chain)


def test_platform_writes_its_own_chain_and_a_tenants(acme: TenantContext) -> None:
    with tenancy.platform_scope():
        act_record(act=Act.ADMIN_CHANGED)
        act_record(act=Act.ADMIN_CHANGED, tenant_id=acme.id)
        chains = AuditEntry.objects.order_by("-id").values_list("tenant_id", flat=True)[:2]
        assert list(chains) == [acme.id, PLATFORM_CHAIN]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE core_auditentry SET act = 'x'",
        "DELETE FROM core_auditentry",
        "TRUNCATE core_auditentry",
        "UPDATE core_audithead SET seq = 0",
        "DELETE FROM core_auditcheckpoint",
        "INSERT INTO core_audithead VALUES (gen_random_uuid(), 1, '')",
    ],
)
@pytest.mark.parametrize("alias", ["default", "platform"])
def test_our_roles_alter_nothing(in_acme: TenantContext, alias: str, statement: str) -> None:
    with (
        pytest.raises(DatabaseError, match="permission denied"),
        transaction.atomic(using=alias),
        connections[alias].cursor() as cursor,
    ):
        cursor.execute(statement)


def test_recording_is_one_query(in_acme: TenantContext) -> None:
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as queries:
        act_record(act=Act.KEY_CREATED)
    assert len(queries) == 1


def entries(tenant: TenantContext) -> list[int]:
    with tenancy.tenant_scope(tenant):
        return list(AuditEntry.objects.order_by("seq").values_list("seq", flat=True))


@pytest.mark.django_db(transaction=True)
def test_concurrent_acts_stand_in_one_line(acme: TenantContext, globex: TenantContext) -> None:
    def write(tenant: TenantContext) -> None:
        try:
            chain_write(tenant, 5)
        finally:
            connection.close()

    before = {tenant: entries(tenant) for tenant in (acme, globex)}
    contexts = [(copy_context(), tenant) for _ in range(8) for tenant in (acme, globex)]
    with ThreadPoolExecutor(16) as pool:
        for done in [pool.submit(context.run, write, tenant) for context, tenant in contexts]:
            done.result()
    for tenant in (acme, globex):
        numbers = entries(tenant)
        assert numbers == list(range(1, len(before[tenant]) + 41))
    assert audit_verify().findings == []
