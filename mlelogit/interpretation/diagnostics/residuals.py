r"""Residuals: observed less expected, as such, standardized, as deviances and as normal quantiles.

With d people observed of t in a category of probability y (t = 1 unless rows are counts), in the
limit where data are separated:

- response: ``d - t y``;
- Pearson: ``(d - t y) / √(t y (1 - y))``, with mean zero and variance one at the true
  probabilities (McCullagh and Nelder 1989, section 2.4.1, for each category by itself);
- deviance: ``± √(2 (d log(d / (t y)) - (d - t y)))`` with the sign of ``d - t y``, which is the
  deviance residual of a Poisson count (ibid., section 2.4.3). Observed and expected people of
  a row agree in number, so the squares of a row add up to its share ``2 Σ d log(d / (t y))`` of
  the deviance, for labels ``-2 log y`` of the category observed;
- quantile: ``Φ⁻¹(u)`` with u uniform on the interval from ``Σ_{l<k} y_l`` to ``Σ_{l<=k} y_l`` for a
  row in category k (Dunn and Smyth 1996, Journal of Computational and Graphical Statistics 5,
  236-244): standard normal at the true probabilities.

None is weighted: the copies that a frequency weight stands for have one residual each.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy.special import betainc, betaln, ndtri_exp, xlogy

from mlelogit.data.arguments import check_choice, settle_seed
from mlelogit.data.blocks import Block
from mlelogit.exceptions import OptionError, OutcomeError
from mlelogit.fitting.likelihood import map_outcome, map_residuals, map_scores
from mlelogit.fitting.linalg import log_others, log_softmax
from mlelogit.fitting.record import FitRecord
from mlelogit.interpretation.labelling import frame_rows, index_categories
from mlelogit.interpretation.prediction import map_rows

RESIDUALS = ("response", "pearson", "deviance", "quantile", "mid-quantile")
RANDOM = "quantile"
# With a half added every draw is a double exactly, and none is zero or one.
DRAWS = 1 << 52
# Below it the logarithm is a series, since d log(d / (t y)) and d - t y nearly cancel.
CLOSE = 0.1
# The series' next term is below 0.06^16.
TERMS = 7


def compute_residuals(record: FitRecord, kind: str = "response", seed: Any = None) -> Any:
    r"""Return the residuals of a fit's rows.

    Formulas and sources are at the top of `mlelogit.interpretation.diagnostics.residuals`. Pearson
    and deviance residuals of single people are far from normal, whatever the model; quantile
    residuals are standard normal if it holds, so plot those against columns and against normal
    quantiles. They depend on the order of the categories, which a nominal outcome does not have,
    and on the seed: look at more than one.

    Rows of counts have J - 1 quantile residuals each, independent standard normals if the model
    holds: of the people not in an earlier category, how many are beyond category k, is binomial
    with the rows' probabilities. Where there is nobody left it is all chance.

    Standardized by leverage as well, in one number per row and with all categories at once, is
    the chi-square of `mlelogit.MNLogitResults.get_influence`.

    Parameters
    ----------
    record : FitRecord
    kind : {"response", "pearson", "deviance", "quantile", "mid-quantile"}
        "mid-quantile" takes the middle of the interval in place of a random point: no seed, and
        not normal.
    seed : int, numpy.random.Generator or None
        Of "quantile"; another one at every call if not given.

    Returns
    -------
    pandas.DataFrame or pandas.Series
        (n, J), rows x categories. Quantile residuals are a series (n,), of counts a frame
        (n, J - 1) whose columns are the categories but the last.

    Raises
    ------
    DataNotKeptError
        If the fit no longer holds its rows.
    OptionError
        If the kind is unknown, or a seed is given to one that draws nothing.
    OutcomeError
        If quantile residuals are asked of an outcome of probabilities, which is not drawn.

    Examples
    --------
    >>> import mlelogit as ml
    >>> res = ml.mnlogit("vote ~ age + educ", ml.datasets.load_anes96()).fit()
    >>> squares = res.residuals("deviance") ** 2
    >>> round(float(squares.to_numpy().sum() + 2 * res.llf), 6)
    0.0
    >>> res.residuals("quantile", seed=1).shape
    (944,)
    """
    check_choice("kind", kind, RESIDUALS)
    if seed is not None and kind != RANDOM:
        raise OptionError(f"seed goes with kind={RANDOM!r}; {kind!r} draws nothing.")
    if kind in ("quantile", "mid-quantile"):
        return _compute_quantiles(record, None if kind == "mid-quantile" else settle_seed(seed))
    record = record.in_memory()
    function = {"response": map_residuals, "pearson": map_pearson, "deviance": map_deviances}[kind]
    return frame_rows(map_rows(record, function), record.index.view(), record)


def _read_block(block: Block, params: np.ndarray, base: int) -> tuple[np.ndarray, ...]:
    """Return residuals and log-probabilities (J, m), and the logarithm of the people (m,)."""
    residuals = map_residuals(block, params, base)
    logs, _ = log_softmax(map_scores(block, params, base))
    if not block.counted:
        return residuals, logs, np.zeros(logs.shape[1])
    with np.errstate(divide="ignore"):
        return residuals, logs, np.log(map_outcome(block).sum(axis=0))


def map_pearson(block: Block, params: np.ndarray, base: int) -> np.ndarray:
    """Return the Pearson residuals of every row (J, m).

    Where all people are in a category, or none, they are ``√(t (1 - y) / y)`` and
    ``-√(t y / (1 - y))``: these do not underflow.
    """
    residuals, logs, people = _read_block(block, params, base)
    d, others = map_outcome(block), log_others(logs)
    with np.errstate(over="ignore", invalid="ignore"):
        scaled = residuals * np.exp(-(logs + others + people) / 2)
        none, every = (np.exp((people + gap) / 2) for gap in (logs - others, others - logs))
    total = d.sum(axis=0) if block.counted else 1.0
    found = np.where(d == 0, -none, np.where(d == total, every, scaled))
    return np.where((residuals == 0) & ~np.isfinite(found), 0.0, found) + 0.0


def map_deviances(block: Block, params: np.ndarray, base: int) -> np.ndarray:
    """Return the deviance residuals of every row (J, m)."""
    residuals, logs, people = _read_block(block, params, base)
    d = map_outcome(block)
    some = d > 0
    safe = np.where(some, d, 1.0)
    root = _exceed(np.where(some, residuals / safe, 0.0), logs + people - np.log(safe))
    return np.where(some, np.sqrt(2 * d) * root, -np.exp((np.log(2) + logs + people) / 2)) + 0.0


def _exceed(share: np.ndarray, logs: np.ndarray) -> np.ndarray:
    """Return ``± √(-log(1 - r) - r)`` with the sign of r < 1, where ``log(1 - r)`` is known too.

    With ``w = r / (2 - r)`` the difference is ``r² / (2 - r) + 2 (artanh w - w)``.
    """
    close = np.abs(share) < CLOSE
    r = np.where(close, share, 0.0)
    w = r / (2 - r)
    tail = sum(w ** (2 * power) / (2 * power + 3) for power in range(TERMS))
    series = r * np.sqrt(1 / (2 - r) + 2 * w * tail / (2 - r) ** 2)
    left = np.where(close, 0.0, -logs - share)
    return np.where(close, series, np.sign(share) * np.sqrt(left))


def _compute_quantiles(record: FitRecord, seed: int | None) -> Any:
    """Return randomized quantile residuals, or with no seed those of the intervals' middles."""
    record = record.in_memory()
    design = record.need_blocks().design
    kind = design.outcome.kind
    if kind == "probabilities":
        raise OutcomeError(
            "Quantile residuals are those of an outcome that is drawn; this one is probabilities. "
            "Use kind='response', 'pearson' or 'deviance'."
        )
    edges = map_rows(record, map_counts if kind == "counts" else map_labels)
    values = _pick_quantiles(edges, seed)
    if kind == "counts":
        columns = index_categories(record, "category")[:-1]
        return pd.DataFrame(values.T, index=record.index.view(), columns=columns)
    return pd.Series(values, index=record.index.view(), name=_name(seed))


def _pick_quantiles(edges: np.ndarray, seed: int | None) -> np.ndarray:
    """Return normal quantiles of points between edges, at random or with no seed in the middle.

    Parameters
    ----------
    edges : numpy.ndarray
        (3, ..., n): logarithms of the probabilities before, of and after every interval.
    seed : int or None
    """
    below, own, beyond = edges
    share = np.full(own.shape, 0.5)
    if seed is not None:
        draws = np.random.default_rng(seed).integers(DRAWS, size=own.shape[::-1])
        share = ((draws + 0.5) / DRAWS).T
    lower = np.logaddexp(below, np.log(share) + own)
    upper = np.logaddexp(beyond, np.log1p(-share) + own)
    return np.where(lower < upper, ndtri_exp(lower), -ndtri_exp(upper))


def draw_people(record: FitRecord, seed: Any = None) -> np.ndarray:
    """Draw quantile residuals of all people, those that a frequency weight stands for one by one.

    They are those of the rows laid out one by one, from the same seed. Rows of counts have J - 1
    each, as in `compute_residuals`.

    Parameters
    ----------
    record : FitRecord
    seed : int, numpy.random.Generator or None

    Returns
    -------
    numpy.ndarray
        (N,).

    Raises
    ------
    DataNotKeptError, OutcomeError
        As `compute_residuals` does.
    """
    record = record.in_memory()
    design = record.need_blocks().design
    if design.weight_type != "frequency" or design.outcome.kind != "labels":
        return np.ravel(np.asarray(compute_residuals(record, RANDOM, seed)))
    copies = np.asarray(design.weights).astype(np.intp)
    return _pick_quantiles(map_rows(record, map_labels).repeat(copies, axis=-1), settle_seed(seed))


def _name(seed: int | None) -> str:
    """Return what quantile residuals are called."""
    return "mid-quantile" if seed is None else "quantile"


def map_labels(block: Block, params: np.ndarray, base: int) -> np.ndarray:
    """Return the logarithms of the probabilities before, of and after every row's category."""
    logs, _ = log_softmax(map_scores(block, params, base))
    codes, columns = np.asarray(block.codes), np.arange(logs.shape[1])
    edge = np.full((1, logs.shape[1]), -np.inf)
    before = np.vstack([edge, np.logaddexp.accumulate(logs, axis=0)])
    after = np.vstack([edge, np.logaddexp.accumulate(logs[::-1], axis=0)])[-2::-1]
    return np.stack([before[codes, columns], logs[codes, columns], after[codes, columns]])


def map_counts(block: Block, params: np.ndarray, base: int) -> np.ndarray:
    """Return the logarithms of binomial probabilities below, at and above (3, J - 1, m).

    Of the people not in an earlier category, those beyond a category are counted.
    """
    logs, _ = log_softmax(map_scores(block, params, base))
    d = map_outcome(block)
    left = d[::-1].cumsum(axis=0)[::-1]
    tails = np.logaddexp.accumulate(logs[::-1], axis=0)[::-1]
    trials, count = left[:-1], left[1:]
    with np.errstate(invalid="ignore"):
        p, rest = np.exp(tails[1:] - tails[:-1]), np.exp(logs[:-1] - tails[:-1])
    nobody = trials == 0
    p, rest = np.where(nobody, 0.5, p), np.where(nobody, 0.5, rest)
    own = xlogy(count, p) + xlogy(trials - count, rest)
    own -= np.log1p(trials) + betaln(count + 1, trials - count + 1)
    # Incomplete beta functions are the binomial's tails (Abramowitz and Stegun 1964, 26.5.24).
    fewer = betainc(trials - count + 1, np.maximum(count, 1), rest) * (count > 0)
    more = betainc(count + 1, np.maximum(trials - count, 1), p) * (count < trials)
    with np.errstate(divide="ignore"):
        return np.stack([np.log(fewer), own, np.log(more)])
