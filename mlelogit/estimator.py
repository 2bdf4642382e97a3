r"""MNLogitClassifier: the model as an estimator of scikit-learn.

Coefficients are given as scikit-learn gives them, without a base category: of three classes
and more ``coef_[k] = b_k - (1/J) Σ_l b_l``, one row per class, of two classes the one row
``b_1 - b_0``. They do not depend on the base, and ``X @ coef_.T + intercept_`` is
``decision_function(X)``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from mlelogit.data.arguments import check_choice
from mlelogit.data.assembly import make_design
from mlelogit.data.features import (
    add_constant,
    hold_list,
    name_constant,
    open_mask,
    read_features,
)
from mlelogit.data.frames import convert_foreign
from mlelogit.data.outward import find_frame_kind
from mlelogit.data.rows import WEIGHT_TYPES, DataOptions
from mlelogit.exceptions import (
    BiasReductionError,
    ColumnTypeError,
    InfiniteValueError,
    MissingDataError,
    MissingExtraError,
    NoFiniteMaximumWarning,
    OneCategoryError,
    OptionError,
    SeparationError,
    WeightError,
    WeightTypeError,
)
from mlelogit.fitting.certificate import DEFAULT_TOLERANCE
from mlelogit.fitting.linalg import log_softmax
from mlelogit.fitting.record import FitRecord
from mlelogit.fitting.report import SeparationReport, tell_no_maximum
from mlelogit.interpretation.points import map_point_scores, model_points, read_matrix
from mlelogit.model import MNLogit
from mlelogit.notices import hear_warnings, warn_user
from mlelogit.results import MNLogitResults

try:
    from sklearn.base import BaseEstimator, ClassifierMixin
    from sklearn.utils.multiclass import check_classification_targets
    from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data
except ImportError as error:
    raise MissingExtraError(
        "MNLogitClassifier needs scikit-learn 1.6 or later, which is not installed: "
        "pip install 'mlelogit[sklearn]'."
    ) from error

# The attributes that a fit sets.
LEARNED = (
    *("classes_", "coef_", "intercept_", "results_", "separation_", "bias_reduction_"),
    *("n_iter_", "n_features_in_", "feature_names_in_"),
)
SEPARATED_RULES = ("reduce_bias", "limit", "raise")
# Numbers of new rows that are copied beside a constant at a time: 32 MB.
PIECE = 1 << 22

# Its exponential is the first whole one that rounds to zero.
NONE = -746.0


class MNLogitClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    r"""A multinomial logit by maximum likelihood, as a scikit-learn classifier.

    Not penalized: what ``LogisticRegression(C=np.inf)`` means, to the last digits, with all
    inference in ``results_``. Parameters are those of `mlelogit.MNLogit` and its ``fit``,
    unless said otherwise.

    Parameters
    ----------
    fit_intercept : bool
        Whether a constant is added, in front of the features.
    base : label, optional
        Base category of ``results_``; the first of ``classes_`` if not given. Nothing else
        depends on it.
    bias_reduction : {"mean", "median"}, optional
        Reduce the bias of the estimates, which are finite on any data; maximum likelihood if
        not given.
    separated : {"reduce_bias", "limit", "raise"}
        The rule for data on which no finite maximum of the likelihood exists. "reduce_bias":
        fit them anew with ``bias_reduction="mean"``, and warn. "limit": keep the limit of
        maximum likelihood, and warn: some of ``coef_`` are infinite, or NaN if undetermined, and
        some probabilities are 0 and 1. "raise": raise `SeparationError`. ``bias_reduction_``
        and ``separation_`` tell what happened. Of no effect with ``bias_reduction``.
    weight_type : {"importance", "frequency", "sampling"}
        What ``sample_weight`` is. Importance: a weight of 2 is the row given twice, and a
        weight need not be whole. Frequency: the same for whole numbers, with which more
        questions to ``results_`` have an answer. Sampling: the covariance is robust. Estimates
        are the same. In all of them a weight of 0 is no row.
    collinear : {"drop", "raise"}
        What to do about features that are combinations of others: leave the later ones out, with
        a `CollinearityWarning` and coefficients of zero, or raise `RankDeficiencyError`.
    method, maxiter, tol, cov_type, threads
        As in `mlelogit.MNLogit.fit`.

    Attributes
    ----------
    classes_ : numpy.ndarray
        (J,): the labels, sorted, a Categorical's too; without those whose rows all have zero
        weight.
    coef_ : numpy.ndarray
        (1, K) of two classes, else (J, K) with columns that sum to zero.
    intercept_ : numpy.ndarray
        (1,) or (J,); zeros without a constant.
    results_ : MNLogitResults
        The fit, with all its answers. The columns are called as the features are, or ``x0``,
        ``x1``, ...; the constant ``const``, with underscores before it if a feature is called
        so. Pickling leaves the rows behind, so that questions that need them raise
        `DataNotKeptError`.
    bias_reduction_ : {"mean", "median"} or None
        How the fit was made.
    separation_ : mlelogit.fitting.report.SeparationReport
        What is separated, as maximum likelihood found it.
    n_iter_ : int
        Iterations of the climb.
    n_features_in_ : int
    feature_names_in_ : numpy.ndarray
        (K,), if the features were given in a frame whose names are all strings.

    Raises
    ------
    MissingExtraError
        If scikit-learn is not installed, when the class is asked for.

    Examples
    --------
    >>> import mlelogit as ml
    >>> anes = ml.datasets.load_anes96()
    >>> x = anes[["age", "educ", "income"]]
    >>> clf = ml.MNLogitClassifier().fit(x, anes["vote"])
    >>> clf.coef_.shape, clf.results_.converged
    ((1, 3), True)
    >>> clf.predict(x.head(2)).tolist()
    ['Clinton', 'Clinton']
    """

    def __init__(
        self,
        *,
        fit_intercept: bool = True,
        base: Any = None,
        bias_reduction: str | None = None,
        separated: str = "reduce_bias",
        weight_type: str = "importance",
        collinear: str = "drop",
        method: str = "auto",
        maxiter: int | None = None,
        tol: float = DEFAULT_TOLERANCE,
        cov_type: str | None = None,
        threads: int | None = None,
    ) -> None:
        self.fit_intercept = fit_intercept
        self.base = base
        self.bias_reduction = bias_reduction
        self.separated = separated
        self.weight_type = weight_type
        self.collinear = collinear
        self.method = method
        self.maxiter = maxiter
        self.tol = tol
        self.cov_type = cov_type
        self.threads = threads

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> MNLogitClassifier:
        """Fit the model.

        Parameters
        ----------
        X : array-like, sparse array or frame
            Features (n, K): numbers and truth values. It is copied, beside a constant.
        y : array-like
            Labels (n,): text, whole numbers or truth values.
        sample_weight : array-like or float, optional
            (n,), not negative; see ``weight_type``.

        Returns
        -------
        MNLogitClassifier
            Itself.

        Raises
        ------
        OneCategoryError
            If there is one class only.
        ColumnTypeError
            If a feature is categorical, text or a date.
        SeparationError
            If the data are separated and ``separated="raise"``, or "reduce_bias" cannot be
            followed: with sampling weights, or too many parameters.
        WeightError, MissingDataError, BaseCategoryError, DuplicateColumnError, OptionError
            For what they say; scikit-learn's own ValueError for other input that is wrong.

        Warns
        -----
        SeparationWarning, NoFiniteMaximumWarning
            If no finite maximum exists; the message tells by which rule the fit was made.
        MNLogitWarning
            What else `mlelogit.MNLogit` and its ``fit`` warn of.
        """
        self._forget()
        try:
            found = self._learn(X, y, sample_weight)
        except BaseException:
            self._forget()  # What scikit-learn has set; else this would seem to be a fit.
            raise
        self.__dict__.update(found)
        return self

    def _forget(self) -> None:
        for name in LEARNED:
            self.__dict__.pop(name, None)

    def _learn(self, X: Any, y: Any, sample_weight: Any) -> dict[str, Any]:
        """Return the attributes of a fit, but for the features' that scikit-learn sets."""
        self._check_choices()
        index, name = getattr(X, "index", None), getattr(y, "name", None)
        index = index if isinstance(X, pd.DataFrame) else None
        kind = find_frame_kind(X, y)
        X, y = validate_data(
            self,
            read_features(X),
            convert_foreign(hold_list(open_mask(y, "y"))),
            accept_sparse="csr",
            dtype="numeric",
        )
        weights = None if sample_weight is None else _check_weights(sample_weight, X)
        classes, labels = find_classes(y, weights)
        model = self._make_model(pd.Series(labels, index=index, name=name), X, weights, kind)
        results, separation = self._fit_by_rule(model)
        both, first = center_params(results.record), int(self.fit_intercept)
        return {
            "classes_": classes,
            "results_": results,
            "separation_": separation,
            "bias_reduction_": results.bias_reduction,
            "n_iter_": results.record.maximum.iterations,
            "coef_": np.ascontiguousarray(both[:, first:]),
            "intercept_": both[:, 0].copy() if first else np.zeros(len(both)),
        }

    def predict(self, X: Any) -> np.ndarray:
        """Return the most probable class of every row (n,), the first of those that tie.

        Parameters
        ----------
        X : DataFrame or array-like
            (m, K): columns as in `fit`.

        Returns
        -------
        numpy.ndarray
            (m,).
        """
        best = self._score_rows(X).argmax(axis=0)
        return np.asarray(self.classes_[best])

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the probabilities (n, J) of ``classes_``.

        Parameters
        ----------
        X : DataFrame or array-like
            (m, K): columns as in `fit`.

        Returns
        -------
        numpy.ndarray
            (m, J); rows sum to one.
        """
        return log_softmax(self._score_rows(X))[1].T

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Return log-probabilities (n, J), exact where the probabilities are below any double.

        Parameters
        ----------
        X : DataFrame or array-like
            (m, K): columns as in `fit`.

        Returns
        -------
        numpy.ndarray
            (m, J).
        """
        return log_softmax(self._score_rows(X))[0].T

    def decision_function(self, X: Any) -> np.ndarray:
        """Return log-odds.

        Parameters
        ----------
        X : DataFrame or array-like
            (m, K): columns as in `fit`.

        Returns
        -------
        numpy.ndarray
            Of two classes (n,), the log-odds of the second against the first. Of more (n, J), the
            logarithm of each probability less the mean of these logarithms. Finite always: a
            class without a probability, in the limit of separated data, counts as if its
            log-odds against the least probable other were -746, of which the exponential is
            zero as a double.
        """
        scores = self._score_rows(X)
        possible = scores > -np.inf
        least = np.where(possible, scores, np.inf).min(axis=0)
        scores = np.where(possible, scores, least + NONE)
        if len(scores) == 2:
            return np.asarray(scores[1] - scores[0])
        return (scores - scores.mean(axis=0)).T

    def _score_rows(self, X: Any) -> np.ndarray:
        """Return scores (J, n) up to one number for every row."""
        check_is_fitted(self)
        X = validate_data(self, read_features(X), accept_sparse="csr", dtype="numeric", reset=False)
        with np.errstate(invalid="ignore", over="ignore"):
            scores = score_rows(self.results_.record, X, self.fit_intercept)
        wrong = np.flatnonzero(~(scores < np.inf).all(axis=0))
        if wrong.size:  # Not found by scikit-learn if its config says assume_finite.
            raise InfiniteValueError(
                f"The scores of {wrong.size} rows are no numbers, first that of row {wrong[0]} by "
                "position: its features are missing, infinite or so large that scores overflow."
            )
        return scores

    def _check_choices(self) -> None:
        check_choice("separated", self.separated, SEPARATED_RULES)
        check_choice("weight_type", self.weight_type, WEIGHT_TYPES, WeightTypeError)
        if not isinstance(self.fit_intercept, bool | np.bool_):
            raise OptionError(f"fit_intercept is True or False, not {self.fit_intercept!r}.")

    def _make_model(
        self, endog: pd.Series, X: Any, weights: np.ndarray | None, frame_kind: str | None
    ) -> MNLogit:
        """Make the model of checked input, its columns called as the features are."""
        meant = None if weights is None else self.weight_type
        options = DataOptions(self.base, weights, meant, collinear=self.collinear, compress="auto")
        every = range(X.shape[1])
        features = getattr(self, "feature_names_in_", [f"x{i}" for i in every])
        names = tuple(str(name) for name in features)
        constant = name_constant(names) if self.fit_intercept else None
        names = names if constant is None else (constant, *names)
        design = make_design(endog, add_constant(X, self.fit_intercept), options)
        encoding = replace(
            design.encoding, names=names, constant=constant, frame_kind=frame_kind or "pandas"
        )
        model = MNLogit.__new__(MNLogit)
        model._hold(replace(design, encoding=encoding))
        return model

    def _fit_by_rule(self, model: MNLogit) -> tuple[MNLogitResults, SeparationReport]:
        """Fit as asked; where no finite maximum exists, as the rule says."""
        with hear_warnings() as heard:
            results = self._fit_model(model, self.bias_reduction)
        report = results.separation
        apart = [one for one in heard if issubclass(one.category, NoFiniteMaximumWarning)]
        if not apart or self.bias_reduction is not None or self.separated == "limit":
            for one in heard:
                warn_user(one.message, one.category)
            return results, report
        if self.separated == "raise":
            raise SeparationError(tell_rule(results.record, self.separated))
        limit = results.record
        try:
            results = self._fit_model(model, "mean")
        except BiasReductionError as error:
            raise SeparationError(
                f"{tell_no_maximum(limit)} The rule separated='reduce_bias' does not help here: "
                f"{error} "
                "separated='limit' gives the limit of maximum likelihood."
            ) from error
        warn_user(tell_rule(limit, self.separated), apart[0].category)
        return results, report

    def _fit_model(self, model: MNLogit, bias_reduction: str | None) -> MNLogitResults:
        return model.fit(
            self.method,
            maxiter=self.maxiter,
            tol=self.tol,
            cov_type=self.cov_type,
            threads=self.threads,
            bias_reduction=bias_reduction,
        )

    def __getstate__(self) -> dict[str, Any]:
        """Pickle the fit without its rows."""
        state = dict(super().__getstate__())
        if "results_" in state:
            results = state["results_"]
            record = results.record
            record = replace(record, blocks=None, index=record.index[:0])
            state["results_"] = MNLogitResults(record, results.covariance)
        return state

    def __sklearn_tags__(self) -> Any:
        """Tell scikit-learn that features can be sparse."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def tell_rule(record: FitRecord, rule: str) -> str:
    """Say what was done, and could be done, about data without a finite maximum."""
    reason = tell_no_maximum(record)
    if rule == "raise":
        return (
            f"{reason} separated='reduce_bias' or bias_reduction='mean' gives finite estimates, "
            "separated='limit' the limit of maximum likelihood."
        )
    return (
        f"{reason} By the rule separated='reduce_bias' the fit was made anew with "
        "bias_reduction='mean', whose estimates are finite; pass that to have every fit made so, "
        "or separated='limit' to have the limit of maximum likelihood."
    )


def _check_weights(sample_weight: Any, X: Any) -> np.ndarray:
    """Return weights (n,) that are finite, not negative and not all zero."""
    given = convert_foreign(open_mask(sample_weight, "sample_weight"))
    weights = np.asarray(_check_sample_weight(given, X), dtype=np.float64)
    if (weights < 0).any():
        row = int(np.flatnonzero(weights < 0)[0])
        raise WeightError(f"sample_weight is negative in row {row} ({weights[row]}).")
    if not weights.any():
        raise WeightError("All of sample_weight is zero.")
    return weights


def find_classes(y: np.ndarray, weights: np.ndarray | None) -> tuple[np.ndarray, pd.Categorical]:
    """Return the classes (J,) of the rows that count, in order, and the labels (n,).

    Raises
    ------
    MissingDataError
        If a label is missing.
    ColumnTypeError
        If some labels are text and others are not, so that they have no order.
    OneCategoryError
        If there is one class only.
    """
    if pd.isna(y).any():
        row = int(np.flatnonzero(pd.isna(y))[0])
        raise MissingDataError(f"y is missing in row {row}; leave out such rows.")
    _check_order(y)
    check_classification_targets(y)
    counted = np.ones(len(y), bool) if weights is None else weights > 0
    classes, found = np.unique(y[counted], return_inverse=True)
    if len(classes) < 2:
        raise OneCategoryError(
            f"y holds one class only, {classes.tolist()[0]!r}"
            f"{'' if counted.all() else ', among rows of positive weight'}: nothing to tell apart."
        )
    codes = np.zeros(len(y), dtype=np.intp)  # Rows of zero weight leave with any label.
    codes[counted] = found
    return classes, pd.Categorical.from_codes(codes, pd.Index(classes.tolist()))


def score_rows(record: FitRecord, X: Any, constant: bool) -> np.ndarray:
    """Return the scores (J, n) of checked features; -inf for what is impossible in the limit."""
    model = model_points(record)
    parts = [
        read_matrix(record, add_constant(part, constant)).blocks().map(map_point_scores, model)
        for part in _cut(X)
    ]
    return np.concatenate(parts, axis=1)


def _cut(X: Any) -> Iterator[Any]:
    rows = max(1, PIECE // max(1, X.shape[1]))
    for start in range(0, X.shape[0], rows):
        yield X[start : start + rows]


def _check_order(y: np.ndarray) -> None:
    if y.dtype != object:
        return
    texts = np.fromiter((isinstance(label, str) for label in y.ravel()), bool, y.size)
    if texts.any() and not texts.all():
        one, other = y.ravel()[texts.argmax()], y.ravel()[texts.argmin()]
        raise ColumnTypeError(
            f"y holds text and other labels, such as {one!r} and {other!r}, which have no order; "
            "make all of them text."
        )


def center_params(record: FitRecord) -> np.ndarray:
    """Return coefficients without a base, of all columns: (J, K), of two classes (1, K).

    Columns left out have zeros. In the limit of separated data a coefficient is infinite if
    the direction in which the likelihood rises moves it away from the mean over the classes;
    others of its column are NaN, not determined.
    """
    encoding = record.encoding
    found = _center(record.params, encoding.base)
    if record.separation.found:
        along = _center(record.separation.point_columns(record.basis), encoding.base)
        running = ~np.isfinite(record.estimates.reshape(record.params.shape)).all(axis=0)
        with np.errstate(invalid="ignore"):
            limits = np.where(along == 0, np.nan, np.sign(along) * np.inf)
        found[:, running] = limits[:, running]
    if len(found) == 2:
        found = found[1:] - found[:1]
    every = np.zeros((len(found), len(encoding.all_names)))
    every[:, encoding.kept] = found
    return every


def _center(params: np.ndarray, base: int) -> np.ndarray:
    """Return coefficients (J, K) less their means over the categories, from (J - 1, K)."""
    every = np.insert(params, base, 0.0, axis=0)
    return np.asarray(every - every.mean(axis=0))
