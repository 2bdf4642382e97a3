r"""Gaussian class densities: a softmax is their posterior, and a multinomial logit its map.

Let category k have prior P_k and density N(μ_k, Σ_k). Then ``a_k(x) = log p(x | C_k) + log P_k``
and ``P(C_k | x) = exp(a_k) / Σ_l exp(a_l)``, a softmax. Against a base b

    ``a_k - a_b = c_k + x'β_k``, ``β_k = Σ^-1 (μ_k - μ_b)``,
    ``c_k = log(P_k / P_b) - (μ_k + μ_b)'β_k / 2``

where all categories have the covariance Σ: the quadratic terms cancel, and the posterior is a
multinomial logit (Bishop 2006, Pattern Recognition and Machine Learning, section 4.2.1, equations
4.68 to 4.70; Efron 1975, JASA 70; McLachlan 1992, Discriminant Analysis and Statistical Pattern
Recognition, section 8.1). With covariances of their own it is one in squares and products of x.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from mlelogit.data.outcome import find_base
from mlelogit.equivalence.description import check_labels, read_description, read_rows
from mlelogit.equivalence.factors import Factor, factor_covariance
from mlelogit.equivalence.identity import softmax
from mlelogit.exceptions import OutcomeError
from mlelogit.markup import Shown, write_html, write_text

# Rows whitened at a time.
ROWS = 16_384
CONSTANT = "const"


@dataclass(frozen=True, repr=False, eq=False)
class GaussianClasses(Shown):
    """Categories whose rows are Gaussian: ``x | C_k ~ N(μ_k, Σ)`` with prior ``P(C_k)``.

    Parameters
    ----------
    priors : array-like
        (J,), positive, summing to one.
    means : array-like
        (J, K).
    covariance : array-like
        (K, K), common to all categories; or (J, K, K), their own, which can be a list of
        frames, or one as ``X.groupby(y).cov()`` returns it.
    categories : sequence, optional
        Their J labels. If not given those of a pandas object among the above, of the means
        first; else 0, ..., J - 1. What has the same labels in another order is put in theirs.
    names : sequence, optional
        Names of the K columns, as for the categories; x1, ..., xK if there are none.

    Attributes
    ----------
    priors, means, covariance : numpy.ndarray
        As given, copied, read-only.
    categories, names : tuple

    Raises
    ------
    ParamsError
        If they are not finite numbers of these shapes, priors are no probabilities or a
        covariance is not symmetric.
    MisalignedIndexError
        If two pandas objects, or one and the labels given, do not have the same labels.
    ScaleError
        If a mean is beyond 1e100 or 1e100 standard deviations, or one of these outside 1e-100 to
        1e100.
    RankDeficiencyError
        If a covariance is singular.
    DuplicateColumnError
        If two columns, or two categories, have one name.

    Examples
    --------
    >>> from mlelogit.equivalence import GaussianClasses
    >>> classes = GaussianClasses([0.5, 0.5], [[0.0], [2.0]], [[1.0]], ["no", "yes"])
    >>> classes.posterior([[1.0], [3.0]]).round(4).to_numpy().tolist()
    [[0.5, 0.5], [0.018, 0.982]]
    >>> classes.logit_params().round(4)["yes"].to_dict()
    {'const': -2.0, 'x1': 2.0}
    """

    priors: np.ndarray
    means: np.ndarray
    covariance: np.ndarray
    categories: tuple = ()
    names: tuple = ()

    def __post_init__(self) -> None:
        found = read_description(
            self.priors, self.means, self.covariance, self.categories, self.names
        )
        for name, value in found._asdict().items():
            self._set(name, value)
        check_labels(self.terms, len(self.terms), "terms")
        self._set("_factors", self._factor())

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self.__post_init__()

    def _set(self, name: str, value: Any) -> None:
        if isinstance(value, np.ndarray):
            value.setflags(write=False)
        object.__setattr__(self, name, value)

    def _factor(self) -> tuple[Factor, ...]:
        if self.common:
            return (factor_covariance(self.covariance, self.names, "within categories"),)
        return tuple(
            factor_covariance(one, self.names, f"of category {category!r}")
            for one, category in zip(self.covariance, self.categories, strict=True)
        )

    @property
    def common(self) -> bool:
        """Whether all categories have one covariance."""
        return self.covariance.ndim == 2

    @property
    def terms(self) -> tuple:
        """Names of the columns of the logit: const, those of x, and with own covariances products.

        A square is called ``x1^2`` and a product ``x1:x2``.
        """
        if self.common:
            return (CONSTANT, *self.names)
        products = [
            f"{self.names[i]}^2" if i == j else f"{self.names[i]}:{self.names[j]}"
            for i, j in zip(*self._pairs, strict=True)
        ]
        return (CONSTANT, *self.names, *products)

    @property
    def _pairs(self) -> tuple[np.ndarray, np.ndarray]:
        return np.triu_indices(len(self.names))

    def _factor_of(self, category: int) -> Factor:
        """Return the Cholesky factor of the covariance of a category, by position."""
        factors: tuple[Factor, ...] = vars(self)["_factors"]
        return factors[0 if self.common else category]

    def log_joint(self, X: Any) -> pd.DataFrame:
        """Return ``log p(x, C_k) = log p(x | C_k) + log P(C_k)``, densities normalized.

        Parameters
        ----------
        X : array-like
            (n, K). A DataFrame's columns are found by name.

        Returns
        -------
        pandas.DataFrame
            (n, J), a column per category. `posterior_from_joint` makes it the posterior.

        Raises
        ------
        MissingDataError, InfiniteValueError
            If X has values that are not finite.
        ColumnNotFoundError, LengthMismatchError
            If X has not the columns.
        """
        rows, index = self._read(X)
        return self._label(self._measure_joint(rows), index)

    def _measure_joint(self, rows: np.ndarray) -> np.ndarray:
        out = np.empty((len(rows), len(self.priors)))
        for k, mean in enumerate(self.means):
            factor = self._factor_of(k)
            size = factor.log_determinant + len(mean) * np.log(2 * np.pi)
            for start in range(0, len(rows), ROWS):
                part = slice(start, start + ROWS)
                with np.errstate(over="ignore"):  # A density below all doubles is zero.
                    out[part, k] = -0.5 * (factor.whiten(rows[part] - mean) ** 2).sum(axis=1)
            out[:, k] += np.log(self.priors[k]) - 0.5 * size
        return out

    def posterior(self, X: Any) -> pd.DataFrame:
        """Return ``P(C_k | x)``, the softmax of the log joint densities.

        With a common covariance the term -x'Σ^-1 x / 2 that all categories share is left out
        before, as a shift of the scores changes no softmax: far out it would take the digits.

        Parameters
        ----------
        X : array-like
            (n, K).

        Returns
        -------
        pandas.DataFrame
            (n, J), a column per category; every row sums to one.

        Raises
        ------
        MNLogitError
            As `log_joint`; and if every density is zero in a double, which only own
            covariances can lead to.
        """
        rows, index = self._read(X)
        scores = self._find_scores(rows)
        return self._label(softmax(scores), index)

    def log_posterior(self, X: Any) -> pd.DataFrame:
        """Return ``log P(C_k | x)`` (n, J), finite where the posterior is below a double.

        Parameters
        ----------
        X : array-like or DataFrame
            (n, K).

        Returns
        -------
        pandas.DataFrame
            (n, J).
        """
        rows, index = self._read(X)
        scores = self._find_scores(rows)
        shifted = scores - scores.max(axis=1, keepdims=True)
        logs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        return self._label(logs, index)

    def _find_scores(self, rows: np.ndarray) -> np.ndarray:
        """Return the log joint densities (n, J), less what they share if the covariance is common.

        ``z'c_k - c_k'c_k / 2 + log P_k`` with z and c_k the whitened x and μ_k.
        """
        if not self.common:
            return _refuse_nothing(self._measure_joint(rows))
        middle, factor = self.priors @ self.means, self._factor_of(0)
        means = factor.whiten(self.means - middle)
        level = np.log(self.priors) - 0.5 * (means**2).sum(axis=1)
        parts = [rows[start : start + ROWS] for start in range(0, len(rows), ROWS)]
        scores = [factor.whiten(part - middle) @ means.T + level for part in parts]
        return np.concatenate(scores) if scores else np.empty((0, len(level)))

    def logit_params(self, base: Any = None) -> pd.DataFrame:
        """Return the coefficients of the multinomial logit that is the posterior.

        ``β_k = Σ^-1 (μ_k - μ_b)`` and ``c_k = log(P_k / P_b) - (μ_k + μ_b)'β_k / 2`` (Bishop
        2006, equations 4.68 to 4.70). With own covariances ``β_k = Σ_k^-1 μ_k - Σ_b^-1 μ_b``,
        the coefficients of squares and products are those of
        ``-x'(Σ_k^-1 - Σ_b^-1) x / 2``, and ``c_k = log(P_k / P_b) - log(|Σ_k| / |Σ_b|) / 2 -
        (μ_k'Σ_k^-1 μ_k - μ_b'Σ_b^-1 μ_b) / 2``.

        Parameters
        ----------
        base : label, optional
            Base category; the first if not given.

        Returns
        -------
        pandas.DataFrame
            `terms` x categories without the base, laid out as ``results.params``; the columns
            that they belong to are `logit_columns`.

        Raises
        ------
        BaseCategoryError
            If the base is no category.
        """
        place = find_base(base, self.categories)
        table = self._map_common(place) if self.common else self._map_own(place)
        return self._frame_terms(np.delete(table, place, axis=0), place)

    def _map_common(self, base: int) -> np.ndarray:
        slopes = self._factor_of(0).solve(self.means - self.means[base])
        halves = 0.5 * ((self.means + self.means[base]) * slopes).sum(axis=1)
        return np.column_stack([np.log(self.priors / self.priors[base]) - halves, slopes])

    def _map_own(self, base: int) -> np.ndarray:
        factors = [self._factor_of(k) for k in range(len(self.priors))]
        pairs = zip(factors, self.means, strict=True)
        slopes = np.array([factor.solve(mean[None])[0] for factor, mean in pairs])
        halves = [0.5 * factor.log_determinant for factor in factors]
        constants = np.log(self.priors) - halves - 0.5 * (slopes * self.means).sum(axis=1)
        first, second = self._pairs
        weight = np.where(first == second, -0.5, -1.0)
        unit = np.eye(len(self.names))
        products = np.array([factor.solve(unit)[first, second] * weight for factor in factors])
        table = np.column_stack([constants, slopes, products])
        return np.asarray(table - table[base])

    def logit_columns(self, X: Any) -> pd.DataFrame:
        """Return the columns (n, terms) that `logit_params` are the coefficients of.

        A constant and x, and with own covariances the squares and products.

        Parameters
        ----------
        X : array-like or DataFrame
            (n, K).

        Returns
        -------
        pandas.DataFrame
            (n, terms).
        """
        rows, index = self._read(X)
        columns = [np.ones((len(rows), 1)), rows]
        if not self.common:
            first, second = self._pairs
            columns.append(rows[:, first] * rows[:, second])
        return pd.DataFrame(np.hstack(columns), index=index, columns=_make_index(self.terms))

    def _frame_terms(self, values: np.ndarray, base: int) -> pd.DataFrame:
        """Lay values (J - 1, terms) out as terms x categories without the base."""
        others = self.categories[:base] + self.categories[base + 1 :]
        return pd.DataFrame(
            values.T, index=_make_index(self.terms), columns=_make_index(others)
        ).rename_axis(index="name", columns="category")

    def _label(self, values: np.ndarray, index: pd.Index) -> pd.DataFrame:
        return pd.DataFrame(values, index=index, columns=_make_index(self.categories))

    def _read(self, X: Any) -> tuple[np.ndarray, pd.Index]:
        return read_rows(X, self.names)

    def _describe(self) -> tuple[str, str, pd.DataFrame]:
        kind = "one covariance" if self.common else "covariances of their own"
        table = pd.DataFrame(self.means, columns=_make_index(self.names))
        table.insert(0, "prior", self.priors, allow_duplicates=True)
        table.index = _make_index(self.categories).rename("category")
        count = len(self.priors)
        return "Gaussian class densities", f"{count} categories with {kind}; means", table

    def __str__(self) -> str:
        return write_text(*self._describe())

    def _repr_html_(self) -> str:
        return write_html(*self._describe())


def _refuse_nothing(joint: np.ndarray) -> np.ndarray:
    """Raise if there is a row in which all log joint densities are below every double."""
    nothing = np.flatnonzero((joint == -np.inf).all(axis=1))
    if len(nothing):
        raise OutcomeError(
            f"All log densities are below every double in row {nothing[0]}, so that none is the "
            "largest: it is too far from all categories. Leave it out."
        )
    return joint


def _make_index(labels: tuple) -> pd.Index:
    return pd.Index(list(labels), tupleize_cols=False)
