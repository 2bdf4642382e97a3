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

from mlelogit.data.blocks import RowBlocks
from mlelogit.fitting.basis import make_objective
from mlelogit.fitting.certificate import Certificate, Rounding, RowSizes, certify
from mlelogit.fitting.likelihood import Sums, predict_scores
from mlelogit.fitting.linalg import ColumnBasis
from mlelogit.fitting.maximum import Maximum, ReadOnly, Status, Trace
from mlelogit.fitting.objective import LogLikelihood
from mlelogit.fitting.optimization import maximize
from mlelogit.fitting.separation import (
    STRICT,
    Pairs,
    center_direction,
    find_observed,
    find_sure,
    map_gaps,
    map_probabilities,
    restrict_rows,
    separate_pairs,
)

# Squares of what counts as zero in rows of length one, summed over rows.
NULL_SHARE = 1e-11
ESTIMABLE = 1e-8
# Rows times categories times coefficients: a second or two.
EXAMINED_PAIRS = 20_000_000


@dataclass(frozen=True)
class Separation(ReadOnly):
    """Whether a combination of the columns separates categories, and what runs to infinity.

    Attributes
    ----------
    verdict : str
        "none", "quasi-complete", "complete", or "undecided".
    proof : str
        How it was decided.
    pairs, separated : int
        Pairs of a row and a category it is not in, and those of them that are separated.
    possible : numpy.ndarray or None
        (J, n): the categories that are left of every row in the limit.
    direction : numpy.ndarray or None
        (P,): a direction along which the likelihood rises to its supremum.
    free : numpy.ndarray or None
        (P, any): a basis of the directions along which the limiting model does not change.
    sure : numpy.ndarray or None
        (P,): whether a coefficient goes the same way along every direction in which the
        likelihood rises to its supremum; None if that was not examined.
    certificate : Certificate or None
        Of the limiting model.
    """

    verdict: str
    proof: str
    pairs: int = 0
    separated: int = 0
    possible: np.ndarray | None = None
    direction: np.ndarray | None = None
    free: np.ndarray | None = None
    sure: np.ndarray | None = None
    certificate: Certificate | None = None

    @property
    def found(self) -> bool:
        """Whether the data are separated."""
        return self.direction is not None

    def find_infinite(self, basis: ColumnBasis) -> np.ndarray:
        """Return plus or minus infinity for the coefficients that run there, else zero (P,)."""
        if self.free is None or self.direction is None:
            return np.zeros(0)
        scale = np.linalg.norm(basis.matrix, axis=0)
        moves = np.linalg.norm(self.free, axis=1).reshape(-1, len(scale)) > ESTIMABLE * scale
        signs = np.where(self.direction < 0, -np.inf, np.inf)
        return np.where(moves.ravel(), signs, 0.0)


CERTIFIED = Separation("none", "the certificate proves that a finite maximum exists")
OVERLAPPING = Separation("none", "linear programming finds no separating combination of columns")
UNDECIDED = Separation("undecided", "linear programming came to no end that can be verified")
UNEXAMINED = Separation("undecided", "it was not examined")


@dataclass(frozen=True)
class Subspace:
    """A log-likelihood as a function of coordinates φ (r,), ``θ = Q φ``."""

    whole: LogLikelihood
    columns: np.ndarray

    def evaluate(self, params: np.ndarray, order: int) -> Sums:
        """Return loglike, and as the order asks score and information, in φ."""
        sums = self.whole.evaluate(self.columns @ params, order)
        score, information = sums.score, sums.information
        return replace(
            sums,
            score=None if score is None else self.columns.T @ score,
            information=None
            if information is None
            else self.columns.T @ information @ self.columns,
        )

    def widen(self, matrix: np.ndarray) -> np.ndarray:
        """Return ``Q M Q'`` (P, P)."""
        return np.asarray(self.columns @ matrix @ self.columns.T)

    def bound_log_odds_error(self, covariance: np.ndarray) -> float:
        """Bound the largest standard error of any log-odds at any row."""
        return self.whole.bound_log_odds_error(self.widen(covariance))

    def bound_log_odds_coarsely(self, covariance: np.ndarray, sizes: RowSizes) -> float:
        """Bound the same without a pass over the rows."""
        return self.whole.bound_log_odds_coarsely(self.widen(covariance), sizes)

    def measure_rows(self) -> RowSizes:
        """Return how large the rows are."""
        return self.whole.measure_rows()

    def bound_rounding(self, sizes: RowSizes) -> Rounding:
        """Bound the rounding errors of score and information."""
        return self.whole.bound_rounding(sizes)


@dataclass(frozen=True)
class Directions:
    """The parameter space of a limiting model: what it can tell (P, r), and what not (P, q)."""

    told: np.ndarray
    free: np.ndarray


def find_impossible(x: np.ndarray, direction: np.ndarray, base: int) -> np.ndarray:
    """Tell which categories have no probability left in the limit along a direction (J, m).

    They fall behind the leading one there, by more than the rounding of their scores.
    """
    columns = direction.reshape(-1, len(x))
    scores = predict_scores(x, direction, base, None)
    largest = (np.abs(columns).max(axis=0) @ np.abs(x)).max(initial=0.0)
    reach = np.abs(columns) @ np.abs(x)
    return scores < scores.max(axis=0) - STRICT / 10 * np.maximum(reach.max(axis=0), 1e-3 * largest)


def split_directions(structure: LogLikelihood) -> Directions:
    """Split the parameter space by whether scores left of any row move apart.

    Parameters
    ----------
    structure : LogLikelihood
        Of the rows with the categories left to them, without weights or offset: at zero its
        information vanishes exactly along the directions that change no choice.
    """
    information = np.asarray(structure.evaluate(np.zeros(structure.size), 2).information)
    values, vectors = np.linalg.eigh(information)
    null = values <= NULL_SHARE * max(float(values[-1]), 1.0)
    return Directions(vectors[:, ~null], vectors[:, null])


def verify_direction(blocks: RowBlocks, base: int, pairs: Pairs, direction: np.ndarray) -> bool:
    """Tell whether a direction separates exactly the pairs that it should, and ties the rest."""
    gaps = blocks.map(map_gaps, direction, base)
    largest = float(np.abs(gaps).max())
    tied = np.abs(gaps[pairs.possible]).max(initial=0.0)
    apart = gaps[~pairs.possible].min(initial=np.inf)
    return bool(tied <= STRICT / 10 * largest and apart > tied)


def fit_limit(
    whole: LogLikelihood, told: np.ndarray, start: np.ndarray, tolerance: float
) -> Maximum:
    """Maximize the limiting model's likelihood; return it in the coordinates of the whole.

    Parameters
    ----------
    whole : LogLikelihood
        Of the rows with the categories left to them.
    told : numpy.ndarray
        (P, r), orthonormal.
    start : numpy.ndarray
        (P,).
    tolerance : float
        Largest error in standard errors that counts as converged.
    """
    inside = Subspace(whole, told)
    if not told.shape[1]:
        return _settle_point(whole, tolerance)
    climbed = maximize(inside, told.T @ start, tolerance=tolerance)
    params = told @ climbed.params
    return replace(
        climbed,
        params=params,
        sums=whole.evaluate(params, 2),
        inverse=None if climbed.inverse is None else inside.widen(climbed.inverse),
        trace=replace(climbed.trace, params=climbed.trace.params @ told.T),
    )


def _settle_point(whole: LogLikelihood, tolerance: float) -> Maximum:
    """Return the limiting model that has nothing left to fit: one category per row."""
    zeros = np.zeros(whole.size)
    sums = whole.evaluate(zeros, 2)
    trace = Trace(("start",), np.array([sums.loglike]), np.zeros(1), np.ones(1, int), zeros[None])
    certificate = certify(0.0, 0.0, tolerance)
    return Maximum(zeros, Status.CONVERGED, certificate, sums, None, trace, "none", 0)


@dataclass(frozen=True)
class Verdict:
    """Whether data are separated, and the climb's answer in view of that."""

    separation: Separation
    maximum: Maximum


def examine_separation(
    blocks: RowBlocks, base: int, basis: ColumnBasis, climbed: Maximum, tolerance: float
) -> Verdict:
    """Decide whether data are separated; if so, fit the limiting model.

    Parameters
    ----------
    blocks : RowBlocks
        In the columns of the design.
    base : int
    basis : ColumnBasis
    climbed : Maximum
        A climb in the basis that ended without a certificate.
    tolerance : float
        Of the limiting model's fit.
    """
    bare = replace(blocks.design, weights=None, offset=None)
    plain = RowBlocks(bare, basis, blocks.size, blocks.threads)
    turned = RowBlocks(blocks.design, basis, blocks.size, blocks.threads)
    likely = turned.map(map_probabilities, climbed.params, base)
    pairs = separate_pairs(plain, base, likely)
    if not pairs.decided:
        return Verdict(UNDECIDED, climbed)
    if not pairs.found:
        return Verdict(OVERLAPPING, _blame_rounding(climbed))
    raw = RowBlocks(bare, None, blocks.size, blocks.threads)
    structure = make_objective(restrict_rows(raw, pairs.possible), base, basis)
    directions = split_directions(structure)
    direction = center_direction(plain, base, ~pairs.possible, directions.free)
    if direction is None or not verify_direction(plain, base, pairs, direction):
        return Verdict(UNDECIDED, climbed)
    whole = make_objective(restrict_rows(blocks, pairs.possible), base, basis)
    limit = fit_limit(whole, directions.told, climbed.params, tolerance)
    if not limit.certificate.finite_maximum:
        return Verdict(UNDECIDED, climbed)
    observed = plain.map(find_observed)
    separation = Separation(
        verdict="quasi-complete" if (pairs.possible.sum(axis=0) > 1).any() else "complete",
        proof="linear programming; the limiting model's certificate proves that no more is",
        pairs=int((~observed).sum()),
        separated=int((~pairs.possible).sum()),
        possible=pairs.possible,
        direction=basis.leave_params(direction.reshape(-1, len(basis.scale))).ravel(),
        free=_leave(basis, directions.free),
        certificate=limit.certificate,
    )
    sure = _examine_signs(plain, base, separation.find_infinite(basis), separation, directions.free)
    return Verdict(replace(separation, sure=sure), _mark_separated(climbed, limit))


def _examine_signs(
    plain: RowBlocks, base: int, infinite: np.ndarray, separation: Separation, free: np.ndarray
) -> np.ndarray | None:
    """Tell which coefficients have one sign of infinity only (P,), if that is not too much."""
    running = np.flatnonzero(np.isinf(infinite))
    if free.shape[1] > 1 and separation.pairs * len(running) > EXAMINED_PAIRS:
        return None
    sure = np.ones(len(infinite), dtype=bool)
    if free.shape[1] > 1:
        moves = np.asarray(separation.free)[running] * np.sign(infinite[running])[:, np.newaxis]
        separated = ~np.asarray(separation.possible)
        sure[running] = find_sure(plain, base, separated, free, moves)
    return sure


def _leave(basis: ColumnBasis, columns: np.ndarray) -> np.ndarray:
    """Map directions (P, q) to those in the columns of the design."""
    rows = columns.T.reshape(columns.shape[1], -1, len(basis.scale))
    return basis.leave_params(rows).reshape(columns.shape[1], -1).T


def _blame_rounding(climbed: Maximum) -> Maximum:
    """Say that a finite maximum exists though the climb could not certify it."""
    if climbed.status is Status.NO_FINITE_MAXIMUM:
        return replace(climbed, status=Status.STALLED)
    return climbed


def _mark_separated(climbed: Maximum, limit: Maximum) -> Maximum:
    """Return the limiting model's answer, without a claim that a finite maximum exists."""
    return replace(
        limit,
        status=Status.SEPARATED,
        certificate=climbed.certificate,
        method=climbed.method,
        iterations=climbed.iterations + limit.iterations,
    )
