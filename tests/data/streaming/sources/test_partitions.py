"""Additions of what came of partitions."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from mlelogit.data.streaming.sources.partitions import add_results
from mlelogit.data.streaming.stamps import Stamp, Stamped
from mlelogit.inference.sandwich.cells import CellSums
from mlelogit.inference.sandwich.streamed import CellInformations
from mlelogit.interpretation.averages import CellParts

ONE = np.array([1])
STAMP = Stamp(1, np.ones(1), np.ones(1))
RESULTS = {
    "scores": (
        CellSums(None, np.ones((2, 3)), 2),
        CellSums(ONE, np.ones((1, 3)), 2),
        CellSums(ONE, np.ones((1, 3)), 2),
    ),
    "informations": (
        CellInformations(None, np.ones((2, 3)), np.ones((2, 3, 3)), 2),
        CellInformations(ONE, np.ones((1, 3)), np.ones((1, 3, 3)), 2),
    ),
    "averages": (
        CellParts(np.arange(2), 2, (np.ones((2, 3)),)),
        CellParts(ONE, 2, (np.ones((1, 3)),)),
    ),
}


@pytest.mark.parametrize("what", RESULTS)
@pytest.mark.parametrize("first", [(), (None,), (Stamped(STAMP, None),)])
def test_an_addition_can_be_done_again(what, first):
    # Dask keeps the operands, and adds them again if the worker with the sum is lost.
    some = RESULTS[what]
    if first and first[0] is not None:
        some = tuple(Stamped(STAMP, one) for one in some)
    results = [*first, *some]
    before = pickle.dumps(results)
    once = pickle.dumps(add_results(results))
    assert pickle.dumps(add_results(results)) == once
    assert pickle.dumps(results) == before


def test_nothing_adds_up_to_nothing():
    assert add_results([None, None]) is None
