"""Combinations in words become rows of R b - q, and say themselves again."""

import numpy as np
import pandas as pd
import pytest

import mlelogit as ml
from mlelogit.data.hypotheses.combinations import read_combinations
from mlelogit.exceptions import ParamsError


@pytest.fixture(scope="module")
def encoding():
    random = np.random.default_rng(5)
    frame = pd.DataFrame({"age": random.normal(size=90), "x >= 3": random.normal(size=90)})
    frame["by"] = random.choice(["air", "bus", "car"], 90)
    return ml.MNLogit(frame["by"], frame[["age", "x >= 3"]], base="air").encoding


CASES = {
    "car: age - bus: age": (["car: age - bus: age"], [[-1, 0, 1, 0]], [0]),
    "-car: age": (["-car: age"], [[0, 0, -1, 0]], [0]),
    "2 * car: age - 1": (["2*[car: age] - 1"], [[0, 0, 2, 0]], [1]),
    "1 + 0.5*bus: x >= 3": (["0.5*[bus: x >= 3] + 1"], [[0, 0.5, 0, 0]], [-1]),
    "age": (["bus: age", "car: age"], [[1, 0, 0, 0], [0, 0, 1, 0]], [0, 0]),
    "car: age, bus: age": (["car: age", "bus: age"], [[0, 0, 1, 0], [1, 0, 0, 0]], [0, 0]),
    "car: age - air: age": (["car: age"], [[0, 0, 1, 0]], [0]),
    "x >= 3": (["bus: x >= 3", "car: x >= 3"], [[0, 1, 0, 0], [0, 0, 0, 1]], [0, 0]),
}


@pytest.mark.parametrize("text", CASES)
def test_words_become_rows_and_words(encoding, text):
    words, matrix, values = CASES[text]
    found = read_combinations(text, encoding)
    assert list(found.words) == words
    assert np.array_equal(found.matrix, matrix)
    assert np.array_equal(found.values, values)
    again = read_combinations(list(words), encoding)
    assert np.array_equal(again.matrix, matrix)
    assert np.array_equal(again.values, values)


def test_pairs_and_matrices_are_read(encoding):
    assert read_combinations(("car", "x >= 3"), encoding).words == ("car: x >= 3",)
    found = read_combinations([[1, 0, -2, 0], [0, 1, 1, 1]], encoding)
    assert found.words == ("bus: age - 2*[car: age]", "bus: x >= 3 + car: age + car: x >= 3")
    long = read_combinations([[1.0, 1, 1, 1]], encoding)
    assert long.words == ("bus: age + bus: x >= 3 + car: age + car: x >= 3",)


@pytest.mark.parametrize(
    "text", ["car: age = 0", "car: age == bus: age", "age <= 1", ["car: age", "bus: age >= 2"]]
)
def test_relations_are_refused(encoding, text):
    with pytest.raises(ParamsError, match="without"):
        read_combinations(text, encoding)


@pytest.mark.parametrize(
    "text", ["cat: age", "car: age +", "1", "car: age - car: age", "", [[1, 2]]]
)
def test_what_is_no_combination_is_refused(encoding, text):
    with pytest.raises(ParamsError):
        read_combinations(text, encoding)
