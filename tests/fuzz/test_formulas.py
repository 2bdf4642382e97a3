"""Whatever a formula says: a fit, or a named error; no code runs."""

import builtins
import os
import subprocess

import numpy as np
import pandas as pd
import pytest
from hypothesis import given

from tests.fuzz.formulas import fit_formula, formulas, make_frame
from tests.fuzz.strategies import budget

WAYS_OUT = [(builtins, "tripwire"), (builtins, "breakpoint"), (os, "system"), (os, "popen")]
WAYS_OUT += [(subprocess, "Popen"), (np, "load"), (np, "fromfile"), (pd, "eval")]


@pytest.fixture
def calls(monkeypatch):
    """Everything that code in a formula could reach, and what of it was called."""
    called = []
    for module, name in WAYS_OUT:

        def remember(*args, name=name, **kwargs):
            called.append(name)
            return np.ones(40)

        monkeypatch.setattr(module, name, remember, raising=False)
    return called


@given(formula=formulas)
@budget(200)
def test_a_fit_or_a_named_error_and_no_code_runs(formula: str, calls: list[str]):
    frame = make_frame()
    before = frame.copy(deep=True)
    fit_formula(formula, frame)
    assert not calls
    pd.testing.assert_frame_equal(frame, before)


def test_the_tripwires_would_notice(calls):
    eval("tripwire()", {})
    os.system("true")
    assert calls == ["tripwire", "system"]


def test_good_formulas_are_fitted(calls):
    frame = make_frame()
    for formula in ("y ~ x", "counts(n1, n2) ~ C(g) + `a b`"):
        results = fit_formula(formula, frame)
        assert results is not None
        assert results.converged
