"""Questions of inference: intervals, tests and resampling."""

from __future__ import annotations

from typing import Any, Literal, overload

import pandas as pd

from mlelogit.answers.facts import Facts
from mlelogit.data.outward import choose_kind, give_out
from mlelogit.exceptions import OptionError
from mlelogit.inference.coefficients import (
    tidy_coefficients,
)
from mlelogit.inference.fit_measures import tabulate_fit_statistics
from mlelogit.inference.intervals.contrasts import combine_coefficients, contrast_categories
from mlelogit.inference.intervals.inversion import interval_frame, profile_frame
from mlelogit.inference.multiplicity import adjust_pvalues
from mlelogit.inference.resampling.bootstrap import Bootstrap, run_bootstrap
from mlelogit.inference.resampling.score_bootstrap import BootstrapTest, run_bootstrap_test
from mlelogit.inference.testing.additions import score_test_added
from mlelogit.inference.testing.combining import combine_tests
from mlelogit.inference.testing.constraints import (
    ConstraintTests,
    test_constraints,
)
from mlelogit.inference.testing.equations import equality_tests
from mlelogit.inference.testing.goodness import GoodnessOfFit, measure_fit
from mlelogit.inference.testing.hauck_donner import find_hauck_donner
from mlelogit.inference.testing.hypothesis import TestResult, wald_test
from mlelogit.inference.testing.independence import IndependenceTests, iia_tests
from mlelogit.inference.testing.score import score_test
from mlelogit.inference.testing.terms import term_tests


class InferenceAnswers(Facts):
    """Intervals, tests and resampling."""

    def conf_int(
        self,
        alpha: float = 0.05,
        method: str = "wald",
        *,
        exponentiate: bool = False,
        disp: bool | None = None,
    ) -> pd.DataFrame:
        """Return Wald, profile-likelihood or score intervals.

        See `mlelogit.inference.intervals.inversion.interval_frame`.
        """
        return interval_frame(self.record, self.covariance, alpha, method, exponentiate, disp)

    def profile(self, combination: Any, points: Any = 25, disp: bool | None = None) -> pd.DataFrame:
        """Return a profile log-likelihood.

        See `mlelogit.inference.intervals.inversion.profile_frame`.
        """
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
        """Estimate a combination of coefficients such as "car: age - bus: age".

        See `mlelogit.inference.intervals.contrasts.combine_coefficients`.
        """
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
        """Return the coefficients of all pairs of categories.

        See `mlelogit.inference.intervals.contrasts.contrast_categories`.
        """
        given = alpha, method, exponentiate, disp
        return contrast_categories(self.record, self.covariance, *given)

    @overload
    def tidy(
        self,
        alpha: float = 0.05,
        exponentiate: bool = False,
        adjust: str | None = None,
        *,
        frame: Literal["pandas"],
    ) -> pd.DataFrame: ...

    @overload
    def tidy(
        self,
        alpha: float = 0.05,
        exponentiate: bool = False,
        adjust: str | None = None,
        frame: str | None = None,
    ) -> Any: ...

    def tidy(
        self,
        alpha: float = 0.05,
        exponentiate: bool = False,
        adjust: str | None = None,
        frame: str | None = None,
    ) -> Any:
        """Return one row per coefficient.

        It comes in the kind of frame of the fit's data, or the one asked for: "pandas", "polars"
        or "pyarrow". See `mlelogit.inference.coefficients.tidy_coefficients`,
        `mlelogit.inference.multiplicity.adjust_pvalues` and `mlelogit.data.outward.give_out`.
        """
        kind = choose_kind(frame, None, self.record.encoding.frame_kind)
        asked = alpha, exponentiate, adjust
        return give_out(tidy_coefficients(self.record, self.covariance, *asked), kind)

    def wald_test(self, hypothesis: Any, value: Any = None) -> TestResult:
        """Test "car: age = bus: age", or a matrix.

        See `mlelogit.inference.testing.hypothesis.wald_test`.
        """
        return wald_test(self.record, self.covariance, hypothesis, value)

    def constraint_tests(self) -> ConstraintTests:
        """Test whether the fit's constraints are true.

        See `mlelogit.inference.testing.constraints.test_constraints`.
        """
        return test_constraints(self.record, self.covariance)

    def fit_statistics(self) -> pd.DataFrame:
        """Return every fit statistic.

        See `mlelogit.inference.fit_measures.tabulate_fit_statistics`.
        """
        return tabulate_fit_statistics(self.record)

    def gof_tests(self, groups: int = 10, category: Any = None) -> GoodnessOfFit:
        """Test whether the model fits.

        See `mlelogit.inference.testing.goodness.measure_fit`.
        """
        return measure_fit(self.record, groups, category)

    def hauck_donner(self) -> pd.DataFrame:
        """Tell where Wald statistics mislead.

        See `mlelogit.inference.testing.hauck_donner.find_hauck_donner`.
        """
        return find_hauck_donner(self.record)

    def score_test(
        self,
        hypothesis: Any = None,
        value: Any = None,
        cov_type: str | None = None,
        *,
        exog_extra: Any = None,
    ) -> TestResult:
        """Test "age" = 0, or columns to add.

        See `mlelogit.inference.testing.score.score_test` and
        `mlelogit.inference.testing.additions.score_test_added`.
        """
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
        """Test every term of the formula.

        See `mlelogit.inference.testing.terms.term_tests` and
        `mlelogit.inference.multiplicity.adjust_pvalues` (adjust).
        """
        return adjust_pvalues(term_tests(self.record, self.covariance, kind, type), adjust)

    def equality_tests(self, kind: str = "wald", adjust: str | None = None) -> pd.DataFrame:
        """Test whether equations are equal.

        See `mlelogit.inference.testing.equations.equality_tests` and
        `mlelogit.inference.multiplicity.adjust_pvalues` (adjust).
        """
        return adjust_pvalues(equality_tests(self.record, self.covariance, kind), adjust)

    def combine_tests(self, kind: str = "wald", adjust: str | None = None) -> pd.DataFrame:
        """Test whether pairs of categories can be combined.

        See `mlelogit.inference.testing.combining.combine_tests` and
        `mlelogit.inference.multiplicity.adjust_pvalues` (adjust).
        """
        return adjust_pvalues(combine_tests(self.record, self.covariance, kind), adjust)

    def iia_tests(self, kind: str = "score", seed: Any = 0) -> IndependenceTests:
        """Test the independence of irrelevant alternatives.

        See `mlelogit.inference.testing.independence.iia_tests`.
        """
        return iia_tests(self.record, self.covariance, kind, seed)

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
        """Estimate again in resamples.

        See `mlelogit.inference.resampling.bootstrap.run_bootstrap`.
        """
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
        """Test a hypothesis by perturbed scores.

        See `mlelogit.inference.resampling.score_bootstrap.run_bootstrap_test`.
        """
        draw = {"weights": weights, "seed": seed, "value": value, "disp": disp}
        return run_bootstrap_test(self.record, hypothesis, groups, times, **draw)
