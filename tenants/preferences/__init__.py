"""Typed settings of a workspace: apps register them, a history keeps them."""

from tenants.preferences.registry import SettingGroup, Shown, Values, group_register
from tenants.preferences.selectors import values_for

__all__ = ["SettingGroup", "Shown", "Values", "group_register", "values_for"]
