"""The facts of a fit: its two records, and what is read off them."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from mlelogit.data.rows import Audit
from mlelogit.fitting.certificate import Certificate
from mlelogit.fitting.record import FitRecord
from mlelogit.fitting.report import SeparationReport, report_separation
from mlelogit.inference.coefficients import (
    compute_z,
    frame_covariance,
    frame_params,
    frame_trace,
    two_sided_p,
)
from mlelogit.inference.covariance import Covariance
from mlelogit.inference.fit_statistics import FitStatistics, compute_fit_statistics
from mlelogit.inference.testing.constraints import (
    frame_multipliers,
)


@dataclass(frozen=True, eq=False, repr=False)
class Facts:
    """What a fit found, read off its two records.

    Attributes
    ----------
    record : FitRecord
    covariance : Covariance
    """

    record: FitRecord
    covariance: Covariance

    @property
    def params(self) -> pd.DataFrame:
        """Estimates, names x non-base categories.

        See `mlelogit.inference.coefficients.frame_params`.
        """
        return frame_params(self.record.estimates, self.record.encoding)

    @property
    def bse(self) -> pd.DataFrame:
        """Standard errors, laid out as `params`.

        See `mlelogit.inference.covariance.Covariance`.
        """
        return frame_params(self.covariance.bse, self.record.encoding)

    @property
    def tvalues(self) -> pd.DataFrame:
        """Estimates over standard errors, laid out as `params`.

        See `mlelogit.inference.coefficients.compute_z`.
        """
        return frame_params(compute_z(self.record, self.covariance), self.record.encoding)

    @property
    def pvalues(self) -> pd.DataFrame:
        """Two-sided p-values, normal or of t with the covariance's df, laid out as `params`.

        See `mlelogit.inference.coefficients.two_sided_p`.
        """
        z = compute_z(self.record, self.covariance)
        return frame_params(two_sided_p(z, self.covariance.df), self.record.encoding)

    def cov_params(self) -> pd.DataFrame:
        """Return the covariance of the estimates, labelled (category, name).

        See `mlelogit.inference.coefficients.frame_covariance`.
        """
        return frame_covariance(self.covariance, self.record.encoding)

    @cached_property
    def statistics(self) -> FitStatistics:
        """Fit statistics, with the reason where one is NaN.

        See `mlelogit.inference.fit_statistics.FitStatistics`.
        """
        return compute_fit_statistics(self.record)

    @property
    def llf(self) -> float:
        """Log-likelihood at the estimates.

        See `mlelogit.inference.fit_statistics.FitStatistics`.
        """
        return self.statistics.llf

    @property
    def bias_reduction(self) -> str | None:
        """Which bias the fit reduced: that of the "mean", of the "median" or none.

        See `mlelogit.fitting.penalties`.
        """
        return self.record.maximum.bias_reduction

    @property
    def penalized_llf(self) -> float:
        """What bias_reduction="mean" maximized, the log-likelihood plus 1/2 log det I; else NaN.

        See `mlelogit.fitting.penalties`.
        """
        return self.record.maximum.penalized

    @property
    def llnull(self) -> float:
        """Log-likelihood of the null model.

        See `mlelogit.inference.fit_statistics.FitStatistics`.
        """
        return self.statistics.llnull

    @property
    def llr(self) -> float:
        """Likelihood-ratio statistic against the null model.

        See `mlelogit.inference.fit_statistics.FitStatistics`.
        """
        return self.statistics.llr

    @property
    def llr_pvalue(self) -> float:
        """The p-value of `llr`.

        See `mlelogit.inference.fit_statistics.FitStatistics`.
        """
        return self.statistics.llr_pvalue

    @property
    def prsquared(self) -> float:
        """McFadden's pseudo R-squared.

        See `mlelogit.inference.fit_statistics.FitStatistics`.
        """
        return self.statistics.prsquared

    @property
    def aic(self) -> float:
        """Akaike's information criterion.

        See `mlelogit.inference.fit_statistics.FitStatistics`.
        """
        return self.statistics.aic

    @property
    def bic(self) -> float:
        """Bayesian information criterion, with log(nobs).

        See `mlelogit.inference.fit_statistics.FitStatistics`.
        """
        return self.statistics.bic

    @property
    def nobs(self) -> float:
        """Number of observations: rows, or with frequency weights and counts their sum.

        See `mlelogit.inference.fit_statistics.FitStatistics`.
        """
        return self.record.nobs

    @property
    def df_model(self) -> int:
        """Parameters beyond the null model's.

        See `mlelogit.inference.fit_statistics.FitStatistics`.
        """
        return self.statistics.df_model

    @property
    def df_resid(self) -> float:
        """Observations less parameters.

        See `mlelogit.inference.fit_statistics.FitStatistics`.
        """
        return self.statistics.df_resid

    @property
    def converged(self) -> bool:
        """Whether the certificate holds, or with bias reduction the adjusted score is zero.

        See `mlelogit.fitting.certificate.certify`.
        """
        return self.record.maximum.converged

    @property
    def certificate(self) -> Certificate:
        """How far the maximum of the log-likelihood can be.

        See `mlelogit.fitting.certificate.Certificate`.
        """
        return self.record.maximum.certificate

    @property
    def trace(self) -> pd.DataFrame:
        """The climb, one row per point; the last row is the answer.

        See `mlelogit.inference.coefficients.frame_trace`.
        """
        return frame_trace(self.record)

    @property
    def separation(self) -> SeparationReport:
        """Whether categories are separated, and what is infinite then.

        See `mlelogit.fitting.report.SeparationReport`.
        """
        return report_separation(self.record)

    @property
    def cov_type(self) -> str:
        """Kind of the covariance in use.

        See `mlelogit.inference.covariance.Covariance`.
        """
        return self.covariance.kind

    @property
    def base(self) -> Any:
        """The base category.

        See `mlelogit.data.encoding.Encoding`.
        """
        return self.record.encoding.base_category

    @property
    def categories(self) -> tuple:
        """The categories, in order.

        See `mlelogit.data.encoding.Encoding`.
        """
        return self.record.encoding.categories

    @property
    def omitted(self) -> dict[Any, str]:
        """Columns left out, each with the combination of others that it is.

        See `mlelogit.fitting.rank`.
        """
        return dict(self.record.encoding.omitted)

    @property
    def condition_number(self) -> float:
        """Condition number of the columns, each scaled to length one.

        See `mlelogit.fitting.rank`.
        """
        return self.record.basis.condition_number

    @property
    def audit(self) -> Audit:
        """Rows in, used and dropped and why, and the categories found.

        See `mlelogit.data.rows.Audit`.
        """
        return deepcopy(self.record.audit)

    @property
    def multipliers(self) -> pd.DataFrame:
        """Every constraint and its multiplier.

        See `mlelogit.inference.testing.constraints.frame_multipliers`.
        """
        return frame_multipliers(self.record)

    def score(self) -> pd.DataFrame:
        """Return the score at the estimates, laid out as `params`.

        See `mlelogit.interpretation.prediction.compute_score_obs`.
        """
        inner = np.asarray(self.record.sums.score).reshape(self.record.params.shape)
        return frame_params(self.record.basis.leave_score(inner), self.record.encoding)
