"""Rows that are looked up are encoded to the last bit as formulaic encodes them."""

import numpy as np
import numpy.testing as npt
import pandas as pd
import pytest

from mlelogit.data.encoding import Encoding, encode_rows, learn_columns
from mlelogit.data.formulas import parse_formula
from mlelogit.data.streaming.tables import make_encoder

LOOKED_UP = (
    "y ~ x + z",
    "y ~ 0 + x + z",
    "y ~ 1",
    "y ~ g + x",
    "y ~ 0 + g",
    "y ~ g * h",
    "y ~ g:x + z",
    "y ~ C(k, Sum) * x + C(g, Treatment('c'))",
    "y ~ C(k) + k",
    "y ~ C(k, Poly):x:z",
    "y ~ `odd name` + `odd name`:g",
    "y ~ x:z + ordered",
    "y ~ (g + h + x)**2",
)
EVALUATED = (
    "y ~ C(k):k",
    "y ~ Q('odd name') + z",
    "y ~ log(x)",
    "y ~ g + I(x**2)",
    "y ~ poly(x, 2)",
    "y ~ C(g):scale(z)",
    "y ~ C(flag)",
)


@pytest.fixture
def frame(rng):
    size = 500
    ordered = pd.Categorical(rng.choice(["lo", "mid", "hi"], size), ["lo", "mid", "hi"], True)
    return pd.DataFrame(
        {
            "y": rng.choice(["a", "b"], size),
            "x": rng.normal(size=size) ** 2 + 1,
            "z": rng.integers(-3, 9, size),
            "k": rng.integers(0, 4, size),
            "g": rng.choice(list("cab"), size),
            "h": rng.choice(["no", "yes"], size),
            "flag": rng.random(size) < 0.5,
            "odd name": rng.normal(size=size),
            "ordered": ordered,
        }
    )


def learn(formula, frame):
    parsed = parse_formula(formula, list(frame.columns))
    learned = learn_columns(parsed, frame[list(parsed.variables)]).learned
    return Encoding(
        categories=("a", "b"),
        base=0,
        declared=("a", "b"),
        outcome_name="y",
        outcome_kind="labels",
        **learned,
    )


@pytest.mark.parametrize("formula", LOOKED_UP)
def test_looked_up_columns_are_those_of_formulaic(formula, frame):
    encoding = learn(formula, frame)
    rows = frame[list(encoding.variables)].sample(frac=0.7, random_state=1)
    source = make_encoder(encoding).encode(rows)
    truth = encode_rows(encoding, rows)[0]
    assert source.shape == truth.shape
    npt.assert_array_equal(source.block(0, len(rows)).T, truth)
    npt.assert_array_equal(source.block(7, 19).T, truth[7:19])
    picked = np.array([5, 3, 3])
    npt.assert_array_equal(source.take(picked).block(0, 3).T, truth[picked])
    low, high = source.extremes
    npt.assert_array_equal(low, truth.min(axis=0))
    npt.assert_array_equal(high, truth.max(axis=0))


@pytest.mark.parametrize("formula", [one for one in LOOKED_UP if one != "y ~ 1"])
def test_columns_left_out_stay_out(formula, frame):
    encoding = learn(formula, frame)
    fewer = encoding.without({encoding.names[1]: "a combination"})
    rows = frame[list(encoding.variables)]
    encoder = make_encoder(fewer)
    npt.assert_array_equal(encoder.encode(rows).block(0, len(rows)).T, encode_rows(fewer, rows)[0])


@pytest.mark.parametrize("formula", EVALUATED)
def test_what_takes_more_than_a_table_is_left_to_formulaic(formula, frame):
    assert make_encoder(learn(formula, frame)) is None


@pytest.mark.parametrize("kind", [object, "category", "str"])
def test_text_of_any_kind_is_found(frame, kind):
    encoding = learn("y ~ g + x", frame)
    rows = frame[["g", "x"]].astype({"g": kind})
    found = make_encoder(encoding).encode(rows)
    npt.assert_array_equal(found.block(0, len(rows)).T, encode_rows(encoding, rows)[0])


def test_an_unknown_level_is_left_to_whoever_can_say_so(frame):
    encoding = learn("y ~ g + x", frame)
    rows = frame[["g", "x"]].head(3).assign(g=["a", "b", "new"])
    assert make_encoder(encoding).encode(rows) is None
