"""Draw resamples and estimate in each: the work of a bootstrap, in chunks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from mlelogit.data.arguments import check_choice, check_disp, is_whole, write_value
from mlelogit.data.limits import MOST_DRAWS, check_number
from mlelogit.data.threads import count_threads, single_threaded_blas
from mlelogit.exceptions import OptionError
from mlelogit.fitting.refits import refit
from mlelogit.inference.resampling.units import (
    PERTURBATIONS,
    Units,
    draw_fractional,
    draw_pairs,
    draw_perturbations,
    sum_scores,
)
from mlelogit.notices import track

KINDS = ("pairs", "cluster", "fractional", "score")
ABSENT = "a category is absent"
SEPARATED = "categories are separated, or columns are combinations of others"


def check_options(
    times: Any, kind: Any, groups: Any, strata: Any, weights: Any, n_jobs: Any, disp: Any
) -> int:
    """Return the number of threads, or raise `OptionError` for options that do not go together."""
    check_choice("kind", kind, KINDS)
    check_times(times, 2)
    if groups is None and kind == "cluster":
        raise OptionError("kind='cluster' needs groups=: a column's name or one label per row.")
    if groups is not None and kind == "pairs":
        raise OptionError("kind='pairs' draws single rows; with groups= use kind='cluster'.")
    if strata is not None and kind not in ("pairs", "cluster"):
        raise OptionError(f"strata= is for kind='pairs' and 'cluster', not for {kind!r}.")
    if weights is not None:
        if kind != "score":
            raise OptionError(f"weights= perturbs scores (kind='score'); kind={kind!r} has none.")
        check_choice("weights", weights, tuple(PERTURBATIONS))
    return check_run(n_jobs, disp)


def check_times(times: Any, least: int) -> None:
    """Raise if a number of replicates is not whole, too small, or more than anyone can wait for."""
    if not is_whole(times) or times < least:
        raise OptionError(
            f"times must be a whole number, {least} or more, not {write_value(times)}."
        )
    check_number(times, MOST_DRAWS, "replicates (times)", "more digits than any of them has")


def check_run(n_jobs: Any, disp: Any) -> int:
    """Return the number of threads, or raise `OptionError` if an option is none."""
    check_disp(disp)
    try:
        return count_threads(n_jobs)
    except OptionError as error:
        raise OptionError(
            f"n_jobs must be a positive whole number or None, not {write_value(n_jobs)}."
        ) from error


def count_up(total: int, chunk: int, disp: bool | None, what: str) -> Iterator[int]:
    """Go through the sizes of chunks, and show how many of the total are done."""
    sizes = [min(chunk, total - start) for start in range(0, total, chunk)]
    return track(sizes, what, disp, total=total, weigh=int)


@single_threaded_blas
def replicate(
    units: Units,
    times: int,
    kind: str,
    weights: str,
    seed: int,
    threads: int,
    disp: bool | None,
) -> tuple[np.ndarray, dict[str, int]]:
    """Return estimates (B, P) in resamples, and the reasons why some have none, counted.

    Parameters
    ----------
    units : Units
    times : int
        B.
    kind : str
        One of `KINDS`.
    weights : str
        How scores are perturbed, if they are.
    seed, threads : int
    disp : bool or None
        Whether to show a bar; on a terminal if None.
    """
    rng = np.random.default_rng(seed)
    parts: list[np.ndarray] = []
    failures: dict[str, int] = {}
    for size in count_up(times, units.chunk, disp, "Replicates"):
        if kind == "score":
            signs, _ = draw_perturbations(units, rng, size, weights)
            parts.append(perturb(units, units.spread(signs)))
            continue
        draw = draw_fractional if kind == "fractional" else draw_pairs
        drawn = draw(units, rng, size)
        found = refit(units.record, drawn, threads)
        parts.append(found.params)
        for reason, count in _find_reasons(units, drawn[~found.converged]).items():
            failures[reason] = failures.get(reason, 0) + count
    return np.concatenate(parts), failures


def perturb(units: Units, times: np.ndarray) -> np.ndarray:
    """Return ``b + V Σ_n times_bn s_n`` for every draw (B, n): (B, P)."""
    record = units.record
    inner = record.inner_params
    moved = inner + sum_scores(units, inner, times) @ np.asarray(record.maximum.inverse)
    shape = len(times), *record.params.shape
    return record.basis.leave_params(moved.reshape(shape)).reshape(moved.shape)


def _find_reasons(units: Units, drawn: np.ndarray) -> dict[str, int]:
    """Say why resamples (F, n) have no maximum."""
    if not len(drawn):
        return {}
    outcome = units.record.need_blocks().design.outcome
    count = len(outcome.categories)
    if outcome.codes is None:
        totals = drawn @ np.asarray(outcome.table)
    else:
        codes = outcome.codes
        totals = np.array([np.bincount(codes, weights=row, minlength=count) for row in drawn])
    absent = int((totals == 0).any(axis=1).sum())
    reasons = {ABSENT: absent, SEPARATED: len(drawn) - absent}
    return {reason: number for reason, number in reasons.items() if number}
