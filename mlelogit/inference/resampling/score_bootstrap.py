r"""The score bootstrap test: a robust score statistic, and its law under random signs.

At the estimates under the null ``R b = q``, unit g (a person or a cluster) has the score s_g and
``u_g = R V s_g``, with V the inverse of the information there. The statistic

``T = (Σ u_g)' (Σ u_g u_g')⁻¹ (Σ u_g)``

is compared with ``T* = (Σ w_g u_g)' (Σ w_g² u_g u_g')⁻¹ (Σ w_g u_g)`` for random w_g of mean zero
and variance one: the null is imposed, nothing is refitted (Kline and Santos 2012, Journal of
Econometric Methods 1, 23-41, section 3; Wooldridge 2010, section 12.6.2, for T). To center the
scores in the middle matrix turns every T into ``T / (1 - T / G)``, so that p-values with signs
are the same. With few large clusters the test exceeds its level by at most ``2^(1 - G)`` if these
are alike (Canay, Santos and Shaikh 2021, Review of Economics and Statistics 103, 346-363).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.special import chdtrc

from mlelogit.data.arguments import check_choice, settle_seed
from mlelogit.data.blocks import Block
from mlelogit.data.hypotheses.restrictions import Restriction
from mlelogit.data.labels import read_labels
from mlelogit.data.threads import single_threaded_blas
from mlelogit.fitting.constrained.restriction import (
    DEPENDENCE_TOLERANCE,
    RestrictedFit,
    find_free_space,
    fit_restricted,
    invert_along,
)
from mlelogit.fitting.linalg import ColumnBasis, factor_positive, invert_positive
from mlelogit.fitting.record import FitRecord
from mlelogit.inference.fit_statistics import SCORE_BOUND_REASON
from mlelogit.inference.resampling.draws import check_run, check_times, count_up
from mlelogit.inference.resampling.units import (
    CHUNK_ELEMENTS,
    PERTURBATIONS,
    Units,
    draw_perturbations,
    find_residuals,
    make_units,
    number_rows,
)
from mlelogit.inference.testing.hypothesis import TestResult, read_equations
from mlelogit.inference.testing.maintained import Maintained
from mlelogit.inference.testing.nesting import SETTLED, is_settled

# All sign patterns of twelve clusters are fewer than are worth drawing from.
ENUMERATED_CLUSTERS = 12
# Statistics that differ by less are equal, and rounding made the difference.
TIE_TOLERANCE = 1e-9
# The statistic is a quadratic form in the inverse of the units' covariance, scaled to ones on its
# diagonal; below this its rounding errors show in the sixth digit.
SINGULAR = 1e-10
# Where the scores of every cluster's rows cancel, rounding leaves less than this of their length.
CANCELLED = 1e-10


@dataclass(frozen=True, repr=False)
class BootstrapTest(TestResult):
    """A test whose p-value comes from perturbed scores.

    Made by `mlelogit.inference.resampling.score_bootstrap.run_bootstrap_test`.

    Attributes
    ----------
    units : str
        What was perturbed, in words.
    weights : str
        How.
    replicates : int
        Number of perturbations.
    enumerated : bool
        Whether these were all patterns of signs: then the p-value is a share of them, nothing was
        drawn, and it is no smaller than ``2^(1 - G)``.
    seed : int or None
        Makes the same draws again; None if all patterns were taken.
    chi2_p_value : float
        The p-value that the chi-squared law gives the same statistic.
    """

    units: str = ""
    weights: str = ""
    replicates: int = 0
    enumerated: bool = False
    seed: int | None = None
    chi2_p_value: float = np.nan

    def __str__(self) -> str:
        head = f"{self.name}\nNull hypothesis: {self.null}\nPerturbed: {self.units}"
        if self.reason:
            return f"{head}\nDoes not apply: {self.reason}."
        how = f"{self.replicates} draws of {self.weights} weights, seed {self.seed}"
        if self.enumerated:
            how = f"all {self.replicates} patterns of signs, so it is a multiple of the smallest"
        return (
            f"{head}\nLM({self.df}) = {self.statistic:.6g}, p-value = {self.p_value:.4g} ({how})\n"
            f"chi-squared p-value of the same statistic: {self.chi2_p_value:.4g}"
        )


@single_threaded_blas
def run_bootstrap_test(
    record: FitRecord,
    hypothesis: Any,
    groups: Any = None,
    times: int = 999,
    *,
    weights: str = "rademacher",
    seed: Any = None,
    value: Any = None,
    disp: bool | None = None,
) -> BootstrapTest:
    """Test linear hypotheses by the score bootstrap, with the null imposed.

    Parameters
    ----------
    record : FitRecord
    hypothesis : str, tuple, list of them, or array-like
        As `mlelogit.inference.testing.hypothesis.wald_test` reads it.
    groups : label of a column, or array-like, optional
        The cluster of every row; people are perturbed on their own if not given.
    times : int
        Number of draws B; the p-value is ``(1 + #{T* >= T}) / (1 + B)`` (Davison and Hinkley
        1997, eq. 4.11). With signs of 12 clusters or fewer, or if there are no more patterns
        than draws, all are taken, once each, and it is the share of those with ``T* >= T``.
    weights : {"rademacher", "webb", "mammen"}
        As of `mlelogit.inference.resampling.bootstrap.run_bootstrap`. Signs of five clusters give
        no p-value below 1/16; then "webb" has more points.
    seed : int or numpy.random.Generator, optional
    value : array-like, optional
        The right sides q.
    disp : bool, optional
        Whether to show a bar; if not given, on a terminal.

    Returns
    -------
    BootstrapTest
        NaN with a reason if the null has no certified maximum, the fit's own constraints settle
        it or a part of it, or the units are too few.

    Raises
    ------
    OptionError
        If a choice is unknown.
    ParamsError
        If the hypothesis cannot be read.
    BiasReductionError, BootstrapError
        If there is nothing to perturb.
    SizeLimitError
        If there are more draws than are of any use.

    Examples
    --------
    >>> import mlelogit as ml
    >>> res = ml.mnlogit("vote ~ age + educ", ml.datasets.load_anes96()).fit()
    >>> print(res.bootstrap_test("age = 0", groups="PID"))  # doctest: +ELLIPSIS
    Score bootstrap test
    Null hypothesis: Dole: age = 0
    Perturbed: 7 clusters of PID
    LM(1) = ..., p-value = ... (all 128 patterns of signs, so it is a multiple of the smallest)
    chi-squared p-value of the same statistic: ...
    """
    check_choice("weights", weights, tuple(PERTURBATIONS))
    check_times(times, 1)
    check_run(None, disp)
    seed = settle_seed(seed)
    asked = read_equations(hypothesis, record.encoding, value)
    units, said = _read_units(record.in_memory(), groups)
    rows = _find_rows(asked, record.basis)
    effective, reason = None, SETTLED if is_settled(record, asked.matrix) else ""
    reason = reason or (SCORE_BOUND_REASON if record.at_bounds else "")
    if not reason:
        fit = fit_restricted(record, asked, _find_start(record))
        reason = Maintained(record).find_bound_reason(fit) if fit.converged else ""
    if not reason:
        found = _find_effective(units, fit, rows) if fit.converged else None
        effective, reason = _judge_units(units, found)
    test = BootstrapTest(
        name="Score bootstrap test",
        null=asked.said,
        statistic=np.nan,
        df=len(rows),
        p_value=np.nan,
        reason=reason,
        units=said,
        weights=weights,
    )
    if effective is None or reason:
        return test
    return _perturb(test, units, effective, times, seed, disp)


def _read_units(record: FitRecord, groups: Any) -> tuple[Units, str]:
    """Return what is perturbed, also in words."""
    clusters = None
    if groups is not None:
        clusters = read_labels(record.need_blocks().design, groups, "groups")
    units = make_units(record, None if clusters is None else clusters.codes, estimated=False)
    return units, units.describe(None if clusters is None else clusters.name)


def _perturb(
    test: BootstrapTest,
    units: Units,
    effective: np.ndarray,
    times: int,
    seed: int,
    disp: bool | None,
) -> BootstrapTest:
    """Fill in a test's statistic and its p-value, from all patterns of signs or from draws."""
    statistic = float(_compute(*_sum_units(units, effective))[0])
    test = replace(test, statistic=statistic, chi2_p_value=float(chdtrc(test.df, statistic)))
    if test.weights == "rademacher" and _are_few(units, times):
        found = _compute_all(units, effective)
        share = float(_reach(found, statistic).mean())
        return replace(test, p_value=share, replicates=2 * len(found), enumerated=True)
    count = _count_draws(units, effective, statistic, times, test.weights, seed, disp)
    return replace(test, p_value=(1 + count) / (1 + times), replicates=times, seed=seed)


def _find_start(record: FitRecord) -> np.ndarray | None:
    return None if record.maximum.converged else np.zeros(len(record.maximum.params))


def _are_few(units: Units, times: int) -> bool:
    if not units.clusters:
        return False
    return units.clusters <= ENUMERATED_CLUSTERS or 2**units.clusters <= times


def _find_rows(asked: Restriction, basis: ColumnBasis) -> np.ndarray:
    """Return an orthonormal basis of the rows of R in the internal basis (r, P)."""
    rows = basis.enter_score(asked.matrix.reshape(len(asked), -1, len(basis.scale)))
    matrix = rows.reshape(len(asked), -1)
    matrix /= np.linalg.norm(matrix, axis=1)[:, np.newaxis]
    _, singular, right = np.linalg.svd(matrix, full_matrices=False)
    return right[singular > DEPENDENCE_TOLERANCE * singular[0]]


def _find_effective(
    units: Units, fit: RestrictedFit, rows: np.ndarray
) -> tuple[np.ndarray, np.ndarray] | None:
    """Return ``R V s`` of every unit (G, r) and the length of that of all rows (r,).

    None if the information is singular.
    """
    record, information = units.record, np.asarray(fit.sums.information)
    if record.restriction is None:
        factor = factor_positive(information)
        if factor is None:
            return None
        inverse = invert_positive(factor)
    else:
        inverse = invert_along(information, find_free_space(record.restriction, record.basis))
    inner = record.basis.enter_params(fit.params.reshape(record.params.shape)).ravel()
    turned = (rows @ inverse).reshape(len(rows), *record.params.shape)
    found = number_rows(units).map(_project_scores, inner, record.encoding.base, turned).T
    if units.groups is None:
        return found, np.linalg.norm(found * np.sqrt(units.members)[:, np.newaxis], axis=0)
    found *= units.people[:, np.newaxis]
    totals = np.zeros((units.clusters, len(rows)))
    np.add.at(totals, units.groups, found)
    return totals, np.linalg.norm(found, axis=0)


def _project_scores(block: Block, params: np.ndarray, base: int, turned: np.ndarray) -> np.ndarray:
    residuals = find_residuals(block, params, base)
    pieces = [(turned[:, j] @ block.x) * row for j, row in enumerate(residuals)]
    return np.sum(pieces, axis=0)


def _judge_units(
    units: Units, found: tuple[np.ndarray, np.ndarray] | None
) -> tuple[np.ndarray | None, str]:
    """Return ``R V s`` of the units, and say why they tell nothing; nothing if they do."""
    if found is None:
        return None, "the model under the null has no certified maximum, or no regular information"
    effective, length = found
    if units.count <= len(length):
        return effective, f"{units.count:.10g} units are too few for {len(length)} equations"
    spread = (effective * units.members[:, np.newaxis]).T @ effective
    scale = np.sqrt(np.diag(spread))
    if not (np.isfinite(scale).all() and (scale > CANCELLED * length).all()):
        return effective, "no unit's score moves what is tested"
    if np.linalg.eigvalsh(spread / scale / scale[:, np.newaxis])[0] < SINGULAR:
        return effective, "the covariance of what is tested is singular: units are too few"
    return effective, ""


def _sum_units(
    units: Units,
    effective: np.ndarray,
    sums: np.ndarray | None = None,
    squares: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Return ``Σ w u`` (B, r) and ``Σ w² u u'`` (B, r, r); the latter for w² = 1 once (1, r, r)."""
    sums = units.members[np.newaxis] if sums is None else sums
    squares = units.members[np.newaxis] if squares is None else squares
    size = effective.shape[1]
    spread = np.empty((len(squares), size, size))
    for i in range(size):
        for j in range(i + 1):
            spread[:, i, j] = spread[:, j, i] = squares @ (effective[:, i] * effective[:, j])
    return sums @ effective, spread


def _compute(totals: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """Return T of every perturbation (B,)."""
    scale = np.sqrt(np.einsum("brr->br", spread))
    even = spread / scale[:, :, np.newaxis] / scale[:, np.newaxis]
    right = (totals / scale)[:, :, np.newaxis]
    solved = np.linalg.solve(np.broadcast_to(even, (len(right), *even.shape[1:])), right)
    return np.asarray((right * solved).sum(axis=(1, 2)))


def _compute_all(units: Units, effective: np.ndarray) -> np.ndarray:
    """Return T of all patterns of signs, but for those that are another's mirror image."""
    count = units.clusters - 1
    bits = np.arange(2**count)[:, np.newaxis] >> np.arange(count) & 1
    signs = np.hstack([np.ones((2**count, 1)), 1.0 - 2.0 * bits])
    return _compute(*_sum_units(units, effective, signs))


def _reach(found: np.ndarray, statistic: float) -> np.ndarray:
    return np.asarray(found >= statistic * (1 - TIE_TOLERANCE))


def _count_draws(
    units: Units,
    effective: np.ndarray,
    statistic: float,
    times: int,
    weights: str,
    seed: int,
    disp: bool | None,
) -> int:
    """Count the draws whose T reaches the statistic."""
    rng, count = np.random.default_rng(seed), 0
    points = len(PERTURBATIONS[weights][0])
    chunk = max(1, CHUNK_ELEMENTS // (points * len(units.members)))
    for size in count_up(times, chunk, disp, "Draws"):
        sums, squares = draw_perturbations(units, rng, size, weights)
        kept = None if weights == "rademacher" else squares
        found = _compute(*_sum_units(units, effective, sums, kept))
        count += int(_reach(found, statistic).sum())
    return count
