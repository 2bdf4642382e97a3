"""Data to time on: independent columns, and columns as people have them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


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
    peers : tuple of str
    """

    kind: str
    rows: int
    columns: int
    categories: int
    peers: tuple[str, ...]

    @property
    def name(self) -> str:
        """The shape in words."""
        return f"{self.kind} {self.rows} x {self.columns}, J={self.categories}"


CASES = (
    Case("raw", 100_000, 21, 5, ("statsmodels newton", "sklearn newton-cholesky")),
    Case("raw", 1_000_000, 21, 5, ("sklearn newton-cholesky",)),
    Case("raw", 50_000, 31, 30, ("sklearn newton-cholesky",)),
    Case("raw", 20_000, 101, 10, ("sklearn newton-cholesky",)),
    Case("unit", 100_000, 50, 10, ("sklearn newton-cg", "statsmodels newton")),
)


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
