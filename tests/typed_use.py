"""A user's program that says which types it is given: it must run, and pass strict checkers."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_type

import pandas as pd

import mlelogit as ml
from mlelogit import MNLogit, MNLogitResults, mnlogit
from mlelogit.exceptions import MNLogitError

if TYPE_CHECKING:
    # A name that is not there is an error, not Any.
    _ = ml.nonsense  # type: ignore[attr-defined]
    _ = ml.bridges.nonsense  # type: ignore[attr-defined]


def name_equations(res: MNLogitResults) -> list[str]:
    """Return what the bridge to maketables, which is imported when it is used, calls them."""
    views: list[ml.bridges.maketables.EquationView] = res.equations()
    return [str(view) for view in views]


def explain(res: ml.MNLogitResults) -> str:
    """Return the table of a fit as text."""
    return str(res.summary())


def main() -> None:
    """Fit, ask and compare."""
    anes = assert_type(ml.datasets.load_anes96(labels=False), pd.DataFrame)
    model = assert_type(ml.mnlogit("PID ~ age", anes), MNLogit)
    res = assert_type(model.fit(), MNLogitResults)
    assert_type(res.params, pd.DataFrame)
    assert_type(res.bse, pd.DataFrame)
    assert_type(res.llf, float)
    assert_type(res.converged, bool)
    # Without frame= the kind is that of the data, which no type tells.
    assert_type(res.tidy(frame="pandas"), pd.DataFrame)
    assert_type(res.predict(anes), pd.DataFrame)
    assert_type(res.predict(anes, "linear", frame="pandas"), pd.DataFrame)
    assert_type(res.predict(anes, "category"), pd.Series)
    assert_type(res.margins("age").summary_frame(frame="pandas"), pd.DataFrame)
    assert_type(res.get_prediction(anes).summary_frame(frame="pandas"), pd.DataFrame)
    assert_type(explain(res), str)
    assert_type(name_equations(res), list[str])
    assert_type(mnlogit("PID ~ educ", anes).fit().aic, float)
    assert_type(ml.MNLogit(anes["PID"], anes[["age"]]).fit().nobs, float)
    try:
        res.wald_test("nonsense")
    except MNLogitError as error:
        assert_type(error, MNLogitError)


if __name__ == "__main__":
    main()
