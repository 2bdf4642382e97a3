"""Adapters that hand a fit to other packages, each imported when it is used."""

from __future__ import annotations

import importlib
from types import ModuleType

__all__ = ["maketables", "marginaleffects", "statsmodels"]


def __getattr__(name: str) -> ModuleType:
    if name not in __all__:
        raise AttributeError(f"module 'mlelogit.bridges' has no attribute {name!r}")
    return importlib.import_module(f"mlelogit.bridges.{name}")


def __dir__() -> list[str]:
    return sorted(__all__)
