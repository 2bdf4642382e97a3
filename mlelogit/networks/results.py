"""NetworkResults: a fitted softmax network and everything that can be asked of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from mlelogit.data.design import total_observations
from mlelogit.fitting.maximum import Trace
from mlelogit.interpretation.performance.calibration import Calibration
from mlelogit.interpretation.performance.classification import Classification
from mlelogit.interpretation.performance.judged import NewRows
from mlelogit.interpretation.performance.scoring_rules import Scores
from mlelogit.markup import Shown
from mlelogit.networks.certification.certificate import NetworkCertificate
from mlelogit.networks.judging import calibrate_network, classify_network, score_network
from mlelogit.networks.module import copy_layers
from mlelogit.networks.plots import NetworkPlots
from mlelogit.networks.prediction import measure_cross_entropy, predict_network
from mlelogit.networks.proof.verification import NetworkVerification, verify_network
from mlelogit.networks.record import NetworkRecord
from mlelogit.networks.summary import NetworkSummary, summarize_network


@dataclass(frozen=True, eq=False, repr=False)
class NetworkResults(Shown):
    """A softmax network fitted by maximum likelihood.

    Made by `mlelogit.networks.fit_network`.

    Attributes
    ----------
    record : NetworkRecord
    """

    record: NetworkRecord

    @property
    def llf(self) -> float:
        """The log-likelihood, without the prior."""
        return self.record.maximum.loglike

    @property
    def cross_entropy(self) -> float:
        """The cross-entropy error ``-Σ_n Σ_k d_nk log y_nk`` of its probabilities."""
        return measure_cross_entropy(self.record)

    @property
    def penalty(self) -> float:
        """What the prior takes off the log-likelihood: ``1/2 Σ λ w²``."""
        return self.record.maximum.penalty

    @property
    def llnull(self) -> float:
        """The log-likelihood of the shares of the categories."""
        return self.record.llnull

    @property
    def nobs(self) -> float:
        """Number of observations."""
        return total_observations(self.record.rows.design)

    @property
    def categories(self) -> tuple:
        """The categories, in the order of the scores."""
        return self.record.encoding.categories

    @property
    def converged(self) -> bool:
        """Whether the point is stationary, no saddle point, and not on a way to infinity."""
        return self.record.maximum.certificate.converged

    @property
    def certificate(self) -> NetworkCertificate:
        """What is known of the point.

        See `mlelogit.networks.certification.certificate.NetworkCertificate`.
        """
        return self.record.maximum.certificate

    @property
    def trace(self) -> Trace:
        """Points of the climb."""
        return self.record.maximum.trace

    @property
    def starts(self) -> pd.DataFrame:
        """One row for every start."""
        return self.record.starts.copy()

    @property
    def params(self) -> pd.Series:
        """The parameters (P,), labelled by their names in the module and their places."""
        labels = self.record.network.label_params()
        return pd.Series(self.record.maximum.params, index=labels, name="params")

    @property
    def module(self) -> Any:
        """A copy of the module with the fitted parameters, in double precision."""
        return copy_layers(self.record.network.module)

    @property
    def probabilities(self) -> Any:
        """The posterior probabilities of the fit's rows (n, J)."""
        return predict_network(self.record)

    def calibration(
        self,
        newdata: Any = None,
        outcome: Any = None,
        *,
        bins: int = 10,
        strategy: str = "quantile",
        weights: Any = None,
        weight_type: str | None = None,
        alpha: float = 0.05,
    ) -> Calibration:
        """Judge whether probabilities are calibrated.

        See `mlelogit.networks.judging.calibrate_network` and
        `mlelogit.networks.judging.judge_network`.
        """
        rows = NewRows(newdata, outcome, None, weights, weight_type)
        return calibrate_network(self.record, rows, bins=bins, strategy=strategy, alpha=alpha)

    def classification(
        self,
        newdata: Any = None,
        outcome: Any = None,
        *,
        weights: Any = None,
        weight_type: str | None = None,
        alpha: float = 0.05,
    ) -> Classification:
        """Compare predicted with observed categories.

        See `mlelogit.networks.judging.classify_network` and
        `mlelogit.networks.judging.judge_network`.
        """
        rows = NewRows(newdata, outcome, None, weights, weight_type)
        return classify_network(self.record, rows, alpha=alpha)

    def scores(
        self,
        newdata: Any = None,
        outcome: Any = None,
        *,
        bins: int = 10,
        weights: Any = None,
        weight_type: str | None = None,
        alpha: float = 0.05,
    ) -> Scores:
        """Score probabilities by what was observed.

        See `mlelogit.networks.judging.score_network` and
        `mlelogit.networks.judging.judge_network`.
        """
        rows = NewRows(newdata, outcome, None, weights, weight_type)
        return score_network(self.record, rows, bins=bins, alpha=alpha)

    @property
    def plot(self) -> NetworkPlots:
        """Draw pictures: calibration and trace.

        See `mlelogit.networks.plots.NetworkPlots`.
        """
        return NetworkPlots(self.record)

    def predict(self, newdata: Any = None, which: str = "prob") -> Any:
        """Predict probabilities, categories or scores.

        See `mlelogit.networks.prediction.predict_network`.
        """
        return predict_network(self.record, newdata, which)

    def verify(self, engines: Any = None, points: int = 20, seed: Any = 0) -> NetworkVerification:
        """Verify the fit by independent engines.

        See `mlelogit.networks.proof.verification.verify_network`.
        """
        return verify_network(self.record, engines, points, seed)

    def summary(self) -> NetworkSummary:
        """Summarize the fit.

        See `mlelogit.networks.summary.summarize_network`.
        """
        return summarize_network(self.record)

    def __str__(self) -> str:
        return str(self.summary())
