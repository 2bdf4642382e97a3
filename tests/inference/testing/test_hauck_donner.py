"""The Hauck-Donner effect against VGAM and against Wald statistics differenced by hand."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import mlelogit as ml
from mlelogit.exceptions import CollinearityWarning, DataNotKeptError, SeparationWarning
from mlelogit.inference.testing.hauck_donner import PRESENT, find_hauck_donner
from tests.inference.samples import fitted, survey
from tests.reference_cases import FOLDER, fit_case, load_case

TRUTH = json.loads((FOLDER / "goodness.json").read_text(encoding="utf-8"))
CASES = [name for name in TRUTH if name not in ("effect", "tilted")]
STEPS = np.array([-2, -1, 1, 2])
WEIGHTS = np.array([1, -8, 8, -1]) / 12


def compare(table, name):
    truth = TRUTH[name]
    np.testing.assert_allclose(table["statistic"], truth["z"], rtol=1e-7)
    np.testing.assert_allclose(table["derivative"], truth["derivative"], rtol=1e-8)
    assert table["flag"].astype(int).tolist() == truth["flag"]


@pytest.mark.parametrize("name", CASES)
def test_derivatives_and_flags_are_those_of_vgam(name):
    case = load_case(name)
    order = [
        (label, term) for label in sorted(case.categories[1:]) for term in case.truth["patsy_names"]
    ]
    compare(fit_case(name).hauck_donner().loc[order], name)


EFFECT = {"a": [60, 1], "b": [1, 55], "c": [25, 30]}
TILTED = {
    "a": [40, 30, 25, 4, 2, 1],
    "b": [1, 2, 3, 22, 30, 41],
    "c": [9, 12, 14, 9, 8, 7],
}


def test_the_effect_is_found_and_told():
    frame = pd.DataFrame(EFFECT | {"d": [0, 1]})
    table = ml.mnlogit("counts(a, b, c) ~ d", frame).fit().hauck_donner()
    compare(table, "effect")
    assert table["flag"].tolist() == [True, True, False, False]
    assert table["words"].tolist() == [PRESENT, PRESENT, "", ""]
    assert (table["slope"] < 0).tolist() == [True, True, False, False]


def test_two_numbers_agree_with_vgam():
    frame = pd.DataFrame(TILTED | {"d": [0, 0, 0, 1, 1, 1], "v": [1, 2, 3] * 2})
    compare(ml.mnlogit("counts(a, b, c) ~ d + v", frame).fit().hauck_donner(), "tilted")


def wald_by_hand(res, params, k):
    """Return coefficient k over its standard error at any parameters, in plain numpy."""
    design = res.record.need_blocks().design
    x = np.asarray(design.source.block(0, design.source.shape[0])).T
    base, categories = res.record.encoding.base, len(res.categories)
    free = [c for c in range(categories) if c != base]
    u = np.zeros((len(x), categories)) if design.offset is None else design.offset.copy()
    u[:, free] += x @ params.reshape(len(free), -1).T
    p = np.exp(u - u.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    people = np.ones(len(x)) if design.weights is None else design.weights.copy()
    if design.outcome.kind == "counts":
        people *= design.outcome.table.sum(axis=1)
    size = len(params)
    information = np.zeros((size, size))
    for n, w in enumerate(people):
        q = p[n, free]
        information += w * np.kron(np.diag(q) - np.outer(q, q), np.outer(x[n], x[n]))
    return params[k] / np.sqrt(np.linalg.inv(information)[k, k])


def check_by_differences(res, rtol=1e-7):
    """Compare with differences of fourth order over steps of a hundredth of a standard error."""
    table, params = res.hauck_donner(), res.record.maximum.params
    for k, (b, z) in enumerate(zip(params, table["statistic"], strict=True)):
        step = abs(b / z) * 0.02
        moved = [params + step * j * np.eye(len(params))[k] for j in STEPS]
        slope = WEIGHTS @ [wald_by_hand(res, at, k) for at in moved] / step
        se = b / z
        assert abs(table["derivative"].iloc[k] - slope) * se < rtol, table.index[k]
        assert abs(table["slope"].iloc[k] - slope * se) < rtol


def offset_fit():
    shift = np.random.default_rng(8).normal(size=(160, 2))
    return ml.mnlogit("party ~ age + educ", survey(), offset=shift, base="green").fit()


def counted_fit():
    table = pd.crosstab([survey()["educ"], survey()["region"]], survey()["party"]).reset_index()
    return ml.mnlogit("counts(blue, green, red) ~ educ + region", table, base="red").fit()


FITS = {
    "plain": lambda: fitted(),
    "other base": lambda: fitted(base="red"),
    "frequency": lambda: fitted("party ~ age + educ", weights="people", weight_type="frequency"),
    "importance": lambda: fitted("party ~ age + educ", weights="weight", weight_type="importance"),
    "offset": offset_fit,
    "counts": counted_fit,
    "bias-reduced": lambda: ml.mnlogit("party ~ age + educ", survey()).fit(bias_reduction="mean"),
    "two categories": lambda: ml.mnlogit("south ~ age + educ", two()).fit(),
    "no constant": lambda: fitted("party ~ age + educ - 1"),
}


def two():
    return survey().assign(south=survey()["region"] == "south")


@pytest.mark.parametrize("kind", FITS)
def test_derivatives_are_differences_of_wald_statistics(kind):
    check_by_differences(FITS[kind]())


def test_rebase_is_a_fit_with_another_base():
    pd.testing.assert_frame_equal(
        fitted().rebase("red").hauck_donner(), fitted(base="red").hauck_donner(), rtol=1e-7
    )


def test_units_and_order_of_rows_do_not_matter():
    told = fitted("party ~ age + educ").hauck_donner()
    frame = survey().assign(age=survey()["age"] * 1e6).sample(frac=1, random_state=3)
    found = ml.mnlogit("party ~ age + educ", frame).fit().hauck_donner()
    kept = told.index.get_level_values("name") != "Intercept"
    columns = ["statistic", "slope"]
    np.testing.assert_allclose(found.loc[kept, columns], told.loc[kept, columns], rtol=1e-7)
    scaled = found.loc[("red", "age"), "derivative"] * 1e-6
    assert scaled == pytest.approx(told.loc[("red", "age"), "derivative"], rel=1e-7)


def test_the_origin_of_a_column_matters_as_the_definition_has_it():
    """With the intercept held still, a coefficient moves other rows about another origin."""
    res = ml.mnlogit("party ~ center(age) + educ", survey()).fit()
    check_by_differences(res)
    told = fitted("party ~ age + educ").hauck_donner()["slope"]
    assert abs(res.hauck_donner()["slope"] - told.to_numpy()).max() > 1e-5


def test_the_covariance_in_use_does_not_matter():
    pd.testing.assert_frame_equal(
        fitted().with_cov("HC0").hauck_donner(), fitted().hauck_donner(), rtol=1e-14
    )


def test_a_column_left_out_is_told():
    frame = survey().assign(twice=survey()["age"] * 2)
    with pytest.warns(CollinearityWarning):
        res = ml.mnlogit("party ~ age + twice + educ", frame).fit()
    table = res.hauck_donner()
    left_out = table.xs("twice", level="name")
    assert left_out[["statistic", "derivative", "slope", "flag"]].isna().all().all()
    assert (left_out["words"] == "the column was left out").all()
    rest = table.drop(index="twice", level="name")
    told = fitted("party ~ age + educ").hauck_donner()
    np.testing.assert_allclose(rest["derivative"], told["derivative"], rtol=1e-8)


def test_separated_data_keep_what_is_finite():
    rng = np.random.default_rng(9)
    frame = pd.DataFrame({"x": rng.normal(size=90), "g": np.repeat([0, 1], [60, 30])})
    codes = (rng.gumbel(size=(90, 3)) + np.outer(frame["x"], [0, 0.5, -0.5])).argmax(axis=1)
    frame["y"] = np.where(frame["g"] == 1, "d", np.array(["a", "b", "c"])[codes])
    with pytest.warns(SeparationWarning):
        res = ml.mnlogit("y ~ x + g", frame).fit()
    table = res.hauck_donner()
    told = ml.mnlogit("y ~ x", frame[frame["g"] == 0]).fit().hauck_donner()
    for category in ("b", "c"):
        for name in ("Intercept", "x"):
            found = table.loc[(category, name)]
            assert found["slope"] == pytest.approx(told.loc[(category, name), "slope"], rel=1e-5)
    infinite = table.loc[("d", "g")]
    assert np.isnan(infinite["slope"])
    assert infinite["words"] == "the coefficient is infinite"
    assert infinite["flag"] is pd.NA


def test_sampling_weights_have_no_derivative():
    table = fitted(weights="weight", weight_type="sampling").hauck_donner()
    assert table[["statistic", "derivative", "slope", "flag"]].isna().all().all()
    assert table["words"].str.contains("sampling weights").all()


def test_a_fit_without_covariance_says_so():
    record = fitted().record
    bare = replace(record, maximum=replace(record.maximum, inverse=None))
    assert find_hauck_donner(bare)["words"].str.contains("no finite maximum").all()
    sums = replace(record.maximum.sums, information=None)
    small = replace(record, maximum=replace(record.maximum, sums=sums))
    assert find_hauck_donner(small)["words"].str.contains("left out for its size").all()
    with pytest.raises(DataNotKeptError):
        find_hauck_donner(replace(record, blocks=None))
