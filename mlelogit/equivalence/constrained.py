"""Constraints in plain arrays: which hold as equations, and the covariance that they leave."""

from __future__ import annotations

import numpy as np

# A bound counts as met below this share of its terms.
MET = 1e-11
# What rounding leaves of a variance that constraints take away, and of rows that depend.
DEPENDENT = 1e-10


def turn_rows(
    rows: np.ndarray | None, values: np.ndarray | None, back: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return constraints about other coefficients, ``b = back γ`` in every equation.

    Parameters
    ----------
    rows, values : numpy.ndarray or None
        R (m, P) and q (m,).
    back : numpy.ndarray
        (K, K).

    Returns
    -------
    rows : numpy.ndarray
        (m, P), of length one.
    values : numpy.ndarray
        (m,).
    """
    if rows is None or values is None:
        return np.zeros((0, 0)), np.zeros(0)
    turned = (rows.reshape(-1, len(back)) @ back).reshape(rows.shape)
    length = np.linalg.norm(turned, axis=1)
    return turned / length[:, None], values / length


def list_active(
    rows: np.ndarray | None,
    values: np.ndarray | None,
    relations: tuple[str, ...],
    params: np.ndarray,
    back: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the constraints that hold as equations at params (J - 1, K), as `turn_rows` does."""
    turned, right = turn_rows(rows, values, back)
    if rows is None or values is None:
        return np.zeros((0, params.size)), right
    flat = params.ravel()
    gap = np.abs(rows @ flat - values)
    equal = np.array([relation == "=" for relation in relations])
    active = equal | (gap <= MET * (np.abs(rows) @ np.abs(flat) + np.abs(values)))
    return turned[active], right[active]


def invert_along(hessian: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return ``V - V R'(R V R')⁻ R V``, the covariance where ``R b`` is known (Silvey 1970)."""
    inverse = np.linalg.inv(hessian)
    if not len(rows):
        return np.asarray(inverse)
    spread = inverse @ rows.T
    return np.asarray(inverse - spread @ np.linalg.pinv(rows @ spread, rcond=DEPENDENT) @ spread.T)
