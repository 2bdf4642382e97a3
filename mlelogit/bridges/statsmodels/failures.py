"""Errors and warnings of this package, as code written for statsmodels expects to catch them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from statsmodels.tools import sm_exceptions

import mlelogit.exceptions as exceptions
from mlelogit.notices import warn_user


# statsmodels has no types, so that its classes are Any to a checker of types.
class MissingDataError(exceptions.MissingDataError, sm_exceptions.MissingDataError):  # type: ignore[misc]
    """Values are missing; caught as this package's error, and as statsmodels'."""


class RankDeficiencyError(exceptions.RankDeficiencyError, np.linalg.LinAlgError):
    """A column is a combination of others; caught as ``LinAlgError`` too."""


class ConvergenceWarning(exceptions.NotConvergedWarning, sm_exceptions.ConvergenceWarning):  # type: ignore[misc]
    """No maximum was reached; seen by whoever looks for statsmodels' warning."""


@contextmanager
def translate_errors() -> Iterator[None]:
    """Raise this package's errors as what code written for statsmodels catches as well."""
    try:
        yield
    except exceptions.MissingDataError as error:
        raise MissingDataError(str(error)) from error
    except exceptions.RankDeficiencyError as error:
        raise RankDeficiencyError(str(error)) from error


def warn_of_no_convergence() -> None:
    """Give statsmodels' own warning too, for code that looks for it."""
    warn_user(
        "Maximum Likelihood optimization failed to converge. Check mle_retvals",
        ConvergenceWarning,
    )
