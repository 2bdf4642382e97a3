"""Say where the rows of a fit are, and how they came to it."""

from __future__ import annotations

from typing import Any

from mlelogit.data.design import Design


def describe_way(design: Design, where: str = "") -> str:
    """Say in one sentence where the rows of a design are and how they are read.

    Parameters
    ----------
    design : Design
        Passes are those made so far: after a fit, all of its own.
    where : str
        Where rows that are in memory came from: the `way` of their pieces.

    Returns
    -------
    str
        Rows are all those given, and different ones those that were counted among them.

    Examples
    --------
    >>> import mlelogit as ml
    >>> from mlelogit.data.streaming.ways import describe_way
    >>> anes = ml.datasets.load_anes96()
    >>> describe_way(ml.mnlogit("vote ~ age", anes).design, "1 file")
    'Rows: 1 file, 944 rows; read into memory.'
    >>> halves = [anes[:500], anes[500:]]
    >>> describe_way(ml.mnlogit("vote ~ age", halves, stream=True, compress=True).design)
    'Rows: 2 frames, 944 rows; 71 different ones, counted.'
    """
    stream: Any = design.stream
    distinct = design.audit.rows_distinct
    counted = "" if distinct is None else f"{distinct:,} different ones, counted"
    if stream is None:
        how = "read into memory"
        return _put_together(where, design, f"{how}; {counted}" if counted else how)
    if stream.behind is not None:
        return _put_together(stream.behind.way, design, counted)
    passes = stream.passes
    how = f"read in pieces, {passes:,} pass{'es' * (passes != 1)}"
    return _put_together(stream.way, design, how)


def _put_together(where: str, design: Design, how: str) -> str:
    rows = f"{design.audit.rows_in:,} row{'s' * (design.audit.rows_in != 1)}"
    # A way that tells its rows by itself, or that is streaming, need not be told so again.
    where = where.removesuffix(", streamed")
    told = where if rows in where else ", ".join(filter(None, (where, rows)))
    return f"Rows: {told}; {how}."
