"""Constraints in plain arrays: which hold as equations, and the covariance that they leave."""

from __future__ import annotations

import numpy as np

# A bound counts as met below this share of its terms, or of its standard error.
MET = 1e-11
MET_ERRORS = 1e-9
# What rounding leaves of rows that depend on others, and of a variance that constraints take away.
DEPENDENT = 1e-10
KNOWN = 1e-20


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
    hessian: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the constraints that hold as equations at params (J - 1, K), as `turn_rows` does.

    At a bound of zero the terms are as small as the gap, so that it is measured in the standard
    errors that the Hessian of the coefficients γ leaves a row without constraints, too.
    """
    turned, right = turn_rows(rows, values, back)
    if rows is None or values is None:
        return np.zeros((0, params.size)), right
    flat = params.ravel()
    gap = np.abs(rows @ flat - values)
    equal = np.array([relation == "=" for relation in relations])
    terms = np.abs(rows) @ np.abs(flat) + np.abs(values)
    try:
        variances = (turned * np.linalg.solve(hessian, turned.T).T).sum(axis=1)
    except np.linalg.LinAlgError:
        variances = np.zeros(len(turned))
    length = np.linalg.norm((rows.reshape(-1, len(back)) @ back).reshape(rows.shape), axis=1)
    errors = np.sqrt(np.maximum(variances, 0.0)) * length
    active = equal | (gap <= np.maximum(MET * terms, MET_ERRORS * errors))
    return turned[active], right[active]


def factor_along(hessian: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return F with ``F F' = N (N'H N)⁻¹ N'``, N spanning what known ``R b`` leave: ``R N = 0``.

    That is the covariance of estimates under constraints (Silvey 1970, section 4.7).
    """
    free = np.eye(len(hessian))
    if len(rows):
        _, singular, right = np.linalg.svd(rows)
        free = right[int((singular > DEPENDENT * singular[0]).sum()) :].T
    lower = np.linalg.cholesky(free.T @ hessian @ free)
    return np.asarray(np.linalg.solve(lower, free.T).T)


def invert_along(hessian: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return ``N (N'H N)⁻¹ N'`` (P, P); see `factor_along`."""
    factor = factor_along(hessian, rows)
    return np.asarray(factor @ factor.T)
