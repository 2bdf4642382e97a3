"""The picture of coefficients shows the numbers of the table, and no others."""

import numpy as np
import pytest
from matplotlib.figure import Figure

import mlelogit as ml
from mlelogit.display.plots.rows import draw_scale
from mlelogit.display.plots.style import MINUS
from mlelogit.exceptions import ColumnNotFoundError, OptionError
from mlelogit.inference.covariance import omit_covariance
from tests.display.plots.judging import find_faults, read_words
from tests.display.plots.samples import draw, make_fit
from tests.inference.samples import survey


def read_points(ax):
    """Return (row, estimate) of all marks."""
    marks = [line for line in ax.lines if line.get_marker() not in ("None", "", None)]
    return sorted((float(line.get_ydata()[0]), float(line.get_xdata()[0])) for line in marks)


def read_segments(ax):
    found = [c.get_segments()[0] for c in ax.collections if hasattr(c, "get_segments")]
    return sorted((float(s[0][1]), float(s[0][0]), float(s[1][0])) for s in found)


@pytest.mark.parametrize("exponentiate", [False, True])
@pytest.mark.parametrize("alpha", [0.05, 0.2])
def test_points_and_lines_are_the_table(exponentiate, alpha):
    res = make_fit("three")
    ax = draw("three").coefficients(exponentiate, alpha=alpha)
    table = res.tidy(alpha, exponentiate).set_index(["name", "category"])
    names = [name for name in res.record.encoding.names if name != "Intercept"]
    wanted = np.array([table.loc[(name, k)] for name in names for k in ("blue", "red")], float)
    points, segments = np.array(read_points(ax)), np.array(read_segments(ax))
    assert np.array_equal(points[:, 1], wanted[:, 0])
    assert np.array_equal(segments[:, 1:], wanted[:, 4:])
    assert np.array_equal(points[:, 0], segments[:, 0])
    labels = dict(zip(ax.get_yticks(), [t.get_text() for t in ax.get_yticklabels()], strict=True))
    assert [labels[place] for place in points[:, 0]] == ["blue", "red"] * len(names)
    low, high = ax.get_xlim()
    assert low < min(segments[:, 1].min(), exponentiate) <= segments[:, 2].max() < high


def test_rows_stand_under_the_name_of_their_column():
    ax = draw("three").coefficients()
    written = sorted(
        (place, label.get_text(), label.get_fontweight())
        for place, label in zip(ax.get_yticks(), ax.get_yticklabels(), strict=True)
    )
    heads = [text for _, text, weight in written if weight == "bold"]
    assert heads == ["age", "educ", "region[T.south]", "region[T.west]"]
    assert [text for _, text, _ in written][::3] == heads


@pytest.mark.parametrize("exponentiate", [False, True])
def test_the_line_of_no_difference(exponentiate):
    ax = draw("two").coefficients(exponentiate)
    upright = [line for line in ax.lines if list(line.get_ydata()) == [0, 1]]
    assert [list(line.get_xdata()) for line in upright] == [[float(exponentiate)] * 2]
    assert ax.get_xscale() == ("log" if exponentiate else "linear")
    assert ("Risk ratio" if exponentiate else "Log-odds") in ax.get_xlabel()
    assert "against Clinton" in ax.get_xlabel()
    assert ("(log scale)" in " ".join(ax.get_xlabel().split())) is exponentiate


@pytest.mark.parametrize(("ratio", "middle"), [(False, 0.0), (True, 1.0)])
@pytest.mark.parametrize("sign", [-1, 1])
def test_the_line_of_no_difference_is_always_in_sight(ratio, middle, sign):
    numbers = np.array([[3.0, 2.0, 4.0]]) if sign > 0 else np.array([[-3.0, -4.0, -2.0]])
    ax = Figure().subplots()
    draw_scale(ax, np.exp(numbers) if ratio else numbers, ratio)
    low, high = ax.get_xlim()
    assert low < middle < high


def test_panels_are_the_categories():
    res = make_fit("seven")
    axes = draw("seven").coefficients(panels=True, names=["age", "educ"])
    assert axes.shape == (6,)
    for ax, category in zip(axes, res.categories[1:], strict=True):
        assert ax.get_title(loc="left") == str(category)
        points = [x for _, x in read_points(ax)]
        assert points == res.params.loc[["age", "educ"], category].to_list()
        assert ax.get_xlim() == axes[0].get_xlim()


def test_names_are_chosen_in_their_order():
    ax = draw("two").coefficients(names=["educ", "Intercept"])
    places = sorted(zip(ax.get_yticks(), [t.get_text() for t in ax.get_yticklabels()], strict=True))
    assert [text for _, text in places] == ["educ", "Intercept"]
    assert "Not shown" not in read_words(ax)
    assert len(read_points(draw("two").coefficients(names="age"))) == 1


@pytest.mark.parametrize("panels", [False, True])
def test_a_mapping_of_names_says_what_columns_are_called(panels):
    named = {"educ": "Schooling", "age": "Age"}
    axes = np.atleast_1d(draw("seven").coefficients(names=named, panels=panels))
    plain = np.atleast_1d(draw("seven").coefficients(names=list(named), panels=panels))
    for ax, other in zip(axes, plain, strict=True):
        assert read_points(ax) == read_points(other)
        labels, own = (
            [text.get_text() for text in one.texts + one.get_yticklabels()] for one in (ax, other)
        )
        assert labels == [named.get(text, text) for text in own]
    assert "Schooling" in read_words(axes[0].figure)


def test_labels_differ():
    with pytest.raises(OptionError, match="several columns the label 'x'"):
        draw("two").coefficients(names={"age": "x", "educ": "x"})


@pytest.mark.parametrize("label", [None, "", " ", 3])
def test_what_a_column_is_called_is_a_text(label):
    with pytest.raises(OptionError, match="names calls column 'age'"):
        draw("two").coefficients(names={"age": label})


def test_intercepts_are_left_out_and_that_is_said():
    words = read_words(draw("two").coefficients())
    assert "Not shown: Intercept." in words.replace("\n", " ")
    assert "const" in read_words(draw("nasty").coefficients())
    assert len(read_points(draw("intercept").coefficients())) == 2


@pytest.mark.parametrize("names", ["nonsense", ["age", "nonsense"], [], {}])
def test_names_that_are_not_there(names):
    with pytest.raises(ColumnNotFoundError, match="the fit has"):
        draw("two").coefficients(names=names)


@pytest.mark.parametrize("wrong", [{"panels": "rows"}, {"alpha": 2}, {"exponentiate": "yes"}])
def test_options_that_cannot_be(wrong):
    with pytest.raises(OptionError):
        draw("two").coefficients(**wrong)


@pytest.mark.parametrize("exponentiate", [False, True])
def test_infinite_estimates_are_arrows(exponentiate):
    ax = draw("separated").coefficients(exponentiate)
    assert len(read_points(ax)) == len(read_segments(ax)) == 4
    low_end = "0" if exponentiate else f"{MINUS}∞"
    assert [text.get_text() for text in ax.texts].count(low_end) == 2
    arrows = [text for text in ax.texts if getattr(text, "arrow_patch", None) is not None]
    assert [text.xy[0] for text in arrows] == [0.0, 0.0]
    assert "Arrows" in read_words(ax)


def test_the_level_of_intervals_is_said():
    assert "lines 90 % intervals" in read_words(draw("two").coefficients(alpha=0.1))


def test_estimates_without_interval_are_hollow():
    res = make_fit("two")
    bare = omit_covariance("nonrobust", len(res.record.maximum.params))
    ax = draw("two", covariance=bare).coefficients()
    hollow = [line for line in ax.lines if line.get_marker() == "s"]
    assert [line.get_markerfacecolor() for line in hollow] == ["white", "white"]
    assert not read_segments(ax)
    assert "Hollow: no interval is known." in read_words(ax)


def test_columns_left_out_are_said_to_be():
    res = make_fit("collinear")
    ax = draw("collinear").coefficients()
    gone = list(res.omitted)
    assert len(read_points(ax)) == 2
    assert [text.get_text() for text in ax.texts].count("not determined") == 2 * len(gone)
    assert find_faults(ax) == []


def test_another_base_draws_the_other_categories():
    res = make_fit("three")
    moved = res.rebase("red")
    ax = draw("three", record=moved.record, covariance=moved.covariance).coefficients(names="age")
    assert [x for _, x in read_points(ax)] == moved.params.loc["age"].to_list()
    assert "against red" in ax.get_xlabel()


def test_height_grows_with_rows():
    few, many = (draw(kind).coefficients().figure.get_figheight() for kind in ("two", "seven"))
    assert many > 3 * few


@pytest.mark.parametrize("exponentiate", [False, True])
def test_per_standard_deviation(exponentiate):
    """A column over its standard deviation has the same coefficients per unit."""
    frame = survey()
    sizes = {name: frame[name].std(ddof=0) for name in ("age", "educ")}
    scaled = frame.assign(**{name: frame[name] / size for name, size in sizes.items()})
    again = ml.mnlogit("party ~ age + educ", scaled, base="green").fit()
    res = ml.mnlogit("party ~ age + educ", frame, base="green").fit()
    plots = draw("three", record=res.record, covariance=res.covariance)
    ax = plots.coefficients(exponentiate, names=["age", "educ"], per="sd")
    table = again.tidy(exponentiate=exponentiate).set_index(["name", "category"])
    wanted = np.array([table.loc[(n, k)] for n in ("age", "educ") for k in ("blue", "red")], float)
    drawn = np.column_stack([np.array(read_points(ax))[:, 1], np.array(read_segments(ax))[:, 1:]])
    assert np.abs(drawn / wanted[:, [0, 4, 5]] - 1).max() < 1e-9
    assert "per standard deviation" in ax.get_xlabel().replace("\n", " ")


@pytest.mark.parametrize("exponentiate", [False, True])
def test_profile_intervals_of_infinite_estimates_are_open(exponentiate):
    res = make_fit("separated")
    ax = draw("separated").coefficients(exponentiate, method="profile")
    table = res.conf_int(method="profile", exponentiate=exponentiate)
    ends = [line.get_xdata()[0] for line in ax.lines if line.get_marker() == "|"]
    wanted = [table.loc[(category, "gender[T.male]"), "upper"] for category in ("admin", "manage")]
    assert ends == wanted
    education = [table.loc[(category, "education")].to_list() for category in ("admin", "manage")]
    assert [list(segment[1:]) for segment in read_segments(ax)[:2]] == education
    assert "95 % profile intervals" in read_words(ax)
    assert ax.get_xlim()[0] < min(wanted)
    assert find_faults(ax) == []


@pytest.mark.parametrize("wrong", [{"per": "mile"}, {"method": "guess"}])
def test_other_choices_that_cannot_be(wrong):
    with pytest.raises(OptionError, match="must be one of"):
        draw("two").coefficients(**wrong)


def test_what_constraints_fix_is_no_interval_that_is_not_known():
    ax = draw("constrained").coefficients()
    words = read_words(ax)
    assert "Estimated under constraints. Without a line: fixed by them." in words
    assert "Hollow" not in words
    filled = {
        line.get_xdata()[0]: line.get_markerfacecolor()
        for line in ax.lines
        if len(line.get_xdata()) == 1
    }
    assert filled[0.01] != "white"
    assert "constraints" not in read_words(draw("three").coefficients())


def test_the_scale_of_two_categories_says_which_it_is_of():
    assert draw("two").coefficients().get_xlabel() == "Log-odds of Dole against Clinton, per unit"
    assert " of " not in draw("three").coefficients().get_xlabel()
