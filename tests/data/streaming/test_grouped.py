"""Equal rows counted together, in pieces, against the same rows one by one."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import mlelogit as ml
from mlelogit.data.rows import DataOptions
from mlelogit.data.streaming import stream
from mlelogit.data.streaming.designs import make_streamed_design
from mlelogit.data.streaming.sources.frames import FramePieces
from mlelogit.model import MNLogit
from tests.test_streamed_results import FRAME, cut
from tests.ways import build

FORMULA = "y ~ x + z"
ROUND = FRAME.assign(x=FRAME.x.round(), z=FRAME.z.round(), p=FRAME.w % 2 + 0.5)


def fit_grouped(by, **options):
    counted = ROUND.groupby(by, as_index=False, sort=False).size()
    pieces = FramePieces(cut(counted, (1, 30, 31)))
    model = MNLogit.__new__(MNLogit)
    model._hold(make_streamed_design(FORMULA, pieces, DataOptions(**options), "size"))
    return model.fit()


@pytest.mark.filterwarnings("ignore::mlelogit.exceptions.MNLogitWarning")
@pytest.mark.parametrize("held", [0, 1 << 25])
@pytest.mark.parametrize("options", [{}, {"weights": "p", "weight_type": "sampling"}])
def test_sums_are_those_of_single_rows(held, options, monkeypatch):
    monkeypatch.setattr(stream, "HELD_ELEMENTS", held)
    by = ["y", "x", "z", "h", "p"]
    here, there = fit_grouped(by, **options), build(FORMULA, ROUND, **options).fit()
    assert here.nobs == there.nobs == len(FRAME)
    for ask in (
        lambda r: r.params,
        lambda r: r.bse,
        lambda r: r.with_cov("HC1").bse,
        lambda r: r.with_cov("HC3").bse,
        lambda r: r.with_cov("cluster", groups="h").bse,
        lambda r: r.with_cov("cluster", groups=["h", "p"]).bse,
        lambda r: r.margins().summary_frame().select_dtypes("number"),
        lambda r: r.margins(by="h", change="sd").summary_frame().select_dtypes("number"),
        lambda r: r.margins(kind="at_means").summary_frame().select_dtypes("number"),
        lambda r: r.get_prediction(average=True).summary_frame(),
        lambda r: r.llnull,
    ):
        np.testing.assert_allclose(ask(here), ask(there), rtol=1e-9, atol=1e-12)


def test_a_column_that_was_not_grouped_by_is_none():
    fit = fit_grouped(["y", "x", "z"])
    with pytest.raises(ml.exceptions.ColumnNotFoundError, match="equal rows, counted together"):
        fit.with_cov("cluster", groups="h")
    with pytest.raises(ml.exceptions.LabelError, match="how often"):
        fit.with_cov("cluster", groups="size")
    assert isinstance(fit.params, pd.DataFrame)


@pytest.mark.parametrize(
    "asked", [{}, {"kind": "at_means"}, {"by": "PID"}, {"by": "educ"}, {"at": {"age": [30, 50]}}]
)
def test_effects_of_counted_rows_of_a_large_table_are_sums(asked, monkeypatch):
    """The distinct rows are few; the table that they stand for is not to be held."""
    anes = ml.datasets.load_anes96()
    halves = [anes[:500], anes[500:]]
    counted = ml.mnlogit("vote ~ age + educ", halves, stream=True, compress=True).fit()
    monkeypatch.setattr(stream, "HELD_ELEMENTS", 3000)
    here = counted.margins(**asked).summary_frame()
    there = ml.mnlogit("vote ~ age + educ", anes).fit().margins(**asked).summary_frame()
    pd.testing.assert_frame_equal(here, there, rtol=1e-10, atol=1e-12)
