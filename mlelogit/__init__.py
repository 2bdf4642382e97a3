"""Multinomial logit by explicit maximum likelihood.

The public names, in the order of a user's path: a model, its results, the
proof that the fit is what it claims, data sets and errors.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from mlelogit.version import VERSION

__version__ = VERSION

_HOMES = {
    "mnlogit": "mlelogit.model",
    "MNLogit": "mlelogit.model",
    "MNLogitResults": "mlelogit.results",
    "MNLogitClassifier": "mlelogit.estimator",
    "load": "mlelogit.results",
    "compare_models": "mlelogit.comparison",
    "equivalence": "mlelogit.equivalence",
    "bridges": "mlelogit.bridges",
    "networks": "mlelogit.networks",
    "from_sql": "mlelogit.data.streaming.sources.duckdb",
    "allow_memory": "mlelogit.data.limits",
    "datasets": "mlelogit.datasets",
    "exceptions": "mlelogit.exceptions",
}

# Not in __all__: without its extra a star import would fail.
EXTRA = ("MNLogitClassifier",)

# The same once more, for editors and type checkers.
if TYPE_CHECKING:
    from mlelogit import bridges, datasets, equivalence, exceptions, networks
    from mlelogit.comparison import compare_models
    from mlelogit.data.limits import allow_memory
    from mlelogit.data.streaming.sources.duckdb import from_sql
    from mlelogit.estimator import MNLogitClassifier as MNLogitClassifier
    from mlelogit.model import MNLogit, mnlogit
    from mlelogit.results import MNLogitResults, load

__all__ = [
    "MNLogit",
    "MNLogitResults",
    "__version__",
    "allow_memory",
    "bridges",
    "compare_models",
    "datasets",
    "equivalence",
    "exceptions",
    "from_sql",
    "load",
    "mnlogit",
    "networks",
]

if not TYPE_CHECKING:  # They would take it that every name is there.

    def __getattr__(name: str) -> Any:
        if name not in _HOMES:
            raise AttributeError(f"module 'mlelogit' has no attribute {name!r}")
        home = importlib.import_module(_HOMES[name])
        value = home if home.__name__ == f"mlelogit.{name}" else getattr(home, name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted([*__all__, *EXTRA])
