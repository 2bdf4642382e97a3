"""What a bootstrap draws: people, rows or clusters, and how often each row counts then."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from mlelogit.data.blocks import Block, RowBlocks
from mlelogit.data.design import Design
from mlelogit.data.sources import ColumnSource, leave_out_rows
from mlelogit.exceptions import BiasReductionError, BootstrapError
from mlelogit.fitting.likelihood import Matrix, drop_base, evaluate_block, weigh
from mlelogit.fitting.record import FitRecord

# Numbers in the array of a chunk's draws: 8 megabytes.
CHUNK_ELEMENTS = 1 << 20
_ROOT = float(np.sqrt(5.0))
PERTURBATIONS = {
    "rademacher": (np.array([-1.0, 1.0]), np.array([0.5, 0.5])),
    "webb": (np.sqrt([1.5, 1.0, 0.5, 0.5, 1.0, 1.5]) * [-1, -1, -1, 1, 1, 1], np.full(6, 1 / 6)),
    "mammen": (
        np.array([(1 - _ROOT) / 2, (1 + _ROOT) / 2]),
        np.array([(_ROOT + 1) / (2 * _ROOT), (_ROOT - 1) / (2 * _ROOT)]),
    ),
}


@dataclass(frozen=True)
class Units:
    """The rows of a fit as the units that a bootstrap draws.

    Rows of counts are cut into cells, one for each category in which there is anybody, so that
    a cell holds people who are alike. Frequency weights, too, become people.

    Attributes
    ----------
    record : FitRecord
        Of the fit, its rows the n cells; frequency weights are taken off.
    people : numpy.ndarray
        (n,): how many people every cell is.
    groups : numpy.ndarray or None
        (n,): the cluster of every cell, 0..G-1; None if people are drawn on their own.
    strata : numpy.ndarray or None
        (n,) or, with clusters, (G,): the stratum of every unit, 0..H-1.
    """

    record: FitRecord
    people: np.ndarray
    groups: np.ndarray | None = None
    strata: np.ndarray | None = None

    @property
    def rows(self) -> int:
        """Number of cells n."""
        return len(self.people)

    @cached_property
    def clusters(self) -> int:
        """Number of clusters G; zero if there are none."""
        return 0 if self.groups is None else int(self.groups.max()) + 1

    @property
    def count(self) -> float:
        """Number of units: clusters, or people."""
        return float(self.clusters or self.people.sum())

    @cached_property
    def members(self) -> np.ndarray:
        """How many units stand behind every draw: one per cluster, or the people of a cell."""
        return np.ones(self.clusters) if self.clusters else self.people

    @property
    def chunk(self) -> int:
        """How many draws are made at a time; it depends on the data alone."""
        return max(1, CHUNK_ELEMENTS // self.rows)

    def spread(self, drawn: np.ndarray) -> np.ndarray:
        """Turn what clusters got (B, G) into what cells got (B, n), people included."""
        return drawn if self.groups is None else drawn[:, self.groups] * self.people

    def describe(self, clusters: str | None = None) -> str:
        """Say what is drawn; clusters by what they are called."""
        if clusters is not None:
            return f"{self.clusters} clusters of {clusters}"
        rows = self.record.weight_type == "sampling" or self.count == self.record.audit.rows_used
        return f"{self.count:.10g} {'rows' if rows else 'people'}"

    def list_strata(self) -> list[np.ndarray]:
        """Return the positions of the units of every stratum."""
        if self.strata is None:
            return [np.arange(len(self.members))]
        order = np.argsort(self.strata, kind="stable")
        return np.split(order, np.cumsum(np.bincount(self.strata))[:-1])


def make_units(
    record: FitRecord,
    groups: np.ndarray | None = None,
    strata: np.ndarray | None = None,
    estimated: bool = True,
) -> Units:
    """Cut the rows of a fit into what a bootstrap draws.

    Parameters
    ----------
    record : FitRecord
    groups, strata : numpy.ndarray, optional
        (rows used,): codes 0, 1, ... of the clusters, and of the strata.
    estimated : bool
        Whether the fit's own estimates are needed.

    Raises
    ------
    BiasReductionError
        If the fit's bias was reduced.
    BootstrapError
        If the fit has not converged or is separated, weights do not say what a unit is, there
        are fewer than two clusters, one lies in several strata, or a stratum has a single unit.
    """
    _check_record(record, estimated)
    record = record.in_memory()
    design = record.need_blocks().design
    cells, people, rows = cut_cells(design)
    blocks = RowBlocks(cells, threads=record.need_blocks().threads)
    inside = replace(record, blocks=blocks)
    if groups is not None and int(groups.max()) < 1:
        raise BootstrapError("There is one cluster; a bootstrap of clusters needs two or more.")
    if strata is not None and groups is not None:
        strata = _place_clusters(groups, strata)
    elif strata is not None:
        strata = strata[rows]
    units = Units(inside, people, None if groups is None else groups[rows], strata)
    _check_strata(units)
    return units


def _check_record(record: FitRecord, estimated: bool) -> None:
    """Raise if a fit has no units to draw, or no maximum of the likelihood."""
    if record.maximum.bias_reduction is not None:
        raise BiasReductionError(
            "A bootstrap refits by maximum likelihood, and this fit reduced its bias; start from "
            "a fit without bias_reduction."
        )
    if record.weight_type == "importance":
        raise BootstrapError(
            "Importance weights do not say how many observations a row stands for, so there is "
            "nothing to resample; use weight_type 'frequency' or 'sampling'."
        )
    if estimated and record.separation.found:
        raise BootstrapError(
            "The data are separated: estimates are infinite, and so would be those of resamples. "
            "Leave out what separates them, or use fit(bias_reduction='mean') and its covariance."
        )
    if estimated and not record.maximum.converged:
        raise BootstrapError(f"The fit has not converged. {record.maximum.status.value}")


def cut_cells(design: Design) -> tuple[Design, np.ndarray, np.ndarray]:
    """Return a design of cells, the people of each (c,) and the row that each comes from (c,).

    A cell is a row, or of counts the people of one category of it; frequency weights are people.
    """
    rows, people = np.arange(design.source.shape[0]), np.ones(design.source.shape[0])
    cells = design
    if design.outcome.kind == "counts":
        table = np.asarray(design.outcome.table)
        rows, codes = np.nonzero(table)
        people = table[rows, codes]
        cells = replace(
            design,
            outcome=replace(design.outcome, codes=codes, table=None, kind="labels"),
            source=_repeat_rows(design.source, rows),
            weights=None if design.weights is None else design.weights[rows],
            offset=None if design.offset is None else design.offset[rows],
            index=design.index[rows],
            given=None,
        )
    if cells.weight_type == "frequency":
        people = people * np.asarray(cells.weights)
        cells = replace(cells, weights=None, weight_type=None)
    return cells, people, rows


def _repeat_rows(source: ColumnSource, rows: np.ndarray) -> ColumnSource:
    """Return the source of cells; as many cells as rows need not be all of the rows in order."""
    if len(rows) == source.shape[0]:
        return source.take(rows)
    return leave_out_rows(source, rows)


def _place_clusters(groups: np.ndarray, strata: np.ndarray) -> np.ndarray:
    """Return the stratum of every cluster (G,)."""
    placed = np.zeros(int(groups.max()) + 1, dtype=np.intp)
    placed[groups] = strata
    if (placed[groups] != strata).any():
        raise BootstrapError(
            "A cluster lies in several strata; strata are drawn from apart, so every cluster "
            "must lie in one."
        )
    return placed


def _check_strata(units: Units) -> None:
    if units.strata is None:
        return
    sizes = np.bincount(units.strata, weights=units.members)
    alone = np.flatnonzero(sizes == 1)
    if alone.size:
        raise BootstrapError(
            f"{alone.size} strata have a single unit, which every resample would repeat, so "
            "nothing is learned of its variance; join strata."
        )


def draw_pairs(units: Units, rng: np.random.Generator, count: int) -> np.ndarray:
    """Draw as many units as there are, with replacement, within strata: times (count, n)."""
    drawn = np.zeros((count, len(units.members)))
    for places in units.list_strata():
        members = units.members[places]
        total = int(members.sum())
        if total == len(places):
            picked = rng.integers(total, size=(count, total))
            picked += total * np.arange(count)[:, np.newaxis]
            times = np.bincount(picked.ravel(), minlength=count * total).reshape(count, total)
        else:
            times = rng.multinomial(total, members / total, size=count)
        drawn[:, places] = times
    return units.spread(drawn)


def draw_fractional(units: Units, rng: np.random.Generator, count: int) -> np.ndarray:
    """Draw a standard exponential weight for every unit: times (count, n).

    The people of a cell have weights of their own, whose sum is a gamma variate.
    """
    return units.spread(rng.standard_gamma(units.members, size=(count, len(units.members))))


def draw_perturbations(
    units: Units, rng: np.random.Generator, count: int, name: str
) -> tuple[np.ndarray, np.ndarray]:
    """Draw a random sign or its like for every unit.

    Returns
    -------
    sums, squares : numpy.ndarray
        (count, units): Σ w and Σ w² over the units behind every draw.
    """
    values, chances = PERTURBATIONS[name]
    size = count, len(units.members)
    if (units.members == 1).all():
        drawn = values[rng.choice(len(values), size=size, p=chances)]
        return drawn, drawn**2
    found = rng.multinomial(units.members.astype(np.int64), chances, size=size)
    return found @ values, found @ values**2


def number_rows(units: Units, threads: int | None = None) -> RowBlocks:
    """Return the cells in the internal basis, each the only member of a group: its number."""
    blocks = units.record.need_blocks()
    numbered = replace(blocks.design, groups=np.arange(units.rows))
    return RowBlocks(numbered, units.record.basis, blocks.size, threads or blocks.threads)


def find_residuals(block: Block, params: np.ndarray, base: int) -> np.ndarray:
    """Return the weighted d - y of a block's rows in the categories but the base (J - 1, m)."""
    return weigh(block, -drop_base(evaluate_block(block, params, base).excess, base))


def _sum_times(block: Block, params: np.ndarray, base: int, times: np.ndarray) -> Matrix:
    drawn = times[:, block.groups]
    residuals = find_residuals(block, params, base)
    sums = [(drawn * residual) @ block.x.T for residual in residuals]
    return Matrix(np.stack(sums, axis=1).reshape(len(times), -1))


def sum_scores(units: Units, params: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Return ``Σ_n times_bn s_n`` at params of the internal basis, for every draw: (B, P)."""
    base = units.record.encoding.base
    stack: Matrix = number_rows(units).reduce(_sum_times, params, base, times)
    return stack.value
