"""MNLogitResults: a fit's record and covariance, and one-line ways to ask them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from mlelogit.answers.display import DisplayAnswers
from mlelogit.answers.inference import InferenceAnswers
from mlelogit.answers.interpretation import InterpretationAnswers
from mlelogit.data.outcome import find_base
from mlelogit.exceptions import OptionError
from mlelogit.fitting.refits import refit
from mlelogit.inference.coefficients import frame_refits
from mlelogit.inference.covariance import estimate_covariance
from mlelogit.inference.rebase import rebase_covariance, rebase_record
from mlelogit.inference.resampling.bootstrap import Bootstrap, lend_covariance
from mlelogit.inference.testing.hypothesis import TestResult, lr_test
from mlelogit.inference.testing.likelihood_ratio import lr_test_hypothesis, name_lr
from mlelogit.saving.files import load_fit


@dataclass(frozen=True, eq=False, repr=False)
class MNLogitResults(InferenceAnswers, InterpretationAnswers, DisplayAnswers):
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

    def lr_test(self, hypothesis: Any, value: Any = None) -> TestResult:
        """Test "age" = 0 by the likelihood ratio, or a smaller fit.

        See `mlelogit.inference.testing.likelihood_ratio.lr_test_hypothesis` and
        `mlelogit.inference.testing.hypothesis.lr_test`.
        """
        if not isinstance(hypothesis, MNLogitResults):
            return lr_test_hypothesis(self.record, self.covariance, hypothesis, value)
        if value is not None:
            raise OptionError("value belongs to a hypothesis, not to the results of a fit.")
        return lr_test(self.record, hypothesis.record, name_lr(self.covariance))

    def with_cov(self, kind: Any, **options: Any) -> MNLogitResults:
        """Return the same fit with another covariance.

        See `mlelogit.inference.covariance.estimate_covariance`.
        """
        if isinstance(kind, Bootstrap) and not options:
            return MNLogitResults(self.record, lend_covariance(kind, self.record))
        return MNLogitResults(self.record, estimate_covariance(self.record, kind, **options))

    def refit(self, times: Any, threads: int | None = None) -> pd.DataFrame:
        """Return the estimates of refits with rows weighed anew.

        See `mlelogit.fitting.refits.refit` and `mlelogit.inference.coefficients.frame_refits`.
        """
        return frame_refits(refit(self.record, times, threads), self.record.encoding)

    def rebase(self, base: Any) -> MNLogitResults:
        """Return the same fit as seen from another base, without refitting.

        See `mlelogit.inference.rebase.rebase_record` and
        `mlelogit.inference.rebase.rebase_covariance`.
        """
        moved = rebase_record(self.record, find_base(base, self.categories))
        return MNLogitResults(moved, rebase_covariance(self.covariance, self.record, moved))


def load(path: Any, data: Any = None) -> MNLogitResults:
    """Load the results that `MNLogitResults.save` saved; see `mlelogit.saving.files.load_fit`.

    Parameters
    ----------
    path : str or os.PathLike
    data : DataFrame or what else the model was made from, optional
        The fit's rows, for questions that need them.

    Returns
    -------
    MNLogitResults

    Raises
    ------
    SavedFitError
        One of its named cases, if the file is no saved fit, damaged, newer or not safe.
    ChangedRowsError
        If data are other rows than the fit's.

    Examples
    --------
    >>> import tempfile
    >>> import mlelogit as ml
    >>> res = ml.mnlogit("vote ~ age", ml.datasets.load_anes96()).fit()
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     ml.load(res.save(f"{folder}/fit.json")).llf == res.llf
    True
    """
    return MNLogitResults(*load_fit(path, data))
