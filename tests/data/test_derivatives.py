"""Derivatives of a design's columns against a stencil, and what has none."""

import ast

import numpy as np
import pytest

import mlelogit as ml
from mlelogit.data.derivatives import differentiate_columns, find_sides
from mlelogit.exceptions import EffectError
from tests.interpretation.margins.plain import encode, fitted, inner_rows, rows

STEP = 1e-4
FORMULAS = (
    "x + z",
    "I(x ** 2) + x * z",
    "poly(x, 3) + poly(z, 2, raw=True)",
    "bs(x, df=5)",
    "bs(x, df=5, include_intercept=True) - 1",
    "bs(x, df=5, include_intercept=True):C(g)",
    "bs(x, knots=[1, 2], degree=2) * C(h)",
    "bs(x, knots=[1, 2], degree=1)",
    "bs(x, df=4, lower_bound=1, upper_bound=2, extrapolation='clip')",
    "bs(x, df=4, lower_bound=1, upper_bound=2, extrapolation='extend')",
    "cr(x, df=3) + z",
    "cr(x, knots=[1.5], lower_bound=1, upper_bound=2) + z",
    "cs(x, df=3, constraints='center') * z",
    "log(x) + sqrt(x) + log1p(x)",
    "log2(x) + np.log10(x + 1)",
    "np.exp(-x) / z + I(x / (1 + z ** 2))",
    "I(2 ** x) + I(x ** z) + I(x ** 0)",
    "C(g):x",
    "C(g, Sum) * x * z",
    "center(x) * scale(z) + scale(z, center=False)",
    "scale(log(x)):poly(x, 2)",
    "poly(log(x) + z, 2)",
    "scale(poly(x, 2)) + I(poly(z, 2))",
    "(x + z) ** 2 + abs(x - z) + I(-x)",
    "0 + g:x",
)


@pytest.mark.filterwarnings("ignore::mlelogit.exceptions.CollinearityWarning")
@pytest.mark.parametrize("rhs", FORMULAS)
def test_columns_move_as_a_stencil_says(rhs):
    model = ml.mnlogit(f"y ~ {rhs}", rows())
    encoding, frame = model.design.encoding, inner_rows()

    class Holder:
        record = type("Record", (), {"encoding": encoding})

    moved = set(encoding.variables) & {"x", "z"}
    assert moved
    for name in moved:
        # Beside kinks, where the two sides differ, a stencil is not of fourth order.
        far = (frame[["x"]].to_numpy() - [1, 1.5, 2]).__abs__().min(axis=1) > 3 * STEP
        used = frame[far & ((frame["x"] - frame["z"]).abs() > 3 * STEP)].reset_index(drop=True)
        ends = {
            k: encode(Holder, used.assign(**{name: used[name] + k * STEP})) for k in (-2, -1, 1, 2)
        }
        expected = (8 * (ends[1] - ends[-1]) - (ends[2] - ends[-2])) / (12 * STEP)
        found = differentiate_columns(encoding, used, name)
        whole = np.zeros_like(expected)
        whole[:, found.columns] = found.values.T
        size = np.abs(expected).max()
        np.testing.assert_allclose(whole, expected, rtol=1e-8, atol=3e-9 * size)
        still = np.setdiff1d(np.arange(expected.shape[1]), found.columns)
        np.testing.assert_allclose(expected[:, still], 0, atol=1e-12)


def test_at_a_kink_it_is_the_mean_of_both_sides():
    frame = rows().head(4).assign(x=[1.0, 2.0, 1.5, 0.7])
    encoding = ml.mnlogit(
        "y ~ bs(x, knots=[1, 2], degree=1) + abs(x - 1.5)", rows()
    ).design.encoding
    found = differentiate_columns(encoding, frame, "x").values
    low, high = (
        differentiate_columns(encoding, frame.assign(x=frame["x"] + s * 1e-9), "x").values
        for s in (-1, 1)
    )
    np.testing.assert_allclose(found, (low + high) / 2, rtol=1e-12, atol=1e-12)
    assert np.abs(low - high).max() > 0.5


def test_at_a_bound_beyond_which_a_spline_stands_still():
    rhs = "bs(x, df=4, lower_bound=1, upper_bound=2, extrapolation='clip')"
    encoding = ml.mnlogit(f"y ~ {rhs}", rows()).design.encoding
    frame = rows().head(5).assign(x=[1.0, 2.0, 1.0 + 1e-12, 2.0 - 1e-12, 2.5])
    found = differentiate_columns(encoding, frame, "x").values
    np.testing.assert_allclose(found[:, :2], found[:, 2:4] / 2, rtol=1e-9, atol=1e-9)
    assert np.abs(found[:, :2]).max() > 0.1
    np.testing.assert_array_equal(found[:, 4], 0)


@pytest.mark.parametrize(
    ("rhs", "said"),
    [
        ("I(x > 1) + z", "x > 1"),
        ("I(x // 1) + z", "x // 1"),
        ("I(x % 2) + z", "x % 2"),
        ("C(x > 1) + z", "C(x > 1)"),
        ("bs(x, knots=[1, 2], degree=0) + z", "bs(x"),
    ],
)
@pytest.mark.filterwarnings("ignore::mlelogit.exceptions.CollinearityWarning")
def test_steps_have_no_derivative(rhs, said):
    res = ml.mnlogit(f"y ~ {rhs}", rows()).fit()
    with pytest.raises(EffectError, match="no derivative") as caught:
        res.margins("x")
    assert said in str(caught.value)
    assert np.isfinite(res.margins("x", change=(0.7, 2.2)).std_err).all()
    assert np.isfinite(res.margins("z").std_err).all()


@pytest.mark.parametrize(
    ("written", "sides"),
    [
        ("x > 2", (1, 3)),
        ("x >= 2", (1, 3)),
        ("2 <= x", (1, 3)),
        ("x == 2", (1, 2)),
        ("x // 0.5", (0, 0.5)),
        ("x % 2", None),
        ("x > y", None),
        ("2 // x", None),
        ("1 < x < 3", None),
    ],
)
def test_the_sides_of_a_step_are_two_values_that_differ(written, sides):
    assert find_sides(ast.parse(written, mode="eval").body, "x") == sides
    if sides is not None:
        low, high = (eval(written, {"x": side}) for side in sides)
        assert low != high


def test_a_step_names_a_change_that_is_not_zero():
    res = ml.mnlogit("y ~ I(x > 2) + z", rows()).fit()
    with pytest.raises(EffectError, match=r"change=\{'x': \(1, 3\)\}"):
        res.margins("x")
    assert np.abs(res.margins("x", change=(1, 3)).estimate).max() > 0.01


def test_a_derivative_that_is_not_finite_names_column_and_rows():
    frame = rows().assign(x=(rows()["x"] - 1).clip(0))
    res = ml.mnlogit("y ~ sqrt(x) + z", frame).fit()
    with pytest.raises(EffectError, match=r"'sqrt\(x\)' by 'x' is not finite in \d+ rows"):
        res.margins("x")
    assert np.isfinite(res.margins("x", newdata=frame[frame["x"] > 0]).std_err).all()


def test_names_of_any_kind_are_variables():
    frame = rows().rename(columns={"x": "a b", "z": "c:d", "g": "e[f]"})
    res = ml.mnlogit("y ~ I(`a b` ** 2) + Q('c:d') + `e[f]`:`a b`", frame).fit()
    plain = fitted("I(x ** 2) + z + g:x")
    np.testing.assert_allclose(res.margins("a b").std_err, plain.margins("x").std_err, rtol=1e-9)
    np.testing.assert_allclose(res.margins("c:d").std_err, plain.margins("z").std_err, rtol=1e-9)
    names = list(dict.fromkeys(res.margins().labels["variable"]))
    assert names == ["a b", "c:d", "e[f]"]


def test_the_frame_is_left_as_it_was():
    frame = rows().copy()
    before = frame.copy()
    ml.mnlogit("y ~ x * g + b", frame).fit().margins(at={"x": [1, 2]}, by="part")
    assert frame.equals(before)
