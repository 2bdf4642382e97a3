"""MNLogit: statsmodels' own class, with this package's likelihood, climb and covariances."""

from __future__ import annotations

from typing import Any

import numpy as np
from statsmodels.discrete import discrete_model

from mlelogit.bridges.statsmodels.fitting import Asked, Climb, climb, describe_climb
from mlelogit.bridges.statsmodels.likelihood import (
    ModelRows,
    add_base,
    check_own,
    evaluate,
    flatten_params,
    predict_complex,
    read_rows,
    residuals,
    score_rows,
    soften,
    spread_loglike,
)
from mlelogit.bridges.statsmodels.outcomes import (
    check_categories,
    code_outcome,
    drop_unused,
    keep_complete,
    read_outcome,
    take_subset,
    tell_gaps,
)
from mlelogit.bridges.statsmodels.results import (
    L1MultinomialResults,
    L1MultinomialResultsWrapper,
    MultinomialResults,
    MultinomialResultsWrapper,
)
from mlelogit.bridges.statsmodels.words import PENALIZED_TAKES, check_penalized_options
from mlelogit.data.foreign import unmask
from mlelogit.data.frames import list_some
from mlelogit.exceptions import OptionError

TAKES = ("missing", "missing_idx", "hasconst", "formula", "model_spec")
ELSEWHERE = (
    "weights",
    "freq_weights",
    "var_weights",
    "sample_weight",
    "offset",
    "exposure",
)


# statsmodels has no types, so that its classes are Any to a checker of types.
class MNLogit(discrete_model.MNLogit):  # type: ignore[misc]
    """The MNLogit of statsmodels, overflow-safe, certified and without its silent errors.

    It is a subclass, and code written for statsmodels runs as it is. Likelihood, score, Hessian,
    maximum and covariance come from this package; tables, tests and formulas are statsmodels'.
    What differs is told in the documentation, "For users of statsmodels".

    Parameters
    ----------
    endog : array-like
        Outcome: labels (n,), or dummies (n, J). The first category is the base.
    exog : array-like
        (n, K); no constant is added.
    check_rank : bool
        Whether degrees of freedom go by the rank of the columns.
    **kwargs
        missing ("none", "drop", "raise"), hasconst.

    Raises
    ------
    MissingDataError
        If values are missing, unless ``missing="drop"``; also statsmodels' error of that name.
    OptionError
        If a keyword is unknown, or of weights or an offset, which `mlelogit.MNLogit` takes.
    OutcomeError, OneCategoryError
        If the outcome is a table of counts or shares, or takes a single value.

    Examples
    --------
    >>> import statsmodels.api as sm
    >>> from mlelogit.bridges.statsmodels import MNLogit
    >>> anes = sm.datasets.anes96.load_pandas().data
    >>> res = MNLogit(anes["PID"], sm.add_constant(anes[["age", "educ"]])).fit(disp=0)
    >>> res.params.shape, res.converged
    ((3, 6), True)
    """

    endog: Any
    _ynames_map: dict[Any, Any]
    _rows: ModelRows | None = None

    def __init__(self, endog: Any, exog: Any, check_rank: bool = True, **kwargs: Any) -> None:
        labels = kwargs.pop("outcome_labels", None)
        self._labels = labels
        super().__init__(endog, exog, check_rank=check_rank, **_check_keywords(kwargs))
        self._data_attr.append("_rows")

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_rows"}

    def _handle_data(
        self, endog: Any, exog: Any, missing: str, hasconst: Any, **kwargs: Any
    ) -> Any:
        endog = read_outcome(endog)
        if "missing_idx" in kwargs:
            data = super()._handle_data(endog, exog, missing, hasconst, **kwargs)
        else:
            kept = keep_complete(endog, exog, missing)
            left = drop_unused(kept.endog)
            data = super()._handle_data(left, kept.exog, "none", hasconst, **kwargs)
            if missing != "none":
                data.missing_row_idx = kept.dropped
        check_categories(len(self._ynames_map))
        if self._labels is not None:
            found = {code: self._labels[int(value)] for code, value in self._ynames_map.items()}
            self._ynames_map = found
        return data

    def initialize(self) -> None:
        """Read the categories and the degrees of freedom, which go by the columns' rank."""
        self.endog = self.endog.argmax(1)
        self.J, self.K = self.wendog.shape[1], self.exog.shape[1]
        rank = self.K - (len(self.rows.columns.aliases) if self._check_rank else 0)
        self.df_model = float(rank - 1) * (self.J - 1)
        self.df_resid = self.exog.shape[0] - self.df_model - (self.J - 1)

    @property
    def rows(self) -> ModelRows:
        """The model's arrays as this package's rows; made anew when the arrays are others."""
        held = self._rows
        if held is None or not held.holds(self.endog, self.exog):
            held = self._rows = read_rows(self)
        return held

    @classmethod
    def from_formula(
        cls,
        formula: Any,
        data: Any,
        subset: Any = None,
        drop_cols: Any = None,
        *args: Any,
        **kwargs: Any,
    ) -> MNLogit:
        """Make the model from a formula and a frame; the outcome may be text or a Categorical.

        Parameters
        ----------
        formula : str
            As statsmodels reads it.
        data : DataFrame
            The columns that it names.
        subset, drop_cols, *args, **kwargs
            As in statsmodels.

        Returns
        -------
        MNLogit

        Examples
        --------
        >>> import mlelogit as ml
        >>> from mlelogit.bridges.statsmodels import mnlogit
        >>> res = mnlogit("vote ~ age + educ", ml.datasets.load_anes96()).fit(disp=0)
        >>> float(round(res.llf, 4))
        -635.3798
        """
        depth = kwargs.pop("eval_env", None)
        if depth is None or (isinstance(depth, int) and depth != -1):
            depth = 2 if depth is None else depth + 1  # One more call to the user's variables.
        rows = frame = take_subset(data, subset)
        coded = code_outcome(formula, rows)
        if coded is not None:
            formula, frame = coded.formula, coded.data
            kwargs["outcome_labels"] = coded.labels
        kwargs["eval_env"] = depth
        try:
            model = super().from_formula(formula, frame, None, drop_cols, *args, **kwargs)
        except Exception as error:
            missing = tell_gaps(formula, rows, error)
            if missing is None:
                raise
            raise missing from error
        model.data.frame = rows
        return model

    def cdf(self, X: Any) -> np.ndarray:
        """Return the probabilities (m, J) of linear predictors (m, J - 1), complex ones too."""
        return soften(add_base(X))[1].T

    def loglike(self, params: Any) -> Any:
        """Return the log-likelihood at params, flat (P,) or (K, J - 1)."""
        return np.sum(self.loglikeobs(params))

    def loglikeobs(self, params: Any) -> np.ndarray:
        """Return every row's log-likelihood at its own category (n, J), zero at the others."""
        flat = flatten_params(params, self)
        if np.iscomplexobj(flat):
            return np.where(self.wendog, predict_complex(self, flat)[0].T, 0.0)
        return spread_loglike(self.rows, flat, int(self.J))

    def score(self, params: Any) -> np.ndarray:
        """Return the gradient of the log-likelihood (P,)."""
        flat = flatten_params(params, self)
        if np.iscomplexobj(flat):
            return super().score(flat)
        return evaluate(self.rows, flat, 1).score

    def loglike_and_score(self, params: Any) -> tuple[Any, np.ndarray]:
        """Return the log-likelihood and its gradient (P,)."""
        return self.loglike(params), self.score(params)

    def score_obs(self, params: Any) -> np.ndarray:
        """Return every row's score (n, P)."""
        flat = flatten_params(params, self)
        if np.iscomplexobj(flat):
            return super().score_obs(flat)
        return score_rows(self.rows, flat)

    def hessian(self, params: Any) -> np.ndarray:
        """Return the Hessian of the log-likelihood (P, P)."""
        flat = flatten_params(params, self)
        if np.iscomplexobj(flat):
            return super().hessian(flat)
        return -evaluate(self.rows, flat, 2).information

    def score_factor(self, params: Any) -> np.ndarray:
        """Return what was observed less what is expected (n, J - 1), without the base."""
        flat = flatten_params(params, self)
        if np.iscomplexobj(flat):
            return super().score_factor(flat)
        return residuals(self.rows, flat)

    def predict(self, params: Any, exog: Any = None, which: str = "mean") -> np.ndarray:
        """Return probabilities (m, J), log-odds against the base, or variances."""
        values = self.exog if exog is None else np.asarray(unmask(exog))
        return super().predict(np.asarray(params), values, which=which)

    def _derivative_predict(
        self, params: Any, exog: Any = None, transform: str = "dydx"
    ) -> np.ndarray:
        x = self.exog if exog is None else exog
        p = self.predict(np.asarray(params).reshape(self.K, -1, order="F"), x)
        change = np.eye(int(self.J))[:, 1:] - p[:, np.newaxis, 1:]
        if "ey" not in transform:
            change = change * p[:, :, np.newaxis]
        whole = change[..., np.newaxis] * np.asarray(x)[:, np.newaxis, np.newaxis, :]
        return whole.reshape(*p.shape, -1)

    def _derivative_exog(
        self,
        params: Any,
        exog: Any = None,
        transform: str = "dydx",
        dummy_idx: Any = None,
        count_idx: Any = None,
    ) -> np.ndarray:
        if "ex" not in transform:
            return super()._derivative_exog(params, exog, transform, dummy_idx, count_idx)
        # statsmodels' own multiplies with the wrong axis, or fails.
        x = np.asarray(self.exog if exog is None else exog)
        slopes = super()._derivative_exog(params, x, transform.replace("ex", "dx"))
        return slopes * np.tile(x, int(self.J))

    def fit(
        self,
        start_params: Any = None,
        method: str = "newton",
        maxiter: int = 35,
        full_output: Any = 1,  # noqa: ARG002 - statsmodels' argument, of no effect there either
        disp: Any = 1,
        callback: Any = None,
        **kwargs: Any,
    ) -> MultinomialResultsWrapper:
        """Maximize the likelihood, and prove that it is the maximum.

        Parameters
        ----------
        start_params : array-like, optional
            Flat (P,) or (K, J - 1).
        method : str
            A solver of statsmodels. The likelihood has one maximum, so all lead there; those that
            this package does not have take its own way.
        maxiter : int
            35, statsmodels' default, is no limit.
        disp : bool
            Count iterations on a terminal; nothing is printed.
        callback : callable, optional
            Called with params (P,) after every iteration.
        **kwargs
            cov_type, cov_kwds and use_t, as in statsmodels; see
            its own documentation. warn_convergence, retall, and
            options of solvers, which have no effect.
        full_output : bool
            Of no effect, as in statsmodels.

        Returns
        -------
        MultinomialResultsWrapper
            Statsmodels' results, with a certificate.

        Raises
        ------
        RankDeficiencyError
            If a column is a combination of others, which are named; also a ``LinAlgError``.
        OptionError
            If an option is unknown, or is ``bounds``.

        Warns
        -----
        SeparationWarning, NotConvergedWarning, ConvergenceWarning
            If no maximum was reached, which the first two explain. Infinite coefficients are
            infinite then, and what else there is is that of the limit.
        """
        check_own(type(self), MNLogit)
        asked = Asked(start_params, method, maxiter, disp, callback)
        return self.wrap(climb(self, asked, kwargs))

    def wrap(self, found: Climb) -> MultinomialResultsWrapper:
        """Return a climb as statsmodels' results.

        Parameters
        ----------
        found : Climb
            What the climb found.

        Returns
        -------
        MultinomialResultsWrapper
        """
        results = MultinomialResults(self, describe_climb(self, found))
        results.record, results.covariance = found.record, found.covariance
        return MultinomialResultsWrapper(results)

    def fit_regularized(
        self, start_params: Any = None, method: str = "l1", *args: Any, **kwargs: Any
    ) -> L1MultinomialResultsWrapper:
        """Maximize the likelihood less an L1 penalty, by statsmodels' solver on this likelihood.

        Raises
        ------
        OptionError
            If an option is unknown, or the covariance one that statsmodels does not have.
        """
        named = dict(zip(PENALIZED_TAKES, args, strict=False))
        check_penalized_options(method, named | kwargs, len(self.endog))
        start = np.zeros(self.K * (self.J - 1)) if start_params is None else start_params
        start = flatten_params(start, self)
        fitted = discrete_model.DiscreteModel.fit_regularized(self, start, method, *args, **kwargs)
        fitted.params = fitted.params.reshape(self.K, -1, order="F")
        return L1MultinomialResultsWrapper(L1MultinomialResults(self, fitted))


def _check_keywords(given: dict[str, Any]) -> dict[str, Any]:
    """Return keywords without those of None; raise `OptionError` if one would have no effect."""
    given = {name: value for name, value in given.items() if value is not None or name in TAKES}
    elsewhere = [name for name in given if name in ELSEWHERE]
    if elsewhere:
        raise OptionError(
            f"statsmodels' MNLogit ignores {list_some(elsewhere)}; mlelogit.MNLogit(endog, exog, "
            "weights=..., weight_type=..., offset=...) fits with them, and its results have "
            "statsmodels' words."
        )
    unknown = [name for name in given if name not in TAKES]
    if unknown:
        raise OptionError(
            f"MNLogit has no option {list_some(unknown)}; it takes check_rank, missing, hasconst."
        )
    return given
