"""Adapters that hand a fit to other packages, each imported when it is used."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

__all__ = ["maketables", "marginaleffects", "statsmodels"]

if TYPE_CHECKING:
    from mlelogit.bridges import maketables, marginaleffects, statsmodels
else:

    def __getattr__(name: str) -> object:
        if name not in __all__:
            raise AttributeError(f"module 'mlelogit.bridges' has no attribute {name!r}")
        return importlib.import_module(f"mlelogit.bridges.{name}")


def __dir__() -> list[str]:
    return sorted(__all__)
