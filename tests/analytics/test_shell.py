"""What analytics lends to the home page."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from analytics.models import DailyActivity
from core import tenancy
from core.tenancy import TenantContext


def test_home_is_silent_about_a_week_without_activity(sign_in: Callable[..., Client]) -> None:
    assert "Last 7 days" not in sign_in().get("/").content.decode()


@pytest.mark.parametrize(("days_ago", "is_shown"), [(0, True), (6, True), (7, False)])
def test_home_counts_the_last_seven_days(
    sign_in: Callable[..., Client], in_acme: TenantContext, days_ago: int, is_shown: bool
) -> None:
    day = timezone.now().date() - timedelta(days=days_ago)
    DailyActivity.objects.create(day=day, conversations=2, ai_replies=31)
    page = sign_in().get("/").content.decode()
    assert ("Last 7 days" in page) is is_shown
    assert (">31<" in page) is is_shown


def test_home_shows_no_other_workspace_its_numbers(
    sign_in: Callable[..., Client], acme: TenantContext, globex: TenantContext
) -> None:
    with tenancy.tenant_scope(globex):
        DailyActivity.objects.create(day=timezone.now().date(), ai_replies=31)
    assert "Last 7 days" not in sign_in().get("/").content.decode()
