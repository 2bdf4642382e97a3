"""Values of at= taken together: as each alone, and with few evaluations of the formula."""

import itertools

import numpy as np
import pandas as pd
import pytest

import mlelogit as ml
import mlelogit.data.columns
from mlelogit.exceptions import MissingDataError
from tests.interpretation.margins.plain import fitted, rows

RHS = "x * g + I(z ** 2) + b"
AT = {"z": [0.5, 3.5], "b": [True, False]}


def check_each(res, *args, at, rtol=1e-9, **asked):
    """Compare effects at several values with those at each combination by itself."""
    every = res.margins(*args, at=at, **asked)
    for values in itertools.product(*at.values()):
        fixed = dict(zip(at, values, strict=True))
        alone = res.margins(*args, at=fixed, **asked)
        named = {f"at {name}" if name == "z" else name: value for name, value in fixed.items()}
        same = every.select(**named)
        np.testing.assert_allclose(same.estimate, alone.estimate, rtol=rtol, atol=1e-14)
        np.testing.assert_allclose(same.std_err, alone.std_err, rtol=rtol, atol=1e-14)
        pd.testing.assert_frame_equal(same.labels, alone.labels, check_dtype=False)


@pytest.mark.parametrize("kind", ["average", "at_means", "balanced"])
@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"by": "part"},
        {"change": "centered sd"},
        {"effect": "eyex"},
        {"effect": "level"},
        {"effect": "level", "variables": "g"},
        {"newdata": rows().head(40), "weights": "times"},
    ],
    ids=lambda asked: "-".join(asked) or "all",
)
def test_values_together_are_as_each_alone(kind, asked):
    check_each(fitted(RHS), kind=kind, at=AT, **asked)


@pytest.mark.parametrize("kind", ["average", "at_means"])
def test_levels_of_any_kind_are_fixed_together(kind):
    mixed = pd.Categorical.from_codes(np.arange(120) % 3, [1, "a", 2.5])
    frame = rows().assign(m=mixed, c=pd.Categorical(rows()["g"], ["w", "u", "v"]))
    res = ml.mnlogit("y ~ m + c:x + C(h)", frame).fit()
    check_each(res, "x", kind=kind, at={"m": [1, "a", 2.5], "h": [1, 2], "c": ["w", "u", "v"]})


def test_offsets_and_wide_factors_are_fixed_together():
    frame = rows().assign(k=np.arange(120) % 70)
    offset = np.random.default_rng(0).normal(size=(120, 2))
    res = ml.mnlogit("y ~ x + g", frame, offset=offset).fit()
    for kind in ("average", "at_means"):
        check_each(res, kind=kind, at={"x": [1.0, 2.0, 3.0]})
    wide = ml.mnlogit("y ~ C(k) + x", frame).fit(bias_reduction="mean")
    check_each(wide, "x", at={"k": [3, 4]}, rtol=1e-8)


@pytest.mark.parametrize("kind", ["average", "at_means"])
def test_a_formula_is_evaluated_once_for_many_values(kind, monkeypatch):
    counted = []
    run = mlelogit.data.columns._run_formulaic
    monkeypatch.setattr(
        mlelogit.data.columns, "_run_formulaic", lambda *args: counted.append(1) or run(*args)
    )
    res = fitted(RHS)
    counts = []
    for values in ([1.0, 2.0], np.linspace(0, 4, 50)):
        counted.clear()
        res.margins("x", kind, at={"z": values})
        counts.append(len(counted))
    assert counts[0] == counts[1] < 20


def test_numbers_that_move_at_one_rate_are_not_encoded_again(monkeypatch):
    frame = rows().assign(far=rows()["share"] * 1e3 + 1e6)
    res = ml.mnlogit("y ~ scale(x) + center(z) + I(far) + g + b", frame).fit()
    sizes = []
    run = mlelogit.data.columns._run_formulaic
    monkeypatch.setattr(
        mlelogit.data.columns,
        "_run_formulaic",
        lambda rhs, frame, *args: sizes.append(len(frame)) or run(rhs, frame, *args),
    )
    every = {
        (name, change): res.margins(name, change=change, at=at)
        for name, at in (("x", {"g": "v"}), ("z", None), ("far", None))
        for change in ("sd", "centered sd")
    }
    assert max(sizes) == 1
    for (name, change), found in every.items():
        fixed = frame.assign(g="v") if name == "x" else frame
        size = frame[name].std()
        low, high = (-size / 2, size / 2) if change.startswith("c") else (0, size)
        ends = [res.predict(fixed.assign(**{name: frame[name] + d})).mean() for d in (low, high)]
        np.testing.assert_allclose(found.estimate, ends[1] - ends[0], rtol=1e-9)


def test_an_error_is_of_the_value_that_it_is_at():
    res = fitted("np.log(z + 2) * x")
    with pytest.raises(MissingDataError, match="120 rows") as several:
        res.margins(effect="level", at={"z": [1.0, -5.0, 2.0], "x": [1, 2]})
    with pytest.raises(MissingDataError, match="120 rows") as single:
        res.margins(effect="level", at={"z": -5.0, "x": 1})
    assert str(single.value) == str(several.value)
