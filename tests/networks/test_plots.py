"""Pictures of networks show the numbers of their frames, in sight and labelled."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.figure import Figure

import mlelogit as ml
from mlelogit.exceptions import MNLogitWarning, OptionError
from mlelogit.networks.plots import NetworkPlots
from tests.display.plots.judging import find_faults, find_root, read_words
from tests.networks.fits import COLUMNS, hidden, make_network, pair, scaled

torch = pytest.importorskip("torch")


def draw(network):
    """Return the pictures of a fit, on figures that pyplot does not know."""
    return NetworkPlots(network.record, Figure)


def short(**how):
    """Return a climb of a few points, with a warning that is heard."""
    frame = scaled()
    with pytest.warns(MNLogitWarning):
        return ml.networks.fit_network(
            make_network(), frame[COLUMNS], frame["party"], method="L-BFGS-B", **how
        )


@pytest.mark.parametrize("fit", [hidden, lambda: pair()[1], lambda: short(maxiter=60)])
def test_pictures_are_in_sight(fit):
    plots = draw(fit())
    assert find_faults(plots.trace()) == []
    assert find_faults(plots.calibration(bins=4)) == []


def test_trace_is_mirrored_at_zero():
    network = hidden()
    ax = draw(network).trace()
    climb, error = (line for line in ax.lines if len(line.get_xdata()) == len(network.trace.stage))
    assert (climb.get_ydata() == network.trace.loglike).all()
    assert (error.get_ydata() == -network.trace.loglike).all()
    assert (climb.get_xdata() == network.trace.evaluations).all()
    low, high = ax.get_ylim()
    assert low == -high
    assert high > np.abs(network.trace.loglike).max()
    shares = [line.get_ydata()[0] for line in ax.lines if line.get_linestyle() == ":"]
    assert shares == [-network.llnull, network.llnull]


def test_trace_says_where_it_ended_and_what_it_is_of():
    words = read_words(draw(hidden()).trace())
    assert f"{hidden().llf:.4g}".replace("-", "\N{MINUS SIGN}") in words
    assert f"the penalty {hidden().penalty:.4g}" in words
    assert "+ penalty" in words
    assert "Hollow: Newton steps." in words
    free = read_words(draw(pair()[1]).trace())
    assert "penalty" not in free
    frame = scaled()
    layer = torch.nn.Linear(2, 3)
    several = ml.networks.fit_network(layer, frame[COLUMNS], frame["party"], starts=2)
    kept = int(np.flatnonzero(several.starts["kept"])[0]) + 1
    assert f"Number {kept} of 2 starts" in read_words(draw(several).trace())
    assert "starts" not in free


@pytest.mark.parametrize(("maxiter", "scale"), [(10, "linear"), (60, "log")])
def test_a_long_climb_has_a_log_scale(maxiter, scale):
    network = short(maxiter=maxiter)
    ax = draw(network).trace()
    assert ax.get_xscale() == scale
    assert ("log scale" in ax.get_xlabel()) == (scale == "log")
    low, high = ax.get_xlim()
    assert low < 1
    assert high > network.trace.evaluations[-1]
    assert "Newton" not in read_words(ax) or "newton" in network.trace.stage


def test_calibration_is_the_frame_of_bins():
    network, new = hidden(), scaled().iloc[1::2]
    for given in ({}, {"newdata": new, "outcome": "party"}):
        found = network.calibration(bins=4, **given)
        axes = draw(network).calibration(bins=4, **given)
        again = draw(network).calibration(found)
        for category, ax, other in zip(network.categories, axes, again, strict=True):
            bins = found.bins.loc[category]
            assert ax.get_title(loc="left") == category
            for one in (ax, other):
                assert (one.lines[1].get_xdata() == bins["predicted"]).all()
                assert (one.lines[1].get_ydata() == bins["observed"]).all()
        assert ("The fit's own rows" in read_words(axes)) == (not given)


def test_what_is_known_comes_alone_and_of_this_network():
    network = hidden()
    found = network.calibration(bins=4)
    for wrong in ({"bins": 5}, {"outcome": "party"}, {"weight_type": "sampling"}):
        with pytest.raises(OptionError, match=next(iter(wrong))):
            draw(network).calibration(found, **wrong)
    other = ml.mnlogit("vote ~ age", ml.datasets.load_anes96()).fit().calibration()
    with pytest.raises(OptionError, match="another fit"):
        draw(network).calibration(other)


def test_pictures_go_where_they_are_wanted():
    network, figure = hidden(), Figure(figsize=(9, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    assert network.plot.trace(ax=left) is left
    assert draw(network).trace(ax=right) is right
    ax = network.plot.trace(ax=Figure())
    assert find_root(ax) is not figure
    assert repr(network.plot) == "Pictures: calibration, trace."
    with pytest.raises(OptionError):
        network.plot.trace(ax="here")
    with pytest.raises(OptionError, match=r"panels|Axes"):
        network.plot.calibration(ax=left)


def test_names_are_drawn_as_they_are():
    frame = scaled()
    y = frame["party"].replace({"blue": "$x_1$ & 50%", "red": "a very long name " * 4})
    network = ml.networks.fit_network(torch.nn.Linear(2, 3), frame[COLUMNS], y.rename("$y_0$"))
    axes = draw(network).calibration(bins=3)
    assert find_faults(axes) == []
    assert "$x_1$ & 50%" in read_words(axes)
    assert "Calibration of $y_0$" in read_words(axes)


def test_one_point_is_a_picture():
    """A climb that starts at its end."""
    record = pair()[1].record
    trace = record.maximum.trace
    few = {name: getattr(trace, name)[:1] for name in vars(trace)}
    start = replace(record, maximum=replace(record.maximum, trace=type(trace)(**few)))
    assert find_faults(NetworkPlots(start, Figure).trace()) == []


def test_words_that_are_no_options_are_refused():
    with pytest.raises(OptionError, match="takes no category; it takes bins, strategy, alpha"):
        hidden().plot.calibration(category="left")
