"""The step types: one file each. This is where the business apps meet."""

import importlib
import pkgutil


def load() -> None:
    """Import every file of this package, which registers its step types."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
