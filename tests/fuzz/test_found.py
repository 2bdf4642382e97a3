"""Inputs that once ended in another package's exception or warning, or in a wrong number."""

import decimal
import time

import numpy as np
import pandas as pd
import polars as pl
import pytest

import mlelogit as ml
from mlelogit.exceptions import (
    BaseCategoryError,
    ColumnTypeError,
    MNLogitError,
    OffsetError,
    OptionError,
    OutcomeError,
    ParamsError,
    WeightError,
)
from tests.fuzz.commands import run

ARRAYS = [np.array(["a", "b"]), np.array([]), np.full(4, np.nan)]
NOT_WORDS = [*ARRAYS, pd.Series(dtype=float), pd.DataFrame(), pl.DataFrame(), pd.NA, [], 5, 1j]


@pytest.fixture
def frame():
    rng = np.random.default_rng(17)
    frame = pd.DataFrame({"a b": rng.normal(5, 1, 80), "a.b": rng.normal(-7, 3, 80)})
    frame["a_b"] = rng.normal(100, 10, 80)
    frame["y"] = np.array(["u", "v", "w"])[rng.integers(0, 3, 80)]
    frame["x"] = rng.normal(size=80)
    return frame


@pytest.fixture
def res(frame):
    return ml.mnlogit("y ~ x", frame).fit()


@pytest.mark.parametrize("value", NOT_WORDS, ids=lambda value: type(value).__name__)
def test_what_is_no_word_is_not_on_the_list(value, frame, res):
    x = frame[["x"]]
    questions = {
        OptionError: [
            lambda: ml.MNLogit(frame["y"], x, missing=value),
            lambda: ml.MNLogit(frame["y"], x, outcome=value),
            lambda: ml.MNLogit(frame["y"], x).fit(cov_type=value),
            lambda: ml.MNLogit(frame["y"], x).fit(callback=5),
            lambda: ml.MNLogit(frame["y"], x).fit(disp="yes"),
            lambda: res.predict(which=value),
            lambda: res.predict(missing=value),
            lambda: res.with_cov(value),
            lambda: res.verify(engines=[value]),
        ],
        BaseCategoryError: [
            lambda: ml.MNLogit(frame["y"], x, base=value),
            lambda: res.rebase(value),
        ],
        MNLogitError: [lambda: ml.MNLogit(frame["y"], x, weights=[1] * 80, weight_type=value)],
    }
    for error, asked in questions.items():
        for question in asked:
            with pytest.raises(error, match=r"must be|not"):
                question()


@pytest.mark.parametrize("value", [*ARRAYS[1:], pd.NA, 5, [1], {"groups": 1}])
def test_arguments_of_a_covariance_that_takes_none(value, frame):
    with pytest.raises(OptionError, match="cov_kwds"):
        ml.mnlogit("y ~ x", frame).fit(cov_kwds=value)


@pytest.mark.parametrize("value", [pd.NA, pl.DataFrame(), "yes", None])
def test_disp_is_true_or_false(value, frame):
    with pytest.raises(OptionError, match="disp"):
        ml.mnlogit("y ~ x", frame).fit(disp=value)


NO_NUMBERS = [
    [1, [2]],
    1j,
    10**400,
    "x",
    {},
    pd.NA,
    [decimal.Decimal("sNaN")],
    np.datetime64("NaT"),
]


@pytest.mark.parametrize("value", NO_NUMBERS, ids=str)
def test_what_is_no_array_of_numbers(value, frame, res):
    model = ml.mnlogit("y ~ x", frame)
    for question in (
        lambda: model.fit(start_params=value),
        lambda: model.loglike(value),
        lambda: res.wald_test("x", value),
    ):
        with pytest.raises(ParamsError, match="real numbers"):
            question()
    with pytest.raises(WeightError, match="times"):
        res.refit(value)
    with pytest.raises(MNLogitError):
        ml.MNLogit(frame["y"], frame[["x"]], weights=value, weight_type="sampling")


def test_masked_entries_are_not_read_as_numbers(frame):
    hidden = np.ma.array([[1.0, 2.0]], mask=[[False, True]])
    res = ml.MNLogit(frame["y"], frame[["x", "a b"]].to_numpy()).fit()
    with pytest.raises(MNLogitError, match=r"[Mm]issing"):
        res.predict(hidden)
    assert res.predict(hidden, missing="propagate").isna().all(axis=None)
    with pytest.raises(ParamsError, match="finite"):
        ml.mnlogit("y ~ x", frame).fit(start_params=np.ma.array(np.zeros(4), mask=[0, 0, 0, 1]))


def test_ragged_rows_are_named(frame, res):
    plain = ml.MNLogit(frame["y"], frame[["x"]]).fit()
    with pytest.raises(ColumnTypeError, match="rectangle"):
        plain.predict([[1], [2, 3]])
    with pytest.raises(MNLogitError):
        ml.MNLogit(frame["y"], frame[["x"]], offset=[[1], [2, 3]])


@pytest.mark.parametrize("weight", [1e300, 1e51, 1e-51, 1e-300, 5e-324])
def test_weights_whose_squares_leave_the_range_of_a_double(weight, frame):
    with pytest.raises(WeightError, match=r"largest weight.*divide"):
        ml.mnlogit("y ~ x", frame, weights=np.full(80, weight), weight_type="sampling")


def test_single_weights_may_be_next_to_nothing(frame):
    weights = np.where(np.arange(80) < 40, 1.0, 1e-300)
    tiny = ml.mnlogit("y ~ x", frame, weights=weights, weight_type="sampling").fit()
    half = ml.mnlogit("y ~ x", frame.iloc[:40]).fit()
    assert tiny.converged
    np.testing.assert_allclose(tiny.params, half.params, rtol=1e-7)


def test_counts_whose_squares_leave_the_range_of_a_double():
    with pytest.raises(OutcomeError, match=r"1e\+50"):
        ml.MNLogit(np.eye(3) * 1e300, np.ones((3, 1)))


@pytest.mark.parametrize("offset", [pd.DataFrame(index=range(80)), pl.DataFrame(), pd.DataFrame()])
def test_an_offset_without_columns(offset, frame):
    with pytest.raises((OffsetError, MNLogitError), match="offset"):
        ml.MNLogit(frame["y"], frame[["x"]], offset=offset)


def test_labels_in_an_index_of_tuples():
    labels = [("a", 1), ("b", 2)] * 4
    res = ml.MNLogit(pd.MultiIndex.from_tuples(labels), np.ones((8, 1))).fit()
    assert res.categories == (("a", 1), ("b", 2))


def test_robust_variances_of_zero_are_zero_from_every_base():
    """Rows that mirror each other: a combination has no robust variance at all."""
    shares = np.array([[0.3, 0.3, 0.3, 0.1], [0.3, 0.3, 0.1, 0.3]])
    res = ml.MNLogit(shares, np.ones((2, 1))).fit()
    for base in res.categories:
        robust = res.rebase(base).with_cov("HC0")
        moved = res.with_cov("HC0").rebase(base)
        for one in (robust, moved):
            assert not one.bse.isna().any(axis=None)
            assert one.summary().as_text()
            assert one.pvalues.notna().any(axis=None)
            assert "singular" in one.wald_test(one.params.index[0]).reason


@pytest.mark.parametrize("size", [1e-200, 1e200, 5e-324])
def test_hypotheses_do_not_depend_on_their_units(size, res):
    plain = res.wald_test(np.eye(4)[[1, 3]])
    scaled = res.wald_test(np.eye(4)[[1, 3]] * [[size], [1.0]])
    np.testing.assert_allclose(scaled.statistic, plain.statistic, rtol=1e-12)


def test_hypotheses_far_off_and_not_finite(res):
    assert res.wald_test("v: x", 1e300).statistic == np.inf
    assert res.wald_test("v: x", 1e300).p_value == 0
    for value in (np.inf, np.nan):
        with pytest.raises(ParamsError, match="finite"):
            res.wald_test("v: x", value)
    with pytest.raises(ParamsError, match="Row 1"):
        res.wald_test(np.eye(4)[[0, 1]] * [[1], [0]])


def test_refits_of_a_single_row_of_separated_data(frame):
    with pytest.warns(ml.exceptions.MNLogitWarning):
        res = ml.mnlogit("n ~ x", frame.assign(n=frame["x"] > 0)).fit()
    with pytest.warns(ml.exceptions.MNLogitWarning, match="2 of 2"):
        assert res.refit(np.eye(80)[:2]).isna().all(axis=None)


@pytest.mark.parametrize("names", [("a b", "a.b"), ("a b", "a_b"), ("a_b", "a b")])
@pytest.mark.parametrize(
    "formula", ["center(`{}`) + center(`{}`)", "bs(`{}`, df=4) + bs(Q('{}'), df=4)"]
)
def test_what_transforms_learn_is_not_taken_for_another_columns(names, formula, frame):
    """formulaic makes one identifier, a_b, of all three names."""
    state = np.random.get_state()[1].tobytes()  # noqa: NPY002
    model = ml.mnlogit(f"y ~ {formula.format(*names)}", frame)
    assert np.random.get_state()[1].tobytes() == state  # noqa: NPY002
    renamed = frame.rename(columns={names[0]: "one", names[1]: "two"})
    plain = ml.mnlogit(f"y ~ {formula.format('one', 'two')}", renamed)
    columns, expected = model.design.source.block(0, 80), plain.design.source.block(0, 80)
    np.testing.assert_allclose(columns, expected, rtol=1e-12, atol=1e-12)
    res = model.fit()
    few = res.predict(frame.iloc[:7])
    np.testing.assert_allclose(few, res.fittedvalues.iloc[:7], rtol=1e-10)


def test_terms_taken_away_need_no_column(frame):
    for away in ("Q('')", "Q('no')", "`a b`", "Q('a b')"):
        assert ml.mnlogit(f"y ~ x - {away}", frame).exog_names == ("Intercept", "x")


def test_a_column_may_be_called_as_hidden_names_are():
    from mlelogit.data.expressions import hide_name, hide_names, read_name, show_names

    for name in ("a b", "", "é", "`", "x", "for", "__column_61__", "__column_6__", "\ud800"):
        assert read_name(hide_name(name)) == name
        quoted = hide_names(f"Q({name!r})")
        assert read_name(quoted) == name
        assert hide_names(show_names(quoted)) == quoted
        if "`" not in name:
            assert hide_names(show_names(hide_name(name))) == hide_name(name)
    assert hide_name("x") == "x"
    assert hide_names("f'`a b`' + \"Q('x')\" + Q ('a b')").count("__column_") == 0


@pytest.mark.parametrize(
    "formula",
    [
        "y ~ " + "(" * 60 + "x" + ")" * 60,
        "y ~ " + "log(" * 3000 + "x" + ")" * 3000,
        "y ~ " + " * ".join(["."] * 8),
        "y ~ " + " + ".join(["."] * 5000),
        "y ~ (x + `a b`)" + "**2" * 5000,
        "y ~ " + "*".join(["x", "`a b`", "a_b"] * 20),
        "y" * 60_000 + " ~ x",
        "y ~ " + "_" * 60_000,
        "y ~ x" + ".x" * 30_000 + "(",
        "y ~ x" * 200_000,
    ],
    ids=lambda formula: f"{formula[:16]}... {len(formula)}",
)
def test_giant_formulas_are_refused_at_once_and_briefly(formula, frame):
    start = time.perf_counter()
    with pytest.raises(MNLogitError) as refused:
        ml.mnlogit(formula, frame)
    assert time.perf_counter() - start < 4
    assert len(str(refused.value)) < 2000


@pytest.mark.filterwarnings("ignore::mlelogit.exceptions.CollinearityWarning")
def test_large_formulas_that_end_are_read(frame):
    wide = pd.DataFrame(np.random.default_rng(2).normal(size=(80, 400)))
    wide.columns = [f"column{i}" for i in range(400)]
    sums = ml.mnlogit("y ~ " + " + ".join(wide.columns), frame.join(wide))
    assert len(sums.encoding.all_names) == 401
    power = ml.mnlogit("y ~ (x + a_b + `a b` + Q('a.b'))**3", frame)
    assert len(power.exog_names) == 15


def test_columns_of_lists_have_a_named_error(frame):
    frame["lists"] = [[1]] * 80
    frame.loc[3, "x"] = np.nan
    with pytest.raises(MNLogitError):
        ml.mnlogit("y ~ x + lists", frame, missing="drop")


def test_constants_as_factors(frame):
    assert ml.mnlogit("y ~ C(-1, contr.poly(scores=[1, 2, 2]))", frame).exog_names == ("Intercept",)
    alone = ml.mnlogit("y ~ 0 + C(-1)", frame).fit()
    np.testing.assert_allclose(alone.predict(frame.iloc[:2]), alone.fittedvalues.iloc[:2])


def test_names_that_no_file_can_have(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("y,x\na,1\nb,2\n")
    for odd in (["-o", "\x00"], ["--no\nsuch\voption"], ["--base", "u", "--seed\n", "1"]):
        status, out, err = run(["fit", str(path), "y ~ x", *odd])
        assert (status, out) == (2, "")
        assert len(err.splitlines()) == 1


def test_integers_wider_than_numpys(frame):
    codes = np.arange(80) % 2
    wide = pl.Series("y", [10**30 * code for code in codes.tolist()], dtype=pl.Int128)
    assert ml.MNLogit(wide, frame[["x"]]).categories == (0, 10**30)
    columns = pl.DataFrame({"x": (frame["x"] * 1e3).astype("int64").to_numpy()})
    plain = ml.MNLogit(codes, columns).fit()
    again = ml.MNLogit(codes, columns.cast(pl.Int128)).fit()
    np.testing.assert_array_equal(again.params, plain.params)


@pytest.mark.parametrize("make", [pl.DataFrame, lambda rows: pl.DataFrame(rows).to_arrow()])
def test_unsigned_integers_with_nulls(make, frame):
    size = [None, *[2**63 + row * 2**56 for row in range(79)]]
    table = make({"x": pl.Series(size, dtype=pl.UInt64)})
    model = ml.MNLogit(frame["y"], table, missing="drop")
    assert model.design.audit.missing == {"x": 1}
    np.testing.assert_array_equal(model.design.source.block(0, 79)[0], np.array(size[1:], float))


def test_categories_that_are_tuples(frame):
    labels = {"u": ("a", 1), "v": ("a", 2), "w": ("b",)}
    res = ml.MNLogit(frame["y"].map(labels), frame[["x"]]).fit()
    plain = ml.MNLogit(frame["y"], frame[["x"]]).fit()
    for name in ("fittedvalues", "resid_response"):
        assert list(getattr(res, name).columns) == list(labels.values())
        np.testing.assert_array_equal(getattr(res, name), getattr(plain, name))
    np.testing.assert_array_equal(res.pred_table(), plain.pred_table())
    assert res.predict(which="category").tolist() == [
        labels[name] for name in plain.predict(which="category")
    ]
