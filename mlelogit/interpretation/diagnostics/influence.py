r"""Influence: what the estimates would be without each row, to one Newton step.

Formulas are at the top of `mlelogit.inference.sandwich.deletion`; with u and V from there,

- leverage: the block ``A Q`` (J - 1, J - 1) of a row, and its trace. The traces add up to the
  number of free parameters, since ``Σ A Q`` has the trace of ``I V``;
- dfbeta: ``V (u ⊗ x)``, the estimates less those without the row after one Newton step
  (Pregibon 1981, Annals of Statistics 9, 705-724; Lesaffre and Albert 1989, Applied Statistics
  38, 425-440); dfbetas are these over the standard errors (Belsley, Kuh and Welsch 1980, section
  2.1);
- Cook's distance: ``dfbeta' C⁻¹ dfbeta / P`` with the covariance C in use and P free parameters
  (Cook and Weisberg 1982, section 3.5; Pregibon 1981);
- chi-square: ``e' (A - A Q A)⁻¹ e``, the squared residual over its own variance, all categories at
  once (Lesaffre and Albert 1989), about J - 1 on average;
- log-likelihood gain: ``e' Q u / 2``, by how much that of the other rows rises without the row.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from html import escape

import numpy as np
import pandas as pd

from mlelogit.data.arguments import check_choice
from mlelogit.data.blocks import RowBlocks
from mlelogit.data.design import take_rows
from mlelogit.data.threads import single_threaded_blas
from mlelogit.exceptions import LeverageWarning
from mlelogit.fitting.constrained.equations import find_directions
from mlelogit.fitting.maximum import ReadOnly
from mlelogit.fitting.objective import LogLikelihood
from mlelogit.fitting.record import FitRecord
from mlelogit.inference.coefficients import divide_by_errors, index_all, spread_columns
from mlelogit.inference.covariance import Covariance, need_covariance
from mlelogit.interpretation.diagnostics.deletions import (
    form_steps,
    map_blocks,
    map_steps,
    measure_lines,
    open_lines,
)
from mlelogit.interpretation.diagnostics.worst import check_count
from mlelogit.interpretation.labelling import describe_rows, index_labels, label_codes
from mlelogit.notices import warn_user

UNITS = ("row", "person")
MEASURES = ("leverage", "cooks_distance", "chi_square", "loglike_gain", "largest_dfbetas")
SHOWN = 10
ROWS_AT_ONCE = 8192
# Times the average: the usual mark for leverages to look at (Belsley, Kuh and Welsch 1980, p. 17).
LARGE = 2
BIAS = (
    "only leverage is defined with bias reduction: a row left out changes the adjustment of the "
    "score too, which is a refit"
)
UNKNOWN = "no finite maximum has been shown to exist, so there is nothing to move"
SETTLED = (
    "the data are separated completely: no coefficient is left to estimate in the limit, and none "
    "moves"
)
INFINITE = "dfbeta: coefficients that are infinite have no step"
SINGULAR = (
    "Cook's distance: the covariance in use is singular, as of fewer groups than parameters, so it "
    "measures no distance"
)
VARIANCES = {
    "sampling": "chi_square: sampling weights do not tell the variance of a residual",
    "probabilities": "chi_square: an outcome of probabilities has no variance that the model tells",
}


@dataclass(frozen=True, eq=False, repr=False)
class Influence(ReadOnly):
    """What leaving out each row, or each person, does to a fit.

    A row stands here with all its people and its weight, unless ``unit`` is "person". Formulas and
    sources are at the top of `mlelogit.interpretation.diagnostics.influence`.

    Made by `mlelogit.interpretation.diagnostics.influence.measure_influence`.

    Attributes
    ----------
    record : FitRecord
    covariance : Covariance
        What dfbetas and Cook's distances are measured by.
    unit : {"row", "person"}
        What is left out.
    index : pandas.Index
        Labels of the m lines: those of the rows used; with unit "person" and counts, with the
        category as a last level.
    rows : numpy.ndarray
        (m,): the row of the fit that each line is of.
    people : numpy.ndarray
        (m,): how many such units each line stands for; one for rows.
    size : int
        Number of free parameters: the sum of leverage times people.
    reason : str
        Why something is NaN; empty if nothing is.
    values : numpy.ndarray
        (6, m): the columns of `summary_frame` that are numbers, and the place among the
        coefficients of the largest dfbetas.
    """

    record: FitRecord
    covariance: Covariance
    unit: str
    index: pd.Index
    rows: np.ndarray
    people: np.ndarray
    size: int
    reason: str
    values: np.ndarray

    def _pick(self, name: str) -> pd.Series:
        values = self.values[MEASURES.index(name)].copy()
        return pd.Series(values, index=self.index.view(), name=name)

    @property
    def leverage(self) -> pd.Series:
        """The trace of every line's leverage (m,), the same from every base."""
        return self._pick("leverage")

    @property
    def cooks_distance(self) -> pd.Series:
        """Cook's distance (m,), the same from every base and in every unit of the columns."""
        return self._pick("cooks_distance")

    @property
    def chi_square(self) -> pd.Series:
        """The squared residual over its variance (m,), about J - 1 if the model holds.

        Frequency and importance weights are people. Those of a row of labels are all in one
        category, so that it grows with their number: look at unit "person" then.
        """
        return self._pick("chi_square")

    @property
    def loglike_gain(self) -> pd.Series:
        """How much the log-likelihood of the others rises (m,), weighted as in the fit."""
        return self._pick("loglike_gain")

    @property
    def leverage_blocks(self) -> np.ndarray:
        """The leverages ``A Q`` (m, J - 1, J - 1), in the order of ``record.encoding.others``.

        They belong to the base; traces and eigenvalues do not. Formed when asked for.
        """
        return form_blocks(self)

    @property
    def dfbeta(self) -> pd.DataFrame:
        """Estimates less those without the line (m, P), columns (category, name).

        Formed when asked for, m times P numbers; `iterate_dfbeta` gives some lines at a time. NaN
        for columns left out, for infinite coefficients and where a leverage is one.
        """
        return next(iterate_steps(self, None))

    @property
    def dfbetas(self) -> pd.DataFrame:
        """`dfbeta` over the standard errors in use."""
        return scale_steps(self, self.dfbeta)

    def iterate_dfbeta(self, rows: int = ROWS_AT_ONCE) -> Iterator[pd.DataFrame]:
        """Yield `dfbeta` so many lines at a time, in order.

        Parameters
        ----------
        rows : int
            How many lines a frame has.

        Yields
        ------
        pandas.DataFrame
            (rows, P); the last has what is left.

        Raises
        ------
        OptionError
            If it is less than one line.
        """
        return iterate_steps(self, rows)

    def summary_frame(self) -> pd.DataFrame:
        """Return one row per line, for all that is one number each.

        Columns leverage, cooks_distance, chi_square, loglike_gain, largest_dfbetas (the dfbetas
        of largest size, with its sign), category and name (the coefficient it is of), and
        people if lines are more than one unit.
        """
        return tabulate_influence(self)

    def worst(self, n: int = SHOWN, measure: str = "cooks_distance") -> pd.DataFrame:
        """Return the lines of largest influence, with the values of their variables.

        Parameters
        ----------
        n : int
            How many; all if there are fewer.
        measure : str
            A column of numbers of `summary_frame`; the largest sizes come first.

        Returns
        -------
        pandas.DataFrame
            (n, any), the largest first.
        """
        return find_most_influential(self, n, measure)

    def __str__(self) -> str:
        return "\n".join([*describe(self), "", self.worst().to_string(), *self._close()])

    def _close(self) -> list[str]:
        return ["", f"NaN: {self.reason}."] if self.reason else []

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        words = "<br>".join(map(escape, describe(self)))
        after = "".join(f"<p>{escape(line)}</p>" for line in self._close() if line)
        return f"<p>{words}</p>{self.worst().to_html()}{after}"


@single_threaded_blas
def measure_influence(record: FitRecord, covariance: Covariance, unit: str = "row") -> Influence:
    r"""Measure what leaving out each row, or each person, does to a fit.

    One pass over the rows, in blocks; no array of rows times parameters is formed unless `dfbeta`
    is asked for. Constraints stay in force, active bounds too. On separated data the steps are
    those of the model in the limit, and infinite coefficients have none. Leverages and steps
    rest on the information, whatever covariance is in use.

    Parameters
    ----------
    record : FitRecord
    covariance : Covariance
        What Cook's distance and dfbetas are measured by.
    unit : {"row", "person"}
        Leave out a row with all its people and its weight, as R's hatvalues and cooks.distance do;
        or a single person of those that counts and frequency weights stand for, which gives
        what rows written out one by one have. Sampling and importance weights do not say
        how many people there are, and stay with their row.

    Returns
    -------
    Influence

    Raises
    ------
    CovarianceError
        If the fit left out its information for its size.
    DataNotKeptError
        If the fit no longer holds its rows.
    OptionError
        If the unit is unknown.

    Warns
    -----
    LeverageWarning
        If a row has a leverage of one: nothing but the row tells some combination of the
        coefficients, and all about its deletion but the leverage is NaN.

    Examples
    --------
    >>> import mlelogit as ml
    >>> res = ml.mnlogit("vote ~ age + educ", ml.datasets.load_anes96()).fit()
    >>> influence = res.get_influence()
    >>> round(float(influence.leverage.sum()), 6)
    3.0
    >>> influence.dfbeta.shape
    (944, 3)
    """
    check_choice("unit", unit, UNITS)
    need_covariance(covariance)
    objective, people, rows = open_lines(record, unit)
    bread, reasons = _find_bread(record), _list_reasons(record)
    values = np.full((len(MEASURES) + 1, len(rows)), np.nan)
    if bread is not None:
        values, regular = measure_lines(record, covariance, objective, bread)
        if not regular:
            reasons[SINGULAR] = ("cooks_distance",)
        _warn_of_lone(values, people, unit)
    for names in reasons.values():
        values[[MEASURES.index(name) for name in names]] = np.nan
    directions = find_directions(record)
    size = len(record.maximum.params) if directions is None else directions.shape[1]
    values[MEASURES.index("cooks_distance")] /= max(size, 1)
    index = _label_lines(objective.blocks, record, unit)
    return Influence(
        record, covariance, unit, index, rows, people, size, "; ".join(reasons), values
    )


def _find_bread(record: FitRecord) -> np.ndarray | None:
    """Return V (P, P) in the internal basis, zero if the limit has nothing to tell."""
    bread, size = record.maximum.inverse, len(record.maximum.params)
    if bread is None and record.separation.found:
        return np.zeros((size, size))
    return bread if record.well_defined else None


def _list_reasons(record: FitRecord) -> dict[str, tuple]:
    """Return why measures of a fit are not defined, and which."""
    if _find_bread(record) is None:
        return {UNKNOWN: MEASURES}
    if record.maximum.bias_reduction is not None:
        return {BIAS: MEASURES[1:]}
    uses = record.weight_type, record.encoding.outcome_kind
    reasons = {VARIANCES[use]: ("chi_square",) for use in uses if use in VARIANCES}
    if not record.separation.found:
        return reasons
    infinite = ~np.isfinite(record.estimates)
    return reasons | ({SETTLED: MEASURES[1:]} if infinite.all() else {INFINITE: ()})


def _warn_of_lone(values: np.ndarray, people: np.ndarray, unit: str) -> None:
    lone = people[np.isnan(values[MEASURES.index("loglike_gain")])].sum()
    if lone:
        said = f"{lone:.10g} {unit}s have" if lone > 1 else f"A {unit} has"
        warn_user(
            f"{said} a leverage of one: nothing else tells some combination of the coefficients, "
            "so nothing but the leverage is defined for leaving it out.",
            LeverageWarning,
        )


def _label_lines(blocks: RowBlocks, record: FitRecord, unit: str) -> pd.Index:
    index = blocks.design.index
    if unit == "row" or record.encoding.outcome_kind != "counts":
        return index.view()
    categories = index_labels(record.encoding.categories)
    levels = [index.get_level_values(level) for level in range(index.nlevels)]
    codes = np.asarray(blocks.design.outcome.codes)
    return pd.MultiIndex.from_arrays(
        [*levels, categories.take(codes)], names=[*index.names, "category"]
    )


def form_blocks(influence: Influence) -> np.ndarray:
    """Return the leverage of every line (m, J - 1, J - 1)."""
    record, bread = influence.record, _find_bread(influence.record)
    objective, people, _ = open_lines(record, influence.unit)
    if bread is None:
        return np.full((len(people), *2 * (len(record.params),)), np.nan)
    outer = objective.leave_covariance(bread)
    return np.moveaxis(objective.map(map_blocks, record.inner_params, outer), -1, 0)


def iterate_steps(influence: Influence, rows: int | None) -> Iterator[pd.DataFrame]:
    """Yield dfbeta of some lines at a time, of all if their number is not given."""
    record, total = influence.record, len(influence.rows)
    objective, _, _ = open_lines(record, influence.unit)
    count = total if rows is None else check_count(rows)
    for start in range(0, total, count):
        places = np.arange(start, min(start + count, total))
        part = objective if count >= total else _cut_lines(objective, places)
        cube = _map_dfbeta(record, part, len(places)).reshape(len(places), *record.params.shape)
        flat = spread_columns(cube, record.encoding).reshape(len(places), -1)
        labels = index_all(record.encoding)
        yield pd.DataFrame(flat, index=influence.index[places], columns=labels)


def _cut_lines(objective: LogLikelihood, places: np.ndarray) -> LogLikelihood:
    blocks = objective.blocks
    design = take_rows(blocks.design, places, lazy=True)
    return replace(objective, blocks=RowBlocks(design, blocks.basis, None, blocks.threads))


def _map_dfbeta(record: FitRecord, objective: LogLikelihood, count: int) -> np.ndarray:
    """Return dfbeta (m, P) of some lines."""
    bread = _find_bread(record)
    if bread is None or record.maximum.bias_reduction is not None:
        return np.full((count, len(record.maximum.params)), np.nan)
    steps = form_steps(record, objective, bread)
    outer = objective.leave_covariance(bread)
    return objective.map(map_steps, record.inner_params, outer, steps).T


def scale_steps(influence: Influence, frame: pd.DataFrame) -> pd.DataFrame:
    """Return dfbeta over the standard errors, NaN where both are zero."""
    encoding, bse = influence.record.encoding, influence.covariance.bse
    errors = spread_columns(bse.reshape(influence.record.params.shape), encoding).ravel()
    values = divide_by_errors(frame.to_numpy(), errors)
    return pd.DataFrame(values, index=frame.index, columns=frame.columns)


def tabulate_influence(influence: Influence) -> pd.DataFrame:
    """Return the measures, one row per line; see `Influence.summary_frame`."""
    encoding, place = influence.record.encoding, influence.values[-1]
    known = np.isfinite(influence.values[MEASURES.index("largest_dfbetas")])
    frame = pd.DataFrame(influence.values[:-1].T.copy(), index=influence.index.view())
    frame.columns = pd.Index(MEASURES)
    equations, columns = np.divmod(np.where(known, place, 0).astype(np.int64), len(encoding.names))
    for name, places, labels in (
        ("category", equations, encoding.others),
        ("name", columns, encoding.names),
    ):
        frame[name] = label_codes(np.where(known, places, -1), labels)
    if not (influence.people == 1).all():
        frame["people"] = influence.people
    return frame


def find_most_influential(influence: Influence, n: int, measure: str) -> pd.DataFrame:
    """Return the lines of largest measure with their variables; see `Influence.worst`."""
    check_choice("measure", measure, MEASURES)
    count = min(check_count(n), len(influence.rows))
    sizes = np.abs(influence.values[MEASURES.index(measure)])
    places = np.argsort(-sizes, kind="stable")[:count]
    return describe_rows(
        influence.record, influence.rows[places], tabulate_influence(influence).iloc[places]
    )


def describe(influence: Influence) -> list[str]:
    """Say what was left out, and how much it tells."""
    leverage, people = influence.values[0], influence.people
    mean = influence.size / people.sum()
    above = int((leverage > LARGE * mean).sum())
    counts = f"{len(leverage)} lines, {influence.size} free parameters"
    return [
        f"Influence: each {influence.unit} left out, to one Newton step",
        f"{counts}, {influence.covariance.kind} covariance",
        f"Leverage {mean:.4g} on average, in {above} lines above twice that",
    ]
