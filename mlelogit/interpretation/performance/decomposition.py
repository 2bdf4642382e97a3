r"""Scores of probabilities, taken apart into what calibration and what resolution they have.

Rows are put in cells. With ``W_c`` the people of a cell, ``o_c`` the observed shares of the
categories in it, ``f_c`` its mean probabilities and o the shares of all people, a score is
uncertainty - resolution + reliability + within, where

- Brier: uncertainty ``Σ_k o_k (1 - o_k)``, resolution ``Σ_c W_c / W Σ_k (o_ck - o_k)²``,
  reliability ``Σ_c W_c / W Σ_k (f_ck - o_ck)²`` (Murphy 1973, Journal of Applied Meteorology 12),
  and within, for probabilities differ inside a cell, their variance less twice their covariance
  with the outcome (Stephenson, Coelho and Jolliffe 2008, Weather and Forecasting 23);
- log: the entropy of o, ``Σ_c W_c / W KL(o_c, o)``, ``Σ_c W_c / W KL(o_c, f_c)`` with KL the
  Kullback-Leibler divergence (Weijs, van Nooijen and van de Giesen 2010, Monthly Weather Review
  138),
  and within the mean over people of ``log(f_ck / p_nk)``, k being their category.

Every part is computed from its own formula, and they add up exactly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import entr, rel_entr

PARTS = ("score", "uncertainty", "resolution", "reliability", "within")
# Within is the first less the second; that of the log score has no such parts.
BRIER_PARTS = (*PARTS, "within_variance", "within_covariance")


@dataclass(frozen=True)
class Cells:
    """Cells of rows, and what is observed and predicted in each.

    Attributes
    ----------
    places : numpy.ndarray
        (n,): the cell of every row.
    weights : numpy.ndarray
        (C,): people in every cell.
    observed, predicted : numpy.ndarray
        (J, C): shares of the categories, and mean probabilities.
    """

    places: np.ndarray
    weights: np.ndarray
    observed: np.ndarray
    predicted: np.ndarray


def fill_cells(places: np.ndarray, people: np.ndarray, probabilities: np.ndarray) -> Cells:
    """Add people (J, n) and probabilities (J, n) up by the cells (n,) of their rows.

    Examples
    --------
    >>> import numpy as np
    >>> from mlelogit.interpretation.performance.decomposition import fill_cells
    >>> people, p = np.eye(2), np.array([[0.75, 0.25], [0.25, 0.75]])
    >>> fill_cells(np.array([7, 7]), people, p).predicted.tolist()
    [[0.5], [0.5]]
    """
    _, places = np.unique(places, return_inverse=True)
    totals = people.sum(axis=0)
    weights = np.bincount(places, totals)
    observed = np.array([np.bincount(places, own) for own in people]) / weights
    predicted = np.array([np.bincount(places, totals * p) for p in probabilities]) / weights
    return Cells(places, weights, observed, predicted)


def decompose_brier(cells: Cells, people: np.ndarray, p: np.ndarray) -> np.ndarray:
    """Return the parts (J, 7) of every category's Brier score, in the order of `BRIER_PARTS`.

    Their sum over the categories is the Brier score of all, as Brier (1950) has it, between zero
    and two.
    """
    totals, every = people.sum(axis=0), people.sum()
    share = people.sum(axis=1) / every
    parts = cells.weights / every
    score = (totals * p**2 - 2 * people * p + people).sum(axis=1) / every
    uncertainty = share * (1 - share)
    resolution = (cells.observed - share[:, np.newaxis]) ** 2 @ parts
    reliability = (cells.predicted - cells.observed) ** 2 @ parts
    apart = p - cells.predicted[:, cells.places]
    variance = apart**2 @ totals / every
    gaps = people - totals * cells.observed[:, cells.places]
    covariance = 2 * (apart * gaps).sum(axis=1) / every
    within = variance - covariance
    return np.column_stack(
        [score, uncertainty, resolution, reliability, within, variance, covariance]
    )


def decompose_log(cells: Cells, people: np.ndarray, logs: np.ndarray) -> np.ndarray:
    """Return the parts (5,) of the log score, in the order of `PARTS`.

    All but the uncertainty are infinite or NaN where somebody is in a category without a
    probability.
    """
    every, there = people.sum(), people > 0
    share, parts = people.sum(axis=1) / every, cells.weights / every
    resolution = rel_entr(cells.observed, share[:, np.newaxis]).sum(axis=0) @ parts
    reliability = rel_entr(cells.observed, cells.predicted).sum(axis=0) @ parts
    with np.errstate(invalid="ignore", divide="ignore"):
        ratios = np.log(cells.predicted)[:, cells.places] - logs
        within = (people * np.where(there, ratios, 0.0)).sum() / every
        score = -(people * np.where(there, logs, 0.0)).sum() / every
    found = [score, entr(share).sum(), resolution, reliability, within]
    return np.array(found, dtype=float)
