"""Columns that are combinations of others: named, left out, and nothing else changed."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

import mlelogit as ml
from mlelogit.exceptions import CollinearityWarning, OptionError, ParamsError, RankDeficiencyError


@pytest.fixture
def frame(rng):
    z = rng.normal(size=(300, 3))
    return pd.DataFrame(
        {
            "y": rng.integers(0, 3, 300),
            "a": z[:, 0],
            "b": 1e4 * z[:, 1],
            "c": 2 * z[:, 0] - 1e-4 * (1e4 * z[:, 1]),
            "d": z[:, 2],
        }
    )


@pytest.fixture
def both(frame):
    with pytest.warns(CollinearityWarning, match=r"c = 2 a - 0\.0001 b\. "):
        dropped = ml.mnlogit("y ~ a + b + c + d", frame).fit()
    return dropped, ml.mnlogit("y ~ a + b + d", frame).fit()


def test_the_fit_is_that_without_the_column(both):
    dropped, plain = both
    assert dropped.converged
    assert dropped.llf == pytest.approx(plain.llf, rel=1e-13)
    assert dropped.df_model == plain.df_model
    names = plain.params.index
    for what in ("params", "bse", "pvalues"):
        assert getattr(dropped, what).loc["c"].isna().all()
        pd.testing.assert_frame_equal(
            getattr(dropped, what).loc[names], getattr(plain, what), rtol=1e-9
        )
    kept = dropped.cov_params().dropna(how="all").dropna(axis=1, how="all")
    pd.testing.assert_frame_equal(kept, plain.cov_params(), rtol=1e-8)


def test_the_table_says_so(both):
    text = both[0].summary().as_text()
    assert text.count("(omitted)") == 2
    assert "c = 2 a - 0.0001 b" in text
    assert both[0].omitted == {"c": "c = 2 a - 0.0001 b"}
    assert both[1].omitted == {}
    for form in ("as_html", "as_latex", "as_markdown"):
        assert getattr(both[0].summary(), form)().count("(omitted)") == 2
    tidy = both[0].tidy()
    assert tidy.estimate.isna().sum() == 2
    assert len(tidy) == 10


def test_new_rows_need_not_have_it_nor_obey_it(both, frame):
    dropped, plain = both
    new = frame.iloc[:5].assign(c=1.0)
    pd.testing.assert_frame_equal(dropped.predict(new), plain.predict(new), rtol=1e-9)


def test_arrays_are_read_with_or_without_it(frame):
    x = frame[["a", "c", "b", "d"]].to_numpy()
    with pytest.warns(CollinearityWarning, match="x3 = "):
        model = ml.MNLogit(frame["y"], x)
    res = model.fit()
    expected = res.fittedvalues.iloc[:4]
    pd.testing.assert_frame_equal(res.predict(x[:4]), expected, rtol=1e-9)
    named = pd.DataFrame(x[:4, [0, 1, 3]], columns=["x1", "x2", "x4"])
    pd.testing.assert_frame_equal(res.predict(named), expected, rtol=1e-9)
    assert model.exog_names == ("x1", "x2", "x4")
    assert model.loglike(res.params) == pytest.approx(res.llf, rel=1e-13)
    again = model.fit(start_params=res.params)
    assert again.record.maximum.iterations <= 2
    assert model.loglike(res.params.dropna()) == model.loglike(res.params)


def test_a_hypothesis_on_it_says_that_it_is_not_there(both):
    with pytest.raises(ParamsError, match=r"left out, since c = 2 a"):
        both[0].wald_test("c")


@pytest.mark.parametrize("place", range(4))
def test_the_last_of_a_full_set_goes_wherever_the_constant_stands(rng, place):
    codes, level = rng.integers(0, 3, 200), rng.integers(0, 3, 200)
    columns = [(level == i).astype(float) for i in range(3)]
    columns.insert(place, np.ones(200))
    x = np.column_stack(columns)
    with pytest.warns(CollinearityWarning):
        model = ml.MNLogit(codes, pd.DataFrame(x, columns=list("pqrs")))
    assert model.exog_names == ("p", "q", "r")


def test_combinations_of_what_is_left_out_are_told_by_what_is_left(rng):
    z = rng.normal(size=(100, 2))
    one = np.ones(100)
    x = np.column_stack([z[:, 0], one - z[:, 0], z[:, 1], one, 3 * one + z[:, 1]])
    with pytest.warns(CollinearityWarning) as caught:
        model = ml.MNLogit(rng.integers(0, 3, 100), pd.DataFrame(x, columns=list("abcde")))
    assert set(model.exog_names) == {"a", "b", "c"}
    said = str(caught[0].message)
    assert "d = a + b" in said
    assert "e = 3 a + 3 b + c" in said


@pytest.mark.parametrize("ratio", [1e-2, 1e-6, 1e-9])
def test_nearly_collinear_columns_stay(rng, ratio):
    z = rng.normal(size=(400, 2))
    x = np.column_stack([np.ones(400), z[:, 0], z[:, 0] + ratio * z[:, 1]])
    res = ml.MNLogit(rng.integers(0, 3, 400), x).fit(tol=1e-3)
    scaled = x / np.linalg.norm(x, axis=0)
    assert res.omitted == {}
    assert res.condition_number == pytest.approx(np.linalg.cond(scaled), rel=1e-4)
    assert ("Condition number" in res.summary().as_text()) == (ratio < 1e-2)
    clean = ml.MNLogit(res.record.need_blocks().design.outcome.codes, np.column_stack([x[:, 0], z]))
    expected = clean.fit()
    assert res.llf == pytest.approx(expected.llf, rel=1e-9)


@pytest.mark.parametrize("columns", [[1.0, 5.0], [1e3, 1e-3]])
def test_the_condition_number_knows_no_units(rng, columns):
    z = rng.normal([0, 3], size=(100, 2))
    x = np.column_stack([np.ones(100), z])
    codes = rng.integers(0, 2, 100)
    plain = ml.MNLogit(codes, x).fit().condition_number
    assert ml.MNLogit(codes, x * [1, *columns]).fit().condition_number == pytest.approx(plain)
    assert plain == pytest.approx(np.linalg.cond(x / np.linalg.norm(x, axis=0)))


def test_sparse_columns_stay_sparse(rng):
    level = rng.integers(0, 40, 2000)
    x = sp.csr_array((np.ones(2000), (np.arange(2000), level)), shape=(2000, 40))
    x = sp.hstack([sp.csr_array(np.ones((2000, 1))), x]).tocsr()
    with pytest.warns(CollinearityWarning, match="x40 = const - x1 -"):
        model = ml.MNLogit(rng.integers(0, 3, 2000), x)
    assert model.design.source.sparse
    assert model.fit().llf == pytest.approx(
        ml.MNLogit(model.design.outcome.codes, x[:, 1:]).fit().llf, rel=1e-12
    )


@pytest.mark.parametrize("layout", [np.asarray, pd.DataFrame])
def test_combinations_are_judged_by_the_rounding_of_their_dtype(rng, layout):
    dtype = np.float32
    a, b = rng.normal(size=(2, 500)).astype(dtype)
    x = np.column_stack([np.ones(500, dtype), a, b, (a + b) / dtype(3)])
    codes = rng.integers(0, 3, 500)
    assert x.dtype == dtype
    with pytest.warns(CollinearityWarning, match="= 0.33"):
        assert len(ml.MNLogit(codes, layout(x)).exog_names) == 3
    wide = x.astype(np.float64)
    assert len(ml.MNLogit(codes, layout(wide)).exog_names) == 4


def test_terms_know_the_columns_they_have_left(frame):
    frame["g"] = pd.Categorical(np.arange(300) % 3)
    frame["h"] = (np.arange(300) % 3 == 1).astype(float)
    with pytest.warns(CollinearityWarning, match="left out: C\\(g\\)"):
        model = ml.mnlogit("y ~ a + h + C(g) + b", frame)
    names = model.exog_names
    spans = {term: names[slice(*place)] for term, place in model.encoding.terms.items()}
    assert spans["h"] == ("h",)
    assert spans["b"] == ("b",)
    assert len(spans["C(g)"]) == 1


def test_nothing_left_is_an_error(rng):
    with pytest.raises(RankDeficiencyError, match="nothing to fit"):
        ml.MNLogit(rng.integers(0, 2, 20), np.zeros((20, 2)))


@pytest.mark.parametrize("choice", ["ignore", None, True])
def test_other_choices_are_refused(frame, choice):
    with pytest.raises(OptionError, match="drop, raise"):
        ml.mnlogit("y ~ a", frame, collinear=choice)
