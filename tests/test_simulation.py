"""The simulation study: its rates are rates, and near nominal where theory says so."""

import numpy as np
import pytest

import mlelogit as ml
from tests.simulation import __main__ as command
from tests.simulation import robust, study
from tests.simulation.study import (
    ALPHA,
    METHODS,
    TRUTH,
    Outcome,
    Sample,
    draw_samples,
    examine,
    is_available,
)
from tests.simulation.tables import COLUMNS, Row, take_mean, tell_row

FAR = 4
LARGE = 200


@pytest.fixture(scope="module")
def large():
    """Samples of the largest size, where first-order theory holds."""
    found, done = command.run_size(max(command.SIZES), LARGE, seed=1)
    assert done
    return {name: Row(max(command.SIZES), name, outcomes) for name, outcomes in found.items()}


def test_coverage_is_nominal_in_large_samples(large):
    for row in large.values():
        assert row.lost == 0
        assert abs(row.coverage.value - (1 - ALPHA)) < FAR * row.coverage.error


@pytest.mark.parametrize("test", study.TESTS)
def test_size_is_nominal_in_large_samples(large, test):
    size = large["ML"].find_size(test)
    assert abs(size.value - ALPHA) < FAR * np.sqrt(ALPHA * (1 - ALPHA) / LARGE)


def test_a_false_hypothesis_is_rejected(monkeypatch):
    """With an effect of one in both equations 300 people are enough for any test."""
    monkeypatch.setattr(study, "TRUTH", TRUTH + np.array([[0, 0, 1.0], [0, 0, 1.0]]))
    outcomes = [examine(sample, "ML") for sample in draw_samples(300, 30, 0)]
    for test in study.TESTS:
        assert np.mean([outcome.rejected[test] for outcome in outcomes]) > 0.5


def test_intervals_around_another_truth_do_not_cover(monkeypatch):
    (sample,) = draw_samples(1000, 1, 0)
    monkeypatch.setattr(study, "TRUTH", TRUTH + 3)
    assert not examine(sample, "ML").covered.any()


def test_the_score_test_is_the_pearson_test_of_a_table():
    """Beside a constant alone, Rao's statistic of a factor is Pearson's chi-squared."""
    from scipy.stats import chi2_contingency

    counts = np.array([[20, 12, 9], [11, 25, 13]])
    codes = np.repeat(np.tile(np.arange(3), 2), counts.ravel())
    rows = np.repeat(np.repeat([0.0, 1.0], 3), counts.ravel())
    model = ml.MNLogit(codes, np.column_stack([np.ones(90), rows]))
    smaller = ml.MNLogit(codes, np.ones((90, 1))).fit()
    wanted = chi2_contingency(counts, correction=False).pvalue
    assert study.score_p_value(model, smaller, at=1) == pytest.approx(wanted, rel=1e-9)


def test_samples_do_not_depend_on_how_many_are_drawn():
    few, many = list(draw_samples(60, 2, 5)), list(draw_samples(60, 4, 5))
    for one, other in zip(few, many, strict=False):
        assert np.array_equal(one.x, other.x)
        assert np.array_equal(one.codes, other.codes)
    assert not np.array_equal(many[0].codes, next(draw_samples(60, 1, 6)).codes)


def test_a_separated_sample_is_counted_and_has_no_interval():
    x = np.column_stack([np.ones(60), np.linspace(-1, 1, 60), np.arange(60) % 2])
    outcome = examine(Sample(x, np.arange(60) // 20), "ML")
    assert np.isnan(outcome.covered).all()
    assert np.isnan([outcome.rejected["LR"], outcome.rejected["Wald"]]).all()
    there = Outcome(np.array([1.0, 1, 1, 1, 0, 1]), {"LR": 0.0, "Wald": 1.0, "score": 0.0})
    row = Row(60, "ML", [outcome, there])
    assert row.lost == 1
    assert row.coverage.value == pytest.approx(5 / 6)
    assert row.extremes == (0, 1)
    assert row.find_size("Wald").value == 1
    assert "| 2 | 1 | 83.3 (0.0) | 0.0 - 100.0 |" in tell_row(row)


def test_a_rate_has_its_monte_carlo_error():
    rate = take_mean([1, 0, 0, 0, np.nan])
    assert (rate.value, rate.error) == pytest.approx((0.25, np.sqrt(0.25 * 0.75 / 4)))
    assert str(take_mean([np.nan])) == "-"


def test_bias_reduced_fits_always_exist():
    for name in METHODS:
        if name != "ML" and is_available(name):
            outcomes = [examine(sample, name) for sample in draw_samples(60, 20, 0)]
            assert np.isfinite([outcome.covered for outcome in outcomes]).all()


def test_a_method_is_examined_once_fit_knows_it(monkeypatch):
    kept, asked = ml.MNLogit.fit, []

    def fit(self, bias_reduction=None):
        asked.append(bias_reduction)
        return kept(self)

    monkeypatch.setattr(ml.MNLogit, "fit", fit)
    (sample,) = draw_samples(200, 1, 0)
    assert is_available("bias-reduced (median)")
    assert set(examine(sample, "bias-reduced (median)").rejected) == {"Wald"}
    assert asked == ["median"]


def test_command_prints_and_writes_rates(tmp_path, capsys):
    path = tmp_path / "simulation.md"
    command.main(["--replications", "5", "--output", str(path)])
    printed = capsys.readouterr().out
    assert path.read_text(encoding="utf-8") == printed
    lines = [line.strip("| ").split(" | ") for line in printed.splitlines()[2:]]
    assert len(lines) == len(command.SIZES) * len(METHODS)
    for line in lines:
        assert len(line) == len(COLUMNS)
        if line[2] == "not available":
            assert not is_available(line[1])
            continue
        rates = [float(cell.split(" ")[0]) for cell in line[4:] if cell != "-"]
        assert all(0 <= rate <= 100 for rate in rates)


def test_an_interrupted_study_shows_what_it_has(monkeypatch, capsys):
    kept = command.examine
    calls = []

    def interrupt(sample, name):
        calls.append(name)
        if len(calls) > 3 * sum(is_available(method) for method in METHODS):
            raise KeyboardInterrupt
        return kept(sample, name)

    monkeypatch.setattr(command, "examine", interrupt)
    command.main(["--replications", "9"])
    lines = capsys.readouterr().out.splitlines()[2:]
    assert len(lines) == len(METHODS)
    assert lines[0].startswith("| 60 | ML | 3 |")


def test_robust_intervals_cover_where_they_should():
    """The clusters' own regressor is what model-based errors fail, and CR3 comes nearest."""
    found, again, done = robust.run_study("clusters", 60, seed=3)
    assert done
    assert again < 60
    low = np.mean(found["nonrobust"], axis=0)[[1, 4]].mean()
    high = np.mean(found["cluster, CR3"], axis=0)[[1, 4]].mean()
    assert low < high
    assert high > 0.8
    assert len(robust.tell_study("clusters", found, again)) == len(robust.CLUSTERED)


def test_robust_targets_are_what_large_samples_run_to():
    rng = np.random.default_rng(5)
    for study_name, sample in (
        ("clusters", robust.draw_clusters(np.full(2000, 15), rng)),
        ("curved", robust.draw_curved(40_000, rng)),
    ):
        kind = ("cluster", "stata") if study_name == "clusters" else ("HC0", None)
        res = robust.with_cov(ml.MNLogit(sample.codes, sample.x).fit(), sample, *kind)
        off = res.params.to_numpy().T.ravel() - robust.find_target(study_name)
        assert (np.abs(off / res.bse.to_numpy().T.ravel()) < FAR).all()
