"""statsmodels' results of a multinomial logit, with what is wrong in them mended."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from statsmodels.base import wrapper
from statsmodels.discrete import discrete_model
from statsmodels.tools._decorators import cache_readonly

from mlelogit.bridges.statsmodels.limit import predict_limit
from mlelogit.bridges.statsmodels.margins import DiscreteMargins
from mlelogit.bridges.statsmodels.matching import (
    align_columns,
    check_width,
    encode_variables,
    list_transformed,
    name_equations,
    needs_encoding,
)
from mlelogit.data.foreign import unmask
from mlelogit.exceptions import BridgeError, EffectWarning
from mlelogit.fitting.record import FitRecord
from mlelogit.inference.covariance import Covariance
from mlelogit.notices import warn_user

OURS = "mlelogit.MNLogitResults(res.record, res.covariance)"


# statsmodels has no types, so that its classes are Any to a checker of types.
class MendedResults(discrete_model.MultinomialResults):  # type: ignore[misc]
    """What both kinds of results have in place of statsmodels' own.

    Attributes
    ----------
    record, covariance
        The fit as this package has it: ``mlelogit.MNLogitResults(res.record, res.covariance)``
        answers all that its results answer. None after ``fit_regularized``.
    """

    record: FitRecord | None = None
    covariance: Covariance | None = None

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        if self.record is not None:
            state["record"] = replace(self.record, blocks=None)
        return state

    def remove_data(self) -> None:
        """Remove the rows from the results and the model, as statsmodels does."""
        super().remove_data()
        if self.record is not None:
            self.record = replace(self.record, blocks=None)

    @property
    def equation_names(self) -> tuple[str, ...]:
        """The categories of the columns of ``params``, which statsmodels numbers from zero."""
        return name_equations(self.model)

    @property
    def certificate(self) -> Any:
        """How far the maximum can be; see `mlelogit.fitting.certificate.Certificate`."""
        return None if self.record is None else self.record.maximum.certificate

    @property
    def _limit(self) -> FitRecord | None:
        """The fit, if the data are separated."""
        return self.record if self.record is not None and self.record.separation.found else None

    @cache_readonly  # type: ignore[untyped-decorator]  # statsmodels has no types
    def llf(self) -> float:
        """Log-likelihood of the model; of separated data its supremum."""
        limit = self._limit
        if limit is not None:
            return np.float64(limit.sums.loglike)
        if self.record is not None and getattr(self.model, "exog", None) is None:
            return np.float64(self.record.maximum.sums.loglike)  # After `remove_data`.
        return self.model.loglike(self.params)

    @cache_readonly  # type: ignore[untyped-decorator]  # statsmodels has no types
    def llnull(self) -> float:
        """Log-likelihood of the constants alone, in closed form unless options were set for it."""
        if getattr(self, "_attach_nullmodel", False) or getattr(self, "_optim_kwds_null", {}):
            return discrete_model.DiscreteResults.llnull.fget(self)
        totals = np.bincount(self.model.endog)
        totals = totals[totals > 0]
        return np.float64(totals @ np.log(totals / totals.sum()))

    def info_criteria(self, crit: str, dk_params: float = 0) -> float:
        """Return an information criterion that counts all (J - 1) K parameters, as ``aic`` does."""
        if crit not in ("aic", "bic"):
            return super().info_criteria(crit, dk_params)
        size = self.df_model + self.model.J - 1 + dk_params
        each = 2.0 if crit == "aic" else np.log(self.nobs)
        return -2 * self.llf + each * size

    def _transform_predict_exog(self, exog: Any, transform: bool = True) -> Any:
        if self.record is not None and transform and needs_encoding(self.record.encoding, exog):
            return encode_variables(self.record.encoding, exog)
        aligned = align_columns(self.model, unmask(exog), transform)
        values, index = super()._transform_predict_exog(aligned, transform)
        check_width(self.model, values)
        return values, index

    def predict(self, exog: Any = None, transform: bool = True, *args: Any, **kwargs: Any) -> Any:
        """Predict as statsmodels does; columns of a frame go by name, separated data are limits."""
        limit = self._limit
        if limit is None:
            return super().predict(exog, transform, *args, **kwargs)
        values, index = self._transform_predict_exog(exog, transform)
        rows = self.model.exog if values is None else values
        found = predict_limit(limit, rows, *args, **kwargs)
        return found if index is None else pd.DataFrame(found, index=index)

    def get_margeff(
        self,
        at: str = "overall",
        method: str = "dydx",
        atexog: Any = None,
        dummy: bool = False,
        count: bool = False,
    ) -> DiscreteMargins:
        """Get marginal effects of the columns, in memory that does not grow with the parameters.

        Warns
        -----
        EffectWarning
            If a formula made several columns of a variable: no effect is the variable's.
        """
        if self._limit is not None:
            raise BridgeError(
                "Categories are separated, so that coefficients are infinite, and statsmodels has "
                f"no effects of these; {OURS}.margins() has."
            )
        transformed = list_transformed(self.model, self.record)
        if transformed:
            warn_user(
                f"These are effects of columns, one at a time: {', '.join(transformed)} cannot "
                "change while the variables they are made of stay. Effects of variables: "
                f"{OURS if self.record is not None else 'mlelogit.mnlogit(...).fit()'}.margins().",
                EffectWarning,
            )
        return DiscreteMargins(self, (at, method, atexog, dummy, count))

    def get_prediction(self, *args: Any, **kwargs: Any) -> Any:
        """Raise as statsmodels does, and say where predictions with errors are."""
        raise NotImplementedError(f"statsmodels has none; {OURS}.get_prediction() has intervals.")

    def get_influence(self) -> Any:
        """Raise: statsmodels' measures all fail for this model; this package has them."""
        raise NotImplementedError(f"statsmodels has none; {OURS}.get_influence() measures it.")

    def get_distribution(self, *args: Any, **kwargs: Any) -> Any:
        """Raise as statsmodels does."""
        raise NotImplementedError("statsmodels has no distribution for this model.")

    def summary2(self, alpha: float = 0.05, float_format: str = "%.4f") -> Any:
        """Return statsmodels' other table, with every equation under its own category."""
        table = super().summary2(alpha, float_format)
        for place, label in enumerate(self.equation_names, 1):
            frame = table.tables[place]
            name = f"{self.model.endog_names} = {label}"
            table.tables[place] = frame.rename(columns={frame.columns[0]: name})
        return table


class MultinomialResults(MendedResults):
    """Results of ``MNLogit.fit``: statsmodels' own, mended where they overflow or mislead.

    Made by `mlelogit.bridges.statsmodels.MNLogit.fit`, with the arguments and methods that they
    have in statsmodels.
    """


class L1MultinomialResults(MendedResults, discrete_model.L1MultinomialResults):  # type: ignore[misc]
    """Results of ``MNLogit.fit_regularized``: statsmodels' own, with `MendedResults`."""


class MultinomialResultsWrapper(discrete_model.MultinomialResultsWrapper):  # type: ignore[misc]
    """Labels for `MultinomialResults`, as statsmodels puts them."""


class L1MultinomialResultsWrapper(discrete_model.L1MultinomialResultsWrapper):  # type: ignore[misc]
    """Labels for `L1MultinomialResults`, as statsmodels puts them."""


wrapper.populate_wrapper(MultinomialResultsWrapper, MultinomialResults)
wrapper.populate_wrapper(L1MultinomialResultsWrapper, L1MultinomialResults)
