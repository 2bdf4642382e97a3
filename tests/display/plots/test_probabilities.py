"""Lines, areas and points are the average probabilities, with intervals inside 0 and 1."""

import dataclasses
import functools
import itertools
import warnings

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

import mlelogit as ml
from mlelogit.display.plots.accessor import Plots
from mlelogit.exceptions import (
    EffectError,
    EmptyDataError,
    OptionError,
    SeparationWarning,
    UnseenLevelError,
    WeightError,
)
from tests.display.plots.judging import find_faults, read_words
from tests.display.plots.samples import draw, make_fit
from tests.inference.samples import survey

GRID = [20.0, 45.0, 70.0]


def predict_changed(res, **changes):
    """Average predictions of the rows with some variables changed, and their intervals."""
    found = res.get_prediction(survey().assign(**changes), average=True).summary_frame()
    return found.loc["average"][["probability", "lower", "upper"]].to_numpy()


def read_lines(ax):
    return [np.array(line.get_data(), dtype=float) for line in ax.lines]


def read_band(collection):
    """Return lower and upper ends of a band by value."""
    points = pd.DataFrame(collection.get_paths()[0].vertices, columns=["x", "y"])
    return points.groupby("x")["y"].agg(["min", "max"]).to_numpy()


def test_a_shared_scale_has_room_for_all():
    figure = Figure()
    first, second = figure.subplots(1, 2, sharey=True)
    res = make_fit("three")
    tops = [res.plot.probabilities(name, ax=Figure()).get_ylim()[1] for name in ("educ", "age")]
    tops.sort()
    for names in (("educ", "age"), ("age", "educ")):
        first.clear()
        second.clear()
        res.plot.probabilities(names[0], ax=first)
        res.plot.probabilities(names[1], ax=second)
        assert tops[0] < tops[1]
        assert first.get_ylim() == second.get_ylim() == (0, tops[1])


def test_lines_and_bands_are_average_predictions():
    res = make_fit("three")
    ax = draw("three").probabilities("age", points=GRID)
    wanted = np.array([predict_changed(res, age=age) for age in GRID])
    for k, ((x, y), band) in enumerate(zip(read_lines(ax), ax.collections, strict=True)):
        assert np.array_equal(x, GRID)
        assert np.abs(y - wanted[:, k, 0]).max() < 1e-12
        assert np.abs(read_band(band) - wanted[:, k, 1:]).max() < 1e-10
    assert ax.get_xlim() == (20, 70)
    assert ax.get_ylim()[0] == 0
    assert wanted.max() < ax.get_ylim()[1] <= 1
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("age", "Probability")
    assert "95 % intervals" in read_words(ax)


def test_the_range_is_that_of_the_rows_and_the_level_is_said():
    ax = draw("three").probabilities("age", alpha=0.1, points=3)
    assert ax.get_xlim() == (survey()["age"].min(), survey()["age"].max())
    assert "90 % intervals" in read_words(ax)


def test_the_legend_is_in_the_order_of_the_lines_at_their_right_end():
    ax = draw("seven").probabilities("selfLR", points=5)
    ends = {line.get_color(): line.get_ydata()[-1] for line in ax.lines}
    listed = [ends[handle.get_color()] for handle in ax.get_legend().legend_handles]
    assert listed == sorted(listed, reverse=True)
    names = {text.get_text() for text in ax.get_legend().get_texts()}
    assert names == {str(category) for category in make_fit("seven").categories}


def test_lines_differ_by_colour_and_dashes():
    lines = draw("twelve").probabilities("x0", points=3).lines
    looks = {(line.get_color(), str(line._dash_pattern)) for line in lines}
    assert len(looks) == 12
    dashes = [str(line._dash_pattern) for line in lines]
    assert all(one != other for one, other in itertools.pairwise(dashes))


def test_areas_add_up_to_one():
    res = make_fit("three")
    ax = draw("three").probabilities("age", kind="stacked", points=GRID)
    wanted = np.array([predict_changed(res, age=age)[:, 0] for age in GRID])
    edges = np.cumsum(wanted, axis=1)
    for k, area in enumerate(ax.collections):
        band = read_band(area)
        assert np.abs(band[:, 1] - edges[:, k]).max() < 1e-12
        assert np.abs(band[:, 0] - (edges[:, k] - wanted[:, k])).max() < 1e-12
    assert ax.get_ylim() == (0, 1)
    listed = [text.get_text() for text in ax.get_legend().get_texts()]
    assert listed == ["red", "green", "blue"]
    assert "interval" not in read_words(ax)


def test_panels_are_groups_of_the_rows():
    res = make_fit("three")
    axes = draw("three").probabilities("age", by="region", points=GRID)
    heads = ["region = north", "region = south", "region = west"]
    assert [ax.get_title(loc="left") for ax in axes] == heads
    for ax, region in zip(axes, ["north", "south", "west"], strict=True):
        rows = survey()[survey()["region"] == region]
        found = [res.predict(rows.assign(age=age)).mean() for age in GRID]
        drawn = np.array([y for _, y in read_lines(ax)]).T
        assert np.abs(drawn - np.array(found)).max() < 1e-12
        assert ax.get_ylim() == axes[0].get_ylim()


def test_one_group_is_an_array_of_one():
    assert draw("three").probabilities("age", by=np.zeros(160, int), points=2).shape == (1,)


def test_other_variables_are_fixed_or_at_means():
    res = make_fit("three")
    axes = draw("three").probabilities("age", at={"educ": [2, 6], "region": "west"}, points=GRID)
    assert [ax.get_title(loc="left") for ax in axes] == ["educ = 2", "educ = 6"]
    assert "region = west" in axes[0].texts[0].get_text().replace("\n", " ")
    for ax, educ in zip(axes, (2, 6), strict=True):
        wanted = [predict_changed(res, age=age, educ=educ, region="west")[:, 0] for age in GRID]
        assert np.abs(np.array([y for _, y in read_lines(ax)]).T - wanted).max() < 1e-12
    ax = draw("two").probabilities("age", others="at_means", points=GRID)
    frame = make_fit("two").record.blocks.design.given.frame
    row = pd.DataFrame({"age": GRID, "educ": frame["educ"].mean()})
    wanted = make_fit("two").predict(row).to_numpy()
    assert np.abs(np.array([y for _, y in read_lines(ax)]).T - wanted).max() < 1e-12
    assert "at their means" in read_words(ax)


def test_levels_of_a_factor_have_rows():
    res = make_fit("three")
    ax = draw("three").probabilities("region")
    wanted = np.array([predict_changed(res, region=r) for r in ("north", "south", "west")])
    segments = sorted((s[0][1], s[0][0], s[1][0]) for c in ax.collections for s in c.get_segments())
    marks = sorted((line.get_ydata()[0], line.get_xdata()[0]) for line in ax.lines)
    assert np.abs(np.array(marks)[:, 1] - wanted[:, :, 0].ravel()).max() < 1e-12
    assert np.abs(np.array(segments)[:, 1:] - wanted[:, :, 1:].reshape(-1, 2)).max() < 1e-10
    assert ax.get_xlabel() == "Probability"


def test_bars_of_a_factor_add_up_to_one():
    res = make_fit("three")
    ax = draw("three").probabilities("region", kind="stacked")
    widths = np.array([[bar.get_width() for bar in bars] for bars in ax.containers]).T
    wanted = [predict_changed(res, region=r)[:, 0] for r in ("north", "south", "west")]
    assert np.abs(widths - wanted).max() < 1e-12
    assert [t.get_text() for t in ax.get_yticklabels()] == ["north", "south", "west"]


def test_weights_enter_averages():
    res = make_fit("weighted")
    ax = draw("weighted").probabilities("age", points=GRID)
    found = [predict_changed(res, age=age)[:, 0] for age in GRID]
    assert np.abs(np.array([y for _, y in read_lines(ax)]).T - found).max() < 1e-12


def test_separated_data_have_bands_where_errors_are_known():
    with pytest.warns(SeparationWarning):
        ax = draw("separated").probabilities("gender")
    with pytest.warns(SeparationWarning):
        found = make_fit("separated").margins(effect="level", at={"gender": ["female", "male"]})
    lost = int(np.isnan(found.std_err).sum())
    assert lost
    assert len(ax.collections) == 6 - lost
    hollow = [line for line in ax.lines if line.get_markerfacecolor() == "white"]
    assert [line.get_xdata()[0] for line in hollow] == [0.0] * lost
    assert "95 % intervals of each. None where no error is known." in read_words(ax)
    assert "Intervals take what is separated as given." in read_words(ax)


def test_bands_of_separated_data_are_those_of_predictions_and_say_what_they_suppose():
    res = make_fit("separated")
    frame = res.record.blocks.design.given.frame
    with pytest.warns(SeparationWarning, match="as given"):
        ax = draw("separated").probabilities("education", points=[10.0, 16.0])
    for place, education in enumerate((10.0, 16.0)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SeparationWarning)
            found = res.get_prediction(frame.assign(education=education), average=True)
        wanted = found.summary_frame()[["probability", "lower", "upper"]].to_numpy()
        drawn = [y[place] for _, y in read_lines(ax)]
        bands = [read_band(band)[place] for band in ax.collections]
        assert np.isfinite(wanted).all()
        assert np.abs(np.column_stack([drawn, bands]) - wanted).max() < 1e-8
    assert "Bands: 95 % intervals of each. Intervals take what is separated" in read_words(ax)
    with pytest.warns(SeparationWarning, match="as given"):
        said = read_words(draw("separated").probabilities("education", kind="stacked", points=3))
    assert "as given" not in said
    assert "as given" not in read_words(draw("three").probabilities("age", points=3))


def test_effects_of_separated_data_say_what_their_intervals_suppose():
    with pytest.warns(SeparationWarning, match="as given"):
        words = read_words(draw("separated").margins("minority"))
    assert "Intervals take what is separated as given." in words
    assert "as given" not in read_words(draw("three").margins("age"))


def test_lines_without_any_errors_say_so():
    res = make_fit("three")
    bare = dataclasses.replace(res.covariance, matrix=res.covariance.matrix * np.nan, inner=None)
    ax = draw("three", covariance=bare).probabilities("age", points=3)
    assert "No intervals: no standard errors are known." in read_words(ax)
    assert len(ax.lines) == 3


def test_a_saved_fit_takes_new_rows():
    record = dataclasses.replace(make_fit("three").record, blocks=None)
    rows = survey().head(50)
    ax = draw("three", record=record).probabilities("age", points=GRID, newdata=rows)
    wanted = [make_fit("three").predict(rows.assign(age=age)).mean() for age in GRID]
    assert np.abs(np.array([y for _, y in read_lines(ax)]).T - np.array(wanted)).max() < 1e-12


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"variable": "nonsense"}, EffectError, "no variable of the fit"),
        ({"variable": ["age"]}, EffectError, "no variable of the fit"),
        ({"variable": "age", "kind": "bars"}, OptionError, "kind must be one of"),
        ({"variable": "age", "others": "median"}, OptionError, "others must be one of"),
        ({"variable": "age", "points": 1}, OptionError, "points must be from 2"),
        ({"variable": "age", "points": [np.nan]}, OptionError, "finite values"),
        ({"variable": "age", "alpha": 0}, OptionError, "alpha"),
        ({"variable": "age", "at": {"age": 3}}, OptionError, "lets vary"),
        ({"variable": "age", "at": [{"educ": 3}]}, OptionError, "at is a mapping"),
        ({"variable": "age", "at": {"region": "east"}}, UnseenLevelError, "east"),
        ({"variable": "age", "by": "age"}, OptionError, "lets vary"),
        ({"variable": "region", "points": ["west", "maybe"]}, UnseenLevelError, "maybe"),
        ({"variable": "region", "points": 5}, OptionError, "some of the levels"),
        ({"variable": "region", "points": []}, OptionError, "some of the levels"),
        ({"variable": "age", "newdata": survey().head(0)}, EmptyDataError, "no rows"),
        ({"variable": "age", "newdata": survey(), "weights": np.zeros(160)}, WeightError, "zero"),
    ],
)
def test_what_cannot_be_drawn(options, error, said):
    with pytest.raises(error, match=said):
        draw("three").probabilities(**options)


def test_a_model_without_variables_has_nothing_to_draw_over():
    with pytest.raises(EffectError, match="no variable, so there is nothing to draw"):
        draw("intercept").probabilities("age")


def test_points_of_a_factor_are_some_of_its_levels_in_their_order():
    ax = draw("three").probabilities("region", points=["west", "north"])
    heads = [t.get_text() for t in ax.get_yticklabels() if t.get_fontweight() == "bold"]
    assert heads == ["west", "north"]


@functools.cache
def fit_member(separated):
    rng = np.random.default_rng(3)
    member = rng.integers(0, 2, 200)
    party = rng.choice(["red", "green", "blue"], 200)
    if separated:
        party = np.where(member == 1, "red", rng.choice(["green", "blue"], 200))
    frame = pd.DataFrame({"party": party, "member": member, "age": rng.uniform(20, 80, 200)})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SeparationWarning)
        return frame, ml.mnlogit("party ~ member + age", frame).fit()


@pytest.mark.parametrize("kind", ["lines", "stacked"])
def test_a_number_of_two_values_has_rows_for_these(kind):
    frame, res = fit_member(separated=False)
    ax = Plots(res.record, res.covariance, Figure).probabilities("member", kind=kind)
    wanted = [res.predict(frame.assign(member=value)).mean() for value in (0, 1)]
    if kind == "stacked":
        drawn = np.array([[bar.get_width() for bar in bars] for bars in ax.containers]).T
    else:
        marks = sorted((line.get_ydata()[0], line.get_xdata()[0]) for line in ax.lines)
        drawn = np.array(marks)[:, 1].reshape(2, 3)
    assert np.abs(drawn - np.array(wanted)).max() < 1e-12
    assert "member = 0" in read_words(ax)
    assert "member = 1" in read_words(ax)
    assert find_faults(ax) == []


def test_points_between_gaps_are_seen_and_the_gaps_explained():
    _, res = fit_member(separated=True)
    plots = Plots(res.record, res.covariance, Figure)
    with pytest.warns(SeparationWarning):
        ax = plots.probabilities("member", points=[0.0, 0.5, 1.0])
    assert "Gaps: separation leaves the probability open there." in read_words(ax)
    lines = [line for line in ax.lines if line.get_linestyle() != "None"]
    points = [line.get_xydata() for line in ax.lines if line not in lines]
    broken = [line.get_xydata() for line in lines if np.isnan(line.get_ydata()).any()]
    assert len(broken) == 2
    for line, lone in zip(broken, points, strict=True):
        assert np.array_equal(lone, line[[0, 2]])
