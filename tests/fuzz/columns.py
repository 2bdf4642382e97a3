"""Columns of every kind, tame and wild."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st

TAME = ("normal", "normal", "normal", "constant", "binary", "whole")
WILD = (
    "zero",
    "duplicate",
    "combination",
    "nearly",
    "scaled",
    "shifted",
    "missing",
    "all missing",
    "infinite",
    "flat",
    "single",
    "limits",
    "subnormal",
    "telling",
    "ragged scale",
)


def make_column(kind: str, rng: np.random.Generator, before: list, codes: np.ndarray) -> np.ndarray:
    """Return a column (n,) of a kind; some repeat those before, or tell the categories."""
    n = len(codes)
    normal = rng.normal(size=n)
    last = before[-1] if before else normal
    made: dict[str, Callable[[], Any]] = {
        "normal": lambda: normal,
        "constant": lambda: np.full(n, rng.choice([1.0, -3.0, 0.1, 1e6])),
        "binary": lambda: rng.integers(0, 2, n),
        "whole": lambda: rng.integers(-5, 6, n),
        "zero": lambda: np.zeros(n),
        "duplicate": lambda: last,
        "combination": lambda: sum(before, np.zeros(n)) * 2 - 1,
        "nearly": lambda: last + normal * 10.0 ** rng.integers(-16, -3),
        "scaled": lambda: normal * 10.0 ** rng.integers(-300, 301),
        "shifted": lambda: normal + 10.0 ** rng.integers(2, 17),
        "missing": lambda: np.where(rng.random(n) < 0.2, np.nan, normal),
        "all missing": lambda: np.full(n, np.nan),
        "infinite": lambda: np.where(rng.random(n) < 0.2, rng.choice([np.inf, -np.inf]), normal),
        "flat": lambda: 1 + np.spacing(1.0) * rng.integers(0, 3, n),
        "single": lambda: (np.arange(n) == 0) * 1.0,
        "limits": lambda: rng.choice([2.0**62, -(2.0**63), 2.0**63, 127, -128, 0], n),
        "subnormal": lambda: rng.integers(-3, 4, n) * 5e-324,
        "telling": lambda: codes + normal * 0.01,
        "ragged scale": lambda: normal * 10.0 ** rng.integers(-60, 61, n),
    }
    with np.errstate(all="ignore"):
        return np.asarray(made[kind](), dtype=np.float64)


@st.composite
def matrices(
    draw: st.DrawFn, rng: np.random.Generator, codes: np.ndarray, wild: bool
) -> np.ndarray:
    """Draw columns (n, K), all of them tame or some of them wild."""
    width = draw(st.sampled_from([2, 1, 3, 4, 0, 9] if wild else [2, 1, 3]))
    pools = st.sampled_from([TAME, WILD] if wild else [TAME])
    before: list[np.ndarray] = []
    for _ in range(width):
        kind = draw(st.sampled_from(draw(pools)))
        before.append(make_column(kind, rng, before, codes))
    return np.column_stack(before) if before else np.empty((len(codes), 0))
