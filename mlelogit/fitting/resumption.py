"""Fit with a checkpoint: what was interrupted goes on from where it was."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from mlelogit.data.design import Design
from mlelogit.fitting.checkpoint import Checkpoint, open_checkpoint
from mlelogit.fitting.estimation import estimate
from mlelogit.fitting.linalg import ColumnBasis
from mlelogit.fitting.record import FitRecord, FitRequest


def estimate_resumably(
    design: Design,
    request: FitRequest,
    callback: Callable[[np.ndarray], Any] | None,
    show: bool,
    basis: ColumnBasis,
    path: Any,
) -> FitRecord:
    """Fit as `estimate` does, and keep in a file how far the climb has come.

    The file is written after every iteration, as a whole or not at all, and goes when the fit
    is certified. A fit that finds one starts where that ended.

    Parameters
    ----------
    design, request, callback, show, basis
        As of `estimate`.
    path : str or os.PathLike, optional
        The file; none is kept if not given.

    Raises
    ------
    CheckpointError
        If the file is damaged, or of another fit.
    OutputFileError
        If it cannot be written.
    """
    if path is None:
        return estimate(design, request, callback, show, basis)
    checkpoint = open_checkpoint(path, describe_fit(design, request))
    if checkpoint.params is not None:
        request = replace(request, start_params=checkpoint.params)
    record = estimate(design, request, _note(checkpoint, design, callback), show, basis)
    if record.maximum.converged:
        checkpoint.close()
    return record


def _note(
    checkpoint: Checkpoint, design: Design, callback: Callable[[np.ndarray], Any] | None
) -> Callable[[np.ndarray], Any]:
    """Return a callback that saves the params, and does what the user's own does."""
    earlier = checkpoint.passes

    def note(params: np.ndarray) -> Any:
        passes = checkpoint.passes + 1 if design.stream is None else earlier + design.stream.passes
        checkpoint.save(params, passes)
        return None if callback is None else callback(params)

    return note


def describe_fit(design: Design, request: FitRequest) -> dict[str, Any]:
    """Return what tells a fit from others, so that none goes on with another's params."""
    encoding = design.encoding
    stream = design.stream
    return {
        "formula": encoding.formula,
        "columns": encoding.names,
        "categories": encoding.categories,
        "base": encoding.base_category,
        "weights": (design.weights_name, design.weight_type),
        "offset": encoding.offset_names,
        "rows": design.audit,
        "data": "in memory" if stream is None else stream.fingerprint,
        "bias reduction": request.bias_reduction,
        "constraints": request.constraints,
    }
