"""Questions of interpretation: predictions, effects, residuals and how well it predicts."""

from __future__ import annotations

from typing import Any, Literal, overload

import pandas as pd

from mlelogit.answers.facts import Facts
from mlelogit.data.arguments import name_effect_remedies
from mlelogit.interpretation.diagnostics.influence import Influence, measure_influence
from mlelogit.interpretation.diagnostics.residuals import compute_residuals
from mlelogit.interpretation.diagnostics.worst import find_worst_predicted
from mlelogit.interpretation.margins.effects import estimate_margins
from mlelogit.interpretation.margins.table import Margins
from mlelogit.interpretation.performance.calibration import Calibration, calibrate
from mlelogit.interpretation.performance.classification import Classification, classify
from mlelogit.interpretation.performance.judged import NewRows
from mlelogit.interpretation.performance.scoring_rules import Scores, score_probabilities
from mlelogit.interpretation.pieces import predict_any
from mlelogit.interpretation.prediction import (
    compute_loglikeobs,
    compute_score_obs,
    tabulate_predictions,
)
from mlelogit.interpretation.predictions.probabilities import Prediction, predict_with_errors


class InterpretationAnswers(Facts):
    """Predictions, effects, residuals and how well they predict."""

    @property
    def fittedvalues(self) -> Any:
        """Probabilities of the rows used, rows x categories, as `predict` gives them.

        See `mlelogit.interpretation.pieces.predict_any`.
        """
        return predict_any(self.record)

    @property
    def resid_response(self) -> pd.DataFrame:
        """Observed less expected, rows x categories.

        See `mlelogit.interpretation.diagnostics.residuals.compute_residuals`.
        """
        return compute_residuals(self.record)

    @property
    def resid_pearson(self) -> pd.DataFrame:
        """Pearson residuals, rows x categories.

        See `mlelogit.interpretation.diagnostics.residuals.compute_residuals`.
        """
        return compute_residuals(self.record, "pearson")

    @property
    def resid_deviance(self) -> pd.DataFrame:
        """Deviance residuals, rows x categories.

        See `mlelogit.interpretation.diagnostics.residuals.compute_residuals`.
        """
        return compute_residuals(self.record, "deviance")

    def residuals(self, kind: str = "response", seed: Any = None) -> Any:
        """Return residuals of a kind.

        See `mlelogit.interpretation.diagnostics.residuals.compute_residuals`.
        """
        return compute_residuals(self.record, kind, seed)

    def get_influence(self, unit: str = "row") -> Influence:
        """Measure what leaving out each row, or person, would change.

        See `mlelogit.interpretation.diagnostics.influence.measure_influence`.
        """
        return measure_influence(self.record, self.covariance, unit)

    def worst_predicted(self, n: int = 10) -> pd.DataFrame:
        """Return the rows predicted worst.

        See `mlelogit.interpretation.diagnostics.worst.find_worst_predicted`.
        """
        return find_worst_predicted(self.record, n)

    def loglikeobs(self) -> pd.Series:
        """Return every row's contribution to the log-likelihood.

        See `mlelogit.interpretation.prediction.compute_loglikeobs`.
        """
        return compute_loglikeobs(self.record)

    def score_obs(self) -> pd.DataFrame:
        """Return every row's contribution to the score.

        See `mlelogit.interpretation.prediction.compute_score_obs`.
        """
        return compute_score_obs(self.record)

    def pred_table(self) -> pd.DataFrame:
        """Return observed against predicted categories.

        See `mlelogit.interpretation.prediction.tabulate_predictions`.
        """
        return tabulate_predictions(self.record)

    def classification(
        self,
        newdata: Any = None,
        outcome: Any = None,
        *,
        offset: Any = None,
        weights: Any = None,
        weight_type: str | None = None,
        alpha: float = 0.05,
    ) -> Classification:
        """Compare predicted with observed categories.

        See `mlelogit.interpretation.performance.classification.classify` and
        `mlelogit.interpretation.performance.judged.NewRows`.
        """
        rows = NewRows(newdata, outcome, offset, weights, weight_type)
        return classify(self.record, rows, alpha=alpha)

    def calibration(
        self,
        newdata: Any = None,
        outcome: Any = None,
        *,
        bins: int = 10,
        strategy: str = "quantile",
        offset: Any = None,
        weights: Any = None,
        weight_type: str | None = None,
        alpha: float = 0.05,
    ) -> Calibration:
        """Judge whether probabilities are calibrated.

        See `mlelogit.interpretation.performance.calibration.calibrate` and
        `mlelogit.interpretation.performance.judged.NewRows`.
        """
        rows = NewRows(newdata, outcome, offset, weights, weight_type)
        return calibrate(self.record, rows, bins=bins, strategy=strategy, alpha=alpha)

    def scores(
        self,
        newdata: Any = None,
        outcome: Any = None,
        *,
        bins: int = 10,
        offset: Any = None,
        weights: Any = None,
        weight_type: str | None = None,
        alpha: float = 0.05,
    ) -> Scores:
        """Score probabilities by what was observed.

        See `mlelogit.interpretation.performance.scoring_rules.score_probabilities` and
        `mlelogit.interpretation.performance.judged.NewRows`.
        """
        rows = NewRows(newdata, outcome, offset, weights, weight_type)
        return score_probabilities(self.record, rows, bins=bins, alpha=alpha)

    @overload
    def predict(
        self,
        newdata: pd.DataFrame,
        which: Literal["prob", "linear"] = "prob",
        offset: Any = None,
        missing: str = "raise",
        *,
        frame: Literal["pandas"] | None = None,
    ) -> pd.DataFrame: ...

    @overload
    def predict(
        self,
        newdata: pd.DataFrame,
        which: Literal["category"],
        offset: Any = None,
        missing: str = "raise",
        *,
        frame: Literal["pandas"] | None = None,
    ) -> pd.Series: ...

    @overload
    def predict(
        self,
        newdata: Any = None,
        which: str = "prob",
        offset: Any = None,
        missing: str = "raise",
        *,
        frame: str | None = None,
    ) -> Any: ...

    def predict(
        self,
        newdata: Any = None,
        which: str = "prob",
        offset: Any = None,
        missing: str = "raise",
        *,
        frame: str | None = None,
    ) -> Any:
        """Predict probabilities, categories or log-odds.

        See `mlelogit.interpretation.pieces.predict_any`.
        """
        return predict_any(self.record, newdata, which, offset, missing, frame=frame)

    @name_effect_remedies
    def get_prediction(
        self,
        newdata: Any = None,
        *,
        offset: Any = None,
        weights: Any = None,
        average: bool = False,
        by: Any = None,
        missing: str = "raise",
    ) -> Prediction:
        """Predict with standard errors.

        See `mlelogit.interpretation.predictions.probabilities.predict_with_errors`.
        """
        rows = {"newdata": newdata, "offset": offset, "weights": weights, "missing": missing}
        return predict_with_errors(self.record, self.covariance, average=average, by=by, **rows)

    @name_effect_remedies
    def margins(
        self,
        variables: Any = None,
        kind: str = "average",
        *,
        effect: str = "dydx",
        change: Any = None,
        at: Any = None,
        by: Any = None,
        newdata: Any = None,
        weights: Any = None,
        offset: Any = None,
    ) -> Margins:
        """Estimate marginal effects.

        See `mlelogit.interpretation.margins.effects.estimate_margins`.
        """
        rows = {"newdata": newdata, "weights": weights, "offset": offset, "at": at, "by": by}
        asked = {"effect": effect, "change": change}
        return estimate_margins(self.record, self.covariance, variables, kind, **asked, **rows)
