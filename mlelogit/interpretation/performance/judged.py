"""Rows whose outcome is known beside what a fit says of them: its own rows, or new ones."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from mlelogit.data.arguments import check_choice
from mlelogit.data.blocks import RowBlocks
from mlelogit.data.design import Design, take_rows
from mlelogit.data.encoding import Encoding
from mlelogit.data.frames import (
    check_indexes,
    check_lengths,
    check_missing,
    convert_foreign,
    list_names,
    list_some,
    look_up_column,
)
from mlelogit.data.matching import match_outcome
from mlelogit.data.outcome import Outcome, read_outcome
from mlelogit.data.rows import WEIGHT_TYPES
from mlelogit.data.streaming.opening import hold_small
from mlelogit.exceptions import (
    ColumnNotFoundError,
    EmptyDataError,
    OptionError,
    WeightError,
    WeightTypeError,
)
from mlelogit.fitting.likelihood import map_outcome, map_scores, weigh
from mlelogit.fitting.linalg import log_softmax
from mlelogit.fitting.record import FitRecord
from mlelogit.interpretation.performance.rates import (
    FRACTIONAL,
    INDEPENDENT,
    OWN_ROWS,
    Mean,
    average_people,
    wilson_interval,
)
from mlelogit.interpretation.points import map_point_scores, model_points, read_points


@dataclass(frozen=True, eq=False)
class NewRows:
    """Rows to judge that the fit has not seen, as a user gives them; its own if none are.

    Attributes
    ----------
    newdata : DataFrame, dict, array-like, optional
        New rows, as `mlelogit.interpretation.points.read_points` takes them; the fit's own if
        not given.
    outcome : array-like, or name of a column of newdata, optional
        The outcome of the new rows: labels, counts or probabilities, in the fit's categories.
        If not given, the columns of newdata that are the outcome in the fit's formula.
    offset : array-like, optional
        Of the new rows; needed if the fit has one.
    weights : name of a column of newdata, or array-like, optional
        Of the new rows; one each if not given. Rows of weight zero are left out.
    weight_type : {"frequency", "sampling", "importance"}, optional
        What they mean; as in the fit if not given. `margins` and `get_prediction`, which average
        only, take weights of any kind; here variances depend on the kind, so frequency weights
        have to be whole numbers.

    Examples
    --------
    >>> import mlelogit as ml
    >>> from mlelogit.interpretation.performance.judged import NewRows
    >>> NewRows(ml.datasets.load_anes96()).outcome is None
    True
    """

    newdata: Any = None
    outcome: Any = None
    offset: Any = None
    weights: Any = None
    weight_type: str | None = None

    def list_given(self) -> list[str]:
        """Return the names of what is given."""
        return [name for name, value in vars(self).items() if value is not None]

    def check_alone(self) -> None:
        """Raise `OptionError` if something about new rows is given without them."""
        if self.newdata is None and (wrong := self.list_given()):
            raise OptionError(
                f"{' and '.join(wrong)} goes with newdata; the fit's own rows have theirs."
            )


OWN = NewRows()


@dataclass(frozen=True)
class JudgedRows:
    """Rows whose outcome is known, beside the probabilities that a fit gives them.

    Every person of a row is an observation. A label is one person and a row of counts as many as
    it has. A row of probabilities is one observation, of all of them at once: they are what was
    observed, and no category was drawn from them.

    Attributes
    ----------
    design : Design
        Outcome and weights of the rows; its columns are not used.
    logs, probabilities : numpy.ndarray
        (J, n): log-probabilities, and probabilities.
    base : int
        Position of the base category.
    own : bool
        Whether they are the fit's own rows.
    threads : int
    """

    design: Design
    logs: np.ndarray
    probabilities: np.ndarray
    base: int
    own: bool
    threads: int = 1

    @property
    def categories(self) -> tuple:
        """The J categories."""
        return self.design.encoding.categories

    @property
    def outcome_name(self) -> Any:
        """The outcome's name."""
        return self.design.encoding.outcome_name

    @cached_property
    def people(self) -> np.ndarray:
        """(J, n): how much of every row is in every category, weights included."""
        return RowBlocks(self.design).map(map_people)

    @cached_property
    def variance_weights(self) -> np.ndarray:
        """(n,): what a person's weight is to be multiplied by once more in a variance.

        The weight itself with sampling weights, and one with any other, where a person of weight
        w is w people.
        """
        weights = self.design.weights
        if weights is None or self.design.weight_type != "sampling":
            return np.ones(self.people.shape[1])
        return weights

    @cached_property
    def totals(self) -> np.ndarray:
        """(J,): people of every category, weights included."""
        return np.asarray(self.people.sum(axis=1))

    @cached_property
    def weight(self) -> float:
        """People in all, weights included."""
        return float(self.totals.sum())

    @property
    def observations(self) -> float:
        """Number of observations: people; with sampling weights without their weights."""
        return float((self.people / self.variance_weights).sum())

    @property
    def fractional(self) -> bool:
        """Whether the outcome is probabilities, which are not drawn."""
        return self.design.outcome.kind == "probabilities"

    def average(self, values: np.ndarray, people: np.ndarray | None = None) -> Mean:
        """Average values (J, n) over people; or values (S, n) over those of other samples."""
        people = self.people if people is None else people
        return average_people(people, self.variance_weights, values, self.fractional)

    def limit_shares(
        self,
        share: np.ndarray,
        total: np.ndarray,
        inside: np.ndarray,
        every: np.ndarray,
        alpha: float,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return Wilson's interval for shares (...,) of people; NaN where nobody is drawn.

        Parameters
        ----------
        share, total : numpy.ndarray
            (...,): the share, and the people whose share it is.
        inside, every : numpy.ndarray
            (...,): the weights of variances of those who have it, and of all of them.
        alpha : float
        """
        if self.fractional:
            return np.full_like(share, np.nan), np.full_like(share, np.nan)
        squares = inside * (1 - share) ** 2 + np.maximum(every - inside, 0.0) * share**2
        return wilson_interval(share, total, squares, every, alpha)

    @cached_property
    def best(self) -> np.ndarray:
        """(n,): the most probable category, the first of those that tie."""
        return np.asarray(self.probabilities.argmax(axis=0))

    def describe(self) -> str:
        """Say which rows these are, in a line."""
        rows = self.logs.shape[1]
        whose = f"the fit's own {rows} rows" if self.own else f"{rows} new rows"
        line = f"{whose}, {self.observations:.10g} observations"
        if self.design.weight_type == "sampling":
            line += ", sampling weights"
        return line


def list_notes(judged: JudgedRows) -> list[str]:
    """Say what holds of every measure on these rows."""
    own = [OWN_ROWS] if judged.own else []
    return [*own, INDEPENDENT, *([FRACTIONAL] if judged.fractional else [])]


def map_people(block: Any) -> np.ndarray:
    """Return how much of every row is in every category, weights included (J, m)."""
    return weigh(block, map_outcome(block))


def judge_rows(record: FitRecord, rows: NewRows = OWN) -> JudgedRows:
    """Set what a fit says of rows, its own or new ones, beside their outcome.

    Parameters
    ----------
    record : FitRecord
    rows : NewRows

    Returns
    -------
    JudgedRows

    Raises
    ------
    OptionError
        If something about new rows is given without newdata.
    ColumnNotFoundError
        If newdata has no outcome.
    UnseenLevelError
        If an outcome is none of the fit's categories.
    WeightTypeError
        If weights are given and neither the fit nor weight_type says what they mean, or the other
        way round.
    MissingDataError, LengthMismatchError, MisalignedIndexError, OutcomeError, WeightError
        If something is wrong with outcome or weights.
    DataNotKeptError
        If newdata is not given and the fit no longer holds its rows.
    EmptyDataError
        If no row is left to judge.

    Examples
    --------
    >>> import mlelogit as ml
    >>> from mlelogit.interpretation.performance.judged import NewRows, judge_rows
    >>> anes = ml.datasets.load_anes96()
    >>> res = ml.mnlogit("vote ~ age + educ", anes).fit()
    >>> judge_rows(res.record, NewRows(anes.head(10))).weight
    10.0
    """
    rows.check_alone()
    if rows.newdata is not None:
        return _judge_new(record, rows)
    record = record.in_memory()
    blocks = record.need_blocks()
    scores = record.limit_blocks().map(map_scores, record.maximum.params, record.encoding.base)
    base = record.encoding.base
    return JudgedRows(blocks.design, *log_softmax(scores), base, True, blocks.threads)


def _judge_new(record: FitRecord, rows: NewRows) -> JudgedRows:
    kind = settle_weight_type(record.weight_type, rows.weights, rows.weight_type)
    newdata = hold_small(rows.newdata, rows.offset, rows.weights, rows.outcome)
    points = read_points(record, newdata, rows.offset, rows.weights)
    found = read_new_outcome(points.design, newdata, rows.outcome)
    design = replace(points.design, outcome=found, weight_type=kind)
    scores = points.blocks().map(map_point_scores, model_points(record))
    return judge_scores(design, scores, points.threads)


def judge_scores(design: Design, scores: np.ndarray, threads: int = 1) -> JudgedRows:
    """Set scores (J, n) of new rows beside their outcome; rows that stand for nobody are left out.

    Parameters
    ----------
    design : Design
        With the outcome and the weights of the rows, and what these mean.
    scores : numpy.ndarray
        (J, n).
    threads : int

    Raises
    ------
    WeightError
        If frequency weights are not whole numbers.
    EmptyDataError
        If all rows stand for nobody.
    """
    if design.weight_type == "frequency":
        _check_whole(np.asarray(design.weights))
    design = replace(design, offset=None, given=None)
    judged = JudgedRows(design, *log_softmax(scores), design.encoding.base, False, threads)
    return _leave_out_weightless(judged)


def settle_weight_type(own: str | None, weights: Any, weight_type: str | None) -> str | None:
    """Say what weights of new rows mean: what is said of them, or as in the fit.

    Parameters
    ----------
    own : str or None
        The weight_type of the fit.
    weights : array-like or None
    weight_type : str or None

    Raises
    ------
    WeightTypeError
        If there are weights and nothing says what they mean, or the other way round.
    """
    if weights is None:
        if weight_type is not None:
            raise WeightTypeError(f"weight_type={weight_type!r} was given without weights.")
        return None
    kind = own if weight_type is None else weight_type
    if kind is None:
        raise WeightTypeError(
            "The fit has no weights, so weights of new rows need weight_type, one of "
            f"{', '.join(WEIGHT_TYPES)}."
        )
    check_choice("weight_type", kind, WEIGHT_TYPES, WeightTypeError)
    return kind


def _check_whole(weights: np.ndarray) -> None:
    broken = np.flatnonzero(weights != np.floor(weights))
    if broken.size:
        raise WeightError(
            f"Frequency weights are whole numbers; row {broken[0]} has {weights[broken[0]]}. Use "
            "weight_type='sampling' or 'importance'."
        )


def _leave_out_weightless(judged: JudgedRows) -> JudgedRows:
    """Leave out rows that stand for nobody."""
    kept = judged.people.sum(axis=0) > 0
    if not kept.any():
        raise EmptyDataError("No row of newdata has a weight, or people, above zero.")
    if kept.all():
        return judged
    rows = np.flatnonzero(kept)
    return replace(
        judged,
        design=take_rows(judged.design, rows),
        logs=judged.logs[:, rows],
        probabilities=judged.probabilities[:, rows],
    )


def read_new_outcome(design: Design, newdata: Any, given: Any) -> Outcome:
    """Read the outcome of new rows in the categories of a fit.

    Parameters
    ----------
    design : Design
        The rows, with the frame that they came in.
    newdata, given
        As ``newdata`` and ``outcome`` of `NewRows`.

    Raises
    ------
    MNLogitError
        Its named cases; see `judge_rows`.
    """
    encoding, rows = design.encoding, design.source.shape[0]
    frame = None if design.given is None else design.given.frame
    if isinstance(given, str):
        name, given = given, look_up_column(frame, given)
        if given is None:
            raise ColumnNotFoundError(f"outcome={name!r} is no column of newdata.")
    kind = encoding.outcome_kind if given is None else None
    given = _find_outcome(encoding, frame) if given is None else convert_foreign(given)
    raw = read_outcome(given, kind, encoding.outcome_name)
    check_lengths({"newdata": rows, "outcome": len(raw.values)})
    if isinstance(newdata, pd.DataFrame):
        check_indexes({"newdata": newdata, "outcome": given})
    check_missing(raw.list_missing(), " in the outcome of newdata", " Leave these rows out.")
    return match_outcome(raw, encoding.categories, isinstance(given, pd.DataFrame))


def _find_outcome(encoding: Encoding, frame: Any) -> Any:
    """Return the columns of new data that are the outcome in the fit's formula."""
    if encoding.formula is None:
        raise ColumnNotFoundError(
            "The fit is to arrays, whose outcome has no column to be found in; pass outcome= "
            "with newdata."
        )
    labels = encoding.outcome_kind == "labels"
    wanted = (encoding.outcome_name,) if labels else encoding.categories
    there = list_names(frame)
    absent = [name for name in wanted if name not in there]
    if absent:
        raise ColumnNotFoundError(
            f"newdata has no column {list_some(absent)}, the outcome; add it, or pass outcome=."
        )
    if labels:
        return look_up_column(frame, encoding.outcome_name)
    names = [name for name in encoding.declared if name in there]
    return pd.DataFrame({name: look_up_column(frame, name) for name in names})
