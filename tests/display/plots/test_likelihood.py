"""The profile meets its intervals where they are cut; the climb ends where the certificate says."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from scipy.stats import chi2

import mlelogit as ml
from mlelogit.display.plots.accessor import Plots
from mlelogit.display.plots.style import MINUS
from mlelogit.exceptions import IntervalError, OptionError, ParamsError
from tests.display.plots.judging import list_words, read_words
from tests.display.plots.samples import draw, make_fit


def read_curve(ax, i):
    return np.array(ax.lines[i].get_data(), dtype=float)


@pytest.mark.parametrize("alpha", [0.05, 0.3])
def test_profile_and_parabola_are_cut_at_their_intervals(alpha):
    res, which = make_fit("three"), ("red", "educ")
    ax = draw("three").profile(which, alpha, points=11)
    frame = res.profile(which, points=11)
    values, heights = read_curve(ax, 0)
    assert np.array_equal(values, frame["value"])
    assert np.abs(heights - (frame["loglike"] - res.llf)).max() < 1e-9
    values, parabola = read_curve(ax, 1)
    error, estimate = res.bse.loc["educ", "red"], res.params.loc["educ", "red"]
    assert np.abs(parabola + ((values - estimate) / error) ** 2 / 2).max() < 1e-12
    cut = -chi2.isf(alpha, 1) / 2
    ends = {
        line.get_marker(): line.get_data() for line in ax.lines if line.get_marker() in ("o", "s")
    }
    profile = res.lincom("red: educ", alpha, "profile").iloc[0]
    wald = res.lincom("red: educ", alpha).iloc[0]
    for marker, table in (("o", profile), ("s", wald)):
        assert np.abs(np.array(ends[marker][0]) - table[["lower", "upper"]].to_numpy()).max() < 1e-9
        assert np.abs(np.array(ends[marker][1]) - cut).max() < 1e-9
        assert all(ax.get_xlim()[0] < end < ax.get_xlim()[1] for end in ends[marker][0])
    assert ax.get_ylim()[0] < min(heights.min(), parabola.min())


def test_the_profile_says_what_it_is_of():
    ax = draw("three").profile("red: educ - blue: educ", points=5)
    assert ax.get_xlabel() == "red: educ - blue: educ"
    words = read_words(ax)
    assert "95 % intervals" in words
    assert "profile" in words
    assert "Wald" in words


def test_a_robust_covariance_is_said_not_to_enter():
    res = make_fit("three").with_cov("HC1")
    ax = draw("three", covariance=res.covariance).profile(("red", "educ"), points=5)
    assert "The HC1 covariance does not enter it." in read_words(ax)
    plain = draw("three").profile(("red", "educ"), points=5)
    assert np.array_equal(read_curve(ax, 1), read_curve(plain, 1))


def test_an_infinite_estimate_has_half_a_profile():
    res = make_fit("separated")
    which = ("admin", "gender[T.male]")
    ax = draw("separated").profile(which, points=15)
    values, heights = read_curve(ax, 0)
    end = res.lincom(which, method="profile").iloc[0]
    assert end["lower"] == -np.inf
    assert values.min() < end["upper"] < values.max()
    order = np.argsort(values)
    assert (np.diff(heights[order]) < 0).all()
    assert heights.max() < 0
    assert heights.max() > -0.2
    assert f"{MINUS}∞" in read_words(ax)
    assert len(ax.get_legend().get_texts()) == 2


def test_the_penalized_profile_is_said_to_be():
    ax = draw("reduced").profile(("red", "educ"), points=5)
    assert "penalized" in read_words(ax)


@pytest.mark.parametrize(
    ("fit", "which", "error"),
    [
        ("weighted", ("red", "age"), IntervalError),
        ("three", "nonsense: age", ParamsError),
        ("three", "age", ParamsError),
    ],
)
def test_what_has_no_profile(fit, which, error):
    with pytest.raises(error):
        draw(fit).profile(which)


def test_points_have_to_be_a_number():
    with pytest.raises(OptionError):
        draw("three").profile(("red", "age"), points=1)


@pytest.mark.parametrize("fit", ["three", "seven", "tiny"])
def test_the_climb_is_the_trace(fit):
    res = make_fit(fit)
    ax = draw(fit).trace()
    trace = res.trace
    gaps = trace["loglike"].max() - trace["loglike"].to_numpy()
    floor = np.finfo(float).eps * max(abs(res.llf), 1)
    x, heights = read_curve(ax, 0)
    assert np.array_equal(x, np.arange(len(trace)))
    assert np.array_equal(heights, np.maximum(gaps, floor))
    score = next(line for line in ax.lines if line.get_marker() == ".")
    positive = trace["score_norm"].to_numpy() ** 2 / 2
    assert np.array_equal(
        score.get_ydata(), np.where(positive > 0, positive, np.nan), equal_nan=True
    )
    words = list_words(ax)
    assert set(trace["stage"]) <= set(words)
    assert "Certified" in read_words(ax)
    assert ax.get_yscale() == "log"
    hollow = ax.lines[[line.get_markersize() for line in ax.lines].index(2.5)]
    assert np.array_equal(hollow.get_xdata(), np.flatnonzero(gaps <= floor))


def test_the_climb_of_separated_data_is_of_the_limit():
    words = read_words(draw("separated").trace())
    assert "In the limit of the separated data: Certified" in words


def test_the_climb_of_a_reduced_bias_is_penalized():
    ax = draw("reduced").trace()
    words = read_words(ax)
    assert "adjusted score is zero" in words
    assert "penalized" in words


def test_the_climb_to_an_unbiased_median_has_no_height():
    res = make_fit("median")
    ax = draw("median").trace()
    assert len(ax.lines) == 1
    assert np.array_equal(ax.lines[0].get_ydata(), res.trace["score_norm"] ** 2 / 2)
    assert ax.get_ylabel() == "Half the squared score (log scale)"


def test_the_curve_reaches_the_ends_of_both_intervals():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"x": rng.uniform(20, 80, 60), "y": rng.choice(list("ab"), 60)})
    frame["member"] = 1 * (rng.choice(["a", "b", "c"], 60) == "c")
    frame.loc[frame["member"] == 1, "y"] = "c"
    res = ml.mnlogit("y ~ member + x", frame, base="b").fit(bias_reduction="mean")
    lower, upper = res.conf_int(method="profile").loc[("c", "x")]
    ax = Plots(res.record, res.covariance, Figure).profile("c: x", points=21)
    drawn = ax.lines[0].get_xdata()
    wald = res.conf_int().loc[("c", "x")]
    assert drawn[0] < min(lower, wald.iloc[0])
    assert drawn[-1] > max(upper, wald.iloc[1])
