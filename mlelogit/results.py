"""MNLogitResults: a fit's record and covariance, and one-line ways to ask them."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from mlelogit.bridges.maketables import EquationView, view_equations, view_flat
from mlelogit.data.outcome import find_base
from mlelogit.data.rows import Audit
from mlelogit.display.plots.accessor import Plots
from mlelogit.display.report.document import Report, make_report
from mlelogit.display.summary import Summary, summarize
from mlelogit.display.tables.table import tabulate_fit
from mlelogit.equivalence.verification import Verification, verify
from mlelogit.exceptions import OptionError
from mlelogit.fitting.certificate import Certificate
from mlelogit.fitting.record import FitRecord
from mlelogit.fitting.refits import refit
from mlelogit.fitting.report import SeparationReport, report_separation
from mlelogit.inference.coefficients import (
    compute_z,
    frame_covariance,
    frame_params,
    frame_refits,
    frame_trace,
    tidy_coefficients,
    two_sided_p,
)
from mlelogit.inference.covariance import Covariance, estimate_covariance
from mlelogit.inference.fit_measures import tabulate_fit_statistics
from mlelogit.inference.fit_statistics import FitStatistics, compute_fit_statistics
from mlelogit.inference.intervals.contrasts import combine_coefficients, contrast_categories
from mlelogit.inference.intervals.inversion import interval_frame, profile_frame
from mlelogit.inference.multiplicity import adjust_pvalues
from mlelogit.inference.rebase import rebase_covariance, rebase_record
from mlelogit.inference.resampling.bootstrap import Bootstrap, lend_covariance, run_bootstrap
from mlelogit.inference.resampling.score_bootstrap import BootstrapTest, run_bootstrap_test
from mlelogit.inference.testing.additions import score_test_added
from mlelogit.inference.testing.combining import combine_tests
from mlelogit.inference.testing.constraints import (
    ConstraintTests,
    frame_multipliers,
    test_constraints,
)
from mlelogit.inference.testing.equations import equality_tests
from mlelogit.inference.testing.goodness import GoodnessOfFit, measure_fit
from mlelogit.inference.testing.hauck_donner import find_hauck_donner
from mlelogit.inference.testing.hypothesis import TestResult, lr_test, wald_test
from mlelogit.inference.testing.independence import IndependenceTests, iia_tests
from mlelogit.inference.testing.likelihood_ratio import lr_test_hypothesis, name_lr
from mlelogit.inference.testing.score import score_test
from mlelogit.inference.testing.terms import term_tests
from mlelogit.interpretation.calibration import Calibration, calibrate
from mlelogit.interpretation.classification import Classification, classify
from mlelogit.interpretation.influence import Influence, measure_influence
from mlelogit.interpretation.margins.effects import estimate_margins
from mlelogit.interpretation.margins.table import Margins
from mlelogit.interpretation.prediction import (
    compute_loglikeobs,
    compute_score_obs,
    predict,
    tabulate_predictions,
)
from mlelogit.interpretation.probabilities import Prediction, predict_with_errors
from mlelogit.interpretation.residuals import compute_residuals
from mlelogit.interpretation.scoring_rules import Scores, score_probabilities
from mlelogit.interpretation.worst import find_worst_predicted


@dataclass(frozen=True, eq=False, repr=False)
class MNLogitResults:
    """A fitted multinomial logit.

    Made by `mlelogit.MNLogit.fit`. Every attribute is a function of the two
    frozen records it holds.

    Attributes
    ----------
    record : mlelogit.fitting.record.FitRecord
        Estimates, certificate, trace, encoding and a handle on the rows.
    covariance : mlelogit.inference.covariance.Covariance
        The covariance in use.

    Examples
    --------
    >>> import mlelogit as ml
    >>> anes = ml.datasets.load_anes96()
    >>> res = ml.mnlogit("vote ~ age + educ", anes, base="Clinton").fit()
    >>> res.params.shape, res.converged
    ((3, 1), True)
    """

    record: FitRecord
    covariance: Covariance

    @property
    def params(self) -> pd.DataFrame:
        """Estimates, names x non-base categories."""
        return frame_params(self.record.estimates, self.record.encoding)

    @property
    def bse(self) -> pd.DataFrame:
        """Standard errors, laid out as `params`."""
        return frame_params(self.covariance.bse, self.record.encoding)

    @property
    def tvalues(self) -> pd.DataFrame:
        """Estimates over standard errors, laid out as `params`."""
        return frame_params(compute_z(self.record, self.covariance), self.record.encoding)

    @property
    def pvalues(self) -> pd.DataFrame:
        """Two-sided p-values, normal or of t with the covariance's df, laid out as `params`."""
        z = compute_z(self.record, self.covariance)
        return frame_params(two_sided_p(z, self.covariance.df), self.record.encoding)

    def conf_int(
        self,
        alpha: float = 0.05,
        method: str = "wald",
        *,
        exponentiate: bool = False,
        disp: bool | None = None,
    ) -> pd.DataFrame:
        """Return wald, profile or score intervals; see `mlelogit.inference.intervals`."""
        return interval_frame(self.record, self.covariance, alpha, method, exponentiate, disp)

    def profile(self, combination: Any, points: Any = 25, disp: bool | None = None) -> pd.DataFrame:
        """Return a profile log-likelihood; see `mlelogit.inference.intervals.inversion`."""
        return profile_frame(self.record, combination, points, disp)

    def lincom(
        self,
        combination: Any,
        alpha: float = 0.05,
        method: str = "wald",
        *,
        exponentiate: bool = False,
        disp: bool | None = None,
    ) -> pd.DataFrame:
        """Estimate "car: age - bus: age"; see `mlelogit.inference.intervals.contrasts`."""
        given = combination, alpha, method, exponentiate, disp
        return combine_coefficients(self.record, self.covariance, *given)

    def all_pairs(
        self,
        alpha: float = 0.05,
        method: str = "wald",
        *,
        exponentiate: bool = False,
        disp: bool | None = None,
    ) -> pd.DataFrame:
        """Return all pairs of categories; see `mlelogit.inference.intervals.contrasts`."""
        given = alpha, method, exponentiate, disp
        return contrast_categories(self.record, self.covariance, *given)

    def cov_params(self) -> pd.DataFrame:
        """Return the covariance of the estimates, labelled (category, name)."""
        return frame_covariance(self.covariance, self.record.encoding)

    @cached_property
    def statistics(self) -> FitStatistics:
        """Fit statistics, with the reason where one is NaN."""
        return compute_fit_statistics(self.record)

    @property
    def llf(self) -> float:
        """Log-likelihood at the estimates."""
        return self.statistics.llf

    @property
    def bias_reduction(self) -> str | None:
        """Which bias the fit reduced: that of the "mean", of the "median" or none."""
        return self.record.maximum.bias_reduction

    @property
    def penalized_llf(self) -> float:
        """What bias_reduction="mean" maximized, the log-likelihood plus 1/2 log det I; else NaN."""
        return self.record.maximum.penalized

    @property
    def llnull(self) -> float:
        """Log-likelihood of the null model."""
        return self.statistics.llnull

    @property
    def llr(self) -> float:
        """Likelihood-ratio statistic against the null model."""
        return self.statistics.llr

    @property
    def llr_pvalue(self) -> float:
        """Its p-value."""
        return self.statistics.llr_pvalue

    @property
    def prsquared(self) -> float:
        """McFadden's pseudo R-squared."""
        return self.statistics.prsquared

    @property
    def aic(self) -> float:
        """Akaike's information criterion."""
        return self.statistics.aic

    @property
    def bic(self) -> float:
        """Bayesian information criterion, with log(nobs)."""
        return self.statistics.bic

    @property
    def nobs(self) -> float:
        """Number of observations."""
        return self.record.nobs

    @property
    def df_model(self) -> int:
        """Parameters beyond the null model's."""
        return self.statistics.df_model

    @property
    def df_resid(self) -> float:
        """Observations less parameters."""
        return self.statistics.df_resid

    @property
    def converged(self) -> bool:
        """Whether the certificate holds, or with bias reduction the adjusted score is zero."""
        return self.record.maximum.converged

    @property
    def certificate(self) -> Certificate:
        """How far the maximum of the log-likelihood can be."""
        return self.record.maximum.certificate

    @property
    def trace(self) -> pd.DataFrame:
        """The climb, one row per point; the last row is the answer."""
        return frame_trace(self.record)

    @property
    def separation(self) -> SeparationReport:
        """Whether categories are separated; see `mlelogit.fitting.report.SeparationReport`."""
        return report_separation(self.record)

    @property
    def cov_type(self) -> str:
        """Kind of the covariance in use."""
        return self.covariance.kind

    @property
    def base(self) -> Any:
        """The base category."""
        return self.record.encoding.base_category

    @property
    def categories(self) -> tuple:
        """The categories, in order."""
        return self.record.encoding.categories

    @property
    def omitted(self) -> dict[Any, str]:
        """Columns left out, each with the combination of others that it is."""
        return dict(self.record.encoding.omitted)

    @property
    def condition_number(self) -> float:
        """Condition number of the columns, each scaled to length one."""
        return self.record.basis.condition_number

    @property
    def audit(self) -> Audit:
        """Rows in, used and dropped and why, and the categories found."""
        return deepcopy(self.record.audit)

    @property
    def fittedvalues(self) -> Any:
        """Probabilities of the rows used, rows x categories."""
        return predict(self.record)

    @property
    def resid_response(self) -> pd.DataFrame:
        """Observed less expected, rows x categories."""
        return compute_residuals(self.record)

    @property
    def resid_pearson(self) -> pd.DataFrame:
        """Pearson residuals, rows x categories; see `mlelogit.interpretation.residuals`."""
        return compute_residuals(self.record, "pearson")

    @property
    def resid_deviance(self) -> pd.DataFrame:
        """Deviance residuals, rows x categories; see `mlelogit.interpretation.residuals`."""
        return compute_residuals(self.record, "deviance")

    def residuals(self, kind: str = "response", seed: Any = None) -> Any:
        """Return response, pearson, deviance or quantile; see `interpretation.residuals`."""
        return compute_residuals(self.record, kind, seed)

    def get_influence(self, unit: str = "row") -> Influence:
        """Leave out each row, or person; see `interpretation.influence.measure_influence`."""
        return measure_influence(self.record, self.covariance, unit)

    def worst_predicted(self, n: int = 10) -> pd.DataFrame:
        """Return the rows predicted worst; see `interpretation.worst.find_worst_predicted`."""
        return find_worst_predicted(self.record, n)

    def loglikeobs(self) -> pd.Series:
        """Return every row's contribution to the log-likelihood."""
        return compute_loglikeobs(self.record)

    def score_obs(self) -> pd.DataFrame:
        """Return every row's contribution to the score."""
        return compute_score_obs(self.record)

    def score(self) -> pd.DataFrame:
        """Return the score at the estimates, laid out as `params`."""
        inner = np.asarray(self.record.sums.score).reshape(self.record.params.shape)
        return frame_params(self.record.basis.leave_score(inner), self.record.encoding)

    def pred_table(self) -> pd.DataFrame:
        """Return observed against predicted categories."""
        return tabulate_predictions(self.record)

    def classification(self, newdata: Any = None, **how: Any) -> Classification:
        """Compare categories; see `mlelogit.interpretation.classification.classify`."""
        return classify(self.record, newdata, **how)

    def calibration(self, bins: int = 10, newdata: Any = None, **how: Any) -> Calibration:
        """Compare probabilities; see `mlelogit.interpretation.calibration.calibrate`."""
        return calibrate(self.record, bins, newdata, **how)

    def scores(self, newdata: Any = None, **how: Any) -> Scores:
        """Score probabilities; see `mlelogit.interpretation.scoring_rules.score_probabilities`."""
        return score_probabilities(self.record, newdata, **how)

    def predict(
        self, newdata: Any = None, which: str = "prob", offset: Any = None, missing: str = "raise"
    ) -> Any:
        """Predict prob, category or linear; see `mlelogit.interpretation.prediction.predict`."""
        return predict(self.record, newdata, which, offset, missing)

    def get_prediction(self, newdata: Any = None, **options: Any) -> Prediction:
        """Predict with standard errors; see `mlelogit.interpretation.probabilities`."""
        return predict_with_errors(self.record, self.covariance, newdata, **options)

    def margins(self, variables: Any = None, kind: str = "average", **options: Any) -> Margins:
        """Estimate marginal effects; see `mlelogit.interpretation.margins.effects`."""
        return estimate_margins(self.record, self.covariance, variables, kind, **options)

    def wald_test(self, hypothesis: Any, value: Any = None) -> TestResult:
        """Test "car: age = bus: age" or a matrix; see `mlelogit.inference.testing.hypothesis`."""
        return wald_test(self.record, self.covariance, hypothesis, value)

    def lr_test(self, hypothesis: Any, value: Any = None) -> TestResult:
        """Test "age", or a smaller fit; see `mlelogit.inference.testing.likelihood_ratio`."""
        if not isinstance(hypothesis, MNLogitResults):
            return lr_test_hypothesis(self.record, self.covariance, hypothesis, value)
        if value is not None:
            raise OptionError("value belongs to a hypothesis, not to the results of a fit.")
        return lr_test(self.record, hypothesis.record, name_lr(self.covariance))

    @property
    def multipliers(self) -> pd.DataFrame:
        """Every constraint and its multiplier; see `mlelogit.inference.testing.constraints`."""
        return frame_multipliers(self.record)

    def constraint_tests(self) -> ConstraintTests:
        """Test the fit's constraints; see `mlelogit.inference.testing.constraints`."""
        return test_constraints(self.record, self.covariance)

    def fit_statistics(self) -> pd.DataFrame:
        """Return every fit statistic; see `mlelogit.inference.fit_measures`."""
        return tabulate_fit_statistics(self.record)

    def gof_tests(self, groups: int = 10, category: Any = None) -> GoodnessOfFit:
        """Test whether the model fits; see `mlelogit.inference.testing.goodness.measure_fit`."""
        return measure_fit(self.record, groups, category)

    def hauck_donner(self) -> pd.DataFrame:
        """Tell where Wald statistics mislead; see `mlelogit.inference.testing.hauck_donner`."""
        return find_hauck_donner(self.record)

    def score_test(
        self,
        hypothesis: Any = None,
        value: Any = None,
        cov_type: str | None = None,
        *,
        exog_extra: Any = None,
    ) -> TestResult:
        """Test "age" or columns to add; see `mlelogit.inference.testing.score` and `additions`."""
        if exog_extra is None:
            return score_test(self.record, self.covariance, hypothesis, value, cov_type)
        if hypothesis is not None or value is not None:
            raise OptionError("score_test takes a hypothesis or exog_extra, not both.")
        return score_test_added(self.record, self.covariance, exog_extra, cov_type)

    def term_tests(
        self,
        kind: str = "lr",
        type: int = 2,  # noqa: A002
        adjust: str | None = None,
    ) -> pd.DataFrame:
        """Test every term; see `mlelogit.inference.testing.terms`, and `multiplicity`."""
        return adjust_pvalues(term_tests(self.record, self.covariance, kind, type), adjust)

    def equality_tests(self, kind: str = "wald", adjust: str | None = None) -> pd.DataFrame:
        """Test equal equations; see `mlelogit.inference.testing.equations.equality_tests`."""
        return adjust_pvalues(equality_tests(self.record, self.covariance, kind), adjust)

    def combine_tests(self, kind: str = "wald", adjust: str | None = None) -> pd.DataFrame:
        """Test pairs of categories; see `mlelogit.inference.testing.combining.combine_tests`."""
        return adjust_pvalues(combine_tests(self.record, self.covariance, kind), adjust)

    def iia_tests(self, kind: str = "score", seed: Any = 0) -> IndependenceTests:
        """Test IIA; see `mlelogit.inference.testing.independence.iia_tests`, its last part too."""
        return iia_tests(self.record, self.covariance, kind, seed)

    def tidy(
        self, alpha: float = 0.05, exponentiate: bool = False, adjust: str | None = None
    ) -> pd.DataFrame:
        """Return one row per coefficient; see `mlelogit.inference.coefficients`."""
        return tidy_coefficients(self.record, self.covariance, alpha, exponentiate, adjust)

    def summary(self, alpha: float = 0.05, exponentiate: bool = False) -> Summary:
        """Return the table of results; see `mlelogit.display.summary.summarize`."""
        return summarize(self.record, self.covariance, alpha, exponentiate)

    def report(self, path: Any = None, **options: Any) -> Report:
        """Put all of it on one HTML page; see `mlelogit.display.report.document.make_report`."""
        return make_report(self.record, self.covariance, verify, path, **options)

    @property
    def plot(self) -> Plots:
        """Pictures of the fit; see `mlelogit.display.plots.accessor.Plots`."""
        return Plots(self.record, self.covariance)

    def table(self, form: str | None = None, **options: Any) -> Any:
        """Return a table for a paper, maybe in a form; see `mlelogit.display.tables.table`."""
        return tabulate_fit(self.record, self.covariance, form, options)

    def equations(self) -> list[EquationView]:
        """Return the equations as maketables reads them; see `mlelogit.bridges.maketables`."""
        return view_equations(self.record, self.covariance)

    def flat(self) -> EquationView:
        """Return all equations as one list for maketables; see `mlelogit.bridges.maketables`."""
        return view_flat(self.record, self.covariance)

    def verify(self, engines: Any = None, seed: int = 0) -> Verification:
        """Compare with independent engines; see `mlelogit.equivalence.verification.verify`."""
        return verify(self.record, self.covariance, engines, seed)

    def with_cov(self, kind: Any, **options: Any) -> MNLogitResults:
        """Return the same fit with another covariance; see `mlelogit.inference.covariance`."""
        if isinstance(kind, Bootstrap) and not options:
            return MNLogitResults(self.record, lend_covariance(kind, self.record))
        return MNLogitResults(self.record, estimate_covariance(self.record, kind, **options))

    def refit(self, times: Any, threads: int | None = None) -> pd.DataFrame:
        """Return the estimates of refits with rows weighed anew; see `mlelogit.fitting.refits`."""
        return frame_refits(refit(self.record, times, threads), self.record.encoding)

    def bootstrap(
        self,
        times: int = 1000,
        kind: str = "pairs",
        *,
        groups: Any = None,
        strata: Any = None,
        weights: str | None = None,
        seed: Any = None,
        n_jobs: int | None = None,
        disp: bool | None = None,
    ) -> Bootstrap:
        """Estimate again in resamples; see `mlelogit.inference.resampling.bootstrap`."""
        draw = {"groups": groups, "strata": strata, "weights": weights, "seed": seed}
        return run_bootstrap(self.record, times, kind, n_jobs=n_jobs, disp=disp, **draw)

    def bootstrap_test(
        self,
        hypothesis: Any,
        groups: Any = None,
        times: int = 999,
        *,
        weights: str = "rademacher",
        seed: Any = None,
        value: Any = None,
        disp: bool | None = None,
    ) -> BootstrapTest:
        """Test by perturbed scores; see `mlelogit.inference.resampling.score_bootstrap`."""
        draw = {"weights": weights, "seed": seed, "value": value, "disp": disp}
        return run_bootstrap_test(self.record, hypothesis, groups, times, **draw)

    def rebase(self, base: Any) -> MNLogitResults:
        """Return the same fit as seen from another base, without refitting."""
        moved = rebase_record(self.record, find_base(base, self.categories))
        return MNLogitResults(moved, rebase_covariance(self.covariance, self.record, moved))

    def __repr__(self) -> str:
        return self.summary().as_text()

    def _repr_html_(self) -> str:
        return self.summary().as_html()
