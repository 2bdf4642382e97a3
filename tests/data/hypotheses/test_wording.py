"""Names that hold signs, numbers that are too large, and words that are read back."""

import numpy as np
import pandas as pd
import pytest

import mlelogit as ml
from mlelogit.data.hypotheses.combinations import name_combinations, read_combinations
from mlelogit.data.hypotheses.constraints import read_constraints
from mlelogit.data.hypotheses.restrictions import make_restriction, read_restrictions
from mlelogit.exceptions import CollinearityWarning, ConstraintError, ParamsError


def encode(labels, names=("c", "d"), base=None):
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(rng.normal(size=(60, len(names))), columns=list(names))
    outcome = np.array(labels, dtype=object)[np.arange(60) % len(labels)]
    options = {} if base is None else {"base": base}
    return ml.MNLogit(outcome, frame, **options).encoding


SIGNED = encode([-1, 0, 1], base=0)


@pytest.mark.parametrize("text", ["1: c = -1: c", "-1: c = 0", "-1:d", "1: c -1: c"])
def test_a_minus_that_a_category_begins_with_is_refused(text):
    with pytest.raises(
        ParamsError, match=r"one name and as '- \[1: ?[cd]\]'. Write '\[-1: ?[cd]\]"
    ):
        read_restrictions(text, SIGNED)


def test_brackets_and_pairs_say_which_is_meant():
    # Coefficients: -1: c, -1: d, 1: c, 1: d.
    cases = {
        "1: c = [-1: c]": [-1, 0, 1, 0],
        "1: c = - [1: d]": [0, 0, 1, 1],
        "1: c = - 1: d": [0, 0, 1, 1],
        "[-1: c] - [1: c]": [1, 0, -1, 0],
        "-[-1: d]": [0, -1, 0, 0],
    }
    for text, row in cases.items():
        found = read_restrictions(text, SIGNED).matrix
        assert abs(found @ np.array(row)) == found @ found.T == np.square(row).sum()
    assert read_restrictions((-1, "c"), SIGNED).matrix.tolist() == [[1, 0, 0, 0]]
    assert read_restrictions("[c]", SIGNED).matrix.tolist() == [[1, 0, 0, 0], [0, 0, 1, 0]]


@pytest.mark.parametrize(
    ("name", "parts"), [("a - b", "[a] - [b]"), ("a, b", "[a] , [b]"), ("a-1", "[a] - 1")]
)
def test_columns_that_are_sums_of_others_are_refused(name, parts):
    encoding = encode(["p", "q"], ["a", "b", name])
    with pytest.raises(ParamsError, match="can be read as one name") as caught:
        read_restrictions(name, encoding)
    assert parts in str(caught.value)
    assert read_restrictions(f"[{name}]", encoding).matrix.tolist() == [[0, 0, 1]]
    # Where only one thing can be meant, nothing is refused.
    alone = encode(["p", "q"], ["b", "z", name])
    assert read_restrictions(name, alone).matrix.tolist() == [[0, 0, 1]]


ODD = (
    SIGNED,
    encode(["a", "b"], ["x-1", "x", "1", "a, b", "b"]),
    encode([1, 2, 3], ["2", "1: 2", "-2"]),
    encode(["<=5", ">5", "5-10"], ["age", "age-age"]),
    encode(["p", "q"], ["g[T.b]", "I(x - z)", "x", "z", "x*z"]),
)


@pytest.mark.parametrize("encoding", ODD)
def test_words_are_read_back_to_the_last_digit(encoding):
    rng = np.random.default_rng(5)
    size = len(encoding.names) * len(encoding.others)
    choices = [1.0, -1.0, 2.0, -0.123456789, 1 / 3, 1e-7 / 3, 1e17]
    for _ in range(60):
        row = np.zeros(size)
        used = rng.choice(size, min(size, 4), replace=False)
        row[used] = rng.choice(choices, len(used))
        value = float(rng.choice([0.0, 0.1 + 0.2, -np.pi, 1e-300]))
        said = make_restriction(row[np.newaxis], np.array([value]), encoding, (">=",))
        again = read_restrictions(list(said.words), encoding)
        same = np.array_equal(again.matrix[0], row) and again.values[0] == value
        turned = np.array_equal(again.matrix[0], -row) and again.values[0] == -value
        assert again.relations == ((">=",) if same else ("<=",))
        assert same or turned
        named = name_combinations(row[np.newaxis], np.array([value]), encoding)
        back = read_combinations(list(named.words), encoding)
        assert np.array_equal(back.matrix[0], row)
        assert back.values[0] == value


def test_long_rows_have_names_of_their_own():
    encoding = encode(["p", "q"], list("abcdefgh"))
    rows = np.vstack([np.ones(8), np.r_[np.ones(7), 0], np.r_[np.ones(5), 0, 0, 2]])
    for words in (
        make_restriction(rows, np.zeros(3), encoding).words,
        name_combinations(rows, np.zeros(3), encoding).words,
    ):
        assert len(set(words)) == 3
    assert name_combinations(rows[:1], np.zeros(1), encoding).words[0].endswith(" + ...")


@pytest.mark.parametrize("text", ["c = 1e400", "1: c <= 1e400", "1e400*c", "1e200*1e200*c = 1"])
def test_numbers_beyond_a_double_are_refused(text):
    with pytest.raises(ParamsError, match="beyond a double"):
        read_restrictions(text, SIGNED)
    with pytest.raises(ConstraintError, match="beyond a double"):
        read_constraints(text, None, SIGNED)


@pytest.mark.parametrize("matrix", [np.eye(4)[:1], np.eye(4)[:1].tolist(), np.eye(4)[0]])
@pytest.mark.parametrize("values", [np.array([0.3]), [0.3], 0.3, pd.Series([0.3])])
def test_a_matrix_and_its_right_side_may_be_lists(matrix, values):
    found = read_constraints((matrix, values), None, SIGNED)
    assert found.matrix.tolist() == [[1, 0, 0, 0]]
    assert found.values.tolist() == [0.3]


@pytest.mark.parametrize("asked", [(np.eye(4), "c"), (1, np.ones(3)), [(np.ones(2), "c")]])
def test_arrays_in_pairs_are_refused_by_name(asked):
    with pytest.raises(ParamsError):
        read_restrictions(asked, SIGNED)


def test_categories_like_numbers_say_what_is_wrong():
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"x": rng.normal(size=60), "z": rng.normal(size=60)})
    frame["x2"] = 2 * frame["x"]
    with pytest.warns(CollinearityWarning):
        encoding = ml.MNLogit(np.arange(60) % 3, frame).encoding
    for asked in ("1: x2 = 0", (1, "x2"), "1: x = 2: x2", [(1, "x2")]):
        with pytest.raises(ParamsError, match=r"'[12]: x2' was left out"):
            read_restrictions(asked, encoding)
    for asked, said in (
        ("1: nope = 0", "'1: nope' is no coefficient"),
        ((1, "nope"), r"\(1, 'nope'\) is no coefficient"),
        ("7: x", "'7: x' is no coefficient"),
        (None, "None is no coefficient"),
    ):
        with pytest.raises(ParamsError, match=said):
            read_restrictions(asked, encoding)


def test_a_column_is_named_once_in_equations():
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"y": np.arange(60) % 3, "g": rng.choice(list("abc"), 60)})
    encoding = ml.mnlogit("y ~ g", frame).encoding
    with pytest.raises(ConstraintError, match=r"'g' and 'g\[T.b\]' both say where 'g\[T.b\]'"):
        read_constraints(None, {"g": [1], "g[T.b]": [2]}, encoding)
    assert len(read_constraints(None, {"g": [1], "Intercept": [2]}, encoding)) == 3
