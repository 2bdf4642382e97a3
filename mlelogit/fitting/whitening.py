"""Whitened coordinates, the steps made in them, and a log-likelihood in the form scipy asks for."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.optimize import LbfgsInvHessProduct

from mlelogit.fitting.likelihood import Sums
from mlelogit.fitting.linalg import solve_lower

REMEMBERED = 3
STEPS = 20


class Memory:
    """The last steps of a climb and how the gradient changed along them.

    L-BFGS (Nocedal 1980) makes of them the inverse Hessian of minus the log-likelihood, in
    coordinates in which that is near the identity to begin with.
    """

    def __init__(self) -> None:
        self.steps: deque[np.ndarray] = deque(maxlen=STEPS)
        self.changes: deque[np.ndarray] = deque(maxlen=STEPS)

    def add(self, step: np.ndarray, change: np.ndarray) -> None:
        """Remember a step and the fall of the gradient along it, if it bends as it should."""
        if step @ change > 0:
            self.steps.append(step)
            self.changes.append(change)

    def find_step(self, gradient: np.ndarray) -> np.ndarray:
        """Return the step that takes a gradient to zero, as far as the memory goes."""
        if not self.steps:
            return gradient
        return LbfgsInvHessProduct(np.array(self.steps), np.array(self.changes)).matvec(gradient)


class Whitening(Protocol):
    """Coordinates z, ``θ = θ₀ + L⁻ᵀ z``, in which ``L L'`` becomes the identity."""

    def enter(self, score: np.ndarray) -> np.ndarray:
        """Return ``L⁻¹ s``: a gradient (P,) in z."""

    def leave(self, z: np.ndarray) -> np.ndarray:
        """Return ``L⁻ᵀ z``: a step (P,) in θ."""

    def scale(self, factor: float) -> Whitening:
        """Return the whitening of L times a factor."""

    def square(self) -> np.ndarray:
        """Return ``L L'`` (P, P)."""


@dataclass(frozen=True)
class DenseWhitening:
    """L in full: (P, P), lower triangular."""

    lower: np.ndarray

    def enter(self, score: np.ndarray) -> np.ndarray:
        return solve_lower(self.lower, score)

    def leave(self, z: np.ndarray) -> np.ndarray:
        return solve_lower(self.lower, z, transpose=True)

    def scale(self, factor: float) -> DenseWhitening:
        return DenseWhitening(self.lower * factor)

    def square(self) -> np.ndarray:
        return self.lower @ self.lower.T


@dataclass(frozen=True)
class KroneckerWhitening:
    """``L = A ⊗ 1_K`` for a lower triangular A (J - 1, J - 1): all categories alike in columns."""

    lower: np.ndarray
    width: int

    def enter(self, score: np.ndarray) -> np.ndarray:
        return solve_lower(self.lower, score.reshape(-1, self.width)).ravel()

    def leave(self, z: np.ndarray) -> np.ndarray:
        return solve_lower(self.lower, z.reshape(-1, self.width), transpose=True).ravel()

    def scale(self, factor: float) -> KroneckerWhitening:
        return KroneckerWhitening(self.lower * factor, self.width)

    def square(self) -> np.ndarray:
        return np.kron(self.lower @ self.lower.T, np.eye(self.width))


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
    whitening : Whitening
    sums : Sums
        At the start.
    """

    def __init__(
        self,
        measure: Callable[[np.ndarray, int], Sums],
        start: np.ndarray,
        whitening: Whitening,
        sums: Sums,
    ) -> None:
        self.measure = measure
        self.start, self.whitening = start, whitening
        self.floor = sums.loglike
        self.origin = np.zeros(len(start))
        self.last = self.origin
        self.known: dict[bytes, tuple[Sums, np.ndarray]] = {}
        self._remember(self.origin.tobytes(), sums)

    def _remember(self, key: bytes, sums: Sums) -> tuple[Sums, np.ndarray]:
        self.known[key] = sums, self.whitening.enter(np.asarray(sums.score))
        for stale in list(self.known)[:-REMEMBERED]:
            del self.known[stale]
        return self.known[key]

    def place(self, z: np.ndarray) -> np.ndarray:
        """Return the parameters at z."""
        return self.start + self.whitening.leave(z) if z.any() else self.start

    def look(self, z: np.ndarray, order: int = 1) -> tuple[Sums, np.ndarray]:
        """Return the sums at z, with the information if order is 2, and their score in z."""
        key = np.ascontiguousarray(z).tobytes()
        found = self.known.get(key)
        if found is None or (order == 2 and found[0].information is None):
            found = self._remember(key, self.measure(self.place(z), order))
        return found

    def fun(self, z: np.ndarray) -> float:
        """Return the value at z."""
        return -(self.look(z)[0].loglike - self.floor)

    def jac(self, z: np.ndarray) -> np.ndarray:
        """Return the gradient at z."""
        return -self.look(z)[1]

    def hess(self, z: np.ndarray) -> np.ndarray:
        """Return the Hessian at z."""
        half = self.whitening.enter(np.asarray(self.look(z, 2)[0].information))
        return self.whitening.enter(half.T)
