"""Fixtures that several test files share."""

import doctest
from collections.abc import Iterator
from importlib.util import find_spec

import numpy as np
import pandas as pd
import pytest
from threadpoolctl import threadpool_limits

from tests.examples import list_imports, restore_torch


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """Thousands of small fits: threads in the linear algebra would only wait for each other."""
    with threadpool_limits(limits=1):
        yield


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip the examples that run a package that is not installed, and say so."""
    absent = {name for name in ("marginaleffects", "torch") if not find_spec(name)}
    for item in items:
        lacking = list_needs(item.dtest) & absent if isinstance(item, pytest.DoctestItem) else set()
        if lacking:
            reason = f"{', '.join(sorted(lacking))} is not installed"
            item.add_marker(pytest.mark.skip(reason=reason))


def list_needs(test: doctest.DocTest) -> set[str]:
    """Return the packages that examples import, whatever else they say of them."""
    return set().union(*(list_imports(example.source) for example in test.examples))


@pytest.fixture
def torch_restored() -> Iterator[None]:
    """Give PyTorch back its threads and its random numbers after code that sets them."""
    with restore_torch():
        yield


@pytest.fixture
def rng():
    return np.random.default_rng(20240229)


@pytest.fixture
def voters(rng):
    """400 rows: three categories, a number, a whole number, a factor and weights."""
    age = rng.normal(50, 15, 400)
    region = rng.choice(["east", "north", "west"], 400)
    scores = np.column_stack([np.zeros(400), 0.03 * (age - 50), (region == "west") - 0.2])
    scores += rng.gumbel(size=scores.shape)
    return pd.DataFrame(
        {
            "vote": np.array(["ann", "bob", "cat"])[scores.argmax(axis=1)],
            "age": age,
            "children": rng.integers(0, 4, 400),
            "region": region,
            "people": rng.integers(1, 5, 400),
        }
    )
