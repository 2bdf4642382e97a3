"""Hypotheses in words become rows of R b = q, and say themselves again."""

import numpy as np
import pandas as pd
import pytest

import mlelogit as ml
from mlelogit.data.hypotheses.constraints import read_constraints
from mlelogit.data.hypotheses.restrictions import make_restriction, read_restrictions
from mlelogit.exceptions import ConstraintError, ParamsError
from mlelogit.fitting.constrained.restriction import (
    find_free_space,
    fit_restricted,
    invert_along,
)

COLUMNS = ["Intercept", "age", "income", "region[T.b]", "region[T.c]", "age:income"]


@pytest.fixture(scope="module")
def results():
    random = np.random.default_rng(5)
    frame = pd.DataFrame({"age": random.normal(size=300), "income": random.normal(size=300)})
    frame["region"] = random.choice(list("abc"), 300)
    frame["by"] = random.choice(["air", "bus", "car"], 300)
    return ml.mnlogit("by ~ age * income + region", frame, base="air").fit()


def encoding(results):
    assert list(results.params.index) == COLUMNS
    return results.record.encoding


def evaluate(results, text):
    """Evaluate both sides of a text by Python itself, names replaced by estimates."""
    params, expressions = results.params, []
    for side in text.split("="):
        for name in sorted(map(str, params.index), key=len, reverse=True):
            for category in params.columns:
                side = side.replace(f"{category}: {name}", repr(float(params.loc[name, category])))
        expressions.append(side)
    left, right = (float(eval(side)) for side in expressions)
    return left - right


@pytest.mark.parametrize(
    "text",
    [
        "bus: age = car: age",
        "bus: age = 0.25",
        "2 * bus: age - car: income * 3 = 1e-1 + car: region[T.b]",
        "-bus: age + 2 = -2 * 1.5 * car: age:income - .5",
        "bus: age:income = car: income - - car: age",
        "3 = bus: Intercept",
    ],
)
def test_a_text_means_what_it_says(results, text):
    asked = read_restrictions(text, encoding(results))
    gap = asked.matrix @ results.record.maximum.params - asked.values
    assert len(asked) == 1
    assert gap[0] == pytest.approx(evaluate(results, text), abs=1e-12)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("age", ("bus: age = 0", "car: age = 0")),
        ("bus:age=car:age", ("bus: age = car: age",)),
        (("car", "age"), ("car: age = 0",)),
        (["age", "car: age", ("bus", "age")], ("bus: age = 0", "car: age = 0")),
        (["car: age", ("bus", "income")], ("car: age = 0", "bus: income = 0")),
        ("age = income", ("bus: age = bus: income", "car: age = car: income")),
        ("age = income = 0", ("bus: age = bus: income", "car: age = car: income",
                              "bus: income = 0", "car: income = 0")),
        ("car: age = air: age", ("car: age = 0",)),
        ("bus: age = 1, car: age = 2", ("bus: age = 1", "car: age = 2")),
        ("car: region", ("car: region[T.b] = 0", "car: region[T.c] = 0")),
        ("bus: region = car: region", ("bus: region[T.b] = car: region[T.b]",
                                       "bus: region[T.c] = car: region[T.c]")),
        ("age:income", ("bus: age:income = 0", "car: age:income = 0")),
        ("car: age >= 0", ("car: age >= 0",)),
        ("-car: age >= 1", ("car: age <= -1",)),
        ("2*car: age == bus: age", ("2*[car: age] = bus: age",)),
    ],
)  # fmt: skip
def test_it_is_read_back_in_words(results, asked, words):
    found = read_restrictions(asked, encoding(results))
    assert found.words == words
    again = read_restrictions(", ".join(words), encoding(results))
    np.testing.assert_array_equal(np.abs(again.matrix), np.abs(found.matrix))


def test_values_and_matrices(results):
    found = read_restrictions("age", encoding(results), [1.0, -2.0])
    assert found.words == ("bus: age = 1", "car: age = -2")
    same = read_restrictions(found.matrix, encoding(results), found.values)
    assert same.words == found.words
    picked = (found + same).pick([3])
    assert picked.words == ("car: age = -2",)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("cra: age", "'cra: age' is no coefficient.*'bus: Intercept'"),
        ("ages", "'ages' is no coefficient"),
        ("car: age = ", "has an empty side"),
        ("car: age bus: age", "cannot be read"),
        ("car: age * bus: age", "cannot be read"),
        ("car: age = 2 *", "cannot be read"),
        ("car: age = car: age", "says nothing"),
        ("air: age", "says nothing"),
        ("1 = 1", "says nothing"),
        ("region = age", "columns against each other"),
        ("car: age; bus: age", "is no coefficient"),
        (("car", "ages"), "is no coefficient"),
        (np.zeros((1, 12)), "Row 0"),
        ([[np.nan] * 12], "not finite"),
        ([[1.0] * 3], "needs 12 columns"),
        ("", "has an empty side"),
    ],
)
def test_what_cannot_be_read_is_refused(results, asked, said):
    with pytest.raises(ParamsError, match=said):
        read_restrictions(asked, encoding(results))


@pytest.mark.parametrize("sign", ["<", ">", "=<", "=>", "!=", "<>", ">==", "~=", "≤", "≥", "≠"])
@pytest.mark.parametrize("text", ["car: age {} 0.2", "age{}bus: age", "0 {} age"])
def test_relations_of_other_programs_are_refused_by_name(results, sign, text):
    written = text.format(sign)
    with pytest.raises(ParamsError) as caught:
        read_restrictions(written, encoding(results))
    assert f"{written!r} has {sign!r}." in str(caught.value)
    assert "Bounds are written >= or <=" in str(caught.value)
    with pytest.raises(ConstraintError, match="Bounds are written >= or <="):
        read_constraints([written], None, encoding(results))


def test_an_unknown_name_is_told_before_a_foreign_relation(results):
    with pytest.raises(ParamsError, match="'agee' is no coefficient"):
        read_restrictions("agee > 0.2", encoding(results))


def test_names_may_begin_with_what_looks_like_a_relation():
    frame = pd.DataFrame({"<5": np.arange(30.0) % 7, "x": np.arange(30.0) % 4})
    model = ml.MNLogit(np.arange(30) % 3, frame)
    expected = read_restrictions("[<5] = x", model.encoding)
    found = read_restrictions("x =<5", model.encoding)
    np.testing.assert_array_equal(found.matrix, -expected.matrix)


def test_names_that_are_no_words():
    random = np.random.default_rng(1)
    x = pd.DataFrame(random.normal(size=(200, 3)), columns=[1, "a = b", "b: c"])
    y = random.choice(["a", "a: b", "z"], 200)
    names = ml.MNLogit(y, x.rename(columns={"b: c": "c"}), base="z").encoding
    assert read_restrictions("a: 1 = 1", names).words == ("a: 1 = 1",)
    assert read_restrictions("a: b: a = b = 2*a: 1", names).words == ("a: b: a = b = 2*[a: 1]",)
    assert read_restrictions(("a", 1), names).words == ("a: 1 = 0",)
    assert read_restrictions([("a", 1)], names).words == ("a: 1 = 0",)
    both = ml.MNLogit(y, x.assign(c=x[1] ** 2), base="z").encoding
    with pytest.raises(ParamsError, match="two coefficients"):
        read_restrictions("a: b: c", both)
    assert read_restrictions(("a", "b: c"), both).matrix.argmax() == 2


def test_a_column_left_out_is_named():
    random = np.random.default_rng(1)
    frame = pd.DataFrame({"x": random.normal(size=90), "y": random.choice(list("abc"), 90)})
    frame["twice"] = 2 * frame["x"]
    with pytest.warns(ml.exceptions.CollinearityWarning):
        model = ml.mnlogit("y ~ x + twice", frame)
    for asked in ("twice", "b: twice = 0", ["twice"]):
        with pytest.raises(ParamsError, match=r"'.*twice' was left out"):
            read_restrictions(asked, model.encoding)


@pytest.mark.parametrize("asked", ["age", "bus: age = car: age", "bus: age = 0.5", "region = 0"])
def test_the_restricted_maximum_is_stationary(results, asked):
    """The score is a combination of the rows of R, and the equations hold (Lagrange)."""
    restriction = read_restrictions(asked, encoding(results))
    fit = fit_restricted(results.record, restriction)
    score = results.record.basis.leave_score(fit.sums.score.reshape(results.record.params.shape))
    multipliers, *_ = np.linalg.lstsq(restriction.matrix.T, score.ravel(), rcond=None)
    assert fit.converged
    np.testing.assert_allclose(restriction.matrix @ fit.params, restriction.values, atol=1e-13)
    np.testing.assert_allclose(restriction.matrix.T @ multipliers, score.ravel(), atol=1e-8)
    assert fit.loglike < results.llf
    inverse = invert_along(fit.sums.information, fit.space)
    covariance = results.record.basis.leave_covariance(inverse)
    np.testing.assert_allclose(restriction.matrix @ covariance, 0, atol=1e-12)


def test_equations_that_leave_columns_out_equal_the_smaller_model(results):
    record = results.record
    smaller = fit_restricted(record, read_restrictions(["age:income", "region"], record.encoding))
    design = record.blocks.design
    x = np.vstack([design.source.block(0, 300)[[0, 1, 2]]]).T
    outcome = np.array(record.encoding.categories)[design.outcome.codes]
    alone = ml.MNLogit(outcome, x, base="air").fit()
    assert smaller.loglike == pytest.approx(alone.llf, abs=1e-10)
    kept = smaller.params.reshape(2, -1)[:, [0, 1, 2]]
    np.testing.assert_allclose(kept, alone.params.to_numpy().T, atol=1e-9)


def test_repeated_equations_are_counted_once_and_contradictions_refused(results):
    record = results.record
    twice = read_restrictions(["age = 0", "bus: age = car: age"], record.encoding)
    assert find_free_space(twice, record.basis).size == 10
    wrong = read_restrictions(["age = 0", "bus: age = 1"], record.encoding)
    with pytest.raises(ParamsError, match="contradict"):
        find_free_space(wrong, record.basis)


def test_everything_may_be_fixed(results):
    record = results.record
    fixed = make_restriction(np.eye(12), record.maximum.params, record.encoding)
    fit = fit_restricted(record, fixed)
    assert fit.converged
    assert fit.loglike == pytest.approx(results.llf, abs=1e-10)


def test_a_labelled_matrix_goes_by_its_labels(results):
    columns = results.cov_params().columns
    rows = pd.DataFrame(np.random.default_rng(2).normal(size=(2, 12)), columns=columns)
    straight = read_restrictions(rows, encoding(results))
    turned = read_restrictions(rows[columns[::-1]], encoding(results))
    np.testing.assert_array_equal(turned.matrix, straight.matrix)
    np.testing.assert_array_equal(straight.matrix, rows.to_numpy())
    one = read_restrictions(rows.iloc[0].sample(frac=1, random_state=1), encoding(results))
    np.testing.assert_array_equal(one.matrix, rows.to_numpy()[:1])
    plain = read_restrictions(pd.DataFrame(rows.to_numpy()), encoding(results))
    np.testing.assert_array_equal(plain.matrix, straight.matrix)
    for wrong in (rows.set_axis(list("abcdefghijkl"), axis=1), rows.iloc[:, :11]):
        with pytest.raises(ParamsError, match="R is labelled"):
            read_restrictions(wrong, encoding(results))


def test_labelled_values_go_by_their_labels(results):
    columns = results.cov_params().columns
    rows = pd.DataFrame(np.eye(12)[:2], index=["h1", "h2"], columns=columns)
    asked = read_restrictions(rows, encoding(results), pd.Series({"h2": 0.3, "h1": 0.5}))
    assert asked.values.tolist() == [0.5, 0.3]
    for given in (rows, rows.to_numpy(), "age"):
        with pytest.raises(ParamsError, match="value is labelled"):
            read_restrictions(given, encoding(results), pd.Series({"h2": 0.3, "h9": 0.5}))


def test_a_right_side_is_given_once(results):
    with pytest.raises(ParamsError, match="right side of its own"):
        read_restrictions("bus: age = 1", encoding(results), 2.0)
    assert read_restrictions("bus: age", encoding(results), 2.0).words == ("bus: age = 2",)


def test_names_of_a_formula_are_found_without_spaces_and_without_their_coding():
    random = np.random.default_rng(8)
    frame = pd.DataFrame({"x": random.normal(size=200), "g": random.choice(list("pq"), 200)})
    frame["y"] = random.choice(list("ab"), 200)
    names = ml.mnlogit("y ~ I(x**2) + C(g, Sum) + x", frame).encoding
    assert read_restrictions("I(x**2)", names).words == ("b: I(x ** 2) = 0",)
    assert read_restrictions("b: g", names).words == ("b: C(g, Sum)[S.p] = 0",)
    with pytest.raises(ParamsError, match="no coefficient"):
        read_restrictions("b: h", names)
