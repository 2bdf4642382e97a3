"""Fixtures of the tests of data."""

import numpy as np
import pandas as pd
import pytest

import mlelogit as ml
from tests.data.samples import CODES, DESIGN


@pytest.fixture
def frame():
    generator = np.random.default_rng(7)
    numbers = generator.normal(size=60)
    return pd.DataFrame(
        {
            "y": ["a", "b", "c"] * 20,
            "x": numbers,
            "g": ["u", "v"] * 30,
            "feat.price": generator.uniform(1, 2, 60),
            "a b": generator.uniform(1, 2, 60),
            "n1": generator.integers(0, 3, 60),
            "n2": generator.integers(1, 3, 60),
        }
    )


@pytest.fixture(scope="session")
def plain():
    """The fit with the codes themselves as labels."""
    return ml.MNLogit(CODES, DESIGN).fit()
