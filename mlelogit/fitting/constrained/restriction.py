r"""The maximum of the log-likelihood under linear equations about the coefficients.

All params with ``R b = q`` are ``θ = origin + A g`` with free params g (r,), in the internal
basis; g is climbed (`mlelogit.fitting.subspace`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import qr

from mlelogit.data.hypotheses.restrictions import Restriction
from mlelogit.exceptions import ParamsError
from mlelogit.fitting.basis import make_objective
from mlelogit.fitting.climb import Objective
from mlelogit.fitting.constrained.moves import find_moves
from mlelogit.fitting.likelihood import Sums
from mlelogit.fitting.linalg import (
    ColumnBasis,
    factor_positive,
    invert_positive,
    measure_lengths,
)
from mlelogit.fitting.maximum import ReadOnly
from mlelogit.fitting.optimization import maximize
from mlelogit.fitting.record import FitRecord
from mlelogit.fitting.subspace import FreeSpace, RestrictedLogLikelihood

# Rows of R, of length one, that differ by less are taken to say the same.
DEPENDENCE_TOLERANCE = 1e-10
# What is left of such rows where others are held, below which it is rounding.
ROUNDING = 1e-8


@dataclass(frozen=True)
class RestrictedFit(ReadOnly):
    """The maximum under linear equations.

    Attributes
    ----------
    params : numpy.ndarray
        (P,), in the columns of the design.
    sums : Sums
        Log-likelihood, score (P,) and information (P, P) there, in the internal basis; the
        score is that of all params, zero only along the free directions.
    converged : bool
        Whether the certificate holds.
    space : FreeSpace
    """

    params: np.ndarray
    sums: Sums
    converged: bool
    space: FreeSpace

    @property
    def loglike(self) -> float:
        """Log-likelihood at the maximum."""
        return self.sums.loglike


def invert_along(information: np.ndarray, space: FreeSpace) -> np.ndarray:
    """Return ``A (A'I A)⁻¹ A'`` (P, P), the covariance of params that are free along A only."""
    a = space.directions
    factor = factor_positive(a.T @ information @ a)
    if factor is None:
        return np.full(information.shape, np.nan)
    return space.spread(invert_positive(factor))


def find_free_space(restriction: Restriction, basis: ColumnBasis) -> FreeSpace:
    """Find the params that meet linear equations; rows that repeat others say nothing new.

    Raises
    ------
    ParamsError
        If the equations contradict each other.
    """
    units = np.tile(basis.scale, restriction.matrix.shape[1] // len(basis.scale))
    rows, values = level_rows(restriction, units)
    check_rows(rows, values, restriction, DEPENDENCE_TOLERANCE)
    few = restriction.pick(pick_independent(rows, DEPENDENCE_TOLERANCE))
    return find_moves(few, basis).space


def level_rows(restriction: Restriction, units: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return rows (q, P) of length one in units (P,) of the columns, and their right sides.

    Raises
    ------
    ParamsError
        If a right side is beyond a double then.
    """
    rows = restriction.matrix / units
    length = measure_lengths(rows)
    with np.errstate(over="ignore"):
        values = restriction.values / length
    if not np.isfinite(values).all():
        raise ParamsError("A right side is beyond a double beside its row of coefficients.")
    return rows / length[:, np.newaxis], values


def check_rows(
    rows: np.ndarray, values: np.ndarray, asked: Restriction, tolerance: float = ROUNDING
) -> None:
    """Raise `ParamsError` if rows (q, r), of length one at most, cannot have these values (q,)."""
    gap, rows = values, np.where(np.abs(rows) > tolerance, rows, 0.0)
    if rows.any():
        gap = values - rows @ np.linalg.lstsq(rows, values, rcond=tolerance)[0]
    if (np.abs(gap) > tolerance * (1 + np.abs(values).max(initial=0))).any():
        raise ParamsError(f"These equations contradict each other: {asked.said}.")


def pick_independent(rows: np.ndarray, tolerance: float = ROUNDING) -> list[int]:
    """Return positions of rows, of length one at most, that the others are combinations of."""
    if not rows.size:
        return []
    triangle, order = qr(rows.T, mode="r", pivoting=True)
    sizes = np.abs(np.diag(triangle))
    return sorted(order[: int((sizes > tolerance).sum())].tolist())


def fit_restricted(
    record: FitRecord, restriction: Restriction, start: np.ndarray | None = None
) -> RestrictedFit:
    """Climb to the maximum of a fit's log-likelihood under linear equations.

    Parameters
    ----------
    record : FitRecord
        With the rows, which were fitted with these equations or without; equations of its own
        stay in force.
    restriction : Restriction
        Equalities; P columns.
    start : numpy.ndarray, optional
        Params near the maximum (P,), in the columns of the design; the fit's if not given.

    Returns
    -------
    RestrictedFit

    Raises
    ------
    ParamsError
        If the equations contradict each other.
    DataNotKeptError
        If the fit no longer holds its rows.

    Examples
    --------
    >>> import mlelogit as ml
    >>> from mlelogit.data.hypotheses.restrictions import read_restrictions
    >>> from mlelogit.fitting.constrained.restriction import fit_restricted
    >>> res = ml.mnlogit("vote ~ age", ml.datasets.load_anes96()).fit()
    >>> fit = fit_restricted(res.record, read_restrictions("age", res.record.encoding))
    >>> abs(fit.loglike - res.llnull) < 1e-9
    True
    """
    own, basis = record.restriction, record.basis
    space = find_free_space(restriction if own is None else own + restriction, basis)
    objective = make_objective(record.need_blocks(), record.encoding.base, basis)
    near = record.maximum.params if start is None else start
    inner = basis.enter_params(near.reshape(-1, len(basis.scale))).ravel()
    converged, free = True, np.zeros(0)
    if space.size:
        inside = RestrictedLogLikelihood(objective, space)
        begun = enter_space(objective, space, inner)
        climbed = maximize(inside, begun, tolerance=record.request.tolerance)
        converged, free = climbed.converged, climbed.params
    point = space.leave(free)
    outer = basis.leave_params(point.reshape(-1, len(basis.scale))).ravel()
    return RestrictedFit(outer, objective.evaluate(point, 2), converged, space)


def enter_space(objective: Objective, space: FreeSpace, inner: np.ndarray) -> np.ndarray:
    """Return the free params (r,) that maximize the quadratic model about params (P,).

    Where the information there is singular, those nearest to the params.
    """
    a, away = space.directions, inner - space.origin
    information = np.asarray(objective.evaluate(inner, 2).information)
    factor = factor_positive(a.T @ information @ a)
    if factor is None:
        return np.asarray(a.T @ away)
    return np.asarray(invert_positive(factor) @ (a.T @ (information @ away)))
