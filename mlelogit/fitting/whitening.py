"""A log-likelihood in whitened coordinates, negated, in the form scipy asks for."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.linalg import solve_triangular

from mlelogit.fitting.likelihood import Sums

REMEMBERED = 3


class Whitened:
    """Minus a log-likelihood at ``θ₀ + L⁻ᵀ z``, less its value at θ₀.

    scipy asks for value, gradient and Hessian in separate calls at one point, so
    the last few points are remembered.

    Parameters
    ----------
    measure : callable
        ``measure(params, order)`` returns the sums at params.
    start : numpy.ndarray
        θ₀ (P,).
    factor : numpy.ndarray
        L (P, P), lower triangular.
    sums : Sums
        At the start.
    """

    def __init__(
        self,
        measure: Callable[[np.ndarray, int], Sums],
        start: np.ndarray,
        factor: np.ndarray,
        sums: Sums,
    ) -> None:
        self.measure = measure
        self.start, self.factor = start, factor
        self.floor = sums.loglike
        self.origin = np.zeros(len(start))
        self.last = self.origin
        self.known: dict[bytes, Sums] = {self.origin.tobytes(): sums}

    @property
    def length(self) -> float:
        """Length of the gradient at the start."""
        return float(np.linalg.norm(self.jac(self.origin)))

    def place(self, z: np.ndarray) -> np.ndarray:
        """Return the parameters at z."""
        if not z.any():
            return self.start
        return self.start + solve_triangular(self.factor, z, lower=True, trans="T")

    def sums(self, z: np.ndarray, order: int) -> Sums:
        """Return the sums at z, with the information if order is 2."""
        key = np.ascontiguousarray(z).tobytes()
        found = self.known.get(key)
        if found is None or (order == 2 and found.information is None):
            found = self.measure(self.place(z), order)
            self.known[key] = found
            for stale in list(self.known)[:-REMEMBERED]:
                del self.known[stale]
        return found

    def fun(self, z: np.ndarray) -> float:
        """Return the value at z."""
        return -(self.sums(z, 1).loglike - self.floor)

    def jac(self, z: np.ndarray) -> np.ndarray:
        """Return the gradient at z."""
        score = np.asarray(self.sums(z, 1).score)
        return -solve_triangular(self.factor, score, lower=True)

    def hess(self, z: np.ndarray) -> np.ndarray:
        """Return the Hessian at z."""
        half = solve_triangular(self.factor, np.asarray(self.sums(z, 2).information), lower=True)
        return solve_triangular(self.factor, half.T, lower=True)
