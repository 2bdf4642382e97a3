"""The picture: time against n, K and J, and the distance to the limit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tests.benchmarks.sweeps import Curve, Sweep
from tests.benchmarks.timing import Row

SYMBOLS = {"rows": "n", "columns": "K", "categories": "J"}
COLORS = ("#0b5394", "#e07b00", "#777777")
LABELS = {
    "mlelogit": "mlelogit",
    "sklearn newton-cholesky": "scikit-learn",
    "statsmodels newton": "statsmodels",
}


def draw_figure(
    sweeps: Sequence[tuple[Sweep, Mapping[str, Curve]]],
    rows: Sequence[Row],
    rate: float,
    path: Path,
) -> None:
    """Draw three panels of times and one of ratios to the limit, and save them."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.0, 7.0), layout="constrained")
    parts: Any = figure.subfigures(2, 1)
    above, below = parts
    panels = above.subplots(1, len(sweeps), sharey=True, squeeze=False)[0]
    for axes, (sweep, curves) in zip(panels, sweeps, strict=True):
        draw_sweep(axes, sweep, curves)
    panels[0].set_ylabel("seconds of a whole fit")
    panels[0].legend(frameon=False, fontsize=9)
    draw_ratios(below.subplots(), rows, rate)
    figure.savefig(path, dpi=110)


def draw_sweep(axes: Any, sweep: Sweep, curves: Mapping[str, Curve]) -> None:
    """Draw seconds against one size on logarithmic axes."""
    for color, (name, curve) in zip(COLORS, curves.items(), strict=False):
        label = LABELS.get(name, name)
        axes.plot(curve.values, curve.seconds, "o-", color=color, label=label, markersize=4)
    axes.set(xscale="log", yscale="log", xlabel=SYMBOLS[sweep.axis])
    axes.set_xticks(sweep.values, [tell_size(value) for value in sweep.values])
    axes.minorticks_off()
    others = {axis: getattr(sweep.base, axis) for axis in SYMBOLS if axis != sweep.axis}
    said = ", ".join(f"{SYMBOLS[axis]} = {tell_size(size)}" for axis, size in others.items())
    axes.set_title(said, fontsize=10)
    clean(axes)


def draw_ratios(axes: Any, rows: Sequence[Row], rate: float) -> None:
    """Draw bars from the limit to the time of every task, on a logarithmic axis."""
    found = {row.task: row.ours * rate / row.flops for row in rows if row.flops > 0}
    places = np.arange(len(found))[::-1]
    ratios = np.array(list(found.values()))
    axes.barh(places, ratios - 1, left=1.0, color=COLORS[0], height=0.6)
    for place, ratio in zip(places, ratios, strict=True):
        axes.text(1.05 * ratio, place, tell_ratio(ratio), va="center", fontsize=8)
    axes.set_yticks(places, list(found), fontsize=8)
    axes.set_xscale("log")
    axes.set_xlim(min([*ratios, 1.0]), 2 * max([*ratios, 5.0]))
    axes.set_xlabel("time of the fit / time of one rank-k product of the weighted design")
    clean(axes)


def tell_ratio(ratio: float) -> str:
    """Write a ratio to three digits or so."""
    return f"{ratio:.1f}" if ratio < 100 else f"{ratio:.0f}"


def tell_size(size: int) -> str:
    """Write a size with k for thousand and M for million."""
    if size >= 1_000_000:
        return f"{size / 1_000_000:g}M"
    return f"{size / 1000:g}k" if size >= 1000 else str(size)


def clean(axes: Any) -> None:
    """Take away the lines that say nothing."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=8)
