"""Limits of size: what memory there is, and what is said when it is not enough."""

import resource

import numpy as np
import pandas as pd
import pytest

import mlelogit as ml
from mlelogit.data import limits
from mlelogit.data.limits import allow_memory, check_categories, check_memory, find_memory
from mlelogit.exceptions import OptionError, SizeLimitError
from tests.hostile import run_held


@pytest.mark.parametrize("given", [0, -1.0, float("nan"), "1 GB", None, True, np.array([1e9])])
def test_an_amount_of_memory_is_a_positive_number(given):
    with pytest.raises(OptionError, match="a positive number of bytes"), allow_memory(given):
        pass


def test_what_is_allowed_holds_inside_alone():
    before = find_memory()
    with allow_memory(10):
        assert find_memory() == 10
        with allow_memory(float("inf")):
            check_memory(1e300, "It", "Take less")
        assert find_memory() == 10
    assert find_memory() == pytest.approx(before, rel=0.5)


def test_what_is_not_finite_is_too_much():
    said = r"It needs some inf EB.*5 MB are there.*Take less; or"
    with allow_memory(5e6), pytest.raises(SizeLimitError, match=said):
        check_memory(float("inf"), "It", "Take less")


@pytest.mark.parametrize(
    ("files", "left"),
    [
        ({"max": "1000\n", "current": "700\n", "stat": "anon 5\ninactive_file 100\n"}, 400),
        ({"max": "max\n", "current": "700\n", "stat": "inactive_file 100\n"}, None),
        ({}, None),
    ],
)
def test_a_container_has_what_is_left_of_its_limit(files, left, tmp_path, monkeypatch):
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    group = tuple(str(tmp_path / name) for name in ("max", "current", "stat"))
    monkeypatch.setattr(limits, "_CGROUPS", (group,))
    assert limits._read_cgroup() == left
    if left is not None:
        assert find_memory() == pytest.approx(limits.SHARE * left)


def test_the_smallest_of_what_is_told_counts(monkeypatch):
    monkeypatch.setattr(limits, "_read_free", lambda: 3e9)
    monkeypatch.setattr(limits, "_read_cgroup", lambda: None)
    monkeypatch.setattr(limits, "_read_rlimit", lambda: 2e9)
    assert find_memory() == limits.SHARE * 2e9
    for name in ("_read_free", "_read_rlimit"):
        monkeypatch.setattr(limits, name, lambda: None)
    assert find_memory() == limits.UNKNOWN


def test_the_limit_of_a_process_is_seen():
    def look():
        raise ValueError(str(limits._read_rlimit()))

    before = resource.getrlimit(resource.RLIMIT_AS)
    held = run_held(look, 60)
    assert 0 < float(held.message) < 3 << 29
    assert resource.getrlimit(resource.RLIMIT_AS) == before


def test_categories_with_hardly_a_row_each_are_refused_unless_they_are_declared():
    codes = np.arange(1001)
    frame = pd.DataFrame({"id": codes, "x": np.sin(codes)})
    with pytest.raises(SizeLimitError, match=r"'id' has 1,001 categories \(0, 1, 2 and 998 more\)"):
        ml.mnlogit("id ~ x", frame)
    with pytest.raises(SizeLimitError, match=r"in 1,001 rows, fewer than 2 rows each.*pandas\.cut"):
        ml.mnlogit("id ~ x", lambda: iter([frame.iloc[:500], frame.iloc[500:]]), stream=True)
    assert len(ml.mnlogit("id ~ x", frame.assign(id=pd.Categorical(codes))).categories) == 1001
    twice = pd.concat([frame, frame])
    assert len(ml.MNLogit(twice["id"].to_numpy(), twice[["x"]].to_numpy()).categories) == 1001


def test_few_categories_may_have_few_rows():
    check_categories(range(1000), 1000, "y")
    with pytest.raises(SizeLimitError):
        check_categories(range(1001), 2001, "y")


@pytest.mark.parametrize("stream", [False, True])
def test_a_factor_of_too_many_levels_is_told_with_its_levels(stream):
    frame = pd.DataFrame({"y": list("ab") * 500, "g": [f"g{i}" for i in range(1000)]})
    told = (
        r"'g' makes 1,000 columns or more: 'g' has 1,000 levels \('g0', 'g1', 'g2' and 997 more\)"
    )
    data = (lambda: iter([frame])) if stream else frame
    with allow_memory(5e7), pytest.raises(SizeLimitError, match=f"{told}.*80 MB.*50 MB"):
        ml.mnlogit("y ~ g", data, stream=stream)


def test_a_fit_tells_its_categories_and_parameters():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"y": np.arange(600) % 200, "x": rng.normal(size=600)})
    model = ml.mnlogit("y ~ x", frame)
    said = r"'y' has 200 categories \(0, 1, 2 and 197 more\), and with 2 columns 398 parameters"
    with allow_memory(1e7), pytest.raises(SizeLimitError, match=said):
        model.fit()


def test_expressions_are_not_taken_for_their_variables():
    """``C(x > 0)`` has two levels, however many values x has."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"y": rng.integers(2, size=900), "x": rng.normal(size=900)})
    with allow_memory(5e7):
        assert len(ml.mnlogit("y ~ C(x > 0)", frame).exog_names) > 1
    with allow_memory(5e7), pytest.raises(SizeLimitError, match="'x' has 900 levels"):
        ml.mnlogit("y ~ C(x)", frame)
