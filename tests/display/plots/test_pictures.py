"""What holds for every picture: in sight, uncovered, labelled, and no trace left behind."""

import warnings
from functools import cache

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from mlelogit.display.plots.accessor import Plots
from mlelogit.exceptions import MissingExtraError, MNLogitError, MNLogitWarning, OptionError
from tests.display.plots.judging import find_faults, find_root, list_axes, read_words
from tests.display.plots.samples import draw, make_fit

PICTURES = {
    "coefficients": lambda plots, **at: plots.coefficients(**at),
    "ratios": lambda plots, **at: plots.coefficients(exponentiate=True, panels=True, **at),
    "trace": lambda plots, **at: plots.trace(**at),
    "separation": lambda plots, **at: plots.separation(**at),
    "told apart": lambda plots, **at: plots.separation("categories", **at),
    "profile": lambda plots, **at: plots.profile(find_last(plots), points=9, **at),
    "lines": lambda plots, **at: plots.probabilities(find_number(plots), points=9, **at),
    "areas": lambda plots, **at: plots.probabilities(
        find_number(plots), kind="stacked", points=9, **at
    ),
    "levels": lambda plots, **at: plots.probabilities(find_factor(plots), **at),
    "bars": lambda plots, **at: plots.probabilities(find_factor(plots), kind="stacked", **at),
    "groups": lambda plots, **at: plots.probabilities(
        find_number(plots), find_factor(plots), points=5, **at
    ),
    "effects": lambda plots, **at: plots.margins(**at),
    "calibration": lambda plots, **at: plots.calibration(bins=4, **at),
    "residuals": lambda plots, **at: plots.residuals(**at),
    "over": lambda plots, **at: plots.residuals(find_number(plots), bins=5, **at),
    "over levels": lambda plots, **at: plots.residuals(find_factor(plots), **at),
    "influence": lambda plots, **at: plots.influence(**at),
}
FITS = {
    "coefficients": ("two", "twelve", "nasty", "separated", "tiny"),
    "ratios": ("two", "nasty", "separated"),
    "trace": ("three", "separated", "reduced"),
    "separation": ("three", "separated", "apart"),
    "told apart": ("separated", "apart"),
    "profile": ("two", "nasty", "separated", "tiny"),
    "lines": ("two", "twelve", "nasty", "separated", "tiny"),
    "areas": ("two", "twelve", "nasty"),
    "levels": ("three", "twelve", "separated"),
    "bars": ("three", "twelve"),
    "groups": ("three", "separated"),
    "effects": ("two", "three", "nasty", "separated"),
    "calibration": ("two", "nasty", "separated"),
    "residuals": ("three", "tiny"),
    "over": ("two", "nasty"),
    "over levels": ("three",),
    "influence": ("three", "nasty", "tiny", "separated"),
}


# Of pictures that are made by the same lines of code one is enough.
ALIKE = ("told apart", "areas", "levels", "bars", "over", "over levels", "effects", "profile")
PLAIN = ("ratios", "trace", "told apart", "areas", "calibration", "influence")


def find_last(plots):
    encoding = plots.record.encoding
    finite = np.isfinite(plots.record.estimates).reshape(plots.record.params.shape)
    j, i = np.argwhere(finite)[-1]
    return encoding.others[j], encoding.names[i]


def find_number(plots):
    encoding = plots.record.encoding
    if encoding.rhs is None:
        return encoding.names[-2]
    return next(name for name in encoding.variables if encoding.kinds[name] == "number")


def find_factor(plots):
    encoding = plots.record.encoding
    return next(name for name in encoding.variables if encoding.kinds[name] == "category")


@cache
def see(picture, fit="three"):
    """Draw a picture, once, and lay it out."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MNLogitWarning)
        drawn = PICTURES[picture](draw(fit))
    find_root(drawn).draw_without_rendering()
    return drawn


@pytest.mark.parametrize(
    ("picture", "fit"), [(picture, fit) for picture, fits in FITS.items() for fit in fits]
)
def test_all_is_in_sight_and_nothing_is_covered(picture, fit):
    assert find_faults(see(picture, fit)) == []


@pytest.mark.parametrize(
    ("picture", "fit", "dots"),
    [("residuals", "three", 70), ("told apart", "separated", 70), ("coefficients", "two", 150)],
)
def test_all_is_in_sight_with_other_dots_per_inch(picture, fit, dots):
    drawn = PICTURES[picture](draw(fit))
    find_root(drawn).set_dpi(dots)
    assert find_faults(drawn) == []


@pytest.mark.parametrize("picture", PICTURES)
def test_pictures_return_axes_with_labels_and_titles(picture):
    drawn = see(picture, FITS[picture][0])
    figure, axes = find_root(drawn), list_axes(drawn)
    assert all(isinstance(ax, Axes) for ax in axes)
    titles = [ax.get_title(loc="left") for ax in axes]
    assert figure.get_suptitle().strip() or titles[0]
    assert len(axes) == 1 or all(titles)
    assert str(make_fit(FITS[picture][0]).record.encoding.outcome_name) in read_words(drawn) or (
        picture in ("trace", "profile", "separation", "told apart")
    )
    labelled = [ax.get_xlabel() for ax in axes if ax.axison]
    assert all(labelled) or figure.get_supxlabel()


@pytest.mark.parametrize("picture", [name for name, fits in FITS.items() if "nasty" in fits])
def test_names_are_drawn_as_they_are(picture):
    """No markup: a dollar sign, an underscore in front and a line break are text."""
    drawn = see(picture, "nasty")
    texts = find_root(drawn).findobj(mpl.text.Text)
    assert not any(text.get_parse_math() or text.get_usetex() for text in texts if text.get_text())
    names = ("$x_1$ & 50%", "_hidden", "two\\nlines")
    categories = ("_none_", "$100% & more", "<i>one\\nand two</i>")
    wanted = {"coefficients": names, "ratios": names, "effects": names + categories}
    said = read_words(drawn)
    every = wanted.get(picture, categories if picture in ("lines", "areas", "calibration") else ())
    assert [word for word in every if word not in said] == []


def test_names_are_not_set_by_tex():
    with mpl.rc_context({"text.usetex": True}):
        drawn = [PICTURES[name](draw("nasty")) for name in ("ratios", "lines", "influence")]
        texts = [text for one in drawn for text in find_root(one).findobj(mpl.text.Text)]
    assert not any(text.get_usetex() for text in texts if text.get_text())


@pytest.mark.parametrize("picture", [name for name in PICTURES if name not in ALIKE])
def test_axes_of_a_user_are_drawn_into_and_nothing_else_changes(picture):
    """Neither settings nor pyplot's figures change, and all is in sight there too."""
    import matplotlib.pyplot as plt

    fit = FITS[picture][0]
    size = len(list_axes(see(picture, fit)))
    high, wide = (size + 2) // 3, min(size, 3)
    figure = Figure(figsize=(5 * wide + 3, 6 * high))
    axes = figure.subplots(high, wide, squeeze=False).ravel()
    before, open_before = dict(mpl.rcParams), plt.get_fignums()
    drawn = PICTURES[picture](draw(fit), ax=axes[:size] if size > 1 else axes[0])
    assert list(list_axes(drawn)) == list(axes[:size])
    assert dict(mpl.rcParams) == before
    assert plt.get_fignums() == open_before
    assert find_faults(drawn) == []


def test_pictures_in_the_grid_of_a_user_have_room():
    figure = Figure(figsize=(12, 7))
    axes = figure.subplots(2, 3).ravel()
    plots = draw("three")
    plots.probabilities("age", points=9, ax=axes[0])
    plots.margins("age", ax=axes[1])
    plots.residuals(ax=axes[2])
    plots.influence(ax=axes[3])
    plots.profile(("red", "age"), points=9, ax=axes[4])
    plots.trace(ax=axes[5])
    faults = find_faults(axes)
    # Long legends are inside, where there is the most room.
    assert set(faults) <= {"a legend covers axes"}
    assert all(ax.get_window_extent().width > 2.5 * figure.dpi for ax in axes)
    assert all(ax.get_window_extent().height > 1.5 * figure.dpi for ax in axes)


@pytest.mark.parametrize("picture", ["trace", "ratios"])
def test_a_figure_of_pyplot_is_opened_if_nothing_is_given(picture):
    import matplotlib.pyplot as plt

    before = plt.get_fignums()
    with mpl.rc_context({"backend": "agg"}):
        drawn = PICTURES[picture](make_fit("three").plot)
        opened = set(plt.get_fignums()) - set(before)
        assert len(opened) == 1
        assert plt.figure(opened.pop()) is find_root(drawn)
        plt.close(find_root(drawn))
    assert plt.get_fignums() == before


@pytest.mark.parametrize("picture", PLAIN)
def test_the_same_picture_comes_out_whatever_the_settings(picture):
    """Neither a dark style, nor sizes of fonts, nor widths of lines change a pixel."""
    settings = {
        "text.color": "red",
        "axes.facecolor": "black",
        "axes.labelcolor": "red",
        "axes.grid": True,
        "axes.titlesize": 30,
        "axes.spines.top": True,
        "axes.prop_cycle": mpl.cycler(color=["red"]),
        "axes.formatter.useoffset": True,
        "axes.linewidth": 4,
        "axes.xmargin": 0.3,
        "font.size": 5,
        "hatch.linewidth": 4,
        "legend.frameon": True,
        "legend.fontsize": 3,
        "lines.linewidth": 9,
        "lines.markeredgewidth": 4,
        "patch.linewidth": 5,
        "patch.force_edgecolor": True,
        "xtick.direction": "in",
        "xtick.minor.visible": True,
        "ytick.right": True,
        "xtick.color": "red",
        "ytick.labelsize": 20,
    }
    plots = draw(FITS[picture][0])
    plain = paint(PICTURES[picture](plots))
    with mpl.rc_context(settings):
        other = paint(PICTURES[picture](plots))
    assert np.array_equal(plain, other)


def paint(drawn):
    canvas = FigureCanvasAgg(find_root(drawn))
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())


def test_what_fails_opens_no_figure():
    import matplotlib.pyplot as plt

    before, plots = plt.get_fignums(), make_fit("reduced").plot
    failing = (
        lambda: plots.influence(),
        lambda: plots.coefficients(names="nonsense"),
        lambda: plots.margins("nonsense"),
        lambda: plots.probabilities("nonsense"),
        lambda: plots.profile("nonsense"),
        lambda: plots.residuals("nonsense"),
        lambda: plots.calibration(bins=1),
        lambda: plots.separation("nonsense"),
    )
    for fail in failing:
        with pytest.raises(MNLogitError):
            fail()
    assert plt.get_fignums() == before


def test_subfigures_are_drawn_into():
    figure = Figure(figsize=(14, 5), layout="constrained")
    left, right = figure.subfigures(1, 2)
    draw("three").trace(ax=left)
    drawn = draw("three").coefficients(panels=True, ax=right)
    assert find_faults(drawn) == []


@pytest.mark.parametrize("ax", ["axes", 3, object(), [None]])
def test_what_is_not_axes_is_refused(ax):
    with pytest.raises(OptionError, match="ax must be matplotlib Axes"):
        draw("three").trace(ax=ax)


@pytest.mark.parametrize("kind", ["polar", "3d"])
def test_axes_without_straight_scales_are_refused(kind):
    with pytest.raises(OptionError, match="straight scales"):
        draw("three").coefficients(ax=Figure().add_subplot(projection=kind))


def test_a_figure_with_axes_is_refused():
    figure = Figure()
    figure.subplots()
    with pytest.raises(OptionError, match="empty figure"):
        draw("three").trace(ax=figure)


def test_the_number_of_axes_has_to_be_right():
    axes = Figure().subplots(1, 3)
    with pytest.raises(OptionError, match="2 panels, and ax holds 3"):
        draw("three").coefficients(panels=True, ax=axes)
    with pytest.raises(OptionError, match="1 panel, and ax holds 3"):
        draw("three").trace(ax=axes)


@pytest.mark.parametrize("picture", PICTURES)
def test_unknown_keywords_raise(picture):
    with pytest.raises(TypeError, match="colour"):
        PICTURES[picture](draw("three"), colour="red")


def test_without_matplotlib_the_extra_is_named(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingExtraError, match=r"mlelogit\[plots\]"):
        make_fit("three").plot.trace()


def test_results_have_their_pictures():
    res = make_fit("three")
    assert isinstance(res.plot, Plots)
    assert res.plot.record is res.record
    assert res.plot.covariance is res.covariance
    with pytest.raises(AttributeError):
        res.plot.nonsense()
