"""Markdown tables of what was measured."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tests.benchmarks.memory import Peak
from tests.benchmarks.timing import Row

TIMES = (
    "data",
    "here (s)",
    "peer",
    "peer (s)",
    "ratio",
    "asked for",
    "peer's log-likelihood is lower by",
    "error bound (SE)",
    "limit (s)",
    "here / limit",
)
PEAKS = ("data", "who", "input", "peak above the data (MB)", "peak / design")


def lay_line(cells: Sequence[str]) -> str:
    """Lay cells out as a line of a Markdown table."""
    return f"| {' | '.join(cells)} |"


def lay_header(names: Sequence[str]) -> str:
    """Lay the two first lines of a Markdown table out."""
    return f"{lay_line(names)}\n{lay_line(['---'] * len(names))}"


def tell(value: float, form: str = ".3g") -> str:
    """Write a number, or a dash where there is none."""
    return "-" if np.isnan(value) else format(value, form)


def tell_seconds(seconds: float) -> str:
    """Write seconds to three digits, without an exponent."""
    if not seconds > 0:
        return "-"
    return f"{seconds:.{max(0, 2 - int(np.floor(np.log10(seconds))))}f}"


def tell_target(row: Row) -> str:
    """Write what was asked for, and whether it was met."""
    if row.target is not None and np.isfinite(row.ratio):
        return f"{row.target:g}x: {'met' if row.ratio >= row.target else 'missed'}"
    if row.target is not None:
        return f"{row.target:g}x"
    if row.goal is not None:
        return f"{row.goal:g} s: {'met' if row.ours <= row.goal else 'missed'}"
    return "-"


def tell_shortfall(row: Row) -> str:
    """Write how far the peer stopped short, and whether it has finished at all."""
    if not row.peer or row.skipped:
        return "-"
    size = "not finite" if np.isnan(row.short) else f"{row.short:.0e}"
    return size if row.finished else f"**not finished** ({size})"


def tell_row(row: Row, rate: float) -> tuple[str, ...]:
    """Write a row of times; the limit is flops at a rate per second."""
    limit = row.flops / rate
    return (
        row.task,
        tell_seconds(row.ours),
        row.peer or "-",
        f"skipped: {row.skipped}" if row.skipped else tell_seconds(row.seconds),
        tell(row.ratio, ".1f"),
        tell_target(row),
        tell_shortfall(row),
        f"{row.bound:.0e}",
        tell_seconds(limit),
        tell(row.ours / limit, ".1f"),
    )


def tell_peak(peak: Peak) -> tuple[str, ...]:
    """Write a row of peak memory."""
    return (
        peak.case,
        peak.engine,
        peak.layout,
        f"skipped: {peak.skipped}" if peak.skipped else f"{peak.peak / 1e6:.0f}",
        tell(peak.ratio, ".2f"),
    )
