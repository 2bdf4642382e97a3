"""Correct digits: the log relative error of coefficients, standard errors, log-likelihood."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import mpmath as mp
import numpy as np

from tests.digits.peers import Answer
from tests.digits.reference import DIGITS, Truth

# Half a unit in the last place of a double.
MOST = 15.95
# Coefficients below this part of their standard error are judged by their error in standard errors.
NEAR_ZERO = 0.1


@dataclass(frozen=True)
class Digits:
    """The fewest correct digits among coefficients and standard errors, and the log-likelihood's.

    NaN where an engine does not tell the quantity.
    """

    params: float
    errors: float
    loglike: float

    @property
    def fewest(self) -> float:
        """The fewest of all."""
        return float(np.nanmin([self.params, self.errors, self.loglike]))


def count_digits(error: mp.mpf, size: mp.mpf) -> float:
    """Return ``-log10(|error| / |size|)``, between 0 and `MOST`; 0 if that is not a number."""
    if not mp.isfinite(error):
        return 0.0
    if error == 0:
        return MOST
    return min(max(float(-mp.log10(abs(error / size))), 0.0), MOST)


def measure(answer: Answer, truth: Truth) -> Digits:
    """Count the correct digits of an answer."""
    with mp.workdps(DIGITS):
        params = [mp.mpf(text) for text in truth.params]
        errors = [mp.mpf(text) for text in truth.errors]
        sizes = [
            b if abs(b) >= NEAR_ZERO * error else error
            for b, error in zip(params, errors, strict=True)
        ]
        loglike = mp.mpf(truth.loglike)
        return Digits(
            find_fewest(answer.params, params, sizes),
            np.nan if answer.errors is None else find_fewest(answer.errors, errors, errors),
            np.nan if answer.loglike is None else find_fewest([answer.loglike], [loglike]),
        )


def find_fewest(
    found: Iterable[float], wanted: list[mp.mpf], sizes: list[mp.mpf] | None = None
) -> float:
    """Return the fewest correct digits, of numbers judged relative to given sizes."""
    triples = zip(found, wanted, wanted if sizes is None else sizes, strict=True)
    return min(count_digits(mp.mpf(float(one)) - other, size) for one, other, size in triples)
