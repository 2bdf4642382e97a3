"""The engines: independent of the fit, honest about their costs, quiet, and not believed."""

from __future__ import annotations

import ast
import importlib.util
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mlelogit.equivalence.engines import ENGINES, estimate_seconds
from mlelogit.equivalence.verification import read_problem
from tests.equivalence.samples import make, verdicts


@pytest.fixture(scope="module")
def res():
    return make().fit()


def test_estimated_costs_grow_with_the_problem(res):
    problem = read_problem(res.record)
    large = replace(
        problem, x=np.broadcast_to(1.0, (10**6, 50)), d=np.broadcast_to(1.0, (10**6, 30))
    )
    for engine in ENGINES:
        assert 0 < estimate_seconds(engine, problem) < 1
        assert 60 < estimate_seconds(engine, large) < 1e5


def test_peers_warnings_stay_with_the_peers():
    """In a fresh process, where the peers are imported while they run."""
    code = """
import numpy as np, mlelogit as ml
rng = np.random.default_rng(0)
x = np.column_stack([np.ones(80), 1e6 + rng.normal(size=80)])
print(ml.MNLogit(rng.integers(3, size=80), x).fit().verify().frame.shape)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "(5, 5)\n"
    assert done.stderr == ""


def test_engines_share_no_line_with_the_fit():
    source = Path(importlib.util.find_spec("mlelogit.equivalence.engines").origin)
    imported = set()
    for name in ("engines.py", "identity.py", "constrained.py"):
        tree = ast.parse(source.with_name(name).read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom):
                assert node.level == 0
                imported.add(node.module)
            elif isinstance(node, ast.Import):
                imported.update(alias.name for alias in node.names)
    ours = {name for name in imported if name.startswith("mlelogit")}
    own = {f"mlelogit.equivalence.{name}" for name in ("identity", "constrained")}
    apart = own | {"mlelogit.exceptions", "mlelogit.notices"}
    assert ours <= apart
    assert ours


def test_a_peer_that_fails_is_not_run_and_says_so(res, monkeypatch):
    from statsmodels.discrete.discrete_model import MNLogit

    def fail(*args, **kwargs):
        raise FloatingPointError("no luck today")

    monkeypatch.setattr(MNLogit, "fit", fail)
    verdict = res.verify(engines="statsmodels").frame.loc[ENGINES["statsmodels"], "verdict"]
    assert verdict == "not run: failed with FloatingPointError: no luck today"


def test_a_peer_that_lies_is_caught(res, monkeypatch):
    from sklearn.linear_model import LogisticRegression

    honest = LogisticRegression.fit

    def shrink(self, *args, **kwargs):
        honest(self, *args, **kwargs)
        self.coef_ = 0.9 * self.coef_
        return self

    monkeypatch.setattr(LogisticRegression, "fit", shrink)
    assert verdicts(res.verify()) == [ENGINES["scikit-learn"]]
