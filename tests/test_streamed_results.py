"""Everything that a fit can be asked, of rows read in pieces as of rows in memory."""

from __future__ import annotations

import copy
import dataclasses
import itertools
import pickle
import re
import tempfile

import numpy as np
import pandas as pd
import pytest

import mlelogit as ml
from mlelogit.data.streaming import stream
from mlelogit.exceptions import BridgeError, FewClustersWarning, RowsNotHeldError
from mlelogit.results import MNLogitResults
from tests.ways import build

FORMULA = "y ~ x + z + I(x**2)"
NEW = {"x": [0.5, -1.0], "z": [1.0, 0.0], "o_A": [0.0, 0.0], "o_B": [0.1, 0.2], "o_C": [0.3, 0.1]}


def make_frame(rows=240):
    rng = np.random.default_rng(7)
    frame = pd.DataFrame({"x": rng.normal(size=rows), "z": rng.normal(size=rows)})
    scores = np.c_[np.zeros(rows), 0.7 * frame.x, frame.z - 0.3] + rng.gumbel(size=(rows, 3))
    frame["y"] = np.array(["A", "B", "C"])[scores.argmax(axis=1)]
    frame["g"] = rng.integers(0, 50, rows)
    frame["h"] = rng.integers(0, 3, rows)
    frame["w"] = rng.integers(0, 4, rows)
    frame["p"] = rng.uniform(0.5, 2.0, rows)
    frame["t"] = np.arange(rows) % 40
    counts = rng.integers(0, 4, (rows, 3))
    for name, count in zip("ABC", counts.T, strict=True):
        frame[f"c{name}"] = count + (name == "A")
        frame[f"o_{name}"] = rng.normal(size=rows) / 3
    return frame


def cut(frame, ends=(1, 2, 2, 70, 141)):
    """Cut a frame: pieces of one row, one without any, and some more."""
    ends = (0, *ends, len(frame))
    return [frame.iloc[a:b] for a, b in itertools.pairwise(ends)]


FRAME = make_frame()
GAPS = FRAME.assign(x=FRAME.x.where(FRAME.index % 11 != 3))
CASES = {
    "plain": (FORMULA, FRAME, {}),
    "frequency": (FORMULA, FRAME, {"weights": "w", "weight_type": "frequency"}),
    "sampling": (FORMULA, FRAME, {"weights": "p", "weight_type": "sampling"}),
    "offset": (FORMULA, FRAME, {"offset": ["o_A", "o_B", "o_C"], "base": "B"}),
    "missing": (FORMULA, GAPS, {"missing": "drop"}),
    "counts": (FORMULA.replace("y ", "counts(cA, cB, cC) "), FRAME, {}),
}

# Name -> what is asked. The keys before the dot are all public names of results.
ASKED = {
    "aic": lambda r: r.aic,
    "all_pairs": lambda r: r.all_pairs(),
    "audit": lambda r: str(r.audit),
    "base": lambda r: r.base,
    "bias_reduction": lambda r: str(r.bias_reduction),
    "bic": lambda r: r.bic,
    "bootstrap": lambda r: r.bootstrap(20, seed=1, disp=False).bse,
    "bootstrap_test": lambda r: r.bootstrap_test("x", times=39, seed=1, disp=False).p_value,
    "bse": lambda r: r.bse,
    "calibration": lambda r: str(r.calibration()),
    "categories": lambda r: r.categories,
    "certificate": lambda r: r.certificate.finite_maximum,
    "classification": lambda r: str(r.classification()),
    "combine_tests": lambda r: r.combine_tests(),
    "combine_tests.lr": lambda r: r.combine_tests("lr"),
    "condition_number": lambda r: r.condition_number,
    "conf_int": lambda r: r.conf_int(),
    "conf_int.profile": lambda r: r.conf_int(method="profile", disp=False),
    "conf_int.score": lambda r: r.conf_int(method="score", disp=False),
    "constraint_tests": lambda r: ask_error(r.constraint_tests),
    "converged": lambda r: r.converged,
    "cov_params": lambda r: r.cov_params(),
    "cov_type": lambda r: r.cov_type,
    "covariance": lambda r: r.covariance.matrix,
    "df_model": lambda r: r.df_model,
    "df_resid": lambda r: r.df_resid,
    "equality_tests": lambda r: r.equality_tests(),
    "equality_tests.lr": lambda r: r.equality_tests("lr"),
    "equations": lambda r: len(r.equations()),
    "fit_statistics": lambda r: r.fit_statistics(),
    "fittedvalues": lambda r: r.fittedvalues,
    "flat": lambda r: str(type(r.flat())),
    "get_influence": lambda r: r.get_influence().leverage,
    "get_prediction": lambda r: r.get_prediction(NEW).summary_frame(),
    "get_prediction.own": lambda r: r.get_prediction().summary_frame(),
    "get_prediction.average": lambda r: r.get_prediction(average=True).summary_frame(),
    "get_prediction.by": lambda r: r.get_prediction(by="h").summary_frame(),
    "gof_tests": lambda r: str(r.gof_tests()),
    "hauck_donner": lambda r: r.hauck_donner(),
    "iia_tests": lambda r: r.iia_tests().frame,
    "iia_tests.robust": lambda r: r.iia_tests("robust").frame,
    "iia_tests.small": lambda r: r.iia_tests("small-hsiao", seed=1).frame,
    "lincom": lambda r: r.lincom("C: x - B: x" if r.base == "A" else "C: x - A: x"),
    "llf": lambda r: r.llf,
    "llnull": lambda r: r.llnull,
    "llr": lambda r: r.llr,
    "llr_pvalue": lambda r: r.llr_pvalue,
    "loglikeobs": lambda r: r.loglikeobs(),
    "lr_test": lambda r: r.lr_test("x").statistic,
    "margins": lambda r: r.margins().summary_frame(),
    "margins.means": lambda r: r.margins(kind="at_means").summary_frame(),
    "margins.balanced": lambda r: r.margins(kind="balanced").summary_frame(),
    "margins.at": lambda r: r.margins(at={"x": [0.0, 1.0]}, effect="level").summary_frame(),
    "margins.by": lambda r: r.margins(by="h", variables="z").summary_frame(),
    "margins.sd": lambda r: r.margins(change="sd").summary_frame(),
    "margins.moved": lambda r: r.margins("x", change=0.5, at={"x": [0.0, 1.0]}).summary_frame(),
    "margins.range": lambda r: r.margins(change="range").summary_frame(),
    "margins.elasticity": lambda r: r.margins(effect="eyex").summary_frame(),
    "margins.new": lambda r: r.margins(newdata=NEW).summary_frame(),
    "multipliers": lambda r: ask_error(lambda: r.multipliers),
    "nobs": lambda r: r.nobs,
    "omitted": lambda r: str(r.omitted),
    "params": lambda r: r.params,
    "penalized_llf": lambda r: r.penalized_llf,
    "plot": lambda r: read_picture(r.plot.coefficients()),
    "plot.probabilities": lambda r: read_picture(r.plot.probabilities("x")),
    "plot.margins": lambda r: read_picture(r.plot.margins()),
    "plot.residuals": lambda r: read_picture(r.plot.residuals()),
    "pred_table": lambda r: r.pred_table(),
    "predict": lambda r: r.predict(NEW),
    "predict.own": lambda r: r.predict(),
    "predict.category": lambda r: r.predict(which="category"),
    "profile": lambda r: r.profile(f"{other(r)}: x", 5, disp=False),
    "prsquared": lambda r: r.prsquared,
    "pvalues": lambda r: r.pvalues,
    "rebase": lambda r: r.rebase("C").params,
    "record": lambda r: r.record.inner_params,
    "refit": lambda r: r.refit(np.ones((1, len(r.record.index)))),
    "report": lambda r: count_headings(r.report(disp=False)),
    "resid_deviance": lambda r: r.resid_deviance,
    "resid_pearson": lambda r: r.resid_pearson,
    "resid_response": lambda r: r.resid_response,
    "residuals": lambda r: r.residuals("quantile", seed=1),
    "save": lambda r: save_and_load(r).params,
    "score": lambda r: r.score() * 1e-4,
    "score_obs": lambda r: r.score_obs(),
    "score_test": lambda r: r.score_test("x").statistic,
    "score_test.added": lambda r: r.score_test(exog_extra=add_column(r)).statistic,
    "scores": lambda r: str(r.scores()),
    "separation": lambda r: str(r.separation),
    "statistics": lambda r: r.statistics.llf,
    "summary": lambda r: shorten(r.summary().as_text()),
    "table": lambda r: shorten(str(r.table())),
    "term_tests": lambda r: r.term_tests(),
    "term_tests.score": lambda r: r.term_tests("score"),
    "tidy": lambda r: r.tidy(),
    "to_statsmodels": lambda r: r.to_statsmodels().bse,
    "trace": lambda r: r.trace.iloc[-1:, -1:] * 0.0,
    "tvalues": lambda r: r.tvalues,
    "verify": lambda r: r.verify().frame.select_dtypes("number").shape,
    "wald_test": lambda r: r.wald_test("x").statistic,
    "with_cov": lambda r: r.with_cov("HC1").bse,
    "with_cov.opg": lambda r: r.with_cov("opg").bse if r.cov_type == "nonrobust" else 0.0,
    "with_cov.HC3": lambda r: r.with_cov("HC3").bse,
    "with_cov.cluster": lambda r: r.with_cov("cluster", groups="g").bse,
    "with_cov.CR2": lambda r: r.with_cov("cluster", groups="g", correction="CR2").bse,
    "with_cov.ways": lambda r: r.with_cov("cluster", groups=["g", "t"]).bse,
    "with_cov.HAC": lambda r: r.with_cov("HAC", time="t").bse,
    "with_cov.survey": lambda r: r.with_cov("survey", psu="g").bse,
    "worst_predicted": lambda r: r.worst_predicted(4),
}
# What takes all rows at once, and refuses when they are too many to hold.
NEED_ROWS = {
    "bootstrap",
    "bootstrap_test",
    "calibration",
    "classification",
    "fittedvalues",
    "get_influence",
    "get_prediction.own",
    "iia_tests.robust",
    "iia_tests.small",
    "loglikeobs",
    "plot.residuals",
    "pred_table",
    "predict.own",
    "predict.category",
    "refit",
    "resid_deviance",
    "resid_pearson",
    "resid_response",
    "residuals",
    "score_obs",
    "score_test.added",
    "scores",
    "to_statsmodels",
    "verify",
    "with_cov.HAC",
    "with_cov.survey",
    "worst_predicted",
}

# Slow, and no other for other kinds of rows.
SLOW = {"report", "plot", "plot.probabilities", "plot.margins", "plot.residuals", "verify"}
SLOW |= {"conf_int.profile", "conf_int.score", "profile", "bootstrap", "hauck_donner"}
# What makes passes over the rows anew, which other kinds of rows could turn out otherwise in.
PASSES = ("margins", "get_prediction", "with_cov", "score", "term_tests", "lr_test", "gof_tests")
PASSES += ("iia_tests", "params", "bse", "fit_statistics", "equality_tests", "summary", "predict")
FEW = [("plain", name) for name in ASKED] + [("missing", name) for name in NEED_ROWS - SLOW]
MANY = [
    (case, name)
    for case in CASES
    for name in ASKED
    if case == "plain" or (name.startswith(PASSES) and name not in SLOW)
]


def save_and_load(r):
    with tempfile.TemporaryDirectory() as folder:
        return ml.load(r.save(f"{folder}/fit.json"))


def other(r):
    return next(one for one in r.categories if one != r.base)


def add_column(r):
    return np.sin(np.arange(len(r.record.index)))


def read_picture(made):
    """Return the coordinates of all lines of a picture, and close it."""
    from matplotlib import pyplot

    axes = [axis for number in pyplot.get_fignums() for axis in pyplot.figure(number).axes]
    points = [np.ravel(line.get_xydata()) for axis in axes for line in axis.lines]
    pyplot.close("all")
    assert made is not None
    assert axes
    return np.concatenate([np.empty(0), *points])


def count_headings(report):
    return re.findall("<h2[^>]*>([^<]*)", report.html)


def ask_error(ask):
    try:
        return str(ask())
    except ml.exceptions.MNLogitError as error:
        return str(error)


def shorten(text):
    """Leave out how rows are read, and bounds of roundings, which are others in another order."""
    text = re.sub(r"\s*Rows read in pieces: [^\n]*", "", text)
    return re.sub(r"<= [\d.]+e-\d\d\b", "<= bound", text)


def assert_alike(one, two):
    assert type(one) is type(two)
    if isinstance(one, pd.DataFrame | pd.Series):
        kind = "frame" if isinstance(one, pd.DataFrame) else "series"
        getattr(pd.testing, f"assert_{kind}_equal")(one, two, rtol=1e-9, atol=1e-10)
    elif isinstance(one, str | tuple | dict | list):
        assert one == two
    else:
        np.testing.assert_allclose(one, two, rtol=1e-10, atol=1e-10)


@pytest.fixture(scope="module")
def fits():
    found = {}
    for case, (formula, frame, options) in CASES.items():
        there = build(formula, frame, **options).fit()
        found[case] = there, build(formula, cut(frame), **options).fit()
    return found


def test_every_public_name_is_asked():
    public = {name for name in dir(MNLogitResults) if not name.startswith("_")}
    public |= {field.name for field in dataclasses.fields(MNLogitResults)}
    assert {name.partition(".")[0] for name in ASKED} == public


def test_ask_is_listed():
    assert set(ASKED) >= NEED_ROWS


@pytest.mark.filterwarnings("ignore::mlelogit.exceptions.MNLogitWarning")
@pytest.mark.parametrize(("case", "name"), sorted(FEW))
def test_few_rows_answer_as_in_memory(fits, case, name):
    there, here = fits[case]
    assert here.record.blocks.design.stream is not None
    assert_alike(ASKED[name](there), ASKED[name](here))


@pytest.mark.filterwarnings("ignore::mlelogit.exceptions.MNLogitWarning")
@pytest.mark.parametrize(("case", "name"), sorted(MANY))
def test_many_rows_answer_or_refuse(fits, case, name, monkeypatch):
    monkeypatch.setattr(stream, "HELD_ELEMENTS", 0)
    there, here = fits[case]
    refused = name == "iia_tests.small" and case == "sampling"
    if name in NEED_ROWS and not refused:
        with pytest.raises((RowsNotHeldError, BridgeError), match="read in pieces"):
            ASKED[name](here)
        return
    try:
        expected = ASKED[name](there)
    except ml.exceptions.MNLogitError as error:
        with pytest.raises(type(error)):
            ASKED[name](here)
        return
    assert_alike(expected, ASKED[name](here))


# Numbers of the rows' columns, and what rests on them.
COUNTED = ("condition_number", "params", "bse", "covariance", "fit_statistics", "llnull", "nobs")
COUNTED += ("omitted", "with_cov", "term_tests", "margins", "score")


@pytest.fixture(scope="module")
def counted_fits():
    """In memory, and of counted rows, of which some occur far more often than others."""
    rng = np.random.default_rng(3)
    often = rng.poisson(1.5, 1500)
    frame = make_frame(1500).assign(x=often, z=often % 2 + rng.integers(0, 2, 1500))
    frame["c"] = 2.0 * frame.x - 1.0
    found = {}
    for case, options in {
        "plain": {},
        "frequency": {"weights": "w", "weight_type": "frequency"},
        "sampling": {"weights": "h", "weight_type": "sampling"},
    }.items():
        formula = "y ~ 0 + x + z" if case == "frequency" else "y ~ x + z + c"
        there = build(formula, frame, **options).fit()
        how = {"stream": True, "compress": True}
        found[case] = there, ml.mnlogit(formula, cut(frame), **how, **options).fit()
    return found


@pytest.mark.filterwarnings("ignore::mlelogit.exceptions.MNLogitWarning")
@pytest.mark.parametrize("few", [True, False])
@pytest.mark.parametrize("name", COUNTED)
@pytest.mark.parametrize("case", ["plain", "frequency", "sampling"])
def test_counted_rows_answer_as_in_memory(counted_fits, case, name, few, monkeypatch):
    there, here = counted_fits[case]
    if not few:
        monkeypatch.setattr(stream, "HELD_ELEMENTS", 0)
    assert here.record.blocks.design.source.shape[0] < 200
    assert_alike(ASKED[name](there), ASKED[name](here))


LEVELS = {
    "reference": {},
    "pairwise": {"change": "pairwise"},
    "two": {"change": (0, 2)},
    "at": {"change": "sequential", "at": {"x": [0.0, 1.0]}},
    "level": {"effect": "level", "at": {"x": [0.0, 1.0]}},
}


@pytest.mark.parametrize("asked", LEVELS)
def test_all_levels_of_a_factor_take_one_pass(asked, monkeypatch):
    monkeypatch.setattr(stream, "HELD_ELEMENTS", 0)
    formula = "y ~ x * C(h) + z"
    there, here = build(formula, FRAME).fit(), build(formula, cut(FRAME)).fit()
    reader = here.record.blocks.design.stream
    before = reader.passes
    found = here.margins("h", **LEVELS[asked])
    assert reader.passes == before + 1
    assert_alike(there.margins("h", **LEVELS[asked]).summary_frame(), found.summary_frame())
    groups = [one.margins("h", by="w", **LEVELS[asked]).summary_frame() for one in (there, here)]
    assert_alike(*groups)


def test_a_copy_answers_alike(fits):
    here = fits["plain"][1]
    copied = copy.deepcopy(here)
    assert_alike(here.params, copied.params)
    assert_alike(here.with_cov("HC0").bse, copied.with_cov("HC0").bse)
    clustered = [one.with_cov("cluster", groups="g").bse for one in (here, copied)]
    assert_alike(*clustered)


def test_what_is_pickled_leaves_frames_behind(fits):
    here = fits["plain"][1]
    copied = pickle.loads(pickle.dumps(here))
    assert_alike(here.params, copied.params)
    assert_alike(here.conf_int(), copied.conf_int())
    assert_alike(here.predict(NEW), copied.predict(NEW))
    with pytest.raises(ml.exceptions.DataNotKeptError, match="left behind"):
        copied.with_cov("HC0")


def test_summary_says_how_rows_are_read(fits):
    summary = fits["plain"][1].summary()
    for text in (summary.as_text(), summary.as_html(), summary.as_latex()):
        assert "Rows read in pieces: 6 frames." in text
    assert "read in pieces" not in fits["plain"][0].summary().as_text()


@pytest.mark.parametrize("held", [0, 1 << 25])
def test_two_streamed_fits_are_compared(fits, held, monkeypatch):
    monkeypatch.setattr(stream, "HELD_ELEMENTS", held)
    there, here = fits["plain"]
    smaller = build("y ~ x", cut(FRAME)).fit()
    in_memory = build("y ~ x", FRAME).fit()
    expected = there.lr_test(in_memory)
    found = here.lr_test(smaller)
    np.testing.assert_allclose(found.statistic, expected.statistic, rtol=1e-10)
    assert found.df == expected.df
    assert found.null == expected.null
    with pytest.raises(ml.exceptions.NotNestedError):
        smaller.lr_test(here)
    few = build("y ~ x", cut(FRAME.iloc[:200])).fit()
    with pytest.raises(ml.exceptions.NotNestedError, match="rows"):
        here.lr_test(few)
    if held:
        np.testing.assert_allclose(here.lr_test(in_memory).statistic, expected.statistic)
        np.testing.assert_allclose(there.lr_test(smaller).statistic, expected.statistic)
    else:
        with pytest.raises(RowsNotHeldError, match="same table"):
            here.lr_test(in_memory)


def test_predictions_of_pieces_come_frame_by_frame(fits):
    there, here = fits["plain"]
    parts = here.predict(cut(FRAME))
    assert not isinstance(parts, pd.DataFrame)
    assert_alike(pd.concat(parts), there.predict(FRAME))
    opened = []

    def frames():
        for one in cut(FRAME):
            opened.append(len(one))
            yield one

    lazily = there.predict(frames, "category")
    before = len(opened)
    next(lazily)
    assert len(opened) <= before + 2
    with pytest.raises(ml.exceptions.ColumnNotFoundError, match="'z'"):
        here.predict([FRAME[["x"]], FRAME[["x"]]])
    with pytest.raises(ml.exceptions.OptionError):
        here.predict(cut(FRAME), which="odds")


def test_few_clusters_warn(fits):
    with pytest.warns(FewClustersWarning, match="3 by 'h'"):
        fits["plain"][1].with_cov("cluster", groups="h")
