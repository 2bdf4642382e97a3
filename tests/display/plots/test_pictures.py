"""What holds for every picture: in sight, uncovered, labelled, and no trace left behind."""

import itertools

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

import mlelogit as ml
from mlelogit.display.plots.accessor import Plots
from mlelogit.exceptions import MissingExtraError, OptionError
from tests.display.plots.judging import find_faults, find_root, list_axes, list_words, render
from tests.display.plots.samples import draw, make_fit

PICTURES = {
    "coefficients": lambda plots, **at: plots.coefficients(**at),
    "ratios": lambda plots, **at: plots.coefficients(exponentiate=True, by="category", **at),
    "trace": lambda plots, **at: plots.trace(**at),
    "separation": lambda plots, **at: plots.separation(**at),
    "told apart": lambda plots, **at: plots.separation("categories", **at),
    "profile": lambda plots, **at: plots.profile(find_last(plots), points=9, **at),
}
FITS = ("two", "three", "seven", "twelve", "nasty", "separated", "tiny", "reduced", "intercept")


def find_last(plots):
    encoding = plots.record.encoding
    return encoding.others[-1], encoding.names[-1]


CASES = [
    (picture, fit)
    for picture, fit in itertools.product(PICTURES, FITS)
    # An infinite coefficient that runs either way has no profile.
    if (picture, fit) != ("profile", "twelve")
]


@pytest.mark.parametrize(("picture", "fit"), CASES)
def test_all_is_in_sight_and_nothing_is_covered(picture, fit):
    assert find_faults(PICTURES[picture](draw(fit))) == []


@pytest.mark.parametrize("picture", PICTURES)
def test_pictures_return_axes_with_labels_and_titles(picture):
    drawn = PICTURES[picture](draw("three"))
    words = list_words(drawn)
    figure = find_root(drawn)
    assert all(isinstance(ax, Axes) for ax in list_axes(drawn))
    titles = [ax.get_title(loc="left") for ax in list_axes(drawn)]
    assert figure.get_suptitle() or any(titles)
    assert len(words) >= 2
    labelled = [ax.get_xlabel() for ax in figure.axes if ax.axison]
    assert all(labelled) or figure.get_supxlabel() or not labelled


@pytest.mark.parametrize("picture", PICTURES)
def test_names_are_drawn_as_they_are(picture):
    """No markup: a dollar sign, an underscore in front and a line break are text."""
    drawn = PICTURES[picture](draw("nasty"))
    figure, _ = render(drawn)
    texts = figure.findobj(mpl.text.Text)
    assert not any(text.get_parse_math() or text.get_usetex() for text in texts if text.get_text())
    if picture in ("coefficients", "ratios"):
        words = " ".join(list_words(drawn)).replace("\n", " ")
        for word in ("$x_1$ & 50%", "_hidden", "two\\nlines", "_none_", "<i>one\\nand two</i>"):
            assert word in words


@pytest.mark.parametrize("picture", PICTURES)
def test_nothing_of_matplotlib_changes(picture):
    """Neither settings nor pyplot's figures, also where axes are a user's own."""
    import matplotlib.pyplot as plt

    before, open_before = dict(mpl.rcParams), plt.get_fignums()
    size = len(list_axes(PICTURES[picture](draw("three"))))
    axes = Figure(figsize=(4 * size + 3, 5)).subplots(1, size, squeeze=False).ravel()
    drawn = PICTURES[picture](draw("three"), ax=axes if size > 1 else axes[0])
    assert list(list_axes(drawn)) == list(axes)
    assert dict(mpl.rcParams) == before
    assert plt.get_fignums() == open_before


@pytest.mark.parametrize("picture", PICTURES)
def test_axes_of_a_user_keep_all_in_sight(picture):
    size = len(list_axes(PICTURES[picture](draw("three"))))
    axes = Figure(figsize=(5 * size + 3, 6)).subplots(1, size, squeeze=False).ravel()
    assert find_faults(PICTURES[picture](draw("three"), ax=axes)) == []


@pytest.mark.parametrize("picture", PICTURES)
def test_a_figure_of_pyplot_is_opened_if_nothing_is_given(picture):
    import matplotlib.pyplot as plt

    res = make_fit("three")
    before = plt.get_fignums()
    with mpl.rc_context({"backend": "agg"}):
        drawn = PICTURES[picture](Plots(res.record, res.covariance))
        opened = set(plt.get_fignums()) - set(before)
        assert len(opened) == 1
        assert plt.figure(opened.pop()) is find_root(drawn)
        plt.close(find_root(drawn))
    assert plt.get_fignums() == before


@pytest.mark.parametrize("picture", PICTURES)
def test_the_same_picture_comes_out_whatever_the_settings(picture):
    """Neither a dark style, nor other fonts' sizes, nor lines of a grid change it."""
    settings = {
        "text.color": "red",
        "axes.facecolor": "black",
        "axes.labelcolor": "red",
        "axes.grid": True,
        "axes.titlesize": 30,
        "axes.spines.top": True,
        "font.size": 5,
        "legend.frameon": True,
        "xtick.color": "red",
        "ytick.labelsize": 20,
        "lines.linewidth": 9,
        "lines.markeredgewidth": 4,
        "legend.fontsize": 3,
        "axes.formatter.useoffset": True,
        "axes.linewidth": 4,
    }
    plain = paint(picture)
    with mpl.rc_context(settings):
        other = paint(picture)
    assert plain.shape == other.shape
    assert np.array_equal(plain, other)


def paint(picture):
    figure = find_root(PICTURES[picture](draw("three")))
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].astype(float)


def test_subfigures_are_drawn_into():
    figure = Figure(figsize=(14, 5), layout="constrained")
    left, right = figure.subfigures(1, 2)
    draw("three").trace(ax=left)
    drawn = draw("three").coefficients(by="category", ax=right)
    assert find_faults(drawn) == []


@pytest.mark.parametrize("ax", ["axes", 3, object(), [None]])
def test_what_is_not_axes_is_refused(ax):
    with pytest.raises(OptionError, match="ax must be matplotlib Axes"):
        draw("three").trace(ax=ax)


def test_a_figure_with_axes_is_refused():
    figure = Figure()
    figure.subplots()
    with pytest.raises(OptionError, match="empty figure"):
        draw("three").trace(ax=figure)


def test_the_number_of_axes_has_to_be_right():
    axes = Figure().subplots(1, 3)
    with pytest.raises(OptionError, match="2 panels, and ax holds 3"):
        draw("three").coefficients(by="category", ax=axes)
    with pytest.raises(OptionError, match="1 panel, and ax holds 3"):
        draw("three").trace(ax=axes)


@pytest.mark.parametrize("name", ["coefficients", "trace", "separation"])
def test_unknown_keywords_raise(name):
    with pytest.raises(TypeError, match="colour"):
        getattr(draw("three"), name)(colour="red")


def test_without_matplotlib_the_extra_is_named(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingExtraError, match=r"mlelogit\[plots\]"):
        make_fit("three").plot.trace()


def test_results_have_their_pictures():
    res = make_fit("three")
    plots = res.plot
    assert plots.record is res.record
    assert plots.covariance is res.covariance
    assert isinstance(ml.mnlogit("party ~ 1", data()).fit().plot, Plots)


def data():
    from tests.inference.samples import survey

    return survey()
