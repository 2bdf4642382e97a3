"""Every piece of the benchmarks works on tiny data; nothing here depends on time."""

import warnings
from dataclasses import replace
from importlib.util import find_spec
from types import SimpleNamespace

import numpy as np
import pytest

import mlelogit as ml
from tests.benchmarks import (
    anes,
    compression,
    dask,
    dropin,
    frames,
    margins,
    memory,
    networks,
    rpeers,
    streaming,
)
from tests.benchmarks.__main__ import main
from tests.benchmarks.cases import CASES, Case, draw, draw_factors, draw_groups
from tests.benchmarks.entrants import PEERS, Entrant, read_bound, sum_loglike
from tests.benchmarks.limit import measure_rate
from tests.benchmarks.sweeps import Sweep, run_sweep
from tests.benchmarks.tables import TIMES, tell_peak, tell_row
from tests.benchmarks.tasks import list_plans, make_factors, make_groups, make_task
from tests.benchmarks.timing import run_task

TINY = Case("unit", 400, 4, 3)
ANSWERS = {dropin.Theirs: np.array([-1.0, 2.0]), dropin.Ours: np.array([-1.0, 2.1])}
needs_sklearn = pytest.mark.skipif(not find_spec("sklearn"), reason="scikit-learn not installed")


@pytest.mark.parametrize("kind", ["unit", "raw"])
def test_draws_have_their_shape(kind):
    codes, x = draw(Case(kind, 300, 7, 4))
    assert (codes.shape, x.shape) == ((300,), (300, 7))
    assert set(codes) == set(range(4))
    assert (x[:, 0] == 1).all()


def test_every_category_is_in_both_groups():
    codes, x = draw_groups(120, 6)
    assert all(set(x[codes == category, 1]) == {0.0, 1.0} for category in range(6))


def test_factors_are_dummies():
    _, x = draw_factors(500, 6, 3)
    dense = x.toarray()
    assert dense.shape == (500, 11)
    assert (dense[:, 0] == 1).all()
    assert set(dense[:, 1:6].sum(axis=1)) == set(dense[:, 6:].sum(axis=1)) == {0.0, 1.0}


def test_loglike_is_what_it_says():
    codes, x = draw(TINY)
    assert np.isclose(sum_loglike(codes, x, np.zeros((2, 4))), -400 * np.log(3))
    assert np.isclose(sum_loglike(codes, x, np.zeros((2, 4)), np.full(400, 2.0)), -800 * np.log(3))


def test_rate_is_positive():
    assert measure_rate(size=20, repeats=2) > 0


@needs_sklearn
def test_peers_reach_the_same_maximum():
    names = ("statsmodels newton", "sklearn newton-cholesky", "sklearn newton-cg")
    rows = run_task(make_task(replace(TINY, peers=tuple((name, 1e9) for name in names))), 1)
    assert [row.peer for row in rows] == list(names)
    assert all(row.finished and row.bound < 1e-6 and row.seconds > 0 for row in rows)
    cells = [dict(zip(TIMES, tell_row(row, 1e9), strict=True)) for row in rows]
    assert {cell["asked for"] for cell in cells} == {"1e+09x: missed"}


@pytest.mark.parametrize(
    ("name", "package"), [("R nnet + vcov", "nnet"), ("R VGAM + vcov", "VGAM")]
)
def test_r_reaches_the_same_maximum(name, package):
    if missing := rpeers.find_missing(package):
        pytest.skip(missing)
    (row,) = run_task(make_task(replace(TINY, peers=((name, None),))), 1)
    assert row.finished
    assert not row.skipped


def test_a_peer_that_is_missing_or_stops_early_is_shown():
    task = make_task(TINY)
    early = Entrant("early", lambda: None, lambda _: -500.0, 2.0)
    gone = replace(early, name="gone", missing="it is not installed")
    lost = replace(early, name="lost", judge=lambda _: np.nan)
    rows = run_task(replace(task, peers=(early, gone, lost)), 1)
    lines = {row.peer: " ".join(tell_row(row, 1e9)) for row in rows}
    assert "**not finished**" in lines["early"]
    assert "**not finished** (not finite)" in lines["lost"]
    assert "skipped: it is not installed" in lines["gone"]


def test_a_peer_that_is_better_stops_the_run():
    better = Entrant("better", lambda: None, lambda _: -1.0)
    with pytest.raises(RuntimeError, match="by a peer"):
        run_task(replace(make_task(TINY), peers=(better,)), 1)


def test_an_answer_without_a_certificate_stops_the_run():
    x = np.column_stack([np.ones(60), np.arange(60.0)])
    with pytest.warns(UserWarning, match="maximum"):
        res = ml.MNLogit(np.arange(60) // 30, x).fit()
    with pytest.raises(RuntimeError, match="has not converged"):
        read_bound(res)


@pytest.mark.parametrize(
    "make",
    [
        anes.make_fit,
        anes.make_summary,
        lambda: anes.make_bootstrap(6, 3),
        lambda: make_groups(240, 6, against=True),
        lambda: make_factors(2000, 20, 3),
    ],
)
def test_other_tasks_run(make):
    for row in run_task(make(), 1):
        assert row.bound < 1e-6
        assert row.finished or not row.peer


def test_memory_is_measured_in_a_child():
    if missing := memory.find_missing("mlelogit"):
        pytest.skip(missing)
    peak = memory.measure_peak("mlelogit", "float32", Case("unit", 600, 4, 3))
    assert peak.design == 600 * 4 * 4
    assert peak.peak >= 0
    assert len(tell_peak(peak)) == 5


@pytest.mark.parametrize("way", frames.NUMBERS)
@pytest.mark.parametrize("kind", frames.MAKERS)
def test_fits_from_frames_are_measured(kind, way):
    if missing := memory.find_missing("mlelogit", kind):
        pytest.skip(missing)
    cost = frames.measure_here(kind, way, 900)
    assert cost.made > 0
    assert cost.ratio >= 0


@pytest.mark.parametrize("engine", margins.FITS)
def test_effects_are_measured(engine):
    if missing := memory.find_missing(engine):
        pytest.skip(missing)
    cost = margins.measure_here(engine, Case("unit", 600, 6, 3))
    assert (cost.engine, cost.rows) == (engine, 600)
    assert cost.seconds > 0


@needs_sklearn
def test_counted_rows_are_timed():
    pytest.importorskip("pyarrow")
    found = compression.compare(6000, 2000, 1000)
    assert found.rows == 6000
    assert len(compression.tell(found)) == 8
    assert min(found.reading, found.ours, found.sklearn, found.statsmodels) > 0


@needs_sklearn
def test_networks_are_timed_from_one_start_to_one_maximum():
    pytest.importorskip("torch")
    lines = list(networks.time_engines(networks.draw_digits(300, 4), 1, 3000))
    assert [line.engine for line in lines] == list(networks.ENGINES)
    start = networks.draw_digits(300, 4)
    begin, _ = start.judge(start.make())
    for line in lines:
        assert line.objective > begin + 100
        assert len(str(line).split("|")) == len(networks.HEADER.splitlines()[0].split("|"))
        assert 1 < line.iterations < 3000
    ours, torch_line, _ = lines
    assert max(ours.gradient, torch_line.gradient) <= 2 * networks.TOLERANCE


@needs_sklearn
def test_both_classes_are_timed_and_compared():
    columns = len(dropin.HEADER.split("|"))
    for what, run in dropin.WHAT.items():
        line = dropin.run_job(dropin.Job("tiny", what, lambda: draw(TINY), run), 1)
        assert line.startswith(f"| tiny | {what} | ")
        assert len(line.split("|")) == columns
    wrong = dropin.Job("tiny", "nothing", lambda: draw(TINY), lambda kind, *_: ANSWERS[kind])
    with pytest.raises(RuntimeError, match="differ"):
        dropin.run_job(wrong, 1)
    assert len(dropin.list_jobs()) == 8


@pytest.mark.parametrize("engine", networks.ENGINES)
def test_networks_run_on_one_thread_and_only_the_training_is_timed(engine, monkeypatch):
    torch = pytest.importorskip("torch")
    before, seen, prepare = torch.get_num_threads(), [], networks.ENGINES[engine]
    clock = [0.0]
    monkeypatch.setattr(networks, "time", SimpleNamespace(perf_counter=lambda: clock[0]))

    def prepare_slowly(case, most):
        clock[0] += 1000
        ready = prepare(case, most)

        def run():
            seen.append(torch.get_num_threads())
            clock[0] += 1
            return ready.run()

        return replace(ready, run=run)

    monkeypatch.setattr(networks, "ENGINES", {engine: prepare_slowly})
    (line,) = networks.time_engines(networks.draw_digits(200, 3), 1, 1)
    assert seen == [1, 1]
    assert line.seconds == 1
    assert torch.get_num_threads() == before


@needs_sklearn
def test_pieces_of_networks_are_timed():
    pytest.importorskip("torch")
    blocks = list(networks.time_blocks(400, (50, 400), 4))
    threads = list(networks.time_threads(networks.draw_digits(200, 4), (1, 2), 3))
    for text in blocks + threads:
        assert len(text.split("|")) == len(networks.PIECES.splitlines()[0].split("|"))
    assert len(blocks) == len(threads) == 2


@needs_sklearn
@pytest.mark.parametrize("engine", networks.ENGINES)
def test_memory_of_networks(engine):
    pytest.importorskip("torch")
    if missing := memory.find_missing("mlelogit"):
        pytest.skip(missing)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        line = networks.measure_here(engine, 600, 4)
    assert line.rows == 600
    assert line.peak >= 0


@pytest.mark.parametrize("engine", memory.FITS)
@pytest.mark.parametrize("layout", memory.LAYOUTS)
def test_memory_of_every_engine_and_layout(engine, layout):
    if missing := memory.find_missing(engine, layout):
        pytest.skip(missing)
    peak, design = memory.measure_here(engine, layout, Case("unit", 600, 4, 3))
    assert peak >= 0
    assert design > 0


def test_picture_is_drawn(tmp_path):
    pytest.importorskip("matplotlib")
    from tests.benchmarks.figure import draw_figure

    sweep = Sweep("rows", (200, 400), TINY)
    curves = run_sweep(sweep, 1, ("statsmodels newton",))
    assert [curve.values for curve in curves.values()] == [[200, 400], [200, 400]]
    rows = run_task(make_factors(600, 5, 3), 1) + run_task(make_task(TINY), 1)
    draw_figure([(sweep, curves)], rows, 1e9, tmp_path / "picture.png")
    assert (tmp_path / "picture.png").stat().st_size > 1000


def test_command_writes_the_table_that_it_prints(tmp_path, capsys):
    path = tmp_path / "table.md"
    main(["--only", "ANES fit", "--repeats", "1", "--output", str(path)])
    printed = capsys.readouterr().out
    assert path.read_text(encoding="utf-8") == printed
    assert len(printed.splitlines()) == 3


def test_plans_have_names_of_their_own():
    names = [plan.name for plan in list_plans(slow=True)]
    assert len(set(names)) == len(names) > len(list_plans(slow=False))
    assert {name for case in CASES for name, _ in case.peers} == set(PEERS)


def test_passes_over_partitions_are_watched():
    pytest.importorskip("distributed")
    options = SimpleNamespace(rows=2000, columns=3, categories=3, partitions=4)
    passes = []
    with dask.watch_passes(passes):
        fitted = ml.mnlogit("y ~ x0 + x1", dask.draw_table(options), compress=False).fit()
    assert fitted.nobs == 2000
    assert passes[0].what.startswith("Pass 1")
    assert all(one.seconds > 0 and one.sent > 0 and one.summed > 0 for one in passes)
    fit = dask.Fit(1, 9.0, tuple(passes), 0, fitted.params.to_numpy())
    model = dask.make_model(fit, 2000, 4, (1e-9, 1e-9))
    assert model.passes == len(passes)
    spent = model.passes * (2000 * model.row + 4 * 2e-9)
    assert np.isclose(spent, fit.inside)
    assert np.isclose(model.alone, 9.0 - fit.inside)


def test_the_model_of_a_cluster_adds_up():
    model = dask.Model(10, 1e-6, 1e-3, 2e-3, sent=1e4, summed=1e6, alone=1.0)
    steps = model.time_pass(1e6, 64, 4)
    assert np.isclose(steps["scheduler"], 0.064)
    assert np.isclose(steps["rows"], 0.25)
    assert np.isclose(steps["tree"], 2 * (dask.LATENCY + 8e6 / dask.BANDWIDTH))
    assert np.isclose(model.time_fit(1e6, 64, 4), 10 * sum(steps.values()) + 1)
    assert len(list(dask.tell_model(model, 1e11, 1000))) == 5


def test_a_fit_of_files_is_measured(tmp_path):
    pytest.importorskip("pyarrow")
    streaming.write_files(tmp_path, 3000)
    found = streaming.measure_fit(str(tmp_path))
    assert found.converged
    assert found.rows == 3000
    assert len(streaming.write_table([found]).splitlines()) == 3


def test_paths_of_penalties_are_timed(monkeypatch, capsys):
    from tests.benchmarks import penalties

    monkeypatch.setattr(penalties, "ROWS", 200)
    monkeypatch.setattr(penalties, "COLUMNS", 3)
    monkeypatch.setattr(penalties, "TOLERANCES", ("1e-7",))
    penalties.main(["--repeats", "1"])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == (3 if rpeers.find_missing("glmnet") else 4)
    assert all(float(line.split(" | ")[1].rstrip(" |")) > 0 for line in lines[2:])
