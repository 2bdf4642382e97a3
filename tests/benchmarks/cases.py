"""Data to time on: independent columns, columns as people have them, dummies and factors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import csr_array


@dataclass(frozen=True)
class Case:
    """A shape to time.

    Attributes
    ----------
    kind : str
        "unit" for independent standard normal columns, "raw" for mixed dummies, skewed
        and shifted columns in their own units.
    rows, columns, categories : int
        n, K with the constant, J.
    peers : tuple
        (name, ratio asked for or None) of each peer.
    slow : bool
        Whether to run it only when asked to.
    """

    kind: str
    rows: int
    columns: int
    categories: int
    peers: tuple[tuple[str, float | None], ...] = ()
    slow: bool = False

    @property
    def name(self) -> str:
        """The shape in words."""
        return f"{self.kind} {self.rows} x {self.columns}, J={self.categories}"

    @property
    def flops(self) -> float:
        """``n (K (J - 1))²``: one symmetric rank-k product of the weighted design."""
        return count_flops(self.rows, self.columns, self.categories)


CASES = (
    Case("raw", 100_000, 21, 5, (("statsmodels newton", 10), ("sklearn newton-cholesky", 6))),
    Case("raw", 1_000_000, 21, 5, (("sklearn newton-cholesky", 25),)),
    Case("raw", 50_000, 31, 30, (("sklearn newton-cholesky", 60),)),
    Case("raw", 20_000, 101, 10, (("sklearn newton-cholesky", 100),)),
    Case("unit", 100_000, 50, 10, (("sklearn newton-cg", 2.5), ("statsmodels newton", 35))),
    Case("unit", 100_000, 20, 5, (("R nnet + vcov", 120), ("R VGAM + vcov", 200))),
    Case("raw", 20_000, 300, 15, slow=True),
)


def count_flops(rows: int, columns: int, categories: int) -> float:
    """Return ``n (K (J - 1))²``."""
    return float(rows) * (columns * (categories - 1)) ** 2


def draw(case: Case, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Draw outcome codes (n,) and columns (n, K) of a case.

    Raw columns come from correlated normals: a third dummies of unequal shares, a third
    ``round(1000 exp(0.7 z))``, a third ``40 + 12 z``, with a constant, category intercepts
    from 0 to -4 and coefficients of size 0.4 on the standardized scale.
    """
    rng = np.random.default_rng(seed)
    width = case.columns - 1
    z = rng.normal(size=(case.rows, width))
    if case.kind == "raw":
        z = z @ (0.3 * rng.normal(size=(width, width)) / np.sqrt(width) + 0.5 * np.eye(width))
    x = z.copy()
    if case.kind == "raw":
        third = width // 3
        for column in range(third):
            x[:, column] = z[:, column] > np.quantile(z[:, column], rng.uniform(0.3, 0.9))
        x[:, third : 2 * third] = np.round(1000 * np.exp(0.7 * z[:, third : 2 * third]))
        x[:, 2 * third :] = 40 + 12 * z[:, 2 * third :]
    standard = (x - x.mean(axis=0)) / x.std(axis=0)
    slopes = 0.4 * rng.normal(size=(case.categories - 1, width))
    lowest = -4.0 if case.kind == "raw" else 0.0
    intercepts = np.linspace(0.0, lowest, case.categories)
    scores = np.insert(standard @ slopes.T, 0, 0.0, axis=1) + intercepts
    codes = (scores + rng.gumbel(size=scores.shape)).argmax(axis=1)
    return codes, np.column_stack([np.ones(case.rows), x])


def draw_groups(rows: int, categories: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Draw codes (n,) and a constant with one dummy (n, 2), each category in both groups."""
    rng = np.random.default_rng(seed)
    codes = np.arange(rows) % categories
    dummy = rng.random(rows) < rng.uniform(0.2, 0.8, categories)[codes]
    dummy[:categories], dummy[-categories:] = False, True
    return codes, np.column_stack([np.ones(rows), dummy])


def draw_factors(rows: int, levels: int, categories: int, seed: int = 0) -> tuple[np.ndarray, Any]:
    """Draw codes (n,) and a sparse constant with the dummies of two factors (n, 2 levels - 1)."""
    rng = np.random.default_rng(seed)
    width = 2 * levels - 1
    first, second = rng.integers(levels, size=(2, rows))
    columns = np.column_stack([np.zeros(rows, dtype=int), first, levels - 1 + second])
    filled = np.column_stack([np.ones(rows, dtype=bool), first > 0, second > 0])
    ends = np.concatenate([[0], filled.sum(axis=1).cumsum()])
    x = csr_array((np.ones(ends[-1]), columns[filled], ends), shape=(rows, width))
    slopes = 0.4 * rng.normal(size=(categories - 1, width))
    scores = np.insert(x @ slopes.T, 0, 0.0, axis=1)
    return (scores + rng.gumbel(size=scores.shape)).argmax(axis=1), x
