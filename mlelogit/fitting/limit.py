r"""The fit in the limit of separated data: the likelihood's supremum and what is finite of it.

Along a direction of recession the separated pairs of a row and a category leave the sample,
and the likelihood rises to that of the rows with the categories left: the limiting model
(Geyer 2009, Electronic Journal of Statistics 3, section 3.9). It does not change along the
directions in which all scores left of a row move together, so it is climbed in the others. Its
certificate proves that a finite maximum exists there, and with it that no further pair can be
separated.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from mlelogit.data.sources import lay_out
from mlelogit.fitting.certificate import EPSILON, Certificate, certify
from mlelogit.fitting.likelihood import predict_scores
from mlelogit.fitting.linalg import ColumnBasis
from mlelogit.fitting.maximum import Maximum, ReadOnly, Status, Trace
from mlelogit.fitting.objective import LogLikelihood
from mlelogit.fitting.optimization import maximize
from mlelogit.fitting.subspace import FreeSpace, RestrictedLogLikelihood

# An eigenvalue below this many roundings is zero; one above the share is none. What lies
# between could be either.
NULL_SIZE = 4
SAFE_SHARE = 1e-10
ESTIMABLE = 1e-8
# Relative to a direction's length: what a coefficient that stands still may have of it by the
# tolerances of linear programs and the rounding of a change of basis.
STILL = 1e-6


@dataclass(frozen=True)
class Separation(ReadOnly):
    """Whether a combination of the columns separates categories, and what runs to infinity.

    Arrays (P, ...) are in the internal basis.

    Attributes
    ----------
    verdict : str
        "none", "quasi-complete", "complete", or "undecided".
    proof : str
        How it was decided.
    pairs, separated : int
        Pairs of an observation and a category it is not in, and those of them separated.
    possible : numpy.ndarray or None
        (J, n): the categories that are left of every row in the limit.
    direction : numpy.ndarray or None
        (P,): a direction along which the likelihood rises to its supremum.
    tie : float
        The gap below which two categories tie along that direction, for rows of length one.
    estimable, free : numpy.ndarray or None
        (P, r) and (P, q): bases of what the model in the limit tells, and of the directions
        along which it does not change.
    sure : numpy.ndarray or None
        (P,), of coefficients of the design's columns: 1 if one goes the same way along every
        direction in which the likelihood rises to its supremum, 0 if not, NaN if that was not
        found out.
    certificate : Certificate or None
        Of the limiting model.
    examples : tuple or None
        Where rows are not held (category, category not, number of rows, number of the first one
        or None), categories by position; None where rows tell.
    """

    verdict: str
    proof: str
    pairs: int = 0
    separated: int = 0
    possible: np.ndarray | None = None
    direction: np.ndarray | None = None
    tie: float = 0.0
    estimable: np.ndarray | None = None
    free: np.ndarray | None = None
    sure: np.ndarray | None = None
    certificate: Certificate | None = None
    examples: tuple[tuple[int, int, int, int | None], ...] | None = None

    @property
    def found(self) -> bool:
        """Whether the data are separated."""
        return self.direction is not None

    def find_limits(self, basis: ColumnBasis) -> np.ndarray:
        """Return where the coefficients of the design's columns go (P,).

        Plus or minus infinity along the direction; NaN for those that stand still along it
        and move along others; zero for the finite ones.
        """
        if self.free is None or self.direction is None:
            return np.zeros(0)
        scale = np.linalg.norm(basis.matrix, axis=0)
        moves = np.linalg.norm(leave_columns(basis, self.free), axis=1).reshape(-1, len(scale))
        along = self.point_columns(basis)
        signs = np.where(along == 0, np.nan, np.where(along < 0, -np.inf, np.inf))
        return np.where(moves > ESTIMABLE * scale, signs, 0.0).ravel()

    def point_columns(self, basis: ColumnBasis) -> np.ndarray:
        """Return the direction in the design's columns (J - 1, K).

        Coefficients that stand still along it have zeros, not what rounding leaves of them.
        """
        direction = np.asarray(self.direction)
        scale = np.linalg.norm(basis.matrix, axis=0)
        along = leave_columns(basis, direction[:, np.newaxis]).reshape(-1, len(scale))
        still = np.abs(along) <= STILL * scale * np.linalg.norm(direction)
        return np.where(still, 0.0, along)


CERTIFIED = Separation("none", "the certificate proves that a finite maximum exists")
OVERLAPPING = Separation("none", "linear programming finds no separating combination of columns")
UNDECIDED = Separation("undecided", "linear programming came to no end that can be verified")
UNEXAMINED = Separation("undecided", "it was not examined")
UNREAD = Separation(
    "undecided", "it was not examined: the rows are read in pieces, and are too many to hold"
)


@dataclass(frozen=True)
class Directions:
    """The parameter space of a limiting model: what it can tell (P, r), and what not (P, q)."""

    estimable: np.ndarray
    free: np.ndarray


def find_impossible(
    x: np.ndarray, separation: Separation, basis: ColumnBasis, base: int
) -> np.ndarray:
    """Tell which categories have no probability left of new rows in the limit (J, m).

    They fall behind the leading one along the direction by more than a tie does, judged row
    by row as the fit's own rows were.

    Parameters
    ----------
    x : numpy.ndarray or sparse array
        (K, m), in the columns of the design.
    separation : Separation
    basis : ColumnBasis
    base : int
    """
    z = basis.enter(lay_out(x))
    lengths = np.sqrt((z**2).sum(axis=0))
    scores = predict_scores(z, np.asarray(separation.direction), base, None)
    return (scores.max(axis=0) - scores) > separation.tie * lengths


def split_directions(
    structure: LogLikelihood, inside: np.ndarray | None = None
) -> Directions | None:
    """Split the parameter space by whether scores left of any row move apart.

    Returns None if rounding would decide: an eigenvalue that is neither zero nor far from it.

    Parameters
    ----------
    structure : LogLikelihood
        Of the rows with the categories left to them, each counted once, without weights or
        offset: at zero its information vanishes along the directions that change no choice.
    inside : numpy.ndarray, optional
        (P, r), orthonormal: the part of the space that is split; all if not given.
    """
    information = np.asarray(structure.evaluate(np.zeros(structure.size), 2).information)
    if inside is not None:
        information = inside.T @ information @ inside
    values, vectors = np.linalg.eigh(information)
    largest = max(float(values[-1]), 1.0)
    null = values <= EPSILON * NULL_SIZE * len(values) * largest
    if (values[~null] < SAFE_SHARE * largest).any():
        return None
    if inside is not None:
        vectors = inside @ vectors
    return Directions(vectors[:, ~null], vectors[:, null])


def fit_limit(
    whole: LogLikelihood,
    estimable: np.ndarray,
    start: np.ndarray,
    tolerance: float,
    origin: np.ndarray | None = None,
) -> Maximum:
    """Maximize the limiting model's likelihood; return it in the coordinates of the whole.

    Parameters
    ----------
    whole : LogLikelihood
        Of the rows with the categories left to them.
    estimable : numpy.ndarray
        (P, r), orthonormal.
    start : numpy.ndarray
        (P,).
    tolerance : float
        Largest error in standard errors that counts as converged.
    origin : numpy.ndarray, optional
        (P,): params that meet constraints, at right angles to what these leave free.
    """
    origin = np.zeros(len(estimable)) if origin is None else origin
    space = FreeSpace(origin, estimable)
    inside = RestrictedLogLikelihood(whole, space)
    if not estimable.shape[1]:
        return _settle_point(whole, tolerance, origin)
    climbed = maximize(inside, estimable.T @ start, tolerance=tolerance)
    params = origin + estimable @ climbed.params
    return replace(
        climbed,
        params=params,
        sums=whole.evaluate(params, 2),
        inverse=None if climbed.inverse is None else space.spread(climbed.inverse),
        trace=replace(climbed.trace, params=origin + climbed.trace.params @ estimable.T),
    )


def _settle_point(whole: LogLikelihood, tolerance: float, origin: np.ndarray) -> Maximum:
    """Return the limiting model that has nothing left to fit: one category per row."""
    sums = whole.evaluate(origin, 2)
    trace = Trace(("start",), np.array([sums.loglike]), np.zeros(1), np.ones(1, int), origin[None])
    certificate = certify(0.0, 0.0, tolerance)
    return Maximum(origin.copy(), Status.CONVERGED, certificate, sums, None, trace, "none", 0)


def leave_columns(basis: ColumnBasis, columns: np.ndarray) -> np.ndarray:
    """Map directions (P, q) to those in the columns of the design."""
    rows = columns.T.reshape(columns.shape[1], -1, len(basis.scale))
    return basis.leave_params(rows).reshape(columns.shape[1], -1).T
