"""What is asked of effects: read, refused by name, and laid out as asked."""

import pickle
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import mlelogit as ml
from mlelogit.exceptions import (
    ColumnNotFoundError,
    CovarianceError,
    DataNotKeptError,
    EffectError,
    EmptyDataError,
    FormulaError,
    OptionError,
    SizeLimitError,
    UnseenLevelError,
    WeightError,
)
from mlelogit.interpretation.margins.requests import find_quantiles
from mlelogit.results import MNLogitResults
from tests.interpretation.margins.plain import fitted, rows

RHS = "x * g + I(z ** 2) + b"


@pytest.mark.parametrize(
    ("asked", "error", "said"),
    [
        ({"variables": "q"}, EffectError, "'q' is no variable"),
        ({"variables": ["x", ["z"]]}, EffectError, "is no variable"),
        ({"variables": "Intercept"}, EffectError, "is no variable of the fit, or is constant"),
        ({"kind": "median"}, OptionError, "average, at_means, balanced"),
        ({"effect": "dx"}, OptionError, "dydx, eyex, dyex, eydx, level"),
        ({"variables": "g", "effect": "eyex"}, EffectError, "'g'.*is a factor"),
        ({"variables": "x", "effect": "level"}, EffectError, "'x'.*is a number"),
        ({"effect": "eyex", "change": "sd"}, EffectError, "leave out one"),
        ({"change": "twice"}, OptionError, "centered unit"),
        ({"change": {"q": 1}}, EffectError, "change names 'q'"),
        ({"change": {"x": "pairwise"}}, OptionError, "number 'x'"),
        ({"change": {"x": (1, 1)}}, OptionError, "number 'x'"),
        ({"change": {"x": 0}}, OptionError, "number 'x'"),
        ({"change": {"x": np.inf}}, OptionError, "number 'x'"),
        ({"change": {"x": True}}, OptionError, "number 'x'"),
        ({"change": {"g": "sd"}}, OptionError, "factor 'g'"),
        ({"change": {"g": ("u", "t")}}, UnseenLevelError, "'t' for 'g'"),
        ({"change": {"g": ("u", "u")}}, OptionError, "two different levels"),
        ({"change": object()}, OptionError, "object"),
        ({"variables": "g", "change": ("u", "t")}, OptionError, "nor levels of a factor asked for"),
        ({"variables": "g", "change": ["u", "v", "w"]}, OptionError, "factor 'g'"),
        ({"variables": "g", "change": ("u",)}, OptionError, "factor 'g'"),
        ({"variables": "g", "change": 1}, OptionError, "factor 'g'"),
        ({"variables": "g", "change": "sd"}, OptionError, "factor 'g'.*'sd'"),
        ({"variables": "g", "change": (1, 2)}, UnseenLevelError, "1 for 'g'"),
        ({"variables": ["g", "b"], "change": ("u", "v")}, UnseenLevelError, "'u' for 'b'"),
        ({"variables": "b", "change": (1, 2)}, UnseenLevelError, "2 for 'b'"),
        ({"variables": "x", "change": "pairwise"}, OptionError, "number 'x'"),
        ({"variables": ["x", "z"], "change": "reference"}, OptionError, "number 'x'"),
        ({"variables": ["x", "g"], "change": ("u", "t")}, OptionError, "nor levels of a factor"),
        ({"variables": "x", "change": (1, 2), "at": {"x": [1, 2]}}, EffectError, "at= fixes 'x'"),
        ({"variables": "x", "change": "iqr", "at": {"x": 1}}, EffectError, "at= fixes 'x'"),
        ({"change": {"x": "range"}, "variables": ["x", "z"], "at": {"x": 1}}, EffectError, "'x'"),
        ({"variables": "g", "at": {"g": "u"}}, EffectError, "at= fixes 'g'"),
        ({"variables": ["x", "g"], "at": {"g": ["u", "v"]}}, EffectError, "at= fixes 'g'"),
        ({"variables": []}, EffectError, "variables= names none"),
        ({"variables": rows()}, EffectError, r"^.{0,250}go to newdata="),
        ({"at": {"x": [1, 1.0]}}, OptionError, "1.0 twice for 'x'"),
        ({"at": [{"x": 1}, {"x": 1}]}, OptionError, "twice"),
        ({"at": {"q": 1}}, EffectError, "at names 'q'"),
        ({"at": {"g": "t"}}, UnseenLevelError, "'t' for 'g', whose levels are 'u', 'v', 'w'"),
        ({"at": {"x": np.nan}}, OptionError, "finite numbers for 'x'"),
        ({"at": {"x": "a"}}, OptionError, "finite numbers for 'x'"),
        ({"at": {"x": []}}, OptionError, "no value for 'x'"),
        ({"at": [1, 2]}, OptionError, "at= is a mapping"),
        ({"at": [{"x": 1}, {"z": 1}]}, OptionError, "the same variables"),
        ({"at": {"x": np.arange(200), "z": np.arange(200)}}, SizeLimitError, "40,000 combinations"),
        ({"by": "nothing"}, ColumnNotFoundError, "'nothing'"),
        ({"weights": "times"}, WeightError, "goes with newdata"),
    ],
)
def test_what_cannot_be_is_refused_by_name(asked, error, said):
    with pytest.raises(error, match=said):
        fitted(RHS).margins(**asked)


def test_unknown_words_are_refused():
    with pytest.raises(TypeError, match="change_by"):
        fitted(RHS).margins(change_by=1)


def test_values_beyond_a_spline_are_refused():
    with pytest.raises(FormulaError, match="beyond"):
        fitted("bs(x, df=4) + z").margins("x", at={"x": 99})


def test_a_fit_without_its_frame_takes_new_rows():
    res = pickle.loads(pickle.dumps(fitted(RHS)))
    with pytest.raises(DataNotKeptError, match="newdata"):
        res.margins("x")
    found = res.margins("x", newdata=rows())
    np.testing.assert_allclose(found.estimate, fitted(RHS).margins("x").estimate, rtol=1e-12)
    array = ml.MNLogit(rows()["y"], rows()[["x", "z"]].to_numpy()).fit()
    again = pickle.loads(pickle.dumps(array))
    np.testing.assert_array_equal(again.margins().estimate, array.margins().estimate)


def test_rows_that_count_for_nothing_have_no_average():
    res, frame = fitted(RHS), rows()
    with pytest.raises(EmptyDataError, match="no rows"):
        res.margins("x", newdata=frame.head(0))
    for kind in ("average", "at_means", "balanced"):
        with pytest.raises(WeightError, match="zero"):
            res.margins("x", kind, newdata=frame, weights=np.zeros(120))
        weights = (frame["part"] == "q") * 1.0
        with pytest.raises(WeightError, match="by='p'"):
            res.margins("x", kind, newdata=frame, weights=weights, by="part")


def test_spread_is_that_of_the_rows_of_the_fit():
    res, frame = fitted(RHS), rows()
    mine = res.margins("x", change="sd", newdata=frame.head(2))
    expected = res.margins("x", change=float(frame["x"].std()), newdata=frame.head(2))
    np.testing.assert_allclose(mine.estimate, expected.estimate, rtol=1e-10)


@pytest.mark.parametrize("change", ["sd", "centered sd", "range", "iqr"])
def test_rows_that_were_lost_measure_nothing(change):
    lost = pickle.loads(pickle.dumps(fitted(RHS)))
    without = MNLogitResults(replace(lost.record, blocks=None), lost.covariance)
    for res in (lost, without):
        with pytest.raises(DataNotKeptError, match=f"{change!r} of 'x'.*give a number"):
            res.margins("x", change=change, newdata=rows().head(9))
        by_number = res.margins("x", change=0.5, newdata=rows().head(9))
        expected = fitted(RHS).margins("x", change=0.5, newdata=rows().head(9))
        np.testing.assert_allclose(by_number.estimate, expected.estimate, rtol=1e-12)


def test_a_covariance_left_out_is_said():
    res = fitted("x")
    from mlelogit.inference.covariance import omit_covariance

    without = MNLogitResults(res.record, omit_covariance("nonrobust", 4))
    with pytest.raises(CovarianceError, match="left out"):
        without.margins()


def test_variables_come_in_their_order_and_truth_values_are_factors():
    table = fitted(RHS).margins().labels
    pairs = list(dict.fromkeys(zip(table["variable"], table["contrast"], strict=True)))
    assert pairs == [
        ("x", "dy/dx"),
        ("g", "v - u"),
        ("g", "w - u"),
        ("z", "dy/dx"),
        ("b", "True - False"),
    ]
    assert list(table["category"][:3]) == ["a", "b", "c"]


def test_levels_are_compared_with_the_one_they_are_coded_against():
    def contrasts(rhs, **asked):
        return list(dict.fromkeys(fitted(rhs).margins("g", **asked).labels["contrast"]))

    assert contrasts("C(g, Treatment('w'))") == ["u - w", "v - w"]
    assert contrasts("C(g, contr.treatment('v'))") == ["u - v", "w - v"]
    assert contrasts("C(g, contr.SAS())") == ["u - w", "v - w"]
    assert contrasts("C(g, Sum)") == ["v - u", "w - u"]
    assert contrasts("g", change="sequential") == ["v - u", "w - v"]
    assert contrasts("g", change=("w", "v")) == ["v - w"]
    assert contrasts("g", change={"g": ["w", "v"]}) == ["v - w"]


def test_levels_are_found_as_what_they_are():
    frame = rows().assign(h=rows()["h"] * 1.0)
    res = ml.mnlogit("y ~ C(h) + b + x", frame).fit()

    def contrasts(*asked, **more):
        return list(res.margins(*asked, **more).labels["contrast"][::3])

    assert contrasts("h", change=(2, 1)) == ["1 - 2"]
    assert contrasts("b", change=(1, 0)) == contrasts("b", change=(True, False)) == ["False - True"]
    assert contrasts(["h", "x"], change=(2, 1)) == ["1 - 2", "1 - 2"]
    assert contrasts(["b", "x"], change=(2, 1)) == ["True - False", "1 - 2"]
    assert contrasts(["b", "x"], change=np.array([1, 0])) == ["False - True", "0 - 1"]


def test_what_at_fixes_has_no_other_values():
    res = fitted(RHS)
    every = res.margins(at={"g": ["u", "v"]}).labels
    assert set(every["variable"]) == {"x", "z", "b"}
    every = res.margins(at={"x": 1.0}, change=(1, 2)).labels
    assert set(every["variable"]) == {"g", "z", "b"}
    step = res.margins("x", at={"x": [1.0, 2.0]}, change=1)
    ends = res.margins("x", change=(1, 2)).estimate, res.margins("x", change=(2, 3)).estimate
    expected = np.concatenate(ends)
    np.testing.assert_allclose(step.estimate, expected, rtol=1e-12)
    slope = res.margins("x", at={"x": [1.0, 2.0]}).labels
    assert set(slope["x"]) == {1.0, 2.0}


def test_levels_at_a_value_are_those_asked_for():
    res, at = fitted(RHS), {"x": [1.0, 2.0]}
    plain = res.margins(effect="level", at=at)
    pd.testing.assert_frame_equal(
        res.margins("x", effect="level", at=at).summary_frame(), plain.summary_frame()
    )
    both = res.margins(["x", "g"], effect="level", at=at)
    pd.testing.assert_frame_equal(
        both.summary_frame(), res.margins("g", effect="level", at=at).summary_frame()
    )
    fixed = res.margins("g", effect="level", at={"g": ["w"]})
    np.testing.assert_allclose(
        fixed.estimate, res.margins("g", effect="level").select(contrast="w").estimate
    )


@pytest.mark.filterwarnings("ignore::mlelogit.exceptions.CollinearityWarning")
def test_a_number_that_is_coded_too_is_a_factor():
    frame = rows().assign(i=np.arange(120) % 3 + 1)
    res, plain = (ml.mnlogit(f"y ~ {rhs}", frame).fit() for rhs in ("i + C(i) + x", "C(i) + x"))
    assert set(res.margins("i").labels["contrast"]) == {"2 - 1", "3 - 1"}
    for kind in ("average", "at_means", "balanced"):
        found, expected = res.margins(kind=kind), plain.margins(["i", "x"], kind)
        np.testing.assert_allclose(found.estimate, expected.estimate, rtol=1e-7)
        np.testing.assert_allclose(found.std_err, expected.std_err, rtol=1e-7)


def test_columns_of_every_dtype():
    frame = rows().assign(
        i=pd.array(rows()["h"], dtype="Int64"),
        t=pd.array(rows()["b"], dtype="boolean"),
        o=rows()["h"].astype(object),
        f=rows()["z"].astype("float32"),
        c=pd.Categorical(rows()["g"], ["w", "u", "v"], ordered=True),
    )
    for rhs, plain in (("i * x + t + f", "h * x + b + f"), ("o + c:x + t", "h + g:x + b")):
        mine = ml.mnlogit(f"y ~ {rhs}", frame).fit().margins(change="centered sd")
        other = ml.mnlogit(f"y ~ {plain}", frame).fit().margins(change="centered sd")
        for name, same in (("i", "h"), ("t", "b"), ("x", "x"), ("o", "h")):
            if name in rhs:
                found, expected = mine.select(variable=name), other.select(variable=same)
                np.testing.assert_allclose(found.estimate, expected.estimate, rtol=1e-7)
                np.testing.assert_allclose(found.std_err, expected.std_err, rtol=1e-7)
    ordered = ml.mnlogit("y ~ c", frame).fit().margins("c").labels["contrast"]
    assert list(dict.fromkeys(ordered)) == ["u - w", "v - w"]


@pytest.mark.filterwarnings("ignore::mlelogit.exceptions.CollinearityWarning")
def test_wide_factors_are_as_narrow_ones():
    frame = rows().assign(k=np.arange(120) % 70)
    res = ml.mnlogit("y ~ C(k) + x", frame).fit(bias_reduction="mean")
    assert res.record.encoding.wide
    for value, name in ((3, "k"), (2.0, "x")):
        levels = res.margins(effect="level", at={name: value})
        expected = res.predict(frame.assign(**{name: value})).mean()
        np.testing.assert_allclose(levels.estimate, expected, rtol=1e-12)
    step = 1e-5
    ends = [res.predict(frame.assign(x=frame["x"] + d)).mean() for d in (-step, step)]
    slope = (ends[1] - ends[0]) / (2 * step)
    np.testing.assert_allclose(res.margins("x").estimate, slope, rtol=1e-6)
    np.testing.assert_allclose(res.margins("k", change=(3, 4)).estimate.sum(), 0, atol=1e-12)


def test_what_the_fit_knew_as_truth_values_stays_a_factor():
    res, new = fitted(RHS), rows().assign(b=rows()["b"].astype(int))
    found = res.margins("b", newdata=new)
    assert set(found.labels["contrast"]) == {"True - False"}
    np.testing.assert_allclose(found.estimate, res.margins("b").estimate, rtol=1e-12)
    table = pd.DataFrame({"one": 1.0, "x": rows()["x"], "b": rows()["b"]})
    array = ml.MNLogit(rows()["y"], table).fit()
    without = MNLogitResults(replace(array.record, blocks=None), array.covariance)
    lost = without.margins("b", newdata=table.astype(float))
    assert lost.labels.equals(array.margins("b").labels)
    np.testing.assert_allclose(lost.estimate, array.margins("b").estimate, rtol=1e-12)
    # Numbers of a fit are numbers, whatever new rows hold.
    numbers = ml.mnlogit("y ~ b", new).fit().margins("b", newdata=rows())
    assert set(numbers.labels["contrast"]) == {"dy/dx"}


def test_a_change_of_what_is_not_asked_for_raises():
    with pytest.raises(EffectError, match=r"'z'.*leaves out"):
        fitted(RHS).margins("x", change={"z": "sd"})


def test_a_set_of_variables_comes_in_the_order_of_the_formula():
    for asked in ({"z", "x", "g"}, frozenset({"g", "z", "x"})):
        table = fitted(RHS).margins(asked).labels
        assert list(dict.fromkeys(table["variable"])) == ["x", "g", "z"]
    with pytest.raises(EffectError, match="'q'"):
        fitted(RHS).margins({"x", "q"})


def test_two_levels_alone_are_for_the_factors_that_have_them():
    def contrasts(rhs, frame, change):
        table = ml.mnlogit(f"y ~ {rhs}", frame).fit().margins(change=change).labels
        return list(dict.fromkeys(table["contrast"]))

    frame = rows().assign(t=rows()["h"].astype(str))
    assert contrasts("b + x", frame, (False, True)) == ["True - False", "dy/dx"]
    assert contrasts("t + x", frame, ("2", "1")) == ["1 - 2", "dy/dx"]
    # The texts "1" and "2" are not these numbers, of which x takes the change.
    assert contrasts("t + x", frame, (2, 1)) == ["2 - 1", "1 - 2"]
    assert contrasts("g + x", frame, np.array(["v", "u"])) == ["u - v", "dy/dx"]
    with pytest.raises(OptionError, match="no two numbers, nor levels"):
        fitted("x + g").margins(change=("u", "nowhere"))


def test_a_change_alone_is_for_all_numbers_or_all_factors():
    table = fitted(RHS).margins(change="centered sd").labels
    assert list(dict.fromkeys(table["contrast"])) == [
        "+sd/2 - -sd/2",
        "v - u",
        "w - u",
        "True - False",
    ]
    table = fitted(RHS).margins(change="pairwise").labels
    assert list(dict.fromkeys(table["contrast"])) == [
        "dy/dx",
        "v - u",
        "w - u",
        "w - v",
        "True - False",
    ]


def test_elasticities_of_all_are_those_of_numbers():
    table = fitted(RHS).margins(effect="eyex").labels
    assert list(dict.fromkeys(table["variable"])) == ["x", "z"]
    assert set(table["contrast"]) == {"ey/ex"}


def test_names_of_columns_that_meet_are_told_apart():
    found = fitted(RHS).margins("x", at={"g": ["u", "v"]}, by=["g", "h"])
    assert list(found.labels) == ["variable", "contrast", "category", "g", "by g", "h"]
    frame = rows().rename(columns={"x": "category"})
    found = ml.mnlogit("y ~ category + z", frame).fit().margins("z", at={"category": 1})
    assert list(found.labels) == ["variable", "contrast", "category", "at category"]


def test_quantiles_of_whole_weights_are_those_of_values_laid_out():
    rng = np.random.default_rng(0)
    values, times = rng.normal(size=40), rng.integers(0, 5, 40)
    shares = (0, 0.1, 0.25, 0.5, 0.9, 1)
    expected = np.quantile(np.repeat(values, times), shares)
    mine = find_quantiles(values, times, shares, counted=True)
    np.testing.assert_allclose(mine, expected, rtol=1e-13)
    inverted = np.quantile(values, shares, method="inverted_cdf", weights=times)
    mine = find_quantiles(values, times, shares[1:], counted=False)
    np.testing.assert_array_equal(mine, inverted[1:])
    values, shares = np.arange(1.0, 5), (0.25, 0.5, 0.75)
    for size in (0.5, 1, 2, 1 / 3):
        assert find_quantiles(values, np.full(4, size), shares, counted=False) == [1.0, 2.0, 3.0]


def test_the_size_of_sampling_weights_does_not_matter():
    frame = rows().assign(one=1.0)
    fits = [
        ml.mnlogit(
            "y ~ x", frame.assign(w=frame["one"] * size), weights="w", weight_type="sampling"
        ).fit()
        for size in (1, 0.5)
    ]
    for change in ("iqr", "sd", "range"):
        first, second = (res.margins("x", change=change).estimate for res in fits)
        np.testing.assert_allclose(first, second, rtol=1e-9)


def test_polars_frames_and_categories_of_any_kind():
    pl = pytest.importorskip("polars")
    mine = ml.mnlogit(f"y ~ {RHS}", pl.from_pandas(rows())).fit().margins(by="part")
    np.testing.assert_allclose(mine.estimate, fitted(RHS).margins(by="part").estimate, rtol=1e-9)
    codes = pd.Categorical(rows()["y"]).codes.astype(int)
    res = ml.MNLogit(codes, pd.DataFrame({0: 1.0, 1: rows()["x"], (2, 3): rows()["z"]})).fit()
    table = res.margins(at={1: 2}).labels
    assert list(dict.fromkeys(table["variable"])) == [1, (2, 3)]
    assert list(table["category"][:3]) == [0, 1, 2]
    assert set(table["1"]) == {2.0}


@pytest.mark.parametrize("form", ["pandas", "dict", "polars"])
def test_new_rows_need_not_have_what_at_fixes(form):
    res, few = fitted(RHS), rows()[["x", "z"]].head(4).set_index(pd.Index([3, 1, 2, 9]))
    at = {"g": "v", "b": [True, False]}
    expected = res.margins("x", newdata=few.assign(g="u", b=True), at=at, by=few["z"] > 2)
    if form == "polars":
        given = pytest.importorskip("polars").from_pandas(few)
    else:
        given = few if form == "pandas" else few.to_dict("list")
    by = few["z"] > 2 if form == "pandas" else (few["z"] > 2).to_numpy()
    found = res.margins("x", newdata=given, at=at, by=by)
    np.testing.assert_allclose(found.estimate, expected.estimate, rtol=1e-12)
    assert list(few.columns) == ["x", "z"]
    with pytest.raises(ColumnNotFoundError, match="'b'"):
        res.margins("x", newdata=given, at={"g": "v"})


def test_a_spline_says_which_values_lie_beyond_its_knots():
    res = fitted("bs(x, df=4) + z")
    far = rows()["x"].max() + rows()["x"].std()
    with pytest.raises(
        FormulaError, match=rf"^.*x lies beyond.*of 120 rows, farthest at {far:.4g}"
    ):
        res.margins("x", change="sd")
    with pytest.raises(FormulaError, match=r"0.4 to 3.1, in 2 of 3 rows, farthest at 99. Give low"):
        res.predict({"x": [1, 99, 4], "z": [1, 2, 3]})
    wider = fitted("bs(x, df=4, extrapolation='extend') + z").margins("x", change="sd")
    assert np.isfinite(wider.std_err).all()


def test_intervals_are_those_of_the_summary():
    found = fitted(RHS).margins("x")
    frame = found.summary_frame(alpha=0.1)
    pd.testing.assert_frame_equal(found.conf_int(0.1), frame[["lower", "upper"]])
    prediction = fitted(RHS).get_prediction()
    frame = prediction.summary_frame(0.1, "linear", against="b")
    mine = prediction.conf_int(0.1, "linear", against="b")
    pd.testing.assert_frame_equal(mine, frame[["lower", "upper"]])
