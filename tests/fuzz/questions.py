"""Questions put to a model and to its fit, with whatever for an argument."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import scipy.sparse as sp
from hypothesis import strategies as st

import mlelogit as ml
from tests.fuzz.columns import matrices
from tests.fuzz.costumes import costumes
from tests.fuzz.judging import attempt, freeze
from tests.fuzz.strategies import wrong

CONSTRAINTS = {
    "held": ["v: a = w: a", "w: b = 0.1"],
    "bounded": ["a >= 0.05", "v: b <= 0", "w: const = v: const"],
    "settled": ["a = 0.1", "b = 0", "const = 0"],
}
FITS = ("arrays", "formula", "offset", "counts", "sampling", "separated", *CONSTRAINTS)


@cache
def make_model(kind: str) -> tuple[Any, pd.DataFrame]:
    """Return a model and its data."""
    rng = np.random.default_rng(5)
    frame = pd.DataFrame({"a": rng.normal(size=60), "b": rng.integers(0, 3, 60)})
    frame["g"] = np.array(["p", "q", "r"])[rng.integers(0, 3, 60)]
    frame["y"] = np.array(["u", "v", "w"])[rng.integers(0, 3, 60)]
    frame[["n1", "n2"]] = rng.integers(1, 5, (60, 2))
    numbers = frame[["a", "b"]].assign(const=1.0)
    if kind == "arrays" or kind in CONSTRAINTS:
        return ml.MNLogit(frame["y"], numbers), numbers
    if kind == "separated":
        return ml.mnlogit("n ~ a", frame.assign(n=frame["a"] > 0)), frame
    made = {
        "formula": ("y ~ log(n1) + C(g) + bs(a, df=4)", {}),
        "offset": ("y ~ a", {"offset": ["n1", "n2"]}),
        "counts": ("counts(n1, n2) ~ a + g", {}),
        "sampling": ("y ~ a + g", {"weights": "n1", "weight_type": "sampling"}),
    }
    formula, options = made[kind]
    return ml.mnlogit(formula, frame, **options), frame


@cache
def make_fit(kind: str) -> tuple[Any, Any, pd.DataFrame]:
    """Return a model, its fit and its data."""
    model, frame = make_model(kind)
    results, _ = attempt(lambda: model.fit(constraints=CONSTRAINTS.get(kind)))
    return model, results, frame


def spoilt(frame: pd.DataFrame) -> list[Any]:
    """Return new rows, most of them wrong in one way."""
    first = frame.iloc[:3]
    return [
        first,
        first.iloc[:0],
        first.iloc[0],
        first[first.columns[::-1]],
        first.iloc[:, 1:],
        first.to_numpy(),
        first.to_dict("list"),
        first.to_dict("records"),
        first.iloc[0].to_dict(),
        first.astype(object),
        first.astype(str),
        first.astype("category"),
        first.replace(first.iloc[0, 0], np.nan),
        first.assign(a=np.inf),
        first.assign(a=-np.inf, b=np.nan),
        first.assign(a=1e308),
        first.assign(a="x"),
        first.assign(a=[1, "x", None]),
        first.assign(a=1j),
        first.assign(a=pd.Timestamp("2020")),
        first.assign(a=[[1], [2], [3]]),
        first.assign(g=["p", "zzz", "q"]),
        first.assign(g=["p", None, "q"]),
        first.assign(g=1),
        first.assign(g=pd.Categorical(["p", "q", "q"], categories=["q", "p"])),
        first.assign(g=[["p"], {}, set()]),
        first.assign(n1=0),
        first.assign(n1=-1),
        pd.concat([first, first], axis=1),
        first.set_axis(range(first.shape[1]), axis=1),
        first.set_axis([7] * 3),
        pl.DataFrame(first.to_dict("list")),
        pa.table(first.to_dict("list")),
        pl.DataFrame(first.to_dict("list")).lazy(),
        first[["a", "b"]].to_numpy(),
        sp.csr_array(first[["a", "b", "b"]].to_numpy()),
        np.ma.array(first[["a", "b", "b"]].to_numpy(), mask=np.eye(3)),
        np.ones(3),
        np.ones((0, 3)),
        np.ones((2, 3), dtype=np.float16),
        np.ones((2, 3)) * 1j,
        np.array([["a", "b", "c"]]),
        [[1, 2, 3]],
        [1, 2, 3],
        [[1, 2], [3]],
        {"a": [1, 2], "b": [1]},
        {"a": 1},
        {},
        [],
    ]


ARGUMENTS = {
    "constraints": st.sampled_from(
        [
            *[None, "v: a = 1", ["a >= 0", "v: a <= -1"], "a = b", ["a", "a"], [], "a >=", {}, 3],
            *["1 <= v: a <= 2", ["a = 1e300"], "v: a = 1e-300*w: a", "0*v: a = 1", "u: a = 0"],
            *[np.eye(6), (np.eye(6), np.arange(6.0)), (np.eye(6), "x"), np.ones((1, 2)), ["a", 1]],
            *[["v: a = w: a", "w: a = 1", "v: a = 2"], "v: a - w: a >= 1e8", ["a>=0"] * 50],
        ]
    ),
    "equations": st.sampled_from(
        [
            *[None, {"a": ["v"]}, {"a": "v"}, {"a": []}, {"a": ["u"]}, {"zz": ["v"]}, {"a": 1}],
            *[{"a": {"v": 1}}, {"a": np.array(["v", "w"])}, ["a"], "a", {"g": ["v"]}, {}],
        ]
    ),
    "alpha": st.sampled_from([0.05, 0.5, 1e-300, 0, 1, -1, 2, np.float32(0.1), "0.05"]),
    "kind": st.sampled_from(["nonrobust", "opg", "HC0", "HC1", "robust", "HC3", "HAC", "HC4"]),
    "cov_type": st.sampled_from([None, "nonrobust", "opg", "HC0", "HC1", "robust", "HC9", 0]),
    "test": st.sampled_from(["lr", "wald", "score", "rao", None]),
    "type": st.sampled_from([2, 3, 1, "2", None, 2.0]),
    "iia": st.sampled_from(["score", "robust", "hausman-mcfadden", "small-hsiao", "iia", 1]),
    "method": st.sampled_from(["wald", "profile", "score", "lr", 1]),
    "flag": st.booleans(),
    "points": st.sampled_from([3, 0, -1, 2.5, [0.1, -0.2], [], [1e300], [np.nan], "3", [[1]], {}]),
    "which": st.sampled_from(["prob", "category", "linear", "probs", 1]),
    "missing": st.sampled_from(["raise", "propagate", "drop", None]),
    "base": st.sampled_from(["u", "v", "w", "n1", "n2", True, False, 0, "U"]),
    "hypothesis": st.sampled_from(
        [
            *["a", "v: a", ("v", "a"), ["a", "g"], "a = 0", [], [[]], [1, "a"], ("a",), {"a"}],
            *[np.eye(3), np.zeros((1, 6)), np.eye(6), np.full((1, 6), np.inf), [("v", "a")]],
            *["a" * 5000, np.eye(6)[0], np.eye(6)[:2] * 1e200, np.eye(6)[:1] * 1e-200],
            pd.DataFrame(np.eye(6)),
        ]
    ),
    "value": st.sampled_from([None, 0, 1e300, [0, 1], "x", np.nan, np.inf, [[1]], {}]),
    "times": st.sampled_from(
        [
            *[np.full((1, 60), value) for value in (1.0, 0.5, 0.0, -1.0, 1e300, np.nan, np.inf)],
            *[np.ones((1, 59)), np.ones(60), np.eye(60)[:2], np.ones((0, 60)), [["a"] * 60]],
        ]
    ),
    "labels": st.sampled_from(
        [
            *["g", "a", "n1", "absent", ["g", "a"], ["g", "absent"], None, 3, True, 1.5],
            *[np.arange(60), np.arange(60) % 7, np.zeros(60), np.arange(59), np.arange(60.0) / 7],
            *[np.full(60, np.nan), np.full(60, np.inf), ["x", "y"] * 30, [("x", 1)] * 60],
            *[np.arange(120).reshape(60, 2) % 9, np.zeros((60, 0)), [], [[1]] * 60, [[1], [2, 3]]],
            *[[np.arange(60) % 5, "g"], [1, "x"] * 30, pd.Series(range(60)), {"a": range(60)}],
            *[pd.date_range("2020", periods=60), pd.Categorical(["x", "y", None] * 20), {1, 2}],
            *[np.full(60, 2**62), np.arange(60) * 1j, range(60), pd.DataFrame({"a": range(60)})],
            *[np.full(60, 0.5), np.full(60, 100.0), [None] * 60, [[1, 2]] * 60, "x" * 60],
        ]
    ),
    "correction": st.sampled_from(["stata", "CR0", "CR1", "CR2", "CR3", "none", "HC1", None, 1]),
    "lags": st.sampled_from([None, 0, 1, 5, 10**9, -1, 1.5, "1", True, np.int64(2)]),
    "scale": st.sampled_from(["prob", "linear"]),
    "bands": st.sampled_from([None, "bonferroni", "sidak", "sup-t", "scheffe"]),
    "family": st.sampled_from(["row", "row", "all"]),
    "lonely": st.sampled_from(["raise", "center", "certainty", "adjust", None]),
    "engines": st.sampled_from([[], ["statsmodels"], "statsmodels", ["x"], [1], ("maxent", 2)]),
    "seed": st.sampled_from([0, -1, 2**70, "a", 1.5]),
    "params": st.sampled_from(
        [
            *[np.zeros(6), np.zeros((3, 2)), np.full(6, 1e300), np.full(6, -1e8), np.arange(6.0)],
            *[np.zeros(4), np.zeros(3), np.full(6, np.nan), ["a"] * 6, np.zeros(6, complex)],
            *[np.full(4, 1e200), np.full(3, 1e200), list(range(4)), "zeros", [[1], [2, 3]]],
        ]
    ),
    "offset": st.sampled_from(
        [None, None, np.ones((3, 2)), np.ones((3, 3)), np.ones((1, 2)), "n1", ["n1", "n2"]]
    ),
}


@st.composite
def newdata(draw: st.DrawFn, frame: pd.DataFrame) -> Any:
    """Draw new rows."""
    kind = draw(st.sampled_from(["right", "right", "spoilt", "spoilt", "other"]))
    if kind != "other":
        return frame.iloc[:3] if kind == "right" else draw(st.sampled_from(spoilt(frame)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    x = draw(matrices(rng, rng.integers(0, 3, 3), True))
    return draw(costumes(x, rng, draw(st.booleans()))).given


QUESTIONS: dict[str, tuple[str, ...]] = {
    "predict": ("newdata", "which", "offset", "missing"),
    "get_prediction": ("newdata", "offset", "missing", "alpha", "scale", "bands", "family"),
    "averages": ("labels", "alpha", "scale", "bands", "family"),
    "leads": ("alpha",),
    "conf_int": ("alpha", "method"),
    "lincom": ("hypothesis", "alpha", "method"),
    "all_pairs": ("alpha", "method", "flag"),
    "profile": ("hypothesis", "points"),
    "tidy": ("alpha",),
    "summary": ("alpha",),
    "wald_test": ("hypothesis", "value"),
    "with_cov": ("kind",),
    "cluster": ("labels", "correction"),
    "HAC": ("labels", "labels", "lags", "correction"),
    "survey": ("labels", "labels", "labels", "lonely"),
    "rebase": ("base",),
    "refit": ("times",),
    "lr_test": ("hypothesis", "value"),
    "score_test": ("hypothesis", "value", "cov_type"),
    "term_tests": ("test", "type"),
    "equality_tests": ("test",),
    "combine_tests": ("test",),
    "iia_tests": ("iia", "seed"),
    "verify": ("engines", "seed"),
    "loglike": ("params",),
    "score": ("params",),
    "information": ("params",),
    "loglikeobs": ("params",),
    "fit": ("params",),
    "constrain": ("constraints", "equations"),
    "constraint_tests": (),
}
OPTIONS = {
    "cluster": ("groups", "correction"),
    "HAC": ("time", "groups", "maxlags", "correction"),
    "survey": ("strata", "psu", "fpc", "lonely"),
}
OF_MODELS = ("loglike", "score", "information", "loglikeobs", "fit", "constrain")


@st.composite
def questions(draw: st.DrawFn) -> tuple[str, str, list[Any]]:
    """Draw a fit, a question and its arguments."""
    kind = draw(st.sampled_from(FITS))
    name = draw(st.sampled_from(["predict", "predict", *QUESTIONS]))
    frame = make_model(kind)[1]
    right = {**ARGUMENTS, "newdata": newdata(frame)}
    arguments = [
        draw(wrong if draw(st.sampled_from([False] * 15 + [True])) else right[needed])
        for needed in QUESTIONS[name]
    ]
    return kind, name, arguments


def ask(question: tuple[str, str, list[Any]]) -> Any:
    """Ask: an answer comes, or an error of ours; the arguments stay as they are."""
    kind, name, arguments = question
    model, results, _ = make_fit(kind)
    before = [freeze(argument) for argument in arguments]
    answer, _ = attempt(lambda: put(model, results, name, arguments))
    assert [freeze(argument) for argument in arguments] == before
    if name == "predict" and answer is not None:
        check_predictions(answer, arguments)
    return answer


def put(model: Any, results: Any, name: str, arguments: list[Any]) -> Any:
    if name == "fit":
        return model.fit(start_params=arguments[0], maxiter=5)
    if name in OPTIONS:
        options = dict(zip(OPTIONS[name], arguments, strict=True))
        return str(results.with_cov(name, **options).rebase(results.base))
    if name == "constrain":
        return str(model.fit(constraints=arguments[0], equations=arguments[1]).summary())
    if name == "verify":
        return str(results.verify(engines=arguments[0], seed=arguments[1]))
    if name in ("get_prediction", "averages", "leads"):
        return predict_with_errors(results, name, arguments)
    if name == "all_pairs":
        return results.all_pairs(*arguments[:2], exponentiate=arguments[2])
    answer: Callable[..., Any] = getattr(model if name in OF_MODELS else results, name)
    made = answer(*arguments, **({"frame": "pandas"} if name == "predict" else {}))
    return str(made) if name in ("summary", "with_cov", "rebase") else made


def predict_with_errors(results: Any, name: str, arguments: list[Any]) -> Any:
    """Predict and tabulate; intervals lie around their estimates."""
    if name == "leads":
        return results.get_prediction().leads(*arguments)
    if name == "averages":
        prediction = results.get_prediction(by=arguments[0])
    else:
        newdata, offset, missing = arguments[:3]
        prediction = results.get_prediction(newdata, offset=offset, missing=missing)
    alpha, which, bands, family = arguments[-4:]
    asked = {"simultaneous": bands, "family": family}
    table = prediction.summary_frame(alpha, which, **asked, frame="pandas")
    known = table.dropna()
    assert (known["lower"] <= known.iloc[:, 0]).all()
    assert (known.iloc[:, 0] <= known["upper"]).all()
    assert str(prediction)
    return table


def check_predictions(answer: Any, arguments: list[Any]) -> None:
    """Check that probabilities are some, and that a gap comes only where one was let through."""
    if arguments[1] == "category":
        return
    values = answer.to_numpy()
    if arguments[3] != "propagate":
        assert not np.isnan(values).any()
    if arguments[1] == "prob":
        gaps = np.isnan(values).any(axis=1)
        assert (np.abs(values[~gaps].sum(axis=1) - 1) < 1e-12).all()
