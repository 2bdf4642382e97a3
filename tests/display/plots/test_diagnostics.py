"""Effects, calibration, residuals and influence show the numbers of their frames."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from scipy.stats import beta, norm

from mlelogit.display.plots import diagnostics
from mlelogit.display.plots.accessor import Plots
from mlelogit.exceptions import (
    ColumnNotFoundError,
    EffectError,
    OptionError,
    OutcomeError,
    PictureError,
)
from tests.display.plots.judging import find_faults, list_axes, read_words
from tests.display.plots.samples import draw, make_fit
from tests.display.plots.test_coefficients import read_points, read_segments
from tests.inference.samples import fitted, survey


@pytest.mark.parametrize("alpha", [0.05, 0.2])
def test_effects_are_the_frame(alpha):
    frame = make_fit("three").margins().summary_frame(alpha)
    ax = draw("three").margins(alpha=alpha)
    assert [x for _, x in read_points(ax)] == frame["estimate"].to_list()
    ends = np.array(read_segments(ax))[:, 1:]
    assert np.array_equal(ends, frame[["lower", "upper"]])
    heads = [t.get_text() for t in ax.get_yticklabels() if t.get_fontweight() == "bold"]
    assert heads[:2] == ["age (dy/dx)", "educ (dy/dx)"]
    assert heads[2:] == ["region (south - north)", "region (west - north)"]
    assert f"{100 - 100 * alpha:g} % intervals" in read_words(ax)


@pytest.mark.parametrize(
    ("options", "label"),
    [
        ({"variables": "age"}, "Change in probability per unit"),
        ({"variables": "region"}, "Change in probability"),
        ({"variables": "age", "effect": "eyex"}, "Relative change in probability per relative"),
        ({"variables": ["age", "region"]}, "Change in probability, of numbers per unit"),
        ({"effect": "level", "at": {"age": [30, 60]}}, "Probability"),
    ],
)
def test_effects_say_what_they_measure(options, label):
    assert draw("three").margins(**options).get_xlabel().startswith(label)


def test_effects_that_are_known_are_drawn_without_being_found_again():
    found = make_fit("three").margins("educ", by="region")
    ax = draw("three").margins(found)
    assert [x for _, x in read_points(ax)] == found.estimate.tolist()
    assert "educ (dy/dx), region = south" in read_words(ax)
    contrasts = found.contrasts("region")
    ax = draw("three").margins(contrasts)
    assert [x for _, x in read_points(ax)] == contrasts.estimate.tolist()
    combined = found.contrasts("category", "sequential")
    assert len(read_points(draw("three").margins(combined))) == len(combined)


KNOWN = {
    "margins": (lambda res: res.margins(), {"effect": "eyex"}, {"kind": "at_means"}),
    "calibration": (lambda res: res.calibration(),),
    "influence": (lambda res: res.get_influence(),),
}


@pytest.mark.parametrize("picture", KNOWN)
def test_what_is_known_comes_alone_and_is_of_the_fit(picture):
    find, *several = KNOWN[picture]
    own = "unit" if picture == "influence" else None
    found = find(make_fit("three"))

    def show(fit, given, **options):
        drawn = getattr(draw(fit), picture)
        return drawn(**{own: given}) if own else drawn(given, **options)

    assert list_axes(show("three", found))
    for options in several:
        with pytest.raises(OptionError, match=f"{next(iter(options))} cannot go with a"):
            show("three", found, **options)
    with pytest.raises(OptionError, match="is of another fit"):
        show("seven", found)


def test_influence_on_other_rows_is_refused():
    import mlelogit as ml

    found = ml.mnlogit("party ~ age", survey().head(150)).fit().get_influence()
    with pytest.raises(OptionError, match="another fit, with 150 rows, not the 160"):
        draw("three").influence(unit=found)


def test_contrasts_of_categories_are_of_the_fit_that_has_these():
    found = make_fit("three").margins("region")
    for known in (found.contrasts(), found.contrasts().contrasts(), found.contrasts("contrast")):
        assert len(read_points(draw("three").margins(known))) == len(known)
        with pytest.raises(OptionError, match="is of another fit"):
            draw("seven").margins(known)


def test_effects_in_panels_by_category():
    res = make_fit("three")
    frame = res.margins().summary_frame().set_index("category")
    axes = draw("three").margins(panels=True)
    for ax, category in zip(axes, res.categories, strict=True):
        assert ax.get_title(loc="left") == category
        assert [x for _, x in read_points(ax)] == frame.loc[category, "estimate"].to_list()
        assert ax.get_xlim() == axes[0].get_xlim()
    rows = [label.get_text() for label in axes[0].get_yticklabels()]
    assert rows == [
        "age (dy/dx)",
        "educ (dy/dx)",
        "region (south - north)",
        "region (west - north)",
    ]
    assert find_faults(axes) == []
    combined = res.margins("age").combine([1, -1, 0], "difference")
    assert len(read_points(draw("three").margins(combined))) == 1
    with pytest.raises(OptionError, match="no panels"):
        draw("three").margins(combined, panels=True)


def test_levels_are_probabilities():
    ax = draw("three").margins("region", effect="level")
    assert ax.get_xlabel() == "Probability"
    assert ax.get_title(loc="left") == "Average predicted probabilities of party"
    assert not [line for line in ax.lines if list(line.get_xdata()) == [0, 0]]


@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        ("nonsense", EffectError, "nonsense"),
        ([], OptionError, "variables is empty"),
        (make_fit("three"), OptionError, "not MNLogitResults"),
    ],
)
def test_effects_of_what_is_no_variable(given, error, said):
    with pytest.raises(error, match=said):
        draw("three").margins(given)


def test_calibration_is_the_frame_of_bins():
    found = make_fit("seven").calibration(bins=6)
    axes = draw("seven").calibration(bins=6)
    for ax, category in zip(axes, make_fit("seven").categories, strict=True):
        bins = found.bins.loc[category]
        marks = next(line for line in ax.lines if line.get_linestyle() == "None")
        assert np.array_equal(marks.get_data(), bins[["predicted", "observed"]].to_numpy().T)
        segments = np.array(ax.collections[0].get_segments())
        assert np.array_equal(segments[:, :, 1], bins[["lower", "upper"]])
        assert ax.get_xlim() == ax.get_ylim()
        assert ax.get_xlim()[0] < 0
        assert ax.get_xlim()[1] > bins[["predicted", "upper"]].to_numpy().max()
        assert ax.get_title(loc="left") == str(category)
    words = read_words(axes)
    for said in ("Predicted probability", "Observed share", "95 % intervals", "own rows"):
        assert said in words


def test_calibration_of_other_rows_and_one_that_is_known():
    rows = survey().head(80)
    axes = draw("three").calibration(rows, bins=4, alpha=0.1)
    found = make_fit("three").calibration(rows, bins=4, alpha=0.1)
    again = draw("three").calibration(found)
    with pytest.raises(OptionError, match="bins cannot be given"):
        draw("three").calibration(found, bins=5)
    for ax, other in zip(axes, again, strict=True):
        for line, same in zip(ax.lines, other.lines, strict=True):
            assert np.array_equal(line.get_xydata(), same.get_xydata())
    assert "own rows" not in read_words(axes)
    assert "90 % intervals" in read_words(axes)


def test_quantile_residuals_are_set_against_normal_quantiles():
    res = make_fit("three")
    ax = draw("three").residuals(seed=3, alpha=0.1)
    values = np.sort(res.residuals("quantile", seed=3))
    marks = next(line for line in ax.lines if line.get_marker() == "o")
    n, i = 160, np.arange(1, 161)
    assert np.array_equal(marks.get_ydata(), values)
    assert np.abs(marks.get_xdata() - norm.ppf((i - 0.5) / n)).max() < 1e-12
    band = pd.DataFrame(ax.collections[0].get_paths()[0].vertices, columns=["x", "y"])
    ends = band.groupby("x")["y"].agg(["min", "max"]).to_numpy()
    wanted = [norm.ppf(beta.ppf(share, i, n + 1 - i)) for share in (0.05, 0.95)]
    assert np.abs(ends.T - wanted).max() < 1e-8
    assert "90 %" in read_words(ax)


def test_frequency_weights_are_people_in_the_picture_of_residuals(voters, monkeypatch):
    import mlelogit as ml

    weights = {"weights": "people", "weight_type": "frequency"}
    weighted = ml.mnlogit("vote ~ age + region", voters, **weights).fit()
    rows = voters.loc[voters.index.repeat(voters["people"])].reset_index(drop=True)
    laid_out = ml.mnlogit("vote ~ age + region", rows).fit()
    drawn = [Plots(res.record, res.covariance, Figure).residuals() for res in (weighted, laid_out)]
    marks = [next(x for x in ax.lines if x.get_marker() == "o").get_xydata() for ax in drawn]
    bands = [ax.collections[0].get_paths()[0].vertices for ax in drawn]
    assert len(marks[0]) == voters["people"].sum() > len(voters)
    assert np.abs(marks[0] - marks[1]).max() < 1e-5
    assert np.array_equal(*bands)
    monkeypatch.setattr(diagnostics, "MOST_PEOPLE", 100)
    with pytest.raises(PictureError, match="a point for each of at most 100"):
        weighted.plot.residuals()


def test_probabilities_as_outcome_have_no_quantile_residuals():
    import mlelogit as ml

    shares = pd.DataFrame(np.random.default_rng(0).dirichlet([2, 2, 2], 40), columns=list("abc"))
    res = ml.MNLogit(shares, np.ones((40, 1)), outcome="probabilities").fit()
    with pytest.raises(OutcomeError):
        res.plot.residuals()


@pytest.mark.parametrize("fit", ["three", "weighted"])
def test_binned_residuals_are_means_of_residuals(fit):
    res = make_fit(fit)
    axes = draw(fit).residuals("age", bins=4)
    weights = survey()["weight"].to_numpy() if fit == "weighted" else np.ones(160)
    drawn = np.array(
        [next(x for x in ax.lines if x.get_marker() != "None").get_xydata() for ax in axes]
    )
    assert np.abs(drawn[:, :, 1].sum(axis=0)).max() < 1e-12
    held = np.array(sorted(set(survey()["age"])))
    counts = np.array([weights[survey()["age"] == age].sum() for age in held])
    middle = np.cumsum(counts) - counts / 2
    place = np.minimum(np.floor(middle * 4 / counts.sum()), 3)
    codes = place[np.searchsorted(held, survey()["age"])]
    y, half = res.fittedvalues.to_numpy(), []
    for b in range(4):
        mine = codes == b
        w = weights[mine]
        mean = np.average(res.resid_response[mine], axis=0, weights=w)
        assert np.abs(drawn[:, b, 1] - mean).max() < 1e-12
        assert abs(drawn[0, b, 0] - np.average(survey()["age"][mine], weights=w)) < 1e-12
        spread = (w**2 if fit == "weighted" else w)[:, None] * y[mine] * (1 - y[mine])
        half.append(norm.isf(0.025) * np.sqrt(spread.sum(axis=0)) / w.sum())
    for k, ax in enumerate(axes):
        ends = ax.collections[0].get_paths()[0].vertices[:, 1]
        assert abs(ends.max() - np.max(half, axis=0)[k]) < 1e-12


def test_residuals_over_a_column_that_the_model_left_out():
    res = fitted("party ~ age")
    axes = res.plot.__class__(res.record, res.covariance, draw("three").open_figure).residuals(
        "region"
    )
    gaps = res.resid_response.groupby(survey()["region"]).mean()
    for ax, category in zip(axes, res.categories, strict=True):
        marks = next(line for line in ax.lines if line.get_marker() != "None")
        assert np.abs(marks.get_xdata() - gaps[category].to_numpy()).max() < 1e-12
        assert [t.get_text() for t in axes[0].get_yticklabels()] == list(gaps.index)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"variable": "nonsense"}, ColumnNotFoundError),
        ({"variable": "age", "bins": 1}, OptionError),
        ({"variable": "age", "alpha": 1}, OptionError),
        ({"variable": "age", "bins": 0}, OptionError),
        ({"variable": "age", "seed": 3}, OptionError),
        ({"bins": 10}, OptionError),
    ],
)
def test_residuals_that_cannot_be_drawn(options, error):
    with pytest.raises(error):
        draw("three").residuals(**options)


@pytest.mark.parametrize("n", [0, 3])
def test_influence_is_its_frame_and_the_worst_are_named(n):
    found = make_fit("three").get_influence()
    ax = draw("three").influence(n)
    points = ax.lines[0].get_xydata()
    assert np.array_equal(points, np.column_stack([found.leverage, found.cooks_distance]))
    worst = found.worst(max(n, 1)).index[:n]
    names = [text.get_text() for text in ax.get_legend().get_texts()]
    assert names[:n] == [f"row {label}" for label in worst]
    for line, label in zip(ax.lines[1 : n + 1], worst, strict=True):
        assert line.get_xydata()[0].tolist() == points[label].tolist()
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("Leverage", "Cook's distance")
    assert ax.lines[n + 1].get_xdata()[0] == pytest.approx(2 * found.size / 160, rel=1e-12)


def test_a_known_influence_is_drawn():
    found = make_fit("three").get_influence("person")
    assert "person" in read_words(draw("three").influence(2, found))


def test_influence_that_is_not_known():
    with pytest.raises(PictureError, match="No Cook's distance is known: "):
        draw("reduced").influence()
    for n in (-1, 13, "all", True):
        with pytest.raises(OptionError, match="n must be"):
            draw("three").influence(n)


def test_marks_of_a_category_are_the_same_in_all_pictures():
    plots, looks = draw("three"), []
    coefficients = plots.coefficients(names="age")
    looks.append([line.get_color() for line in coefficients.lines if line.get_marker() in "os^"])
    looks.append([line.get_color() for line in plots.probabilities("age", points=2).lines])
    for axes in (plots.calibration(bins=3), plots.residuals("age", bins=2)):
        looks += [[ax.lines[-1].get_color() for ax in list_axes(axes)]]
    blue, green, red = looks[1]
    assert looks[0] == [blue, red]
    assert looks[2] == looks[3] == [blue, green, red]
