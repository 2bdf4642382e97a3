r"""Predictions, comparisons and slopes by the package marginaleffects.

marginaleffects (Arel-Bundock, Greifer and Heiss 2024, Journal of Statistical Software 111(9))
takes any model that tells it its coefficients, their covariance and its predictions. This one
tells it probabilities, one group for each category. marginaleffects differentiates them by
finite differences, and puts the delta method on top: with ``θ`` the coefficients, ``V`` their
covariance and ``J`` the derivatives of what is asked for, its standard errors are the roots of
the diagonal of ``J V J'``.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from mlelogit.bridges.columns import WEIGHTS, collect_rows
from mlelogit.exceptions import BridgeError, OptionError, UnusedWeightsWarning
from mlelogit.fitting.record import FitRecord
from mlelogit.notices import import_extra, warn_user

FIRST_UNFIT_POLARS = 2
EXTRA = "marginaleffects"


def adapt(results: Any, data: Any = None) -> Any:
    """Return a fit as a model that the functions of marginaleffects take.

    Parameters
    ----------
    results : MNLogitResults
        Its covariance is the one that ``vcov=True`` stands for, with the t distribution if that
        has degrees of freedom, as a survey's. Others by ``vcov="HC1"``, or
        ``vcov={"cluster": "district"}``; see `mlelogit.bridges.covariances.find_vcov`.
    data : DataFrame, optional
        Rows to predict, compare and average over; those of the fit if not given.

    Returns
    -------
    marginaleffects.classes.ModelAbstract
        Groups are the categories, in the fit's order. Variables are those of the formula, or
        the columns of an array that are not constant; other columns of the data can stand
        in ``by=``.

    Raises
    ------
    MissingExtraError
        If marginaleffects is not installed.
    BridgeError
        If it does not work with the polars that is installed, or a variable has a name that
        it keeps for itself.
    DataNotKeptError
        If the fit no longer has its frame, as after pickling; pass data.
    OptionError
        If results are not those of a fit.

    Warns
    -----
    UnusedWeightsWarning
        If the rows have weights or are counts of people: marginaleffects averages over rows
        that count the same unless ``wts="fit_weights"``.

    Examples
    --------
    >>> import mlelogit as ml
    >>> from marginaleffects import avg_slopes
    >>> anes = ml.datasets.load_anes96()
    >>> res = ml.mnlogit("vote ~ age + educ", anes).fit()
    >>> model = ml.bridges.marginaleffects.adapt(res)
    >>> effects = avg_slopes(model, variables="age")
    >>> effects["group"].to_list()
    ['Clinton', 'Dole']
    """
    if not (hasattr(results, "record") and hasattr(results, "covariance")):
        raise OptionError(f"adapt takes the results of a fit, not {type(results).__name__}.")
    import_extra("polars", EXTRA)
    import_extra("marginaleffects", EXTRA)
    _check_polars()
    from mlelogit.bridges.adapter import Adapter

    rows = collect_rows(results.record, data)
    _warn_of_weights(results.record, data)
    return Adapter(results, results.record, results.covariance, rows)


def _warn_of_weights(record: FitRecord, data: Any) -> None:
    """Warn that averages take no weights by themselves; of data given they are not known."""
    if record.weight_type is None and record.encoding.outcome_kind != "counts":
        return
    how = f"pass wts={WEIGHTS!r}" if data is None else "pass wts= with the column that has them"
    warn_user(
        f"marginaleffects averages over rows that count the same; {how} to average as the fit's "
        "weights or counts do.",
        UnusedWeightsWarning,
    )


def _check_polars() -> None:
    import polars

    major = int(polars.__version__.partition(".")[0])
    known = version("marginaleffects")
    if major >= FIRST_UNFIT_POLARS:
        raise BridgeError(
            f"marginaleffects {known} fails with polars {polars.__version__}, even on its own "
            f"examples: pip install 'polars<{FIRST_UNFIT_POLARS}'."
        )
