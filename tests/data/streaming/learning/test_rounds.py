"""What is learned from pieces is what all rows in memory teach."""

import copy
import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import issparse

from mlelogit.data.encoding import Encoding, encode_rows, learn_columns
from mlelogit.data.formulas import parse_formula
from mlelogit.data.streaming.learning import knots, levels
from mlelogit.data.streaming.learning.rounds import Facts, start_learning
from mlelogit.exceptions import (
    CategoryOrderWarning,
    ColumnTypeError,
    EmptyDataError,
    FormulaError,
    InfiniteValueError,
    LengthMismatchError,
    MissingDataError,
    SizeLimitError,
    UnseenLevelError,
    UnusedLevelWarning,
)
from tests.reference_cases import PLAIN, load_case

ROWS = 400
ONE_ROUND = [
    "1",
    "age + region",
    "0 + region + children",
    "age * C(children) * region",
    "region:age",
    "C(region, Sum) + log(people)",
    "C(region, Treatment('west')) + I(age**2 / 100)",
    "C(children, Helmert) + C(region, contr.SAS())",
    "C(children, Poly) + C(people, contr.diff())",
    "C(children, levels=[3, 2, 1, 0])",
    "children + C(children)",
    "C(age > 50) + I(age > 40):region",
    "C(children // 2)",
    "C(region == 'west')",
    "I(declared) + C(I(declared))",
    "flag + C(flag) + truth",
    "C(declared, Sum) * flag",
    "C(people):C(children):C(year)",
    "C(children / 7):C(year)",
    "Q('two words') + `two words`:age",
    "Q('two words'):scale(`a number`) + center(Q('a number'))",
    "scale(age):region + center(people)",
    "scale(age, False) + scale(age, 10, ddof=0) + scale(age, True, False)",
    "scale(log(people)) + center(np.log(people))",
    "center(year) + scale(year)",
    "poly(age, 3):region",
    "poly(year, 5) + poly(log(people), 2)",
    "poly(large, 5)",
    "poly(age, 2, raw=True)",
    "bs(age, df=5) + region",
    "bs(age, df=4):C(children)",
    "bs(age, df=6, degree=2, include_intercept=True)",
    "bs(age, knots=[40, 50], lower_bound=-50, upper_bound=150)",
    "bs(age, df=6, lower_bound=30, upper_bound=70, extrapolation='clip')",
    "bs(age, df=6, lower_bound=30, extrapolation='extend')",
    "0 + cr(age, df=4)",
    "cr(children, df=3)",
    "cr(age, df=4, constraints='center') + cs(people, df=3, constraints='center')",
    "cr(age, knots=[40, 50, 60], lower_bound=0, upper_bound=110, constraints='center')",
    "cr(age, df=5, lower_bound=30, upper_bound=70, extrapolation='zero', constraints='center')",
    "cr(age, df=5, cyclic=True)",
    "cr(age, df=3, constraints=[[1, 1, 1, 1]])",
]
MORE_ROUNDS = [
    "poly(scale(age), 2)",
    "scale(poly(age, 2))",
    "scale(bs(age, df=4))",
    "bs(scale(age), df=5)",
    "C(scale(age) > 0):center(age)",
]


@pytest.fixture(scope="module")
def people():
    generator = np.random.default_rng(5)
    region = generator.choice(["east", "north", "west"], ROWS)
    region[:20] = "north"
    return pd.DataFrame(
        {
            "age": generator.normal(50, 15, ROWS),
            "region": region,
            "children": generator.integers(0, 4, ROWS),
            "people": generator.integers(1, 5, ROWS),
            "flag": generator.random(ROWS) > 0.5,
            "truth": pd.array(generator.random(ROWS) > 0.3, dtype="boolean"),
            "year": generator.integers(2000, 2021, ROWS),
            "large": 1e6 + generator.normal(size=ROWS),
            "two words": np.char.upper(region.astype(str)),
            "a number": generator.exponential(size=ROWS),
            "declared": pd.Categorical(region, categories=["west", "south", "east", "north"]),
        }
    )


def cut(frame, number, seed=0):
    """Cut a frame into pieces of uneven size, some of which may be empty."""
    places = np.sort(np.random.default_rng(seed).integers(0, len(frame), number - 1))
    ends = zip([0, *places], [*places, len(frame)], strict=True)
    return [frame.iloc[start:stop] for start, stop in ends]


def read(rhs, frame):
    return parse_formula(f"outcome ~ {rhs}", ["outcome", *frame.columns])


def learn(parsed, pieces, times=None, find_quantiles=None):
    """Learn from pieces; every fact goes through a pickle, as between processes."""
    learner, rounds = start_learning(parsed), 0
    times = [None] * len(pieces) if times is None else times
    while not learner.finished:
        found = [learner.examine(*each) for each in zip(pieces, times, strict=True)]
        facts = sum(pickle.loads(pickle.dumps(found)), Facts())
        learner = pickle.loads(pickle.dumps(learner.advance(facts, find_quantiles)))
        rounds += 1
    return learner.learned, rounds


def encode(learned, frame):
    outcome = {"categories": (0, 1), "base": 0, "declared": (0, 1), "outcome_name": "outcome"}
    encoding = Encoding(**outcome, outcome_kind="labels", **learned)
    matrix = encode_rows(encoding, frame)[0]
    return matrix.toarray() if issparse(matrix) else matrix


def check_learned(learned, whole, frame, tolerance=1e-10):
    """Hold what was learned against what memory teaches: names exactly, columns to ten digits."""
    assert learned.keys() == whole.learned.keys()
    for key in learned.keys() - {"transform_state"}:
        assert learned[key] == whole.learned[key]
    for expr, known in learned["levels"].items():
        assert list(map(type, known)) == list(map(type, whole.learned["levels"][expr]))
    check_state(learned["transform_state"], whole.learned["transform_state"])
    expected = whole.matrix.toarray() if issparse(whole.matrix) else whole.matrix
    np.testing.assert_allclose(encode(learned, frame), expected, rtol=1e-9, atol=tolerance)


def check_state(found, expected):
    if isinstance(expected, dict):
        assert found.keys() == expected.keys()
        for key in expected:
            check_state(found[key], expected[key])
    elif expected is None:
        assert found is None
    else:
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.filterwarnings("ignore::mlelogit.exceptions.UnusedLevelWarning")
@pytest.mark.parametrize("rhs", ONE_ROUND + MORE_ROUNDS)
def test_pieces_teach_what_memory_does(rhs, people):
    parsed = read(rhs, people)
    before = people.copy()
    whole = learn_columns(parsed, people)
    for number in (1, 2, 7, 50):
        learned, rounds = learn(parsed, cut(people, number))
        check_learned(learned, whole, people)
        assert (rounds == 1) == (rhs in ONE_ROUND)
    pd.testing.assert_frame_equal(people, before)


@pytest.mark.filterwarnings("ignore::mlelogit.exceptions.UnusedLevelWarning")
@pytest.mark.parametrize("rhs", ONE_ROUND + MORE_ROUNDS)
def test_the_order_of_pieces_changes_nothing(rhs, people):
    parsed, pieces = read(rhs, people), cut(people, 7)
    check_learned(learn(parsed, pieces[::-1])[0], learn_columns(parsed, people), people)


@pytest.mark.filterwarnings("ignore::mlelogit.exceptions.UnusedLevelWarning")
@pytest.mark.parametrize("rhs", ONE_ROUND + MORE_ROUNDS)
def test_rows_that_count_often_are_repeated_rows(rhs, people):
    parsed = read(rhs, people)
    times = np.random.default_rng(2).integers(0, 4, ROWS)
    repeated = people.iloc[np.repeat(np.arange(ROWS), times)]
    pieces = cut(people, 7)
    own = [times[people.index.get_indexer(piece.index)] for piece in pieces]
    learned, _ = learn(parsed, pieces, own)
    check_learned(learned, learn_columns(parsed, repeated), repeated)


def test_beside_an_offset_columns_agree_to_the_last_digit_of_the_mean(people):
    """A mean near a million has digits down to 1.2e-10; the standard deviation is one."""
    parsed = read("scale(large) + center(large)", people)
    learned, _ = learn(parsed, cut(people, 7))
    check_learned(learned, learn_columns(parsed, people), people, tolerance=2 * np.spacing(1e6))


@pytest.mark.parametrize("name", PLAIN)
def test_reference_cases_are_learned_from_pieces(name):
    case = load_case(name)
    parsed = parse_formula(case.formula, list(case.data.columns))
    frame = case.data[list(parsed.variables)].dropna()
    learned, _ = learn(parsed, cut(frame, 7))
    check_learned(learned, learn_columns(parsed, frame), frame)


@pytest.mark.parametrize(
    "convert",
    [
        lambda column: column.astype(object),
        lambda column: column.astype("string"),
        lambda column: column.astype("str"),
        lambda column: column.astype("category"),
        lambda column: pd.Categorical(column, categories=["west", "east", "north"], ordered=True),
    ],
)
def test_factors_of_every_type(convert, people):
    frame = people.assign(region=convert(people.region))
    parsed = read("region:age + C(region, Sum)", frame)
    check_learned(learn(parsed, cut(frame, 7))[0], learn_columns(parsed, frame), frame)


@pytest.mark.parametrize("dtype", ["int8", "uint16", "float32", "Int64", "Float32", object])
def test_numbers_of_every_type(dtype, people):
    frame = people.assign(children=people.children.astype(dtype))
    for rhs in ("C(children) + scale(age)", "poly(children, 2)"):
        parsed = read(rhs, frame)
        check_learned(learn(parsed, cut(frame, 7))[0], learn_columns(parsed, frame), frame)


def test_pieces_of_unlike_widths_are_joined_as_pandas_joins_them(people):
    parsed = read("C(children) + C(people)", people)
    pieces = cut(people, 3)
    pieces[1] = pieces[1].astype({"children": "float32", "people": "int8"})
    frame = pd.concat(pieces)
    check_learned(learn(parsed, pieces)[0], learn_columns(parsed, frame), frame)


def test_levels_of_every_piece_alone(people):
    parsed = read("region + C(children)", people)
    pieces = [piece for _, piece in people.groupby(["region", "children"])][::-1]
    check_learned(learn(parsed, pieces)[0], learn_columns(parsed, people), people)


def test_categories_declared_alike_keep_their_order_and_lose_unused_ones(people):
    parsed = read("declared", people)
    with pytest.warns(UnusedLevelWarning, match="'declared'.*'south'") as caught:
        learned, _ = learn(parsed, cut(people, 7))
    assert len(caught) == 1
    assert learned["levels"] == {"declared": ["west", "east", "north"]}


def test_categories_declared_otherwise_are_sorted_as_pandas_does_with_a_warning(people):
    pieces = cut(people, 2)
    pieces[1] = pieces[1].assign(
        declared=pd.Categorical(pieces[1].region, categories=["north", "west", "east"])
    )
    parsed = read("declared", people)
    with pytest.warns(CategoryOrderWarning, match="declared.*sorted"):
        learned, _ = learn(parsed, pieces)
    frame = pd.concat(pieces)
    check_learned(learned, learn_columns(parsed, frame), frame)
    assert learned["levels"] == {"declared": ["east", "north", "west"]}


def test_sorted_categories_that_pieces_declare_for_themselves_are_joined(people):
    pieces = [piece.assign(region=piece.region.astype("category")) for piece in cut(people, 50)]
    parsed = read("region", people)
    check_learned(learn(parsed, pieces)[0], learn_columns(parsed, people), people)


def test_unlike_categories_that_are_numbers_are_refused(people):
    pieces = [piece.assign(children=piece.children.astype("category")) for piece in cut(people, 2)]
    pieces[0] = pieces[0].query("children != 2")
    pieces[0] = pieces[0].assign(children=pieces[0].children.cat.remove_unused_categories())
    with pytest.raises(ColumnTypeError, match=r"children.*declare the same"):
        learn(read("children", people), pieces)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"children": "many"}, r"'children' holds categories .* and numbers \(int64\)"),
        ({"flag": 1.0}, r"'flag' holds numbers \(float64\).* and truth values \(bool\)"),
    ],
)
def test_kinds_that_differ_between_pieces_are_named(change, says, people):
    pieces = cut(people, 3)
    pieces[1] = pieces[1].assign(**change)
    with pytest.raises(ColumnTypeError, match=says):
        learn(read("children + flag", people), pieces)


def test_empty_pieces_do_not_matter_whatever_their_type(people):
    empty = people.iloc[:0].astype(object)
    parsed = read("scale(age) + region + C(children)", people)
    pieces = [empty, *cut(people, 3), empty]
    check_learned(learn(parsed, pieces)[0], learn_columns(parsed, people), people)
    with pytest.raises(EmptyDataError, match="no rows"):
        learn(parsed, [empty, empty])


@pytest.mark.parametrize(
    ("rhs", "change", "error", "says"),
    [
        ("scale(log(age))", {"age": -1.0}, MissingDataError, r"log\(age\)"),
        ("poly(log(people), 2)", {"people": 0}, InfiniteValueError, r"log\(people\)"),
        ("age", {"age": pd.Timestamp(0)}, ColumnTypeError, "'age'"),
        ("scale(region)", {}, FormulaError, r"scale\(region\).*no number"),
        ("poly(flag, 2)", {}, FormulaError, r"poly\(flag, 2\).*different values.* 2\."),
        (
            "cr(people, df=4, lower_bound=2, upper_bound=2)",
            {},
            FormulaError,
            "needs 4 different knots",
        ),
        ("bs(age, df=2)", {}, FormulaError, "3 is the least"),
        ("cr(age)", {}, FormulaError, "df= or knots="),
        ("bs(age, df=4, knots=[1])", {}, FormulaError, "both"),
        ("poly(age, 2, 3, 4)", {}, FormulaError, r"poly.*arguments"),
        ("C(children, levels=[0, 1])", {}, UnseenLevelError, "leaves out.*"),
        ("C(children, Treatment(9))", {}, FormulaError, "9"),
    ],
)
def test_what_cannot_be_learned_is_named(rhs, change, error, says, people):
    pieces = cut(people, 3)
    pieces[2] = pieces[2].assign(**change)
    with pytest.raises(error, match=says):
        learn(read(rhs, people), pieces if "age" not in change or rhs != "age" else pieces[2:])


def test_times_must_be_as_many_as_rows(people):
    with pytest.raises(LengthMismatchError, match="times"):
        start_learning(read("age", people)).examine(people, np.ones(3))


def test_too_many_levels_are_named(people, monkeypatch):
    monkeypatch.setattr(levels, "MOST_LEVELS", 300)
    with pytest.raises(SizeLimitError, match=r"C\(age\)|'age'"):
        learn(read("C(age)", people), cut(people, 2))


def find_in(frame):
    """Return a finder of quantiles as a source with all rows has it."""

    def find(variable, probabilities, distinct=False, within=None):
        values = frame[variable].to_numpy()
        if within is not None:
            values = values[(values >= within[0]) & (values <= within[1])]
        return np.quantile(np.unique(values) if distinct else values, probabilities)

    return find


@pytest.mark.parametrize(
    "rhs", [rhs for rhs in ONE_ROUND if "df=" in rhs and "children" not in rhs]
)
def test_quantiles_are_asked_for_when_values_are_many(rhs, people, monkeypatch):
    monkeypatch.setattr(knots, "MOST_VALUES", 60)
    parsed = read(rhs, people)
    with pytest.raises(FormulaError, match=r"give knots=\[...\]"):
        learn(parsed, cut(people, 2))
    learned, rounds = learn(parsed, cut(people, 7), find_quantiles=find_in(people))
    check_learned(learned, learn_columns(parsed, people), people)
    assert rounds == 1 + ("center" in rhs)


def test_who_finds_quantiles_of_all_rows_alone_is_not_asked_for_others(people, monkeypatch):
    monkeypatch.setattr(knots, "MOST_VALUES", 60)

    def find(variable, probabilities):
        return np.quantile(people[variable], probabilities.tolist())

    pieces = cut(people, 7)
    parsed = read("bs(age, df=5)", people)
    learned, _ = learn(parsed, pieces, find_quantiles=find)
    check_learned(learned, learn_columns(parsed, people), people)
    for rhs in ("cr(age, df=5)", "bs(age, df=5, lower_bound=40, extrapolation='clip')"):
        with pytest.raises(FormulaError, match=r"give knots=\[...\]"):
            learn(read(rhs, people), pieces, find_quantiles=find)


def test_quantiles_of_expressions_cannot_be_asked_for(people, monkeypatch):
    monkeypatch.setattr(knots, "MOST_VALUES", 60)
    parsed = read("bs(abs(age), df=5)", people)
    with pytest.raises(FormulaError, match=r"quantiles of an expression.*knots"):
        learn(parsed, cut(people, 7), find_quantiles=find_in(people))


def test_tables_of_values_are_dropped_when_they_grow():
    generator = np.random.default_rng(0)
    many = generator.normal(size=2 * knots.MOST_VALUES)
    assert knots.tabulate(many, None) is None
    assert knots.tabulate(many, np.ones(len(many))) is None
    few = generator.integers(0, 5, len(many)).astype(float)
    table = knots.tabulate(few, None)
    np.testing.assert_array_equal(table.times, np.bincount(few.astype(int)))
    halves = [knots.measure_spread(part, None, True) for part in np.array_split(many[:150_000], 2)]
    assert halves[0].table is not None
    assert (halves[0] + halves[1]).table is None


def test_wide_formulas_are_known_to_be_wide(people):
    frame = people.assign(place=np.arange(ROWS) % 90)
    parsed = read("C(place) + region", frame)
    whole = learn_columns(parsed, frame)
    assert whole.learned["wide"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_learned(learn(parsed, cut(frame, 7))[0], whole, frame)


def test_plain_numbers_cost_no_look_at_their_values(people, monkeypatch):
    monkeypatch.setattr("mlelogit.data.streaming.learning.rounds.prepare_columns", None)
    learner = start_learning(read("age + people", people))
    facts = learner.examine(people)
    assert not facts.levels
    assert not facts.transforms
    assert len(pickle.dumps(facts + copy.deepcopy(facts))) < 5_000
