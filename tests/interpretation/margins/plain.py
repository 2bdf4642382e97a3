"""Effects by other means: stencils over the variable, complex steps over the coefficients.

Everything here is made from rows that the fit encodes, with plain softmax: nothing of the
closed forms under test. A complex step (Squire and Trapp 1998, SIAM Review 40) has no rounding
of differences, so Jacobians are exact to the last digits.
"""

from __future__ import annotations

import functools

import numpy as np
import pandas as pd

import mlelogit as ml
from mlelogit.data.encoding import encode_new

STEP = 2e-4


@functools.cache
def rows() -> pd.DataFrame:
    """Make 120 rows of numbers, a factor, truth values, groups and whole weights."""
    rng = np.random.default_rng(1)
    n = 120
    frame = pd.DataFrame(
        {
            "x": rng.uniform(0.5, 3, n),
            "z": rng.normal(2, 1, n),
            "g": rng.choice(list("uvw"), n, p=[0.5, 0.3, 0.2]),
            "h": rng.choice([1, 2], n),
            "b": rng.choice([True, False], n),
            "part": rng.choice(["p", "q"], n),
            "times": rng.integers(1, 4, n),
            "share": rng.uniform(0.2, 2, n),
        }
    )
    frame.loc[0, "x"], frame.loc[1, "x"] = 0.4, 3.1
    scores = np.column_stack(
        [
            np.zeros(n),
            0.5 * frame["x"] - 0.3 * frame["z"],
            0.8 * (frame["g"] == "v") + 0.2 * frame["x"] * frame["b"],
        ]
    )
    codes = (scores + rng.gumbel(size=(n, 3))).argmax(axis=1)
    return frame.assign(y=np.array(list("abc"))[codes])


@functools.cache
def fitted(rhs: str, **options):
    return ml.mnlogit(f"y ~ {rhs}", rows(), **options).fit()


def inner_rows() -> pd.DataFrame:
    """Return the rows without the least and the largest x: a spline can be moved at these."""
    return rows().iloc[2:].reset_index(drop=True)


def dense(matrix):
    return np.asarray(matrix if isinstance(matrix, np.ndarray) else matrix.toarray())


def encode(res, frame):
    return dense(encode_new(res.record.encoding, frame)[0])


def softmax(res, x, params):
    """Return probabilities (S, rows, J) of coefficients (S, P), complex ones too."""
    b = params.reshape(len(params), -1, x.shape[1])
    scores = np.insert(np.einsum("nk,sjk->snj", x, b), res.record.encoding.base, 0.0, axis=2)
    powers = np.exp(scores - scores.real.max(axis=2, keepdims=True))
    return powers / powers.sum(axis=2, keepdims=True)


def slope(res, frame, name, params, columns=None):
    """Return dy/dv (S, rows, J) by a stencil of fourth order."""
    find = columns or (lambda moved: encode(res, moved))
    ends = {
        k: softmax(res, find(frame.assign(**{name: frame[name] + k * STEP})), params)
        for k in (-2, -1, 1, 2)
    }
    return (8 * (ends[1] - ends[-1]) - (ends[2] - ends[-2])) / (12 * STEP)


def average(values, weights, mask=slice(None)):
    return np.einsum("n,snj->sj", weights[mask], values[:, mask]) / weights[mask].sum()


def step_params(res, function):
    """Return a function of the coefficients, flat, and its standard errors.

    It is called once, with the coefficients (P + 1, P): each moved, and none.
    """
    params = res.record.maximum.params
    moved = params + 1e-30j * np.eye(len(params))
    found = function(np.vstack([moved, params]))
    found = np.stack(found, axis=1) if isinstance(found, list) else found
    found = found.reshape(len(found), -1)
    jacobian = found[:-1].imag.T / 1e-30
    variance = np.einsum("ij,jk,ik->i", jacobian, res.covariance.matrix, jacobian)
    return found[-1].real, np.sqrt(variance)


def compare(res, margins, function, rtol=1e-8):
    estimate, errors = step_params(res, function)
    frame = margins.summary_frame()
    np.testing.assert_allclose(frame["estimate"], estimate, rtol=rtol, atol=1e-11)
    np.testing.assert_allclose(frame["std_err"], errors, rtol=rtol, atol=1e-11)
