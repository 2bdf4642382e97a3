"""Formulas whose factors have many levels make sparse designs; nothing but memory differs."""

import tracemalloc

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import issparse

import mlelogit as ml
from mlelogit.data import columns
from mlelogit.data.encoding import encode_new, learn_columns
from mlelogit.data.formulas import parse_formula
from mlelogit.data.sources import ArraySource, SparseSource
from mlelogit.exceptions import (
    InfiniteValueError,
    MissingDataError,
    RankDeficiencyError,
    UnseenLevelError,
    UnusedLevelWarning,
)
from tests.independent import climb, one_hot

ALWAYS, NEVER = 0, 10**9
FORMULA = "y ~ x + C(a) + b"
DESIGNS = [
    "age + region",
    "0 + region + children",
    "0 + C(children) + age",
    "C(region) * age",
    "age * C(children) * region",
    "region:age",
    "region + region:age",
    "region:C(children)",
    "0 + region:C(children, Sum)",
    "C(region, Sum) + log(people)",
    "C(region, Treatment('west')) + I(age**2 / 100)",
    "C(children, Helmert) + region",
    "C(region, contr.helmert(scale=True))",
    "C(region, contr.SAS()) + C(children, contr.diff())",
    "C(children, Poly)",
    "C(children, levels=[3, 2, 1, 0])",
    "C(age > 50) + I(age > 40):region",
    "bs(age, df=5) + region",
    "bs(age, df=4):C(children)",
    "0 + cr(age, df=4)",
    "poly(age, 3):region",
    "scale(age):region + center(people)",
    "Q('two words') + `two words`:age",
    "1",
]


@pytest.fixture
def people(voters):
    return voters.assign(**{"two words": voters.region.str.upper()})


def learn(rhs, frame, monkeypatch, width):
    monkeypatch.setattr(columns, "WIDE", width)
    parsed = parse_formula(f"vote ~ {rhs}", list(frame.columns))
    return learn_columns(parsed, frame[list(parsed.variables)])


@pytest.mark.parametrize("rhs", DESIGNS)
def test_sparse_and_dense_designs_are_the_same(rhs, people, monkeypatch):
    dense, sparse = (learn(rhs, people, monkeypatch, width) for width in (NEVER, ALWAYS))
    assert issparse(sparse.matrix)
    assert not issparse(dense.matrix)
    assert sparse.matrix.dtype == np.float64
    np.testing.assert_array_equal(sparse.matrix.toarray(), dense.matrix)
    for field in ("names", "terms", "levels", "kinds", "variables", "formula"):
        assert sparse.learned[field] == dense.learned[field]
    assert repr(sparse.learned["transform_state"]) == repr(dense.learned["transform_state"])


@pytest.mark.parametrize("rhs", DESIGNS)
def test_new_rows_get_the_columns_of_the_fit(rhs, people, monkeypatch):
    monkeypatch.setattr(columns, "WIDE", ALWAYS)
    model = ml.mnlogit(f"vote ~ {rhs}", people)
    rows = np.flatnonzero(people.region != "north")[:50]
    matrix, index = encode_new(model.encoding, people.iloc[rows])
    assert issparse(matrix)
    assert index.equals(people.index[rows])
    expected = learn(rhs, people, monkeypatch, NEVER).matrix[rows]
    np.testing.assert_allclose(matrix.toarray(), expected, rtol=1e-12, atol=1e-13)


@pytest.fixture
def places(rng):
    """4,000 rows: three categories, a number, and two factors of 40 levels each."""
    rows, levels = 4000, 40
    a, b = rng.integers(0, levels, (2, rows))
    x = rng.normal(size=rows)
    effects = rng.normal(scale=0.5, size=(2, levels, 3))
    scores = effects[0, a] + effects[1, b] + x[:, np.newaxis] * [0, 0.5, -0.5]
    scores += rng.gumbel(size=scores.shape)
    return pd.DataFrame(
        {
            "y": np.array(["left", "none", "right"])[scores.argmax(axis=1)],
            "x": x,
            "a": a,
            "b": [f"b{level:02d}" for level in b],
        }
    )


def lay_out_design(frame):
    """The columns of FORMULA, made without formulaic."""
    factors = [pd.get_dummies(frame[name], drop_first=True) for name in ("a", "b")]
    ordered = [np.ones((len(frame), 1)), frame[["x"]], *factors]
    return np.column_stack([np.asarray(part, dtype=float) for part in ordered])


def fit_both(monkeypatch, formula, frame, **options):
    """Fit naturally, which is sparse, and with the dense path forced."""
    model = ml.mnlogit(formula, frame, **options)
    assert isinstance(model.design.source, SparseSource)
    assert model.design.source.sparse
    with monkeypatch.context() as patch:
        patch.setattr(columns, "WIDE", NEVER)
        dense = ml.mnlogit(formula, frame, **options)
    assert isinstance(dense.design.source, ArraySource)
    return model.fit(), dense.fit()


def check_same(sparse, dense):
    assert sparse.converged
    assert dense.converged
    assert sparse.params.index.tolist() == dense.params.index.tolist()
    spread = dense.bse.to_numpy()
    np.testing.assert_array_less(np.abs(sparse.params - dense.params) / spread, 1e-8)
    np.testing.assert_allclose(sparse.bse, dense.bse, rtol=1e-8)
    np.testing.assert_allclose(sparse.llf, dense.llf, rtol=1e-12)
    np.testing.assert_allclose(sparse.llnull, dense.llnull, rtol=1e-12)


def test_a_wide_fit_is_that_of_an_independent_climb(places):
    result = ml.mnlogit(FORMULA, places).fit()
    codes = places.y.astype("category").cat.codes.to_numpy()
    answer = climb(one_hot(codes), lay_out_design(places))
    assert result.converged
    np.testing.assert_allclose(result.llf, answer.loglike, rtol=1e-11)
    np.testing.assert_allclose(result.params, answer.params, atol=1e-8)
    np.testing.assert_allclose(result.bse, answer.bse, rtol=1e-8)


@pytest.mark.parametrize("case", ["plain", "frequency", "sampling", "offset", "base", "counts"])
def test_wide_fits_are_the_dense_ones(case, places, rng, monkeypatch):
    formula, options = FORMULA, {}
    if case in ("frequency", "sampling"):
        options = {"weights": rng.integers(1, 4, len(places)), "weight_type": case}
    elif case == "offset":
        options = {"offset": rng.normal(size=(len(places), 3))}
    elif case == "base":
        options = {"base": "right"}
    elif case == "counts":
        formula = "counts(p, q, r) ~ x + C(a) + b"
        drawn = rng.integers(0, 3, (len(places), 3)) + pd.get_dummies(places.y).to_numpy()
        places = places.join(pd.DataFrame(drawn, columns=["p", "q", "r"]))
    sparse, dense = fit_both(monkeypatch, formula, places, **options)
    check_same(sparse, dense)
    check_same(sparse.with_cov("HC0"), dense.with_cov("HC0"))
    label = sparse.categories[1]
    check_same(sparse.rebase(label), dense.rebase(label))


def test_kinds_of_factors_do_not_matter(places):
    expected = ml.mnlogit(FORMULA, places).fit()
    letters = {"a": places.a.map("{:02d}".format), "b": pd.Categorical(places.b)}
    for change in ({"b": letters["b"]}, {"b": places.b.astype(object)}, letters):
        result = ml.mnlogit(FORMULA, places.assign(**change)).fit()
        assert result.record.blocks.sparse
        np.testing.assert_allclose(result.params, expected.params, rtol=1e-7, atol=1e-9)


def test_results_of_a_wide_fit_are_the_textbooks(places):
    result = ml.mnlogit(FORMULA, places).fit()
    x, d = lay_out_design(places), pd.get_dummies(places.y).to_numpy(dtype=float)
    scores = np.column_stack([np.zeros(len(x)), x @ result.params.to_numpy()])
    y = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(result.fittedvalues, y, rtol=1e-10)
    np.testing.assert_allclose(result.resid_response, d - y, rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(result.loglikeobs(), np.log((d * y).sum(axis=1)), rtol=1e-9)
    score = np.concatenate([(d - y)[:, [k]] * x for k in (1, 2)], axis=1)
    np.testing.assert_allclose(result.score_obs(), score, rtol=1e-8, atol=1e-11)
    predicted = np.eye(3)[y.argmax(axis=1)]
    np.testing.assert_allclose(result.pred_table(), d.T @ predicted)


def test_new_rows_of_a_wide_fit(places):
    result = ml.mnlogit(FORMULA, places).fit()
    for rows in (places, places.iloc[[17]], places[places.a == 3], places.iloc[:0]):
        np.testing.assert_allclose(
            result.predict(rows), result.fittedvalues.loc[rows.index], rtol=1e-12
        )
    gaps = places.assign(x=places.x.where(places.x < 1), b=places.b.where(places.index % 7 > 0))
    predicted = result.predict(gaps, missing="propagate")
    missing = gaps.isna().any(axis=1)
    assert predicted.isna().all(axis=1).equals(missing)
    np.testing.assert_allclose(predicted[~missing], result.fittedvalues[~missing], rtol=1e-12)


def test_a_wide_fit_is_verified(places):
    verification = ml.mnlogit(FORMULA, places.iloc[:2000]).fit().verify()
    assert "Verdict: all agree" in str(verification)


def test_rows_left_out_take_their_levels_along(places):
    places.loc[places.b == "b07", "x"] = np.nan
    with pytest.warns(UnusedLevelWarning, match="'b07'"):
        model = ml.mnlogit(FORMULA, places, missing="drop")
    assert model.design.source.sparse
    complete = ml.mnlogit(FORMULA, places[places.b != "b07"])
    assert model.encoding.names == complete.encoding.names
    np.testing.assert_allclose(model.fit().params, complete.fit().params, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("rhs", "wide"),
    [
        ("x + C(a)", False),
        ("C(a) + b", True),
        ("a + b", False),
        ("C(a):b", True),
        ("C(a // 10):b", True),
        ("b:C(a, Sum)", True),
        ("x:b + b", True),
        ("C(a, Poly) + b", False),
        ("C(a, contr.helmert()):C(b, Helmert)", False),
        ("C(a) + b + I(2):x", False),
        ("0 + poly(x, 9)", False),
    ],
)
@pytest.mark.filterwarnings("ignore::mlelogit.exceptions.CollinearityWarning")
def test_what_counts_as_wide(rhs, wide, places):
    model = ml.mnlogit(f"y ~ {rhs}", places)
    assert model.encoding.wide == wide
    assert model.design.source.sparse == wide


def test_designs_that_are_wide_but_full_become_dense(places):
    model = ml.mnlogit("y ~ C(a, Helmert) + C(b):C(x > 0) + C(x > 1)", places)
    assert model.encoding.wide
    assert isinstance(model.design.source, ArraySource)


NOT_FINITE = (InfiniteValueError, MissingDataError)
BAD = [
    ("log(people) + region", {"people": -1}, MissingDataError),
    ("log(people) + region", {"people": 0}, InfiniteValueError),
    ("log(people):children + region", {"people": 0, "children": 0}, NOT_FINITE),
    ("I(age**150):people + region", {"age": 1e3}, InfiniteValueError),
    ("I(age**80):I(people**80) + region", {"age": 1e3, "people": 1000}, InfiniteValueError),
    ("C(region, levels=['east', 'north'])", {}, UnseenLevelError),
    ("log(people):region", {"people": -1}, MissingDataError),
]


@pytest.mark.parametrize(("rhs", "change", "error"), BAD)
@pytest.mark.parametrize("width", [ALWAYS, NEVER])
def test_bad_values_raise_on_both_paths(rhs, change, error, width, voters, monkeypatch):
    """Infinity times zero too, which a sparse product takes for zero."""
    monkeypatch.setattr(columns, "WIDE", width)
    for column, value in change.items():
        voters[column] = voters[column].astype(float)
        voters.loc[2, column] = value
    says = "levels" if error is UnseenLevelError else r"made by.*\[2\]"
    with pytest.raises(error, match=says):
        ml.mnlogit(f"vote ~ {rhs}", voters)


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        ({"b": "b99"}, UnseenLevelError, "of b that.*'b99'"),
        ({"a": 40}, UnseenLevelError, r"C\(a\).*40"),
        ({"b": None}, MissingDataError, r"'b' \(1\).*\[2\]"),
        ({"x": np.inf}, InfiniteValueError, r"'x'.*\[2\]"),
    ],
)
def test_bad_new_rows_of_a_wide_fit(change, error, says, places):
    result = ml.mnlogit(FORMULA, places).fit()
    new = places.iloc[:5].astype(object)
    for column, value in change.items():
        new.iloc[2, new.columns.get_loc(column)] = value
    with pytest.raises(error, match=says):
        result.predict(new)


def test_aliased_wide_columns_are_named(places):
    """Where b is nested in c, an indicator of c is the sum of those of its levels of b."""
    places["c"] = np.where(places.b < "b20", "first", "second")
    with pytest.raises(RankDeficiencyError) as caught:
        ml.mnlogit("y ~ x + C(a) + b + c", places, collinear="raise")
    said = str(caught.value).split("c[T.second] = ")[1].split(". Drop")[0]
    assert said.removeprefix("1 ") == " + ".join(f"b[T.b{level}]" for level in range(20, 40))


def measure_peak(step):
    tracemalloc.start()
    try:
        return step(), tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_no_dense_copy_is_made(rng):
    rows, levels = 20_000, 200
    a, b, y = rng.integers(0, levels, (3, rows))
    frame = pd.DataFrame({"y": y % 3, "a": a.astype(str), "b": pd.Categorical(b)})
    dense = rows * (2 * levels - 1) * 8
    model, most = measure_peak(lambda: ml.mnlogit("y ~ a + b", frame))
    assert model.design.source.shape == (rows, 2 * levels - 1)
    assert most < dense / 4
    _, most = measure_peak(lambda: encode_new(model.encoding, frame))
    assert most < dense / 4
