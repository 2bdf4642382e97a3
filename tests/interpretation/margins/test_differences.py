"""Effects against stencils and complex steps, on formulas of every kind."""

import itertools

import numpy as np
import pandas as pd
import pytest

from tests.interpretation.margins.plain import (
    average,
    compare,
    encode,
    fitted,
    inner_rows,
    rows,
    slope,
    softmax,
)

FORMULAS = (
    "x + z + g",
    "x * z + C(g, Sum) * x + b",
    "poly(x, 3) + g * z + h",
    "bs(x, df=4) + I(z ** 2) + z + b:x",
    "cr(x, knots=[1.5], lower_bound=0, upper_bound=4, constraints='center') * g + log(z + 5)",
)
every_formula = pytest.mark.parametrize("rhs", FORMULAS)
# Every formula without weights or with those of one kind; every kind with some formula.
with_weights = pytest.mark.parametrize(
    ("rhs", "kind"),
    list(zip(FORMULAS, (None, "frequency", "sampling", "frequency", None), strict=True)),
)


def options(kind):
    if kind is None:
        return {}
    return {"weights": "times" if kind == "frequency" else "share", "weight_type": kind}


def weigh(kind, frame):
    return np.ones(len(frame)) if kind is None else frame[options(kind)["weights"]].to_numpy(float)


@pytest.mark.parametrize("name", ["x", "z"])
@with_weights
def test_derivatives_and_elasticities(rhs, kind, name):
    res, frame = fitted(rhs, **options(kind)), inner_rows()
    weights = weigh(kind, frame)
    x, values = encode(res, frame), frame[[name]].to_numpy()
    new = {"newdata": frame, "weights": weights}

    def rate(params):
        return slope(res, frame, name, params)

    compare(res, res.margins(name, **new), lambda p: average(rate(p), weights))
    grouped = res.margins(name, by="part", **new)
    parts = [(frame["part"] == part).to_numpy() for part in "pq"]
    compare(res, grouped, lambda p: [average(rate(p), weights, part) for part in parts])
    found = {
        "eyex": lambda p: rate(p) / softmax(res, x, p) * values,
        "eydx": lambda p: rate(p) / softmax(res, x, p),
        "dyex": lambda p: rate(p) * values,
    }
    for effect, function in found.items():
        margins = res.margins(name, effect=effect, **new)
        compare(res, margins, lambda p, f=function: average(f(p), weights))


@with_weights
def test_discrete_changes_of_numbers(rhs, kind):
    res, frame = fitted(rhs, **options(kind)), rows()
    weights = weigh(kind, frame)
    z = frame["z"].to_numpy()

    def change(params, start, stop, name="z"):
        ends = [
            softmax(res, encode(res, frame.assign(**{name: end})), params) for end in (start, stop)
        ]
        return average(ends[1] - ends[0], weights)

    compare(res, res.margins("x", change=(1, 2)), lambda p: change(p, 1.0, 2.0, "x"))
    compare(res, res.margins("z", change={"z": 0.3}), lambda p: change(p, z, z + 0.3))
    compare(res, res.margins("z", change="unit"), lambda p: change(p, z, z + 1))
    compare(res, res.margins("z", change="centered unit"), lambda p: change(p, z - 0.5, z + 0.5))
    compare(res, res.margins("z", change="range"), lambda p: change(p, z.min(), z.max()))
    if kind != "sampling":
        laid_out = np.repeat(z, weights.astype(int))
        deviation, (low, high) = laid_out.std(ddof=1), np.quantile(laid_out, [0.25, 0.75])
        compare(res, res.margins("z", change="sd"), lambda p: change(p, z, z + deviation))
        compare(res, res.margins("z", change="iqr"), lambda p: change(p, low, high))


@with_weights
def test_discrete_changes_of_factors(rhs, kind):
    res, frame = fitted(rhs, **options(kind)), rows()
    weights, everyone = weigh(kind, frame), np.ones(len(frame), dtype=bool)

    def level(params, value, mask=everyone, name="g"):
        x = encode(res, frame.assign(**{name: value}))
        return average(softmax(res, x, params), weights, mask)

    if "b" in res.record.encoding.variables:
        compare(
            res, res.margins("b"), lambda p: level(p, True, name="b") - level(p, False, name="b")
        )
    if "g" not in res.record.encoding.variables:
        return
    compare(res, res.margins("g"), lambda p: [level(p, v) - level(p, "u") for v in "vw"])
    compare(res, res.margins("g", effect="level"), lambda p: [level(p, v) for v in "uvw"])
    parts = [(frame["part"] == part).to_numpy() for part in "pq"]
    grouped = res.margins("g", change="pairwise", by="part")
    pairs = list(itertools.combinations("uvw", 2))
    compare(
        res,
        grouped,
        lambda p: [level(p, b, part) - level(p, a, part) for a, b in pairs for part in parts],
    )
    doubled = grouped.contrasts("part")
    compare(
        res,
        doubled,
        lambda p: [
            np.subtract(*(level(p, b, part) - level(p, a, part) for part in parts[::-1]))
            for a, b in pairs
        ],
    )


@every_formula
def test_variables_fixed_at_values(rhs):
    res, frame = fitted(rhs), rows()
    grid = {"z": [1.5, 2.5], "x": 1.2}

    def fixed(params, name, **values):
        moved = frame.assign(**values)
        return average(slope(res, moved, name, params), np.ones(len(frame)))

    compare(
        res,
        res.margins("x", at=grid),
        lambda p: [fixed(p, "x", x=1.2, z=z) for z in (1.5, 2.5)],
    )
    listed = res.margins("x", at=[{"x": 1.2, "z": 1.5}, {"x": 1.2, "z": 2.5}])
    compare(res, listed, lambda p: [fixed(p, "x", x=1.2, z=z) for z in (1.5, 2.5)])
    if "g" in res.record.encoding.variables:
        compare(
            res,
            res.margins("z", at={"g": ["v", "w"], "x": 2}),
            lambda p: [fixed(p, "z", g=g, x=2.0) for g in "vw"],
        )


@with_weights
def test_effects_at_means(rhs, kind):
    res, frame = fitted(rhs, **options(kind)), rows()
    weights = weigh(kind, frame)
    numbers = {
        name: np.average(frame[name].astype(float), weights=weights)
        for name in ("x", "z", "h", "b")
    }
    shares = [weights[(frame["g"] == level).to_numpy()].sum() / weights.sum() for level in "uvw"]
    one = pd.DataFrame({name: [value] for name, value in numbers.items()})

    def columns(moved, level=None):
        names, parts = ("uvw", shares) if level is None else (level, [1.0])
        every = pd.concat([moved.assign(g=name) for name in names], ignore_index=True)
        return np.array([parts]) @ encode(res, every)

    for name in ("x", "z"):
        margins = res.margins(name, "at_means")
        compare(res, margins, lambda p, name=name: slope(res, one, name, p, columns))
        margins = res.margins(name, "at_means", effect="eyex")
        compare(
            res,
            margins,
            lambda p, name=name: (
                slope(res, one, name, p, columns) / softmax(res, columns(one), p) * numbers[name]
            ),
        )
    if "g" in res.record.encoding.variables:
        compare(
            res,
            res.margins("g", "at_means"),
            lambda p: [
                softmax(res, columns(one, v), p) - softmax(res, columns(one, "u"), p) for v in "vw"
            ],
        )


def test_means_of_groups_are_those_of_the_rows_in_them():
    res, frame = fitted("x * g + z"), rows()
    grouped = res.margins("z", "at_means", by="part").summary_frame()
    for part in "pq":
        alone = res.margins("z", "at_means", newdata=frame[frame["part"] == part])
        mine = grouped[grouped["part"] == part].reset_index(drop=True)
        expected = alone.summary_frame()
        pd.testing.assert_frame_equal(mine.drop(columns="part"), expected, rtol=1e-12)
