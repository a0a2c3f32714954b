"""Feature flags and experiments: declared in code, switched by the platform and by workspaces."""

from tenants.flags.evaluation import is_on, is_running
from tenants.flags.exposure import outcome_record, variant
from tenants.flags.registry import flag_declare
from tenants.flags.types import FlagSpec, Variant

__all__ = [
    "FlagSpec",
    "Variant",
    "flag_declare",
    "is_on",
    "is_running",
    "outcome_record",
    "variant",
]
