"""Stata's factor variables in formulas: refused, with what they are here."""

import numpy as np
import pandas as pd
import pytest

import mlelogit as ml
from mlelogit.exceptions import ColumnNotFoundError, FormulaError

SPELLINGS = {
    "i.ses": "C(ses)",
    "age + i.ses": "C(ses)",
    "c.age": "age",
    "ib2.ses": "C(ses, Treatment(2))",
    "b2.ses": "C(ses, Treatment(2))",
    "i.ses##c.age": "C(ses) * age",
    "i.ses ## c.age": "C(ses) * age",
    "age + i.ses#c.age": "C(ses):age",
    "ses#sex": "C(ses):C(sex)",
    "ses##sex": "C(ses) * C(sex)",
    "C(ses)##c.age": "C(ses) * age",
    "ib1.ses##i.sex#c.age": "C(ses, Treatment(1)) * C(sex):age",
    "c.age##c.age": "age + I(age**2)",
    "c.age#c.age": "I(age**2)",
}


@pytest.fixture(scope="module")
def people():
    rng = np.random.default_rng(7)
    return pd.DataFrame(
        {
            "y": rng.choice(["a", "b", "c"], 300),
            "ses": rng.integers(1, 4, 300),
            "sex": rng.choice(["f", "m"], 300),
            "age": rng.normal(size=300),
            "c.x": rng.normal(size=300),
        }
    )


@pytest.mark.parametrize("asked", SPELLINGS)
def test_the_spelling_here_is_named_and_can_be_fitted(asked, people):
    meant = SPELLINGS[asked]
    with pytest.raises(FormulaError) as caught:
        ml.mnlogit(f"y ~ {asked}", people)
    assert f"Stata writes {meant!r}: write that" in str(caught.value)
    assert ml.mnlogit(f"y ~ {meant}", people).fit().converged


def test_squares_are_no_products_of_a_column_with_itself(people):
    names = ml.mnlogit("y ~ age + I(age**2)", people).fit().params.index
    assert list(names) == ["Intercept", "age", "I(age ** 2)"]


def test_columns_with_dots_are_columns(people):
    assert "c.x" in ml.mnlogit("y ~ c.x", people).fit().params.index
    with pytest.raises(ColumnNotFoundError, match=r"'i\.nothing'"):
        ml.mnlogit("y ~ i.nothing", people)


def test_a_lonely_sign_is_told(people):
    with pytest.raises(FormulaError, match=r"C\(a\):C\(b\)"):
        ml.mnlogit("y ~ age + (ses)#(sex)", people)
    assert ml.mnlogit("y ~ `a#b`", people.assign(**{"a#b": people["age"]})).fit().converged
