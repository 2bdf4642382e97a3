"""Margins: effects with their labels and their joint covariance."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal, overload

import numpy as np
import pandas as pd

from mlelogit.data.arguments import write_value
from mlelogit.data.frames import list_some
from mlelogit.data.outward import choose_kind, give_out
from mlelogit.exceptions import EffectError, OptionError
from mlelogit.inference.coefficients import (
    divide_by_errors,
    find_quantile,
    tabulate_estimates,
)
from mlelogit.inference.multiplicity import adjust_pvalues
from mlelogit.inference.testing.hypothesis import TestResult, make_wald, refuse_test
from mlelogit.interpretation.margins.requests import LEVEL_CHANGES, pair_levels, write_factor_level
from mlelogit.interpretation.variances import bound_probabilities
from mlelogit.markup import write_html, write_table

# Relative to rows of length one: what rounding leaves of a direction without variance.
RANK_TOLERANCE = 1e-7
# Of the estimates over their errors: what rounding leaves outside the space they vary in.
OUTSIDE = 1e-6
LEVEL_REASON = "probabilities are not zero; test contrasts() of them"


@dataclass(frozen=True, repr=False, eq=False)
class Margins:
    """Effects on probabilities, labelled, with all their covariances.

    Whatever is linear in them needs no data: `contrasts`, `combine` and `test`.

    Attributes
    ----------
    labels : pandas.DataFrame
        (q, any): variable, contrast and category of every effect, and the values of at= and
        by=, if asked for.
    estimate : numpy.ndarray
        (q,).
    root : numpy.ndarray
        (q, r): the covariance of the effects is ``root root'``; NaN in the rows of effects
        without a standard error.
    df : float
        Degrees of freedom of t; infinite for the normal distribution.
    title : str
        What they are, in words.
    cov_type : str
        The covariance of the coefficients that they rest on.
    levels : bool
        Whether they are probabilities rather than differences or derivatives of them: these
        are not tested against zero.
    frame_kind : {"pandas", "polars", "pyarrow"}
        The kind of frame of `summary_frame`; everything else is pandas.

    Examples
    --------
    >>> import mlelogit as ml
    >>> res = ml.mnlogit("vote ~ age + educ", ml.datasets.load_anes96()).fit()
    >>> frame = res.margins("age").summary_frame()
    >>> frame[["variable", "contrast", "category", "estimate"]].round(4).values.tolist()
    [['age', 'dy/dx', 'Clinton', -0.0021], ['age', 'dy/dx', 'Dole', 0.0021]]
    """

    labels: pd.DataFrame
    estimate: np.ndarray
    root: np.ndarray = field(repr=False)
    df: float = np.inf
    title: str = "Marginal effects"
    cov_type: str = "nonrobust"
    levels: bool = False
    frame_kind: str = "pandas"

    def __len__(self) -> int:
        return len(self.estimate)

    @property
    def std_err(self) -> np.ndarray:
        """Standard errors (q,)."""
        # Squares of what is below 1e-154 would be zero.
        size = np.abs(self.root).max(axis=1, initial=0.0)
        scaled = self.root / np.where(size > 0, size, 1.0)[:, np.newaxis]
        return np.asarray(size * np.sqrt((scaled**2).sum(axis=1)))

    @property
    def covariance(self) -> np.ndarray:
        """The covariance of the effects (q, q)."""
        return np.asarray(self.root @ self.root.T)

    @overload
    def summary_frame(
        self, alpha: float = 0.05, adjust: str | None = None, *, frame: Literal["pandas"]
    ) -> pd.DataFrame: ...

    @overload
    def summary_frame(
        self, alpha: float = 0.05, adjust: str | None = None, frame: str | None = None
    ) -> Any: ...

    def summary_frame(
        self, alpha: float = 0.05, adjust: str | None = None, frame: str | None = None
    ) -> Any:
        """Return one row per effect: labels, estimate, std_err, z, p_value, lower, upper.

        Intervals are ``estimate ± q std_err``. Those of probabilities (``effect="level"``) are
        intervals of their log-odds, mapped back, as in `get_prediction`; probabilities have no z
        and no p-value, and are printed without these columns. Statistics with t's distribution
        are called z here, and t where the table is printed.

        Parameters
        ----------
        alpha : float
            The intervals cover with probability ``1 - alpha``.
        adjust : str, optional
            How to adjust the p-values for their number; see
            `mlelogit.inference.multiplicity.adjust_pvalues`.
        frame : {"pandas", "polars", "pyarrow"}, optional
            The kind of frame; that of newdata, else of the fit's data, if not given.
        """
        kind = choose_kind(frame, None, self.frame_kind)
        return give_out(self.tabulate(alpha, adjust), kind)

    def tabulate(self, alpha: float = 0.05, adjust: str | None = None) -> pd.DataFrame:
        """Return `summary_frame` as a frame of pandas.

        Parameters
        ----------
        alpha : float
            The intervals cover with probability ``1 - alpha``.
        adjust : str, optional
            As of `summary_frame`.

        Returns
        -------
        pandas.DataFrame
        """
        errors = self.std_err
        z = divide_by_errors(self.estimate, errors)
        if self.levels:
            z = np.full(len(self), np.nan)
        numbers = tabulate_estimates(self.estimate, errors, z, alpha, False, self.df)
        if self.levels:
            half = find_quantile(alpha, self.df)
            numbers["lower"], numbers["upper"] = bound_probabilities(self.estimate, errors, half)
        return adjust_pvalues(self.labels.assign(**numbers), adjust)

    def conf_int(self, alpha: float = 0.05) -> pd.DataFrame:
        """Return the columns lower and upper of `summary_frame`, a row per effect.

        Parameters
        ----------
        alpha : float
            The intervals cover with probability ``1 - alpha``.

        Returns
        -------
        pandas.DataFrame
            (q, 2).
        """
        return self.tabulate(alpha)[["lower", "upper"]]

    def select(self, **labels: Any) -> Margins:
        """Return the effects with these labels, as in ``select(variable="age")``.

        Parameters
        ----------
        **labels
            Column of `labels` -> the value that the effects have there.

        Returns
        -------
        Margins

        Raises
        ------
        EffectError
            If there is no such label or column.
        """
        kept = np.ones(len(self), dtype=bool)
        for name, value in labels.items():
            column = self._find_column(name)
            several = isinstance(value, list | set | np.ndarray)
            kept &= np.array([one in value if several else one == value for one in column])
            if not kept.any():
                raise EffectError(
                    f"No effect has {name}={write_value(value)}; there are "
                    f"{list_some(list(dict.fromkeys(column)), 20)}."
                )
        return self._keep(np.flatnonzero(kept))

    def contrasts(self, across: str = "category", way: str = "pairwise") -> Margins:
        """Return differences between effects that are alike in all labels but one.

        Done twice these are differences of differences.

        Parameters
        ----------
        across : str
            The label in which they differ: "category", "contrast", or a column of at= or by=.
        way : {"pairwise", "reference", "sequential"}
            All pairs; each less the first; or each less the one before.

        Returns
        -------
        Margins

        Raises
        ------
        EffectError
            If there is no such label, or nothing to compare along it.
        """
        if way not in LEVEL_CHANGES:
            raise OptionError(f"way must be one of {', '.join(LEVEL_CHANGES)}, not {way!r}.")
        column = self._find_column(across)
        values = list(dict.fromkeys(column))
        others = [name for name in self.labels.columns if name != across]
        keys = list(zip(*(self.labels[name].tolist() for name in others), strict=True))
        place = {(key, value): i for i, (key, value) in enumerate(zip(keys, column, strict=True))}
        pairs, words = [], []
        for key in dict.fromkeys(keys):
            for first, second in pair_levels(len(values), way):
                ends = place.get((key, values[first])), place.get((key, values[second]))
                if None not in ends:
                    pairs.append(ends)
                    words.append(f"{_write(values[second])} - {_write(values[first])}")
        if not pairs:
            raise EffectError(f"There are no two effects that differ in {across!r} alone.")
        first, second = np.array(pairs, dtype=np.intp).T
        labels = self.labels.iloc[second].reset_index(drop=True)
        labels[across] = words
        return replace(
            self,
            labels=labels,
            estimate=self.estimate[second] - self.estimate[first],
            root=self.root[second] - self.root[first],
            title=f"Contrasts of {self.title[0].lower()}{self.title[1:]}",
            levels=False,
        )

    def combine(self, weights: Any, name: str = "combination") -> Margins:
        """Return linear combinations of the effects.

        Parameters
        ----------
        weights : array-like
            (q,) for one, (r, q) for several.
        name : str
            What to call them.

        Returns
        -------
        Margins
            r effects.

        Raises
        ------
        OptionError
            If the weights have another shape, or are not all finite numbers.
        """
        matrix = _read_weights(weights, len(self))
        words = [name] if len(matrix) == 1 else [f"{name} {i + 1}" for i in range(len(matrix))]
        lost = np.isnan(self.root).any(axis=1)
        gone = np.isnan(self.estimate)
        root = matrix @ np.where(lost[:, np.newaxis], 0.0, self.root)
        root[matrix[:, lost].any(axis=1)] = np.nan
        estimate = matrix @ np.where(gone, 0.0, self.estimate)
        estimate[matrix[:, gone].any(axis=1)] = np.nan
        labels = pd.DataFrame({"combination": words})
        return replace(self, labels=labels, estimate=estimate, root=root, levels=False)

    def test(self) -> TestResult:
        """Test that all of the effects are zero, by the Wald statistic.

        Effects over all categories add up to zero; it has as many degrees of freedom as effects
        that can differ from zero by themselves (the rank of their covariance). It does not apply
        to probabilities, nor where the estimates differ from zero in ways in which they do not
        vary: no values of the coefficients near these would make all of them zero.

        Returns
        -------
        TestResult
            NaN with the reason where it does not apply.

        References
        ----------
        ``b' V⁺ b`` is chi-squared with the rank of V as degrees of freedom (Greene 2018,
        section 14.6.2).
        """
        name = f"Wald test of effects ({self.cov_type} covariance)"
        null = f"all {len(self)} effects are zero"
        found = self._turn()
        if isinstance(found, str):
            return refuse_test(name, null, 0, found)
        return make_wald(name, null, float((found**2).sum()), len(found), self.df)

    def _turn(self) -> np.ndarray | str:
        """Return independent combinations of the effects over their errors; or why not."""
        if self.levels:
            return LEVEL_REASON
        if not (np.isfinite(self.root).all() and np.isfinite(self.estimate).all()):
            return "some effects have no standard error"
        sizes = self.std_err
        moving = sizes > 0
        if self.estimate[~moving].any():
            return "some effects are not zero and do not vary"
        u, s, _ = np.linalg.svd(self.root[moving] / sizes[moving, np.newaxis], full_matrices=False)
        told = s > RANK_TOLERANCE * max(float(s.max(initial=0.0)), 1.0)
        if not told.any():
            return "no effect has any variance"
        z = self.estimate[moving] / sizes[moving]
        inside = u[:, told].T @ z
        if np.linalg.norm(z - u[:, told] @ inside) > OUTSIDE * np.linalg.norm(z):
            return (
                f"the {len(self)} effects vary in {told.sum()} ways alone, along which, to the "
                "first order, they do not become zero; test fewer, or coefficients by wald_test()"
            )
        return np.asarray(inside / s[told])

    def _keep(self, rows: np.ndarray) -> Margins:
        labels = self.labels.iloc[rows].reset_index(drop=True)
        return replace(self, labels=labels, estimate=self.estimate[rows], root=self.root[rows])

    def _find_column(self, name: str) -> list:
        if name not in self.labels.columns:
            raise EffectError(
                f"The effects have no label {name!r}; there are {list_some(list(self.labels), 20)}."
            )
        return list(self.labels[name])

    def __repr__(self) -> str:
        shown = self._show().to_string(index=False, max_rows=60, float_format=_shorten)
        return f"{self._head()}\n{shown}"

    def _show(self) -> pd.DataFrame:
        """Return the table as it is printed: z is t where it is, and left out where none is."""
        frame = self.tabulate()
        if self.levels:
            return frame.drop(columns=["z", "p_value"])
        return frame.rename(columns={"t": "at t", "z": "t"}) if np.isfinite(self.df) else frame

    def _head(self) -> str:
        law = f"t with {self.df:.6g} df" if np.isfinite(self.df) else "normal"
        scale = ", of log-odds mapped back" if self.levels else ""
        return f"{self.title}, {self.cov_type} covariance; 95% intervals ({law}{scale})"

    def _repr_html_(self) -> str:
        table = write_table(self._show(), index=False)
        return f"{write_html(self._head())}{table}"


def _read_weights(weights: Any, size: int) -> np.ndarray:
    said = f"give one finite number for each of the {size} effects, in a row per combination."
    try:
        matrix = np.atleast_2d(np.asarray(weights, dtype=np.float64))
    except (TypeError, ValueError) as error:
        raise OptionError(f"weights is {write_value(weights)}; {said}") from error
    if matrix.ndim != 2 or matrix.shape[1] != size:
        raise OptionError(f"weights has shape {np.shape(weights)}; {said}")
    odd = np.argwhere(~np.isfinite(matrix))
    if odd.size:
        row, column = odd[0]
        raise OptionError(
            f"weights has {matrix[row, column]} at position {column} of combination {row}; {said}"
        )
    return matrix


def _write(value: Any) -> str:
    text = write_factor_level(value)
    return f"({text})" if " - " in text else text


def _shorten(value: float) -> str:
    return f"{value:.4g}"
