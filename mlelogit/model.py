"""MNLogit and mnlogit: what to fit, frozen, and .fit()."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from mlelogit.data.arguments import name_remedies
from mlelogit.data.assembly import make_design
from mlelogit.data.blocks import RowBlocks, hold_blocks
from mlelogit.data.design import Design
from mlelogit.data.encoding import Encoding
from mlelogit.data.folds import FoldRequest
from mlelogit.data.hypotheses.constraints import read_constraints
from mlelogit.data.outward import remember_kind
from mlelogit.data.rows import DataOptions
from mlelogit.data.streaming.opening import open_design
from mlelogit.fitting.certificate import DEFAULT_TOLERANCE
from mlelogit.fitting.likelihood import map_loglikeobs
from mlelogit.fitting.linalg import ColumnBasis
from mlelogit.fitting.objective import LogLikelihood
from mlelogit.fitting.penalized.paths import DEFAULT_KKT, PathRequest
from mlelogit.fitting.rank import settle_rank
from mlelogit.fitting.record import FitRequest
from mlelogit.fitting.resumption import estimate_resumably
from mlelogit.inference.coefficients import frame_params, index_params, read_params
from mlelogit.inference.covariance import check_covariance, estimate_covariance
from mlelogit.inference.resampling.validation import CrossValidation, cross_validate
from mlelogit.inference.sandwich.requests import CovarianceRequest
from mlelogit.interpretation.selection import RegularizationPath, fit_path
from mlelogit.results import MNLogitResults


@dataclass(frozen=True, init=False, eq=False, repr=False)
class MNLogit:
    r"""A multinomial logit of an outcome on a matrix of columns.

    ``P(row n is in category k) = exp(x_n' b_k) / Σ_l exp(x_n' b_l)`` with
    ``b_base = 0`` (McFadden 1974). No constant is added; a formula, `mnlogit`,
    adds one.

    Parameters
    ----------
    endog : array-like
        The outcome: labels of any type (n,), counts (n, J) or probabilities
        (n, J). A Categorical keeps its order; other labels are sorted. More than
        131,072 float64 counts or probabilities are not copied, as of ``exog``.
    exog : array-like
        The columns (n, K): a DataFrame (pandas, polars, pyarrow, dask), numpy array,
        list or scipy.sparse array; ``docs/guides/frames.md`` lists every kind. More than 131,072
        numbers are not copied: leave them as they are while the results are in use. Sparse arrays
        of many columns stay sparse; float32 and integers are widened in small pieces.
    base : label, optional
        Base category; the first if not given.
    weights : array-like, optional
        (n,), not negative. Rows of zero weight leave the sample.
    weight_type : {"frequency", "sampling", "importance"}
        Needed with weights. Frequency: whole numbers, nobs is their sum.
        Sampling: nobs is the number of rows, the covariance is robust, and
        likelihood-ratio tests are NaN. Importance: used as given.
    offset : array-like, optional
        Added to the scores: (n, J), or (n, J - 1) without the base.
    outcome : {"labels", "counts", "probabilities"}, optional
        Inferred if not given.
    missing : {"raise", "drop"}
        What to do about missing values, in the outcome too.
    collinear : {"drop", "raise"}
        What to do about columns that are combinations of others, to rounding: leave the
        later ones out, with a `CollinearityWarning`, or raise `RankDeficiencyError`.
    compress : "auto", True or False
        Whether equal rows become one row with counts before the columns are made, which leaves
        every answer as it is; "auto": in many rows, where a sample shows that few of them
        differ. See `mlelogit.data.compression`.

    Raises
    ------
    MNLogitError
        One of its named cases, for anything wrong with the input.

    Examples
    --------
    >>> import numpy as np
    >>> import mlelogit as ml
    >>> x = np.column_stack([np.ones(6), [0, 1, 2, 0, 1, 2]])
    >>> res = ml.MNLogit(["a", "b", "b", "b", "a", "a"], x, base="b").fit()
    >>> res.base, res.converged
    ('b', True)
    """

    design: Design
    _basis: ColumnBasis
    _given: Design

    @name_remedies
    def __init__(
        self,
        endog: Any,
        exog: Any,
        *,
        base: Any = None,
        weights: Any = None,
        weight_type: str | None = None,
        offset: Any = None,
        outcome: str | None = None,
        missing: str = "raise",
        collinear: str = "drop",
        compress: bool | str = "auto",
    ) -> None:
        kinds = outcome, missing, collinear, compress
        options = DataOptions(base, weights, weight_type, offset, *kinds)
        self._hold(remember_kind(make_design(endog, exog, options), exog, endog))

    def _hold(self, design: Design) -> None:
        full = settle_rank(design)
        object.__setattr__(self, "design", full.design)
        object.__setattr__(self, "_basis", full.basis)
        object.__setattr__(self, "_given", design)

    @property
    def encoding(self) -> Encoding:
        """What was learned from the data."""
        return self.design.encoding

    @cached_property
    def _objective(self) -> LogLikelihood:
        return LogLikelihood(RowBlocks(self.design), self.encoding.base)

    @classmethod
    def from_formula(cls, formula: str, data: Any, **options: Any) -> MNLogit:
        """Make the model from a formula and a frame.

        See `mlelogit.mnlogit`.

        Parameters
        ----------
        formula : str
        data : DataFrame
            Or another table, as of `mlelogit.mnlogit`.
        **options
            Its other arguments.
        """
        return mnlogit(formula, data, **options)

    @property
    def base(self) -> Any:
        """The base category."""
        return self.encoding.base_category

    @property
    def categories(self) -> tuple:
        """The categories, in order."""
        return self.encoding.categories

    @property
    def exog_names(self) -> tuple:
        """Names of the columns, without those left out."""
        return self.encoding.names

    @name_remedies
    def fit(
        self,
        method: str = "auto",
        *,
        start_params: Any = None,
        maxiter: int | None = None,
        tol: float = DEFAULT_TOLERANCE,
        cov_type: str | None = None,
        cov_kwds: dict[str, Any] | None = None,
        callback: Callable[[np.ndarray], Any] | None = None,
        disp: bool = False,
        threads: int | None = None,
        bias_reduction: str | None = None,
        constraints: Any = None,
        equations: Any = None,
        checkpoint: Any = None,
    ) -> MNLogitResults:
        """Maximize the log-likelihood with `scipy.optimize.minimize`, or reduce its bias.

        Parameters
        ----------
        method : str
            "auto", one of scipy's names (trust-exact, trust-krylov, trust-ncg,
            Newton-CG, L-BFGS-B, BFGS, CG, TNC) or of statsmodels' words (newton,
            ncg, lbfgs, bfgs, cg).
        start_params : array-like, optional
            Start, flat (P,) or labelled as ``results.params``; the null model's
            if not given.
        maxiter : int, optional
            Largest number of iterations.
        tol : float
            The fit counts as converged if no coefficient can be off by more than
            this many of its standard errors.
        cov_type : str, optional
            Covariance: nonrobust, opg, HC0, HC1, HC2, HC3, robust, cluster, HAC or survey.
            Nonrobust if not given, robust with sampling weights, which have neither nonrobust
            nor opg; but with method="auto" or "lbfgs" none beyond 12,000
            parameters unless it is given.
        cov_kwds : dict, optional
            Its options, as of ``results.with_cov``: such as ``{"groups": "district"}`` for
            cluster. Labels are names of columns, or have the length of the rows given.
        callback : callable, optional
            Called with the parameters (P,) after every iteration; a true answer
            stops the climb.
        disp : bool
            Show a counter of iterations, on a terminal.
        threads : int, optional
            Threads over the rows; all processors if not given. The answer does not
            depend on it.
        bias_reduction : {"mean", "median"}, optional
            Reduce the bias of the estimates instead, whose values are finite on separated
            data too. Mean: maximize the log-likelihood plus half the log-determinant of the
            information (Firth 1993). Median: make over- and underestimates equally likely
            (Kenne Pagui, Salvan and Sartori 2017). Then tol is the longest adjusted score, in
            standard errors, that counts as converged; see `mlelogit.fitting.penalties`.
        constraints : str, tuple, list of them, or array-like, optional
            Linear equations and bounds that the coefficients are held to, such as
            ``["car: age = bus: age", "train: income = 0.5", "bus: age >= 0"]``; see
            `mlelogit.data.hypotheses.constraints` and `mlelogit.fitting.constrained.ascent`.
        equations : dict, optional
            Column or term -> the categories in whose equations it enters, such as
            ``{"income": ["car", "bus"]}``; its other coefficients are zero.
        checkpoint : str or os.PathLike, optional
            A file that keeps the params after every iteration. If there is one of the same fit
            already, which was interrupted, the climb goes on from there, whatever start_params
            are; a certified fit removes it. See `mlelogit.fitting.checkpoint`.

        Returns
        -------
        MNLogitResults

        Raises
        ------
        OptionError
            If method, cov_type or bias_reduction is unknown.
        BiasReductionError
            If bias reduction is asked for with sampling weights, or with constraints.
        ConstraintError
            If constraints cannot be read, or cannot all hold.
        ParamsError
            If start_params has a wrong shape, wrong labels or is not finite.
        CheckpointError, OutputFileError
            If the checkpoint is damaged or of another fit, or cannot be written.

        Warns
        -----
        NotConvergedWarning, NoFiniteMaximumWarning
            If the certificate does not hold; the message tells how far off the
            answer can be.
        SeparationWarning
            If the data are separated; the message tells which coefficients are infinite.
        CovarianceOmittedWarning
            If covariance and certificate were left out for their size.
        """
        cov = check_covariance(cov_type, cov_kwds, lambda: self.design)
        start = None if start_params is None else read_params(start_params, self.encoding)
        asked = bool(cov), bias_reduction, read_constraints(constraints, equations, self.encoding)
        request = FitRequest(method, start, maxiter, tol, threads, *asked)
        return self._fit(request, cov, callback, disp, checkpoint)

    def _fit(
        self,
        request: FitRequest,
        cov: CovarianceRequest | None,
        callback: Any,
        disp: bool,
        path: Any,
    ) -> MNLogitResults:
        """Fit, and estimate the covariance."""
        options = callback, disp, self._basis, path
        record = estimate_resumably(self.design, request, *options)
        return MNLogitResults(record, estimate_covariance(record, cov))

    def fit_path(
        self,
        l1_ratio: float = 1.0,
        *,
        penalties: Any = None,
        standardize: bool = True,
        grouped: bool = False,
        tol: float = DEFAULT_KKT,
        threads: int | None = None,
        disp: bool | None = None,
    ) -> RegularizationPath:
        """Fit ridge, lasso or elastic net for a path of penalties.

        Minimized is minus the log-likelihood over the sum of the weights, plus ``λ Σ_j
        [(1 - l1_ratio) / 2 ‖b_j‖² + l1_ratio ‖b_j‖₁]`` over the columns j, each with coefficients
        b_j in all categories (Friedman, Hastie and Tibshirani 2010); with frequency weights and
        counts every person counts one. The constant column is not penalized; a model without one
        has no intercept. All columns take part, those too that `fit` leaves out as
        combinations of others. See `mlelogit.fitting.penalized.regularization`.

        Parameters
        ----------
        l1_ratio : float
            0 is ridge, 1 lasso, between them elastic net; glmnet's alpha.
        penalties : float or array-like, optional
            λ; each positive. glmnet's path if not given: 100, evenly in the logarithm, from the
            smallest that leaves no coefficient down to 1e-4 of it, or to 1e-2 if there are fewer
            rows than columns.
        standardize : bool
            Whether the penalty is on coefficients of columns over their standard deviation.
            Coefficients come in the columns' own units in any case.
        grouped : bool
            Put ``l1_ratio ‖b_j‖₂`` in place of the last term, so that a column is left out of all
            categories or of none (Simon, Friedman and Hastie 2013).
        tol : float
            Largest error in the optimality conditions that counts as converged.
        threads : int, optional
            Threads over the rows; all processors if not given.
        disp : bool, optional
            Whether to show a progress bar; on a terminal only if not given.

        Returns
        -------
        RegularizationPath
            Without standard errors; see `mlelogit.interpretation.selection.RegularizationPath`.

        Raises
        ------
        OptionError
            If an argument is not what it must be, or no column can be penalized.

        Warns
        -----
        NotConvergedWarning
            If the optimality conditions of a fit do not hold to the tolerance.
        """
        request = PathRequest(l1_ratio, penalties, standardize, grouped, tol, threads, disp)
        return fit_path(self._given, request)

    def cross_validate(
        self,
        folds: Any = 10,
        *,
        seed: Any = 0,
        repeats: int = 1,
        stratify: bool = True,
        groups: Any = None,
        threads: int | None = None,
        disp: bool | None = None,
        bias_reduction: str | None = None,
        constraints: Any = None,
        equations: Any = None,
    ) -> CrossValidation:
        """Score every observation by a fit without its fold.

        See `mlelogit.inference.resampling.validation.cross_validate` for formulas and warnings.

        Parameters
        ----------
        folds : int or array-like
            How many; or the fold of every row given, or the column that has it.
        seed : int, numpy.random.Generator or None
            Which way the observations are dealt.
        repeats : int
            How many times they are.
        stratify : bool
            Whether each fold gets its share of every category. Not used with groups, which
            stay whole.
        groups : label of a column, or array-like, optional
            One label for every row given: rows of a group are held out together. Rows of counts
            or frequency weights are otherwise dealt out person by person.
        threads : int, optional
            Threads over the rows; all processors if not given.
        disp : bool, optional
            Whether to show a progress bar; on a terminal only if not given.
        bias_reduction, constraints, equations
            As in `fit`, for the fits without a fold.

        Returns
        -------
        CrossValidation
        """
        held = read_constraints(constraints, equations, self.encoding)
        asked = FitRequest(threads=threads, bias_reduction=bias_reduction, constraints=held)
        request = FoldRequest(folds, seed, repeats, stratify, groups)
        return cross_validate(self.design, request, asked, disp)

    def loglike(self, params: Any) -> float:
        """Return the log-likelihood at params, flat (P,) or labelled.

        Parameters
        ----------
        params : array-like
            Flat (P,), or labelled as ``results.params``.

        Returns
        -------
        float
            ``log L = Σ_n w_n Σ_k d_nk log y_nk``.
        """
        return self._objective.evaluate(read_params(params, self.encoding), 0).loglike

    def score(self, params: Any) -> pd.DataFrame:
        """Return the gradient of the log-likelihood, laid out as ``results.params``.

        Parameters
        ----------
        params : array-like
            Flat (P,), or labelled as ``results.params``.

        Returns
        -------
        pandas.DataFrame
            ``Σ_n w_n (d_nk - y_nk) x_n``, names x categories without the base.
        """
        sums = self._objective.evaluate(read_params(params, self.encoding), 1)
        return frame_params(np.asarray(sums.score), self.encoding)

    def information(self, params: Any) -> pd.DataFrame:
        """Return minus the Hessian of the log-likelihood, labelled (category, name).

        Parameters
        ----------
        params : array-like
            Flat (P,), or labelled as ``results.params``.

        Returns
        -------
        pandas.DataFrame
            (P, P): ``Σ_n w_n y_nk (δ_kl - y_nl) x_n x_n'`` in block (k, l).
        """
        sums = self._objective.evaluate(read_params(params, self.encoding), 2)
        labels = index_params(self.encoding)
        return pd.DataFrame(np.asarray(sums.information), index=labels, columns=labels)

    def loglikeobs(self, params: Any) -> pd.Series:
        """Return every row's contribution to the log-likelihood at params.

        Parameters
        ----------
        params : array-like
            Flat (P,), or labelled as ``results.params``.

        Returns
        -------
        pandas.Series
            (n,).
        """
        flat = read_params(params, self.encoding)
        blocks = hold_blocks(self._objective.blocks)
        values = blocks.map(map_loglikeobs, flat, self.encoding.base)
        return pd.Series(values, index=blocks.design.index.view(), name="loglike")

    def __repr__(self) -> str:
        said = self.encoding.formula or f"{self.encoding.outcome_name} on {len(self.exog_names)}"
        return f"<MNLogit: {said}, {len(self.categories)} categories, base {self.base!r}>"


@name_remedies
def mnlogit(
    formula: str,
    data: Any,
    *,
    base: Any = None,
    weights: Any = None,
    weight_type: str | None = None,
    offset: Any = None,
    outcome: str | None = None,
    missing: str = "raise",
    collinear: str = "drop",
    compress: bool | str = "auto",
    stream: Any = "auto",
) -> MNLogit:
    """Make a multinomial logit from a formula and a frame, or a table read in pieces.

    Parameters
    ----------
    formula : str
        ``outcome ~ terms``: one column, ``counts(a, b, c)`` or
        ``probabilities(a, b, c)`` on the left. On the right a dot for all columns but
        the outcome, weights and offset, or columns, operators, the functions log,
        log1p, log2, log10, exp, sqrt, abs (with or without ``np.``), the transforms
        poly, bs, cr, cs, center, scale, I and C with its contrasts, ``Q('name')`` and
        backticks; anything else raises before anything is evaluated. A constant is
        added unless the right side says ``0 +`` or ``- 1``.
    data : DataFrame, dict, or what can be read in pieces
        A frame of pandas, polars or pyarrow, a dict of columns or a list of dicts; or parquet
        (the path of a file or folder, a pattern such as ``"rows/*.parquet"``, a list of paths, a
        `pyarrow.dataset.Dataset`); a relation of DuckDB, or a query (``"SELECT ..."``,
        `mlelogit.from_sql`); a `dask.dataframe`; a list of frames, or a callable that opens them
        anew for every pass over the rows and returns an iterable.
    base, weights, weight_type, offset, outcome, missing, collinear, compress
        As in `MNLogit`; weights and offset may name columns of data.
    stream : "auto", True or False
        Whether to read the data in pieces, of which only sums are kept, instead of into memory;
        for "auto" only if they are more than 33,554,432 values. Estimates and inference
        are the same; what needs all rows at once raises `RowsNotHeldError`.

    Returns
    -------
    MNLogit

    Raises
    ------
    FormulaError, UnsafeFormulaError
        If the formula cannot be read, or holds anything not listed above.
    ColumnNotFoundError
        If it names a column that data do not have.
    MNLogitError
        Another of its named cases, for anything else wrong with the input.

    Examples
    --------
    >>> import mlelogit as ml
    >>> anes = ml.datasets.load_anes96()
    >>> res = ml.mnlogit("PID ~ logpopul + selfLR + age + educ + income", anes).fit()
    >>> round(res.llf, 4)
    -1461.9227
    """
    kinds = outcome, missing, collinear, compress
    options = DataOptions(base, weights, weight_type, offset, *kinds)
    model = MNLogit.__new__(MNLogit)
    model._hold(remember_kind(open_design(formula, data, options, stream), data))
    return model
