"""What an experiment has found so far: in one workspace, or over all for the platform."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connections
from django.utils.translation import gettext_lazy as _

from core.db.router import database_alias
from tenants.flags.registry import spec_get, spec_list
from tenants.flags.significance import Arm, Comparison, Interval, Verdict, compare
from tenants.flags.types import FlagSpec

# Whoever saw two variants, because weights were changed meanwhile, tells nothing of either.
_COUNTED = """
WITH seen AS (
    SELECT tenant_id, subject, min(variant) AS variant, count(*) AS variants
    FROM tenants_exposure WHERE experiment = %s GROUP BY tenant_id, subject
)
SELECT CASE WHEN variants = 1 THEN variant ELSE '' END, count(*), count(o.id)
FROM seen LEFT JOIN tenants_outcome o ON o.tenant_id = seen.tenant_id AND o.experiment = %s
    AND o.subject = seen.subject AND o.goal = %s
GROUP BY 1
"""


@dataclass(frozen=True, slots=True)
class VariantResult:
    """One variant; the control is compared with nothing."""

    key: str
    arm: Arm
    comparison: Comparison | None


@dataclass(frozen=True, slots=True)
class ExperimentResult:
    """All variants, and how many subjects were left out because they saw more than one."""

    spec: FlagSpec
    variants: tuple[VariantResult, ...]
    left_out: int

    @property
    def rows(self) -> list[ResultRow]:
        """Return the variants in words, for people."""
        return [_row(found) for found in self.variants]


@dataclass(frozen=True, slots=True)
class ResultRow:
    """A variant in words; `details` are the numbers behind the verdict."""

    label: str
    subjects: int
    share: str
    verdict: str
    details: str


VERDICTS = {
    Verdict.TOO_EARLY: _("Too early to tell"),
    Verdict.UNDECIDED: _("No difference shown so far"),
    Verdict.BETTER: _("Better"),
    Verdict.WORSE: _("Worse"),
}


def _row(found: VariantResult) -> ResultRow:
    share = f"{found.arm.reached} ({found.arm.rate:.1%})"
    if found.comparison is None:
        return ResultRow(found.key, found.arm.subjects, share, "", "")
    compared = found.comparison
    verdict = str(VERDICTS[compared.verdict])
    if compared.verdict is not Verdict.TOO_EARLY:
        verdict = f"{verdict}: {_points(compared.difference, compared.interval_always)}"
    details = (
        f"p {compared.p_always:.4f} at any look; for one look p {compared.p_fixed:.4f} "
        f"({compared.test}), {_points(compared.difference, compared.interval_fixed)}"
    )
    return ResultRow(found.key, found.arm.subjects, share, verdict, details)


def _points(difference: float, interval: Interval) -> str:
    """Return a difference in percentage points with its 95 % interval."""
    low, high = interval
    return f"{difference * 100:+.1f} [{low * 100:+.1f}, {high * 100:+.1f}]"


def experiment_list() -> list[FlagSpec]:
    """Return the declared flags that have variants."""
    return [spec for spec in spec_list() if spec.variants]


def experiment_result(*, name: str) -> ExperimentResult:
    """Return what was counted in the current scope: a tenant's own rows, or the platform's all.

    Raises FlagUnknown.
    """
    spec = spec_get(name)
    with connections[database_alias()].cursor() as cursor:
        cursor.execute(_COUNTED, (name, name, spec.goal))
        arms = {variant: Arm(subjects, reached) for variant, subjects, reached in cursor.fetchall()}
    left_out = arms.pop("", Arm(0, 0)).subjects
    control = arms.get(spec.variants[0].key, Arm(0, 0)) if spec.variants else Arm(0, 0)
    return ExperimentResult(
        spec, tuple(_result(spec, found.key, arms, control) for found in spec.variants), left_out
    )


def _result(spec: FlagSpec, key: str, arms: dict[str, Arm], control: Arm) -> VariantResult:
    arm = arms.get(key, Arm(0, 0))
    if key == spec.variants[0].key:
        return VariantResult(key, arm, None)
    comparisons = len(spec.variants) - 1
    return VariantResult(key, arm, compare(arm, control, comparisons=comparisons))
