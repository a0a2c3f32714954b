"""Exposures, outcomes and what they come to, for one workspace and for the platform."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import ProgrammingError, connection, transaction

from core import tenancy
from core.tenancy import TenantContext
from tenants import flags
from tenants.flags import services
from tenants.flags.experiments import experiment_list, experiment_result
from tenants.flags.significance import Verdict
from tenants.models import Exposure, Outcome
from tests.conftest import World
from tests.tenants.flags.conftest import OWNER, PLATFORM

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def acme(world: World) -> TenantContext:
    return world.tenants["acme"]


@pytest.fixture
def globex(world: World) -> TenantContext:
    return world.tenants["globex"]


@pytest.fixture
def running(acme: TenantContext) -> None:
    services.flag_update(name="colour", actor=PLATFORM, everyone=True)


def seen(tenant: TenantContext, subjects: int, prefix: str = "s") -> dict[str, str]:
    """Show the experiment to subjects and return what each saw."""
    with tenancy.tenant_scope(tenant):
        names = [f"{prefix}{number}-{tenant.slug}" for number in range(subjects)]
        return {name: flags.variant("colour", subject=name) for name in names}


def counts(name: str = "colour") -> dict[str, tuple[int, int]]:
    found = experiment_result(name=name).variants
    return {result.key: (result.arm.subjects, result.arm.reached) for result in found}


def test_nobody_is_exposed_while_the_flag_is_off(acme: TenantContext) -> None:
    assert set(seen(acme, 5).values()) == {""}
    with tenancy.tenant_scope(acme):
        assert not Exposure.objects.exists()


def test_subject_sees_the_same_each_time_and_is_logged_once(
    running: None, acme: TenantContext, django_assert_num_queries: Any
) -> None:
    first = seen(acme, 20)
    assert set(first.values()) == {"control", "blue"}
    with django_assert_num_queries(0):
        assert seen(acme, 20) == first
    with tenancy.tenant_scope(acme):
        assert Exposure.objects.count() == 20


def test_second_process_adds_no_second_row(
    running: None, acme: TenantContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen(acme, 3)
    monkeypatch.setattr("tenants.flags.exposure._known", set())  # a process that knows nothing
    seen(acme, 3)
    with tenancy.tenant_scope(acme):
        assert Exposure.objects.count() == 3


def test_exposure_that_was_rolled_back_is_logged_the_next_time(
    running: None, acme: TenantContext
) -> None:
    with tenancy.tenant_scope(acme):
        with transaction.atomic():
            flags.variant("colour", subject="rolled-back")
            transaction.set_rollback(True)
        assert not Exposure.objects.exists()
        flags.variant("colour", subject="rolled-back")
        assert Exposure.objects.count() == 1


def test_outcome_counts_for_whoever_was_exposed_and_once(
    running: None, acme: TenantContext
) -> None:
    shown = seen(acme, 30)
    blue = [subject for subject, variant in shown.items() if variant == "blue"]
    with tenancy.tenant_scope(acme):
        for subject in (*blue[:4], *blue[:4]):
            assert flags.outcome_record("colour", subject=subject)
        assert not flags.outcome_record("colour", subject="never seen")
        assert Outcome.objects.count() == 4
        assert counts() == {"control": (30 - len(blue), 0), "blue": (len(blue), 4)}


def test_workspaces_see_their_own_and_the_platform_sees_all(
    running: None, acme: TenantContext, globex: TenantContext
) -> None:
    seen(acme, 30)
    theirs = seen(globex, 10)
    with tenancy.tenant_scope(globex):
        for subject in theirs:
            flags.outcome_record("colour", subject=subject)
        assert sum(subjects for subjects, _ in counts().values()) == 10
    with tenancy.tenant_scope(acme):
        assert not flags.outcome_record("colour", subject=next(iter(theirs)))
        assert sum(subjects for subjects, _ in counts().values()) == 30
        assert sum(reached for _, reached in counts().values()) == 0
    with tenancy.platform_scope():
        found = counts()
    assert sum(subjects for subjects, _ in found.values()) == 40
    assert sum(reached for _, reached in found.values()) == 10


def test_whoever_saw_two_variants_is_left_out(running: None, acme: TenantContext) -> None:
    before = seen(acme, 60)
    services.flag_update(name="colour", actor=PLATFORM, variants={"control": 1, "blue": 4})
    after = seen(acme, 60)
    moved = sum(before[subject] != after[subject] for subject in before)
    assert moved
    with tenancy.tenant_scope(acme):
        result = experiment_result(name="colour")
        assert result.left_out == moved
        assert sum(found.arm.subjects for found in result.variants) == 60 - moved


def test_workspace_leaves_the_experiment(running: None, acme: TenantContext) -> None:
    with tenancy.tenant_scope(acme):
        services.override_set(name="colour", is_on=False, actor=OWNER)
    assert set(seen(acme, 5, "later").values()) == {""}


def test_only_the_percentage_takes_part(acme: TenantContext) -> None:
    services.flag_update(name="colour", actor=PLATFORM, percent=30)
    shown = seen(acme, 200)
    part = [subject for subject, variant in shown.items() if variant]
    assert 35 <= len(part) <= 85
    with tenancy.tenant_scope(acme):
        assert Exposure.objects.count() == len(part)


def test_result_compares_every_variant_with_the_first(running: None, acme: TenantContext) -> None:
    with tenancy.tenant_scope(acme):
        rows = [
            Exposure(tenant_id=acme.id, experiment="colour", subject=f"{key}{n}", variant=key)
            for key in ("control", "blue")
            for n in range(800)
        ]
        Exposure.objects.bulk_create(rows)
        Outcome.objects.bulk_create(
            Outcome(tenant_id=acme.id, experiment="colour", subject=f"{key}{n}", goal="bought")
            for key, reached in (("control", 80), ("blue", 200))
            for n in range(reached)
        )
        result = experiment_result(name="colour")
    control, blue = result.variants
    assert control.comparison is None
    assert blue.comparison is not None
    assert blue.comparison.verdict is Verdict.BETTER
    assert blue.comparison.difference == pytest.approx(0.15)
    words = result.rows[1]
    assert words.share == "200 (25.0%)"
    assert words.verdict.startswith("Better: +15.0 [+")


def test_experiments_are_the_flags_with_variants() -> None:
    assert [spec.name for spec in experiment_list()] == ["colour", "widget_greeting"]


@pytest.mark.parametrize(
    "statement", ["DELETE FROM tenants_exposure", "UPDATE tenants_outcome SET goal = 'x'"]
)
def test_log_cannot_be_altered(running: None, acme: TenantContext, statement: str) -> None:
    with (
        tenancy.tenant_scope(acme),
        pytest.raises(ProgrammingError, match="permission denied"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)
