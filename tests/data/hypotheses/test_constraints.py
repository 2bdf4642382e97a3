"""Constraints and equations as people write them."""

import numpy as np
import pandas as pd
import pytest

import mlelogit as ml
from mlelogit.data.hypotheses.constraints import orient_rows, read_constraints
from mlelogit.exceptions import ConstraintError
from tests.inference.samples import survey


@pytest.fixture(scope="module")
def encoding():
    return ml.mnlogit("party ~ age + region", survey(), base="green").encoding


def test_nothing_is_no_constraint(encoding):
    for nothing in (None, [], ()):
        assert read_constraints(nothing, None, encoding) is None
    assert read_constraints(None, {}, encoding) is None
    assert read_constraints(None, {"age": ["blue", "red"]}, encoding) is None


def test_columns_that_enter_some_equations(encoding):
    found = read_constraints(None, {"age": ["red"], "region": "blue"}, encoding)
    assert found.words == ("blue: age = 0", "red: region[T.south] = 0", "red: region[T.west] = 0")
    assert set(found.relations) == {"="}
    assert not found.values.any()
    place = [np.flatnonzero(row).tolist() for row in found.matrix]
    assert place == [[1], [6], [7]]
    nowhere = read_constraints(None, {"age": []}, encoding)
    assert nowhere.words == ("blue: age = 0", "red: age = 0")


def test_both_are_in_force(encoding):
    found = read_constraints("blue: age >= 0.1", {"region": ["red"]}, encoding)
    assert found.words[0] == "blue: age >= 0.1"
    assert found.relations == (">=", "=", "=")


def test_rows_are_oriented_as_they_are_read(encoding):
    found = read_constraints(["0 <= red: age", "-2*blue: age <= 3"], None, encoding)
    assert found.words == ("red: age >= 0", "2*[blue: age] >= -3")
    assert found.relations == (">=", ">=")
    assert (found.matrix.sum(axis=1) > 0).all()
    assert found.values.tolist() == [0.0, -3.0]
    again, signs = orient_rows(found)
    assert (signs == 1).all()
    assert again.words == found.words


@pytest.mark.parametrize(
    ("constraints", "equations", "words"),
    [
        ("blu: age = 0", None, "constraints: "),
        ("green: age = 0", None, "base category's are zero"),
        (None, {"weight": ["red"]}, "equations: 'weight' is no coefficient"),
        (None, {"age": ["purple"]}, "'purple', which 'age' is to enter, is no category"),
        (None, {"age": [None]}, "is no category"),
        (None, {"age": ["green"]}, "the base, whose coefficients are zero"),
        (None, ["age"], "equations is a dict"),
        (None, {"age": 3}, "3, which 'age'"),
        (np.ones((1, 3)), None, "needs 8 columns"),
        (1e200 * np.eye(8)[:1], None, "numbers outside"),
        ("red: age = 1e200", None, "numbers outside"),
    ],
)
def test_what_cannot_be_read_is_named(encoding, constraints, equations, words):
    with pytest.raises(ConstraintError, match=words):
        read_constraints(constraints, equations, encoding)


def test_matrices_are_constraints_too(encoding):
    rows = np.array([[0.0, 1, 0, 0, 0, -1, 0, 0], [0, 0, 1, 0, 0, 0, 0, 0]])
    found = read_constraints((rows, np.array([0.0, 0.5])), None, encoding)
    assert found.words == ("blue: age = red: age", "blue: region[T.south] = 0.5")
    assert read_constraints(rows, None, encoding).values.tolist() == [0.0, 0.0]


def test_names_that_are_no_text():
    rng = np.random.default_rng(0)
    y = rng.choice([10, 20, 30], size=90)
    x = pd.DataFrame(rng.normal(size=(90, 2)), columns=[7, "a: b [c]"])
    res = ml.MNLogit(y, x).fit(
        constraints=[(20, 7), "30: a: b [c] = 0.5"], equations={"a: b [c]": [30]}
    )
    assert res.params.loc[7, 20] == 0
    assert res.params.loc["a: b [c]", 30] == 0.5
    assert res.params.loc["a: b [c]", 20] == 0


def test_what_was_given_is_not_changed():
    said, entered = ["red: age = 0.1"], {"educ": ["red"]}
    ml.mnlogit("party ~ age + educ", survey()).fit(constraints=said, equations=entered)
    assert said == ["red: age = 0.1"]
    assert entered == {"educ": ["red"]}


def test_equations_read_names_as_hypotheses_do():
    random = np.random.default_rng(8)
    frame = pd.DataFrame({"x": random.normal(size=200), "g": random.choice(list("pq"), 200)})
    frame["y"] = random.choice(list("abc"), 200)
    encoding = ml.mnlogit("y ~ I(x**2) + C(g, Sum) + x", frame).encoding
    asked = read_constraints(None, {"g": ["b"], "I(x**2)": ["c"]}, encoding)
    assert sorted(asked.words) == ["b: I(x ** 2) = 0", "c: C(g, Sum)[S.p] = 0"]
