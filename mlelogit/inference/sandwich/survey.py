r"""Covariances of a survey design: strata, primary sampling units, finite populations.

With z_hi the sum of the weighted scores of unit i of stratum h, n_h units and the sampling
fraction f_h, Taylor linearization gives (Binder 1983; Wolter 2007, section 6.12)

    M = Σ_h (1 - f_h) n_h / (n_h - 1) Σ_i (z_hi - z̄_h)(z_hi - z̄_h)'

and ``V M V`` with V the inverse of the information, with as many degrees of freedom as units
less strata, counted where there are rows used. Without units every observation is one. Units
count inside their strata: the same label in two of them is two units. They are the design's, not
only those of the rows used: where rows were dropped, for a weight of zero or a missing value, the
rows used are a subpopulation, and a unit without any of them has the sum zero. (Frequency weights
and counts stand for rows, and those of no weight are none: there the rows used are all.)
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from mlelogit.data.blocks import Block, RowBlocks
from mlelogit.data.design import Design, count_people
from mlelogit.data.frames import list_some
from mlelogit.data.labels import Labels, cross_labels, number_labels, read_column, read_numbers
from mlelogit.exceptions import CovarianceError
from mlelogit.fitting.likelihood import Matrix, sum_meat
from mlelogit.fitting.maximum import ReadOnly
from mlelogit.fitting.record import FitRecord
from mlelogit.inference.sandwich.cells import iterate_cells, open_objective

LONELY = ("raise", "center", "certainty")


@dataclass(frozen=True)
class SurveyDesign(ReadOnly):
    """Strata and units of the rows used.

    Attributes
    ----------
    strata : numpy.ndarray
        (n,), int64: the stratum of every row used.
    units : numpy.ndarray or None
        (n,), int64: its unit; None if every observation is one.
    homes : numpy.ndarray
        (units,): the stratum of every unit; empty without units.
    sizes : numpy.ndarray
        (H,): n_h, the units of every stratum of the design.
    present : float
        The units, in all, of which there are rows.
    fractions : numpy.ndarray
        (H,): f_h, zero without a finite population.
    names : dict
        What is used -> what it is called.
    lonely : str
        What is done about strata of one unit.
    """

    strata: np.ndarray
    units: np.ndarray | None
    homes: np.ndarray
    sizes: np.ndarray
    present: float
    fractions: np.ndarray
    names: dict[str, str]
    lonely: str

    @property
    def df(self) -> float:
        """Degrees of freedom: units less strata."""
        return self.present - len(self.sizes)

    @property
    def scales(self) -> np.ndarray:
        """``(1 - f_h) n_h / (n_h - 1)`` (H,); for lonely units 1 - f_h, or zero if certain."""
        alone = self.sizes == 1
        inner = self.sizes / np.where(alone, 1.0, self.sizes - 1)
        scales = (1 - self.fractions) * np.where(alone, 1.0, inner)
        return np.where(alone & (self.lonely != "center"), 0.0, scales)


def read_survey(
    design: Design, strata: Any, psu: Any, fpc: Any, lonely: str = "raise"
) -> SurveyDesign:
    """Read strata, units and sizes of populations that stand beside the rows.

    Parameters
    ----------
    design : Design
    strata, psu : label of a column or array-like, optional
        One stratum without strata, observations for units without psu.
    fpc : label of a column or array-like, optional
        How many units the population has in the row's stratum; or, if no value is above one,
        the share of them that was sampled.
    lonely : {"raise", "center", "certainty"}
        A stratum of one unit raises, deviates from the mean of all units, or has no variance.

    Raises
    ------
    CovarianceError
        If a stratum has one unit, fpc differs inside a stratum or is less than the sample, or
        there are no degrees of freedom.
    """
    counted = design.weight_type == "frequency" or design.outcome.kind == "counts"
    used, size = _find_used(design, counted)
    whole = _read_whole(design, strata, "strata", counted, size)
    every, of_whole = _restrict(whole, used)
    names = {} if strata is None else {"strata": whole.name}
    if psu is None:
        sizes = np.bincount(every.codes, _weigh_observations(design, counted), every.count)
        present = float(sizes.sum())
        if not counted:
            sizes = np.bincount(of_whole[of_whole >= 0], minlength=every.count).astype(float)
        units, homes = None, np.empty(0, dtype=np.int64)
    else:
        of_units = _read_whole(design, psu, "psu", counted, size)
        names["psu"] = of_units.name
        inside = cross_labels([every, _restrict(of_units, used)[0]])
        _, first = np.unique(inside.codes, return_index=True)
        units, homes, present = inside.codes, every.codes[first], float(inside.count)
        sizes = _count_units(of_whole, of_units, every.count)
    fractions, name = _read_fractions(design, fpc, every, sizes)
    if fpc is not None:
        names["fpc"] = name
    found = SurveyDesign(every.codes, units, homes, sizes, present, fractions, names, lonely)
    _check_lonely(found, every)
    return found


def _find_used(design: Design, counted: bool) -> tuple[np.ndarray, int]:
    """Return where the rows used are among those that count, and how many these are."""
    rows, given = design.source.shape[0], design.given
    if counted or given is None or given.positions is None:
        return np.arange(rows), rows
    return given.positions, given.total


def _read_whole(design: Design, labels: Any, what: str, counted: bool, size: int) -> Labels:
    """Return the labels of all rows that count; the code is -1 where one is missing."""
    if labels is None:
        return Labels(np.zeros(size, dtype=np.int64), pd.Index([what]), what)
    return number_labels(*read_column(design, labels, what, every=not counted))


def _restrict(whole: Labels, used: np.ndarray) -> tuple[Labels, np.ndarray]:
    """Return the labels of the rows used, and for all rows which of these they have, or -1."""
    found, codes = np.unique(whole.codes[used], return_inverse=True)
    places = np.full(whole.count + 1, -1, dtype=np.int64)
    places[found] = np.arange(len(found))
    return Labels(codes.astype(np.int64), whole.names[found], whole.name), places[whole.codes]


def _weigh_observations(design: Design, counted: bool) -> np.ndarray:
    people = count_people(design)
    return people * design.weights if counted and design.weights is not None else people


def _count_units(strata: np.ndarray, units: Labels, count: int) -> np.ndarray:
    """Return how many units every stratum has, those without a row used too (H,)."""
    known = (strata >= 0) & (units.codes >= 0)
    pairs = np.unique(strata[known] * units.count + units.codes[known])
    return np.bincount(pairs // units.count, minlength=count).astype(np.float64)


def _read_fractions(
    design: Design, fpc: Any, strata: Labels, sizes: np.ndarray
) -> tuple[np.ndarray, str]:
    """Return the share of every stratum that was sampled (H,), and what it was read from."""
    if fpc is None:
        return np.zeros(strata.count), ""
    values, name = read_numbers(design, fpc, "fpc")
    low, high = np.full(strata.count, np.inf), np.full(strata.count, -np.inf)
    np.minimum.at(low, strata.codes, values)
    np.maximum.at(high, strata.codes, values)
    mixed = np.flatnonzero(low != high)
    if mixed.size:
        raise CovarianceError(
            f"{name!r} (fpc) differs inside strata {list_some(_pick(strata, mixed))}: give the "
            "number of units in the stratum's population on each of its rows."
        )
    if (low < 0).any():
        raise CovarianceError(f"{name!r} (fpc) is negative; give numbers of units or shares.")
    if (low <= 1).all():
        return low, name
    small = np.flatnonzero(low < sizes)
    if small.size:
        raise CovarianceError(
            f"{name!r} (fpc) is less than the number of units in the sample in strata "
            f"{list_some(_pick(strata, small))}: {low[small[0]]:g} of a population, and "
            f"{sizes[small[0]]:g} sampled. Values above one are sizes, of the population's strata."
        )
    return np.asarray(sizes / low), name


def _check_lonely(found: SurveyDesign, strata: Labels) -> None:
    alone = np.flatnonzero((found.sizes <= 1) & (found.fractions < 1))
    if alone.size and found.lonely == "raise":
        raise CovarianceError(
            f"{alone.size} strata have one unit, so nothing tells how units differ there: "
            f"{list_some(_pick(strata, alone))}. Join strata, or give lonely='center' (deviation "
            "from the mean of all units) or lonely='certainty' (no variance)."
        )
    if found.df < 1:
        raise CovarianceError(
            f"The survey design has {found.present:g} units in {len(found.sizes)} strata, which "
            "leaves no degrees of freedom."
        )


def _pick(strata: Labels, which: np.ndarray) -> list[Any]:
    return strata.names[which].tolist()


def sum_scaled_meat(
    block: Block,
    params: np.ndarray,
    base: int,
    squared: bool,
    scales: np.ndarray,
    turn: np.ndarray | None = None,
) -> Matrix:
    """Sum the outer products of a block's observations, each times the scale of its stratum."""
    own = scales[np.asarray(block.groups)]
    factor = np.sqrt(own) if squared else own
    weights = factor if block.weights is None else factor * block.weights
    return sum_meat(replace(block, weights=weights), params, base, squared, turn)


def sum_survey_meat(record: FitRecord, survey: SurveyDesign) -> np.ndarray:
    """Return M (P, P), in the internal basis."""
    size = len(record.maximum.params)
    scales, meat = survey.scales, np.zeros((size, size))
    if survey.units is None:
        meat += _sum_observations(record, survey, scales)
    else:
        for first, sums in iterate_cells(record, survey.units, len(survey.homes)):
            scale = scales[survey.homes[first : first + len(sums)]]
            meat += sums.T @ (sums * scale[:, np.newaxis])
    # Units deviate from the mean of their stratum, one alone from that of all.
    alone = (survey.sizes == 1) & (scales > 0)
    own = np.where(alone, 0.0, scales / survey.sizes)
    mean = _average_units(record, survey) if alone.any() else np.zeros(size)
    for first, sums in iterate_cells(record, survey.strata, len(survey.sizes)):
        part = slice(first, first + len(sums))
        meat -= sums.T @ (sums * own[part, np.newaxis])
        cross = np.outer((scales[part] * alone[part]) @ sums, mean)
        meat -= cross + cross.T
    return meat + float(scales @ alone) * np.outer(mean, mean)


def _average_units(record: FitRecord, survey: SurveyDesign) -> np.ndarray:
    objective, params = open_objective(record)
    return np.asarray(objective.evaluate(params, 1).score) / survey.sizes.sum()


def _sum_observations(record: FitRecord, survey: SurveyDesign, scales: np.ndarray) -> np.ndarray:
    objective, params = open_objective(record)
    blocks = objective.blocks
    design = replace(blocks.design, groups=survey.strata)
    apart = RowBlocks(design, blocks.basis, blocks.size, blocks.threads)
    whole = replace(objective, blocks=apart)
    squared = record.weight_type == "sampling"
    return whole.sum_products(sum_scaled_meat, params, squared, scales).value
