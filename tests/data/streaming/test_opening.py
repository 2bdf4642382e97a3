"""Which way data take to a design, and what they are told on it."""

import numpy as np
import pandas as pd
import pytest

import mlelogit as ml
from mlelogit.data.streaming import opening
from mlelogit.data.streaming.learning import knots
from mlelogit.exceptions import CategoryOrderWarning, FormulaError, MNLogitError
from tests.ways import cut

ROWS = 1200
WEIGHED = {"weights": "w", "weight_type": "frequency"}


@pytest.fixture
def frame(rng):
    """Rows of which some occur much more often than others."""
    x = rng.choice(40, ROWS, p=rng.dirichlet(np.full(40, 0.3))) / 8
    high = rng.random(ROWS) < 1 / (1 + np.exp(1 - x))
    y = np.where(rng.random(ROWS) < 0.2, "c", np.where(high, "b", "a"))
    return pd.DataFrame({"x": x, "y": y, "w": rng.integers(0, 3, ROWS), "z": x > 2})


def spoil(frame, column, value):
    """Put a value in the 21 rows from 900."""
    return frame.assign(**{column: frame[column].where((frame.index // 21) != 43, value)})


WRONG = [
    ("y ~ x", "x", np.nan, {}, "Missing values in 21 rows"),
    ("y ~ x", "x", np.inf, {}, "21 rows"),
    ("y ~ log(x + 1)", "x", -1.0, {}, "infinite in 21 rows"),
    ("y ~ x", "w", -1, WEIGHED, "20 more rows are like it"),
    ("y ~ x", "y", None, {}, "21 rows"),
]


def ask_error(formula, data, **options):
    with pytest.raises(MNLogitError) as caught:
        ml.mnlogit(formula, data, **options).fit()
    return type(caught.value), str(caught.value)


@pytest.mark.parametrize("compress", [True, "auto"])
@pytest.mark.parametrize(("formula", "column", "value", "options", "said"), WRONG)
def test_what_is_wrong_in_counted_rows_is_told_of_all(
    frame, formula, column, value, options, said, compress
):
    pieces = cut(spoil(frame, column, value))
    expected = ask_error(formula, pieces, stream=True, compress=False, **options)
    found = ask_error(formula, pieces, stream=True, compress=compress, **options)
    assert found == expected
    assert said in found[1]
    assert found[1].startswith("In frame 3: ")


def test_what_fails_on_counted_rows_alone_is_read_row_by_row_unless_asked(frame, monkeypatch):
    make = opening.make_streamed_design

    def fail(formula, pieces, options, times=None):
        if times is not None:
            raise FormulaError("counted")
        return make(formula, pieces, options)

    monkeypatch.setattr(opening, "make_streamed_design", fail)
    read = ml.mnlogit("y ~ x", cut(frame), stream=True).fit()
    assert read.record.blocks.design.audit.rows_distinct is None
    whole = ml.mnlogit("y ~ x", frame).fit()
    np.testing.assert_allclose(read.params, whole.params, rtol=1e-9)
    with pytest.raises(FormulaError, match="counted"):
        ml.mnlogit("y ~ x", cut(frame), stream=True, compress=True)


@pytest.mark.parametrize("options", [{}, WEIGHED])
@pytest.mark.parametrize("bounds", ["", ", lower_bound=0.5, upper_bound=4, extrapolation='clip'"])
@pytest.mark.parametrize("outcome", ["y", "counts(a, b)"])
def test_knots_of_counted_rows_are_quantiles_of_all(frame, outcome, bounds, options, monkeypatch):
    """More different values than a table of them holds: quantiles have to be counted."""
    monkeypatch.setattr(knots, "MOST_VALUES", 5)
    frame = frame.assign(a=frame.w, b=frame.z * 2)
    formula = f"{outcome} ~ 0 + bs(x, df=5, include_intercept=True{bounds})"
    models = [
        ml.mnlogit(formula, data, **how, **options)
        for data, how in ((frame, {}), (cut(frame), {"stream": True, "compress": True}))
    ]
    whole, counted = (model.design.encoding.transform_state for model in models)
    assert models[1].design.audit.rows_distinct < ROWS / 4
    assert find_knots(whole) == find_knots(counted)


def find_knots(state):
    (own,) = [one for one in state.values() if "knots" in one]
    return [float(knot) for knot in own["knots"]]


def test_categories_that_cannot_be_compared_lose_their_order_with_a_warning():
    frames = [
        pd.DataFrame({"y": ["a", "b", "b"], "x": pd.Categorical([1, "u", 1], categories)})
        for categories in ([1, "u"], ["u", 1])
    ]
    with pytest.warns(CategoryOrderWarning, match="declare different categories"):
        opening.join_frames(frames, ["x"])
