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

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from mlelogit.equivalence.factors import Factor, factor_covariance
from mlelogit.equivalence.identity import posterior_from_joint, softmax
from mlelogit.exceptions import (
    BaseCategoryError,
    ColumnNotFoundError,
    ColumnTypeError,
    CovarianceError,
    DuplicateColumnError,
    InfiniteValueError,
    LengthMismatchError,
    MissingDataError,
    ParamsError,
)
from mlelogit.markup import Shown, write_html, write_text

# What rounding leaves of priors that sum to one, and of entries that are equal.
ROUNDED = 1e-8
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
        (K, K), common to all categories; or (J, K, K), their own.
    categories : sequence, optional
        Their J labels; 0, ..., J - 1 if not given.
    names : sequence, optional
        Names of the K columns; x1, ..., xK if not given.

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
        for name in ("priors", "means", "covariance"):
            self._set(name, _read_numbers(getattr(self, name), name))
        _check_shapes(self.priors, self.means, self.covariance)
        self._set("covariance", (self.covariance + np.swapaxes(self.covariance, -1, -2)) / 2)
        self.covariance.setflags(write=False)
        count, width = self.means.shape
        categories = _list_labels(self.categories, "categories")
        names = _list_labels(self.names, "names")
        self._set("categories", categories or tuple(range(count)))
        self._set("names", names or tuple(f"x{i + 1}" for i in range(width)))
        _check_labels(self.categories, count, "categories")
        _check_labels(self.names, width, "names")
        _check_labels(self.terms, len(self.terms), "terms")
        self._set("_factors", self._factor())

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self.__post_init__()

    def _set(self, name: str, value: Any) -> None:
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

    def factor_of(self, category: int) -> Factor:
        """Return the Cholesky factor of the covariance of a category, by position."""
        factors: tuple[Factor, ...] = vars(self)["_factors"]
        return factors[0 if self.common else category]

    def log_joint(self, x: Any) -> pd.DataFrame:
        """Return ``log p(x, C_k) = log p(x | C_k) + log P(C_k)``, densities normalized.

        Parameters
        ----------
        x : array-like
            (n, K). A DataFrame's columns are found by name.

        Returns
        -------
        pandas.DataFrame
            (n, J), a column per category. `posterior_from_joint` makes it the posterior.

        Raises
        ------
        MissingDataError, InfiniteValueError
            If x has values that are not finite.
        ColumnNotFoundError, LengthMismatchError
            If x has not the columns.
        """
        rows, index = self._read(x)
        return self._label(self._measure_joint(rows), index)

    def _measure_joint(self, rows: np.ndarray) -> np.ndarray:
        out = np.empty((len(rows), len(self.priors)))
        for k, mean in enumerate(self.means):
            factor = self.factor_of(k)
            size = factor.log_determinant + len(mean) * np.log(2 * np.pi)
            for start in range(0, len(rows), ROWS):
                part = slice(start, start + ROWS)
                with np.errstate(over="ignore"):  # A density below all doubles is zero.
                    out[part, k] = -0.5 * (factor.whiten(rows[part] - mean) ** 2).sum(axis=1)
            out[:, k] += np.log(self.priors[k]) - 0.5 * size
        return out

    def posterior(self, x: Any) -> pd.DataFrame:
        """Return ``P(C_k | x)``, the softmax of the log joint densities.

        With a common covariance the term -x'Σ^-1 x / 2 that all categories share is left out
        before, as a shift of the scores changes no softmax: far out it would take the digits.

        Parameters
        ----------
        x : array-like
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
        rows, index = self._read(x)
        scores = self._find_scores(rows)
        return self._label(softmax(scores) if self.common else posterior_from_joint(scores), index)

    def log_posterior(self, x: Any) -> pd.DataFrame:
        """Return ``log P(C_k | x)`` (n, J), finite where the posterior is below a double."""
        rows, index = self._read(x)
        scores = self._find_scores(rows)
        posterior_from_joint(scores)  # Refuses what has none.
        shifted = scores - scores.max(axis=1, keepdims=True)
        logs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        return self._label(logs, index)

    def _find_scores(self, rows: np.ndarray) -> np.ndarray:
        """Return the log joint densities (n, J), less what they share if the covariance is common.

        ``z'c_k - c_k'c_k / 2 + log P_k`` with z and c_k the whitened x and μ_k.
        """
        if not self.common:
            return self._measure_joint(rows)
        middle, factor = self.priors @ self.means, self.factor_of(0)
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
        place = self.find_base(base)
        table = self._map_common(place) if self.common else self._map_own(place)
        return self.frame_terms(np.delete(table, place, axis=0), place)

    def _map_common(self, base: int) -> np.ndarray:
        slopes = self.factor_of(0).solve(self.means - self.means[base])
        halves = 0.5 * ((self.means + self.means[base]) * slopes).sum(axis=1)
        return np.column_stack([np.log(self.priors / self.priors[base]) - halves, slopes])

    def _map_own(self, base: int) -> np.ndarray:
        factors = [self.factor_of(k) for k in range(len(self.priors))]
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

    def logit_columns(self, x: Any) -> pd.DataFrame:
        """Return the columns (n, terms) that `logit_params` are the coefficients of.

        A constant and x, and with own covariances the squares and products.
        """
        rows, index = self._read(x)
        columns = [np.ones((len(rows), 1)), rows]
        if not self.common:
            first, second = self._pairs
            columns.append(rows[:, first] * rows[:, second])
        return pd.DataFrame(np.hstack(columns), index=index, columns=_make_index(self.terms))

    def find_base(self, base: Any) -> int:
        """Return the position of the base category, the first if None."""
        if base is None:
            return 0
        for place, category in enumerate(self.categories):
            answer = category == base
            same_kind = isinstance(category, bool | np.bool_) == isinstance(base, bool | np.bool_)
            if same_kind and isinstance(answer, bool | np.bool_) and answer:
                return place
        listed = ", ".join(repr(category) for category in self.categories[:50])
        raise BaseCategoryError(f"base={base!r} is not a category. Categories: {listed}.")

    def frame_terms(self, values: np.ndarray, base: int) -> pd.DataFrame:
        """Lay values (J - 1, terms) out as terms x categories without the base."""
        others = self.categories[:base] + self.categories[base + 1 :]
        return pd.DataFrame(
            values.T, index=_make_index(self.terms), columns=_make_index(others)
        ).rename_axis(index="name", columns="category")

    def _label(self, values: np.ndarray, index: pd.Index) -> pd.DataFrame:
        return pd.DataFrame(values, index=index, columns=_make_index(self.categories))

    def _read(self, x: Any) -> tuple[np.ndarray, pd.Index]:
        return read_rows(x, self.names)

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


def read_rows(x: Any, names: tuple) -> tuple[np.ndarray, pd.Index]:
    """Return rows (n, K) of finite numbers, and their index; a frame's columns go by name."""
    x = _take_columns(x, names)
    index = x.index if isinstance(x, pd.DataFrame | pd.Series) else None
    rows = _read_numbers(x, "x", ColumnTypeError)
    rows = rows[:, None] if rows.ndim == 1 and len(names) == 1 else rows
    if rows.ndim != 2 or rows.shape[1] != len(names):
        raise LengthMismatchError(f"x must have shape (n, {len(names)}), not {rows.shape}.")
    bad = np.argwhere(~np.isfinite(rows))
    if len(bad):
        row, column = (int(place) for place in bad[0])
        case = MissingDataError if np.isnan(rows[row, column]) else InfiniteValueError
        raise case(f"x is {rows[row, column]} in row {row}, column {names[column]!r}.")
    return rows, pd.RangeIndex(len(rows)) if index is None else index


def _take_columns(x: Any, names: tuple) -> Any:
    """Return the named columns of any frame as a pandas one; anything else as an array."""
    if hasattr(x, "toarray"):
        return x.toarray()
    listed = getattr(x, "column_names", list(x) if isinstance(x, dict) else None)
    listed = getattr(x, "columns", None) if listed is None else listed
    if listed is None:
        return x
    absent = [name for name in names if name not in list(listed)]
    if absent:
        raise ColumnNotFoundError(f"x has no column {absent[0]!r}; it needs {list(names)}.")
    if isinstance(x, pd.DataFrame):
        return x[list(names)]
    return pd.DataFrame({name: np.asarray(x[name]) for name in names})


def _read_numbers(given: Any, name: str, error: type[Exception] = ParamsError) -> np.ndarray:
    try:
        array = np.asarray(given)
        array = array.astype(np.float64) if array.dtype == object else array
    except (TypeError, ValueError) as reason:
        raise error(f"{name} must be a rectangle of real numbers.") from reason
    if array.dtype.kind not in "biuf":
        raise error(f"{name} must be real numbers, not {array.dtype}.")
    values = np.array(array, dtype=np.float64)
    values.setflags(write=False)
    return values


def _check_shapes(priors: np.ndarray, means: np.ndarray, covariance: np.ndarray) -> None:
    if not all(np.isfinite(values).all() for values in (priors, means, covariance)):
        raise ParamsError("priors, means and covariance must be finite.")
    if means.ndim != 2 or not means.size or priors.shape != means.shape[:1]:
        raise ParamsError(
            f"priors (J,) and means (J, K) must belong together, not {priors.shape} and "
            f"{means.shape}."
        )
    count, width = means.shape
    if count < 2:
        raise ParamsError("There is one category; a posterior needs two or more.")
    if covariance.shape not in ((width, width), (count, width, width)):
        raise ParamsError(
            f"covariance must be ({width}, {width}), or ({count}, {width}, {width}) of every "
            f"category's own, not {covariance.shape}."
        )
    if not (priors > 0).all() or abs(priors.sum() - 1) > ROUNDED:
        raise ParamsError(f"priors must be positive and sum to one, not to {priors.sum():.10g}.")
    turned = np.swapaxes(covariance, -1, -2)
    size = np.sqrt(np.abs(np.diagonal(covariance, axis1=-2, axis2=-1)))
    if (np.abs(covariance - turned) > ROUNDED * size[..., None] * size[..., None, :]).any():
        raise ParamsError("A covariance is not symmetric.")


def _list_labels(given: Any, what: str) -> tuple:
    """Return labels as plain Python objects."""
    if isinstance(given, str) or (not np.iterable(given) and given is not None):
        raise ParamsError(f"{what} must be a sequence of labels, not {given!r}.")
    labels = () if given is None else given
    return tuple(label.item() if isinstance(label, np.generic) else label for label in labels)


def _check_labels(labels: tuple, count: int, what: str) -> None:
    if len(labels) != count:
        raise ParamsError(f"There are {len(labels)} {what}, not {count}.")
    for place, label in enumerate(labels):
        if label in labels[:place]:
            raise DuplicateColumnError(f"{label!r} stands twice among the {what}; rename one.")


def _make_index(labels: tuple) -> pd.Index:
    return pd.Index(list(labels), tupleize_cols=False)


@dataclass(frozen=True, repr=False, eq=False, kw_only=True)
class GaussianFit(GaussianClasses):
    """Gaussian classes estimated from rows, by `fit_gaussian_classes`.

    Attributes
    ----------
    totals : numpy.ndarray
        Rows, people or weight in each category (J,).
    loglike : float
        Joint log-likelihood ``Σ_n w_n Σ_k d_nk log p(x_n, C_k)``.
    conditional_loglike : float
        ``Σ_n w_n Σ_k d_nk log P(C_k | x_n)``.
    nobs : float
    divisor : str
        Of the squares in the covariance: "n" or "n - J"; of own ones "n_k" or "n_k - 1".
    without_errors : str
        Why there are no standard errors; empty if there are.
    """

    totals: np.ndarray = field(repr=False)
    loglike: float
    conditional_loglike: float
    nobs: float
    divisor: str
    without_errors: str

    @property
    def marginal_loglike(self) -> float:
        """``Σ_n w_n t_n log p(x_n)``: the joint log-likelihood less the conditional one."""
        return self.loglike - self.conditional_loglike

    def logit_bse(self, base: Any = None) -> pd.DataFrame:
        """Return standard errors of `logit_params`, by the delta method; see `measure_errors`.

        Raises
        ------
        CovarianceError
            If there are none: covariances are own ones, or weights are no counts.
        """
        if self.without_errors:
            raise CovarianceError(self.without_errors)
        place = self.find_base(base)
        errors = measure_errors(self.means, self.factor_of(0), self.totals, place)
        return self.frame_terms(np.delete(errors, place, axis=0), place)

    def _describe(self) -> tuple[str, str, pd.DataFrame]:
        title, said, table = super()._describe()
        said = (
            f"Joint log-likelihood {self.loglike:.6f} = conditional "
            f"{self.conditional_loglike:.6f} + marginal {self.marginal_loglike:.6f}\n"
            f"Observations: {self.nobs:.10g}; squares divided by {self.divisor}\n{said}"
        )
        return f"{title}, estimated", said, table


def measure_errors(means: np.ndarray, factor: Factor, totals: np.ndarray, base: int) -> np.ndarray:
    """Return standard errors (J, 1 + K) of constants and slopes of the analytic map.

    By the delta method from the information of the joint likelihood, where log shares, means
    and covariance are independent with variances ``1/n_k``, ``Σ/n_k`` and
    ``Cov(S_ij, S_kl) = (Σ_ik Σ_jl + Σ_il Σ_jk) / n`` (Anderson 2003, An Introduction to
    Multivariate Statistical Analysis, sections 3.3 and 3.4). From ``dβ = Σ^-1 (dμ_k - dμ_b - dΣ
    β)`` and ``dc = d log(P_k / P_b) - m_k'dμ_k + m_b'dμ_b + (m_k'dΣ m_k - m_b'dΣ m_b) / 2``,
    ``m = Σ^-1 μ``, follow

        ``Var β = (1/n_k + 1/n_b) Σ^-1 + (Σ^-1 β'Σβ + β β') / n``
        ``Var c = (1 + q_kk) / n_k + (1 + q_bb) / n_b + (q_kk² + q_bb² - 2 q_kb²) / (2 n)``

    with ``q_kl = μ_k'Σ^-1 μ_l``. They hold if the classes are Gaussian; the logit's hold without.

    Parameters
    ----------
    means : numpy.ndarray
        (J, K).
    factor : Factor
        Of the common covariance.
    totals : numpy.ndarray
        (J,).
    base : int
        Its row is meaningless.
    """
    total = totals.sum()
    own = 1 / totals + 1 / totals[base]
    inverse = np.diag(factor.solve(np.eye(means.shape[1])))
    slopes = factor.solve(means - means[base])
    whole = factor.whiten(means)
    apart, sums = factor.whiten(means - means[base]), factor.whiten(means + means[base])
    distance = (apart**2).sum(axis=1)
    q = (whole**2).sum(axis=1)
    # q_kk² + q_bb² - 2 q_kb² without the cancellation.
    spread = 0.5 * ((sums**2).sum(axis=1) * distance + (sums * apart).sum(axis=1) ** 2)
    constant = own + q / totals + q[base] / totals[base] + spread / (2 * total)
    along = own[:, None] * inverse + (inverse * distance[:, None] + slopes**2) / total
    return np.sqrt(np.column_stack([constant, along]))


def estimate_moments(
    x: np.ndarray, d: np.ndarray, own: bool = False, unbiased: bool = False
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the joint maximum-likelihood estimates: totals (J,), means (J, K) and covariance.

    ``P_k = n_k / n``, ``μ_k = Σ_n d_nk x_n / n_k`` and
    ``Σ = Σ_k Σ_n d_nk (x_n - μ_k)(x_n - μ_k)' / n`` (Bishop 2006, section 4.2.2).

    Parameters
    ----------
    x : numpy.ndarray
        (n, K).
    d : numpy.ndarray
        Outcomes times weights (n, J), each category with some.
    own : bool
        Whether every category has a covariance of its own.
    unbiased : bool
        Whether to divide by n - J instead of n, or by n_k - 1 instead of n_k.
    """
    middle = x.mean(axis=0)
    centered = x - middle
    totals = d.sum(axis=0)
    means = (d.T @ centered) / totals[:, None]
    squares = []
    for k, mean in enumerate(means):
        used = d[:, k] > 0
        rest = (centered[used] - mean) * np.sqrt(d[used, k])[:, None]
        squares.append(rest.T @ rest)
    every = np.array(squares)
    if own:
        covariance = every / (totals - unbiased)[:, None, None]
    else:
        covariance = every.sum(axis=0) / (totals.sum() - unbiased * len(totals))
    return totals, means + middle, covariance
