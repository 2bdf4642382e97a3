"""What is true of effects whatever the data."""

import numpy as np
import pandas as pd
import pytest

import mlelogit as ml
from mlelogit.exceptions import CollinearityWarning, SeparationWarning
from tests.interpretation.margins.plain import compare, fitted, rows, softmax

RHS = "x * g + I(z ** 2) + b"
ASKED = (
    {},
    {"kind": "at_means"},
    {"kind": "balanced"},
    {"by": "part"},
    {"effect": "eyex", "variables": ["x", "z"]},
    {"effect": "level", "variables": ["g"]},
    {"change": {"x": "sd", "z": "iqr", "g": "pairwise"}},
    {"at": {"z": [1, 2]}},
)


def numbers(margins):
    return margins.summary_frame()[["estimate", "std_err"]]


def assert_same(mine, other, rtol=1e-9):
    assert_close(numbers(mine), numbers(other), rtol)


def assert_close(mine, other, rtol=1e-9):
    np.testing.assert_allclose(mine, other, rtol=rtol, atol=1e-11)


@pytest.mark.parametrize("asked", ASKED)
def test_the_base_does_not_matter(asked):
    res = fitted(RHS)
    assert_same(res.margins(**asked), res.rebase("b").margins(**asked))


@pytest.mark.parametrize("asked", ASKED)
def test_frequency_weights_and_counts_are_rows_laid_out(asked):
    frame = rows()
    weighted = fitted(RHS, weights="times", weight_type="frequency").margins(**asked)
    long = frame.loc[frame.index.repeat(frame["times"])].reset_index(drop=True)
    expected = ml.mnlogit(f"y ~ {RHS}", long).fit().margins(**asked)
    assert_same(weighted, expected, 1e-7)
    people = frame.assign(**{f"n{k}": (frame["y"] == k) * frame["times"] for k in "abc"})
    counted = ml.mnlogit(f"counts(na, nb, nc) ~ {RHS}", people).fit().margins(**asked)
    assert_same(counted, expected, 1e-7)


@pytest.mark.parametrize("effect", ["dydx", "dyex"])
def test_effects_add_up_to_zero_over_categories(effect):
    margins = fitted(RHS).margins(["x", "z"], effect=effect, by="part")
    sums = margins.estimate.reshape(-1, 3).sum(axis=1)
    np.testing.assert_allclose(sums, 0, atol=1e-14)
    spread = margins.root.reshape(-1, 3, margins.root.shape[1]).sum(axis=1)
    np.testing.assert_allclose(spread, 0, atol=1e-14)


def test_units_scale_derivatives_and_leave_elasticities():
    frame = rows().assign(x=rows()["x"] * 1e5)
    res = ml.mnlogit("y ~ poly(x, 3) + z + z:x", frame).fit()
    same = fitted("poly(x, 3) + z + z:x")
    mine, expected = numbers(res.margins("x")) * 1e5, numbers(same.margins("x"))
    assert_close(mine, expected, 1e-7)
    assert_same(res.margins("x", effect="eyex"), same.margins("x", effect="eyex"), 1e-7)
    assert_same(res.margins("x", change="sd"), same.margins("x", change="sd"), 1e-7)
    assert_same(res.margins("z"), same.margins("z"), 1e-7)


def test_ways_of_writing_one_model_have_one_effect():
    ways = ("x + I(x ** 2) + g", "poly(x, 2) + C(g, Sum)", "center(x) + I(x * x) + C(g, Helmert)")
    first, *others = (fitted(way).margins("x") for way in ways)
    for other in others:
        assert_same(first, other, 1e-8)
    levels = [fitted(way).margins("g", change=("u", "w")) for way in ways]
    for other in levels[1:]:
        assert_same(levels[0], other, 1e-8)


def test_averages_of_groups_make_up_the_whole():
    res = fitted(RHS, weights="share", weight_type="sampling")
    shares = rows().groupby("part")["share"].sum() / rows()["share"].sum()
    whole, parts = res.margins("x"), res.margins("x", by="part")
    weights = np.kron(shares.to_numpy(), np.eye(3))
    added = parts.combine(weights)
    assert_same(added, whole, 1e-11)


MANY = np.random.default_rng(5).permutation(np.arange(120) % 40)


@pytest.mark.parametrize(
    "asked",
    [
        {"variables": ["x", "g"]},
        {"variables": "x", "kind": "at_means"},
        {"variables": "x", "at": {"z": 1}},
        {"variables": "x", "effect": "eyex"},
        {"variables": "x", "change": "sd"},
        {"effect": "level"},
    ],
)
def test_many_groups_are_the_few_that_they_make_up(asked):
    res = fitted("bs(x, 4, extrapolation='clip') * z + g", weights="share", weight_type="sampling")
    every = numbers(res.margins(**asked, by=MANY)).to_numpy().reshape(-1, 40, 3, 2)
    few = numbers(res.margins(**asked, by=np.where(MANY < 3, MANY, 3)))
    np.testing.assert_allclose(
        every[:, :3], few.to_numpy().reshape(-1, 4, 3, 2)[:, :3], rtol=1e-9, atol=1e-12
    )


@pytest.mark.parametrize("kind", ["average", "at_means"])
def test_many_groups_of_an_array(kind):
    rng = np.random.default_rng(3)
    x = np.column_stack([np.ones(120), rng.normal(size=(120, 4))])
    res = ml.MNLogit(rng.integers(0, 4, 120), x).fit()
    every = numbers(res.margins(kind=kind, by=MANY)).to_numpy().reshape(4, 40, 4, 2)
    for cell in (0, 39):
        alone = res.margins(kind=kind, newdata=x[cell == MANY])
        np.testing.assert_allclose(
            every[:, cell], numbers(alone).to_numpy().reshape(4, 4, 2), rtol=1e-9, atol=1e-12
        )


def test_a_pass_for_all_variables_and_one_for_each_agree():
    rng = np.random.default_rng(3)
    x = np.column_stack([np.ones(150), rng.normal(size=(150, 4))])
    res = ml.MNLogit(rng.integers(0, 4, 150), x).fit()
    together = res.margins(by=np.arange(150) % 2)
    for name in ("x1", "x4"):
        alone = res.margins(name, by=np.arange(150) % 2)
        assert_same(together.select(variable=name), alone, 1e-11)


@pytest.mark.parametrize("kind", ["HC1", "robust", "opg"])
def test_any_covariance_of_the_coefficients(kind):
    res = fitted("x + z").with_cov(kind)
    x = np.asarray(res.record.need_blocks().design.source.block(0, 120)).T

    def slopes(params):
        y = softmax(res, x, params)
        b = np.insert(params.reshape(len(params), 2, 3)[..., 1], 0, 0.0, axis=1)[:, np.newaxis]
        return (y * (b - (y * b).sum(axis=2, keepdims=True))).mean(axis=1)

    compare(res, res.margins("x"), slopes)


def test_a_survey_has_students_t():
    res = fitted("x + z", weights="share", weight_type="sampling")
    surveyed = res.with_cov("survey", psu=np.arange(120) // 6)
    margins = surveyed.margins("x")
    assert margins.df == 19
    frame = margins.summary_frame()
    half = (frame["upper"] - frame["lower"]) / 2 / frame["std_err"]
    np.testing.assert_allclose(half, 2.093024054408263, rtol=1e-9)  # t, 19 df, two-sided 5 %


def test_constraints_enter():
    res = ml.mnlogit("y ~ x + z", rows()).fit(constraints=["b: z = 0", "c: z = 0"])
    assert (numbers(res.margins("z")) == 0).all(axis=None)
    without = numbers(fitted("x").margins("x"))
    assert_close(numbers(res.margins("x")), without, 1e-7)


def test_reduced_bias_enters():
    res = ml.mnlogit("y ~ x + z", rows()).fit(bias_reduction="mean")
    x = np.asarray(res.record.need_blocks().design.source.block(0, 120)).T

    def change(params):
        ends = [
            softmax(res, np.column_stack([x[:, 0], x[:, 1] + d, x[:, 2]]), params) for d in (0, 1)
        ]
        return (ends[1] - ends[0]).mean(axis=1)

    compare(res, res.margins("x", change="unit"), change)


def test_an_offset_stays_in_place():
    frame = rows()
    added = np.column_stack([np.zeros(120), frame["z"] / 3, -frame["z"] / 5])
    res = ml.mnlogit("y ~ x", frame, offset=added).fit()
    x = np.column_stack([np.ones(120), frame["x"]])

    def slopes(params, x=x, added=added):
        b = np.insert(params.reshape(len(params), 2, 2), 0, 0.0, axis=1)
        powers = np.exp(np.einsum("nk,sjk->snj", x, b) + added)
        y = powers / powers.sum(axis=2, keepdims=True)
        rate = b[:, np.newaxis, :, 1]
        return (y * (rate - (y * rate).sum(axis=2, keepdims=True))).mean(axis=1)

    compare(res, res.margins("x"), slopes)
    at_means = res.margins("x", "at_means")
    compare(res, at_means, lambda p: slopes(p, x.mean(axis=0)[None], added.mean(axis=0)[None]))


def test_separated_data_have_effects_of_the_limit():
    frame = rows().assign(s=(rows()["y"] == "a").astype(int))
    with pytest.warns(SeparationWarning):
        fits = [ml.mnlogit("y ~ x + s", frame, base=base).fit() for base in "abc"]
    tables = []
    for fit in fits:
        with pytest.warns(SeparationWarning, match="separated"):
            tables.append(numbers(fit.margins()))
    for table in tables[1:]:
        np.testing.assert_allclose(table, tables[0], rtol=1e-6, atol=1e-9)
    left = frame[frame["y"] != "a"]
    rest = numbers(ml.mnlogit("y ~ x", left).fit().margins()) * len(left) / len(frame)
    np.testing.assert_allclose(tables[0].iloc[1:3], rest, rtol=1e-6)
    assert tables[0]["estimate"].iloc[0] == pytest.approx(0, abs=1e-12)
    # Of rows with s = 1 none is in b or c: what s does to the odds between them is not known.
    assert tables[0]["estimate"].iloc[4:].isna().all()
    assert tables[0]["std_err"].iloc[[0, 3, 4, 5]].isna().all()


@pytest.mark.parametrize("seed", range(4))
def test_numbers_beside_a_level_that_separates(seed):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(rng.normal([5, -100], [1, 30], (150, 2)), columns=["z", "u"])
    frame["g"] = rng.choice(list("kmw"), 150)
    frame["y"] = np.where(frame["g"] == "w", "a", rng.choice(list("abc"), 150))
    with pytest.warns(SeparationWarning):
        res = ml.mnlogit("y ~ g + z + u", frame).fit()
    # Rows of the level w are in a for sure: the others alone move, as if fitted alone.
    left = frame[frame["g"] != "w"]
    rest = ml.mnlogit("y ~ g + z + u", left).fit()
    for asked in ({}, {"change": "unit"}):
        expected = numbers(rest.margins(["z", "u"], **asked)) * len(left) / 150
        with pytest.warns(SeparationWarning, match="as given"):
            mine = numbers(res.margins(["z", "u"], **asked))
        np.testing.assert_allclose(mine, expected, rtol=1e-6, atol=1e-9)
    with pytest.warns(SeparationWarning):
        found = res.margins(["z", "u"], by="g")
    assert_close(found.select(g="w").estimate, 0)
    expected = numbers(rest.margins(["z", "u"], by="g"))
    assert_close(numbers(found.select(g=["k", "m"])), expected, 1e-6)


def test_numbers_where_a_level_rules_one_category_out():
    rng = np.random.default_rng(7)
    frame = pd.DataFrame(rng.normal(size=(150, 2)), columns=["z", "u"])
    frame["g"] = rng.choice(list("kmw"), 150)
    frame["y"] = np.where(frame["g"] == "w", rng.choice(list("ab"), 150), rng.choice(list("abc")))
    with pytest.warns(SeparationWarning):
        res = ml.mnlogit("y ~ g + z + u", frame).fit()
    step = 1e-4
    with pytest.warns(SeparationWarning, match="as given"):
        mine, up, down = (res.margins("z", change=size) for size in (None, step, -step))
    by_steps = up.estimate - down.estimate
    np.testing.assert_allclose(mine.estimate, by_steps / (2 * step), rtol=1e-6, atol=1e-9)
    assert np.isfinite(mine.std_err).all()


def test_where_a_probability_jumps_it_has_no_derivative():
    frame = pd.DataFrame({"x": [1.0, 1.5, 2, 2, 2, 2.5, 3], "y": list("aaababb"), "z": range(7)})
    with pytest.warns(SeparationWarning):
        res = ml.mnlogit("y ~ x", frame).fit()
    with pytest.warns(SeparationWarning):
        assert np.isnan(res.margins("x").estimate).all()
    with pytest.warns(SeparationWarning):
        # Beside the jump all is flat; what the others' logarithm does is not known.
        beside = res.margins("x", newdata=frame[frame["x"] != 2])
    np.testing.assert_array_equal(beside.estimate, 0)
    with pytest.warns(SeparationWarning):
        logarithms = res.margins("x", effect="eydx", newdata=frame[frame["x"] < 2])
    assert np.isnan(logarithms.estimate).tolist() == [False, True]
    with pytest.warns(SeparationWarning):
        steps = res.margins("x", change=(1, 3))
    np.testing.assert_array_equal(steps.estimate, [-1, 1])
    assert np.isnan(steps.std_err).all()


def test_columns_left_out_have_no_effect_that_is_known():
    frame = rows().assign(twice=2 * rows()["x"])
    with pytest.warns(CollinearityWarning):
        res = ml.mnlogit("y ~ x + twice + z", frame).fit()
    with pytest.warns(CollinearityWarning, match="'twice'"):
        margins = res.margins()
    assert np.isnan(margins.select(variable="twice").estimate).all()
    assert np.isfinite(margins.select(variable=["x", "z"]).std_err).all()
    with pytest.warns(CollinearityWarning):
        whole = ml.mnlogit("y ~ x + I(2 * x) + z", frame).fit()
    assert_same(whole.margins("x"), fitted("x + z").margins("x"))


def test_the_order_of_rows_does_not_matter():
    frame = rows().sample(frac=1, random_state=2)
    mine = ml.mnlogit(f"y ~ {RHS}", frame).fit().margins(by="part")
    assert_same(mine, fitted(RHS).margins(by="part"), 1e-8)


def test_frames_and_arrays_agree():
    frame = rows()
    table = pd.DataFrame({"one": 1.0, "x": frame["x"], "b": frame["b"]})
    mine = ml.MNLogit(frame["y"], table).fit().margins()
    other = fitted("x + b").margins()
    assert mine.labels.equals(other.labels)
    assert_same(mine, other)


def test_blocks_do_not_matter(monkeypatch):
    every = [asked for asked in ASKED if asked.get("kind") != "at_means"]
    whole = [fitted(RHS).margins(**asked) for asked in every]
    places = "mlelogit.interpretation.margins.places"
    monkeypatch.setattr(f"{places}.choose_size", lambda design: 61)
    monkeypatch.setattr(f"{places}.ENCODED_ROWS", 61)
    monkeypatch.setattr(f"{places}.LEAST_ROWS", 61)
    for asked, expected in zip(every, whole, strict=True):
        assert_same(fitted(RHS).margins(**asked), expected, 1e-11)
