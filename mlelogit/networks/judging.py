r"""A network's probabilities beside outcomes: calibration, classification and scores.

On the rows that a network was fitted to recalibration is the identity, as for a multinomial logit
with intercepts, if its scores come from a last affine layer ``u_n = W h_n + b`` whose W and b are
all free, and no prior pulls at them. With the residuals ``r_n = c_n (d_n - t_n y_n)`` of rows of
weight c_n the log-likelihood has the derivatives ``Σ_n r_nk`` by b_k and ``Σ_n r_nk h_n`` by row k
of W. Where they are zero so are

    ``Σ_n r_nk (u_nk - u_n,base) = (W_k - W_base) Σ_n r_nk h_n + (b_k - b_base) Σ_n r_nk``,

and these and ``Σ_n r_nk`` are the score of the recalibration at intercepts of zero and slopes of
one (`mlelogit.interpretation.performance.recalibration`), whose log-likelihood is concave.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from mlelogit.data.design import Design
from mlelogit.data.rows import Given
from mlelogit.data.sources import ArraySource
from mlelogit.fitting.linalg import log_softmax
from mlelogit.inference.coefficients import check_alpha
from mlelogit.interpretation.performance.binning import check_bins
from mlelogit.interpretation.performance.calibration import Calibration, calibrate_judged
from mlelogit.interpretation.performance.classification import Classification, classify_judged
from mlelogit.interpretation.performance.judged import (
    OWN,
    JudgedRows,
    NewRows,
    judge_scores,
    read_new_outcome,
    settle_weight_type,
)
from mlelogit.interpretation.performance.recalibration import measure_drift
from mlelogit.interpretation.performance.scoring_rules import Scores, score_judged
from mlelogit.interpretation.points import as_new_frame, read_new_weights
from mlelogit.networks.prediction import score_inputs, score_rows
from mlelogit.networks.record import NetworkRecord
from mlelogit.networks.rows import ColumnInputs, detach, read_new_inputs

# Below this share of what a perfect slope is nobody sees a difference: tables show four digits.
NO_DRIFT = 1e-4
# How far parameters are moved to see whether scores follow, and how closely they must: nothing
# but rounding may be left where they are an affine function.
MOVE, SAME = 0.1, 1e-8


def judge_network(
    record: NetworkRecord,
    newdata: Any = None,
    outcome: Any = None,
    weights: Any = None,
    weight_type: str | None = None,
) -> JudgedRows:
    """Set what a network says of rows, its own or new ones, beside their outcome.

    Parameters
    ----------
    record : NetworkRecord
    newdata : DataFrame, dict, array-like or torch.Tensor, optional
        New rows, in the shape of the fit's; columns of a frame go by their names. The fit's own
        rows if not given.
    outcome : array-like, torch.Tensor, or name of a column of newdata
        The outcome of the new rows: labels, counts or probabilities in the network's categories,
        which need not all be there. Columns of a frame of counts or probabilities go by their
        names, others by position.
    weights : array-like, or name of a column of newdata, optional
        Of the new rows; one each if not given. Rows of weight zero are left out.
    weight_type : {"frequency", "sampling", "importance"}, optional
        What they mean; as in the fit if not given.

    Returns
    -------
    JudgedRows

    Raises
    ------
    OptionError
        If something about new rows is given without newdata.
    ColumnNotFoundError
        If newdata comes without an outcome, or has no column of a name.
    UnseenLevelError
        If an outcome is none of the network's categories.
    WeightTypeError
        If weights are given and neither the fit nor weight_type says what they mean, or the other
        way round.
    NetworkError
        If the module's scores of a new row are not finite.
    MissingDataError, LengthMismatchError, MisalignedIndexError, OutcomeError, WeightError
        If something is wrong with outcome or weights.
    ColumnTypeError, InfiniteValueError, EmptyDataError
        If something is wrong with newdata.

    Examples
    --------
    >>> import mlelogit as ml, torch
    >>> from mlelogit.networks.judging import judge_network
    >>> anes = ml.datasets.load_anes96()
    >>> X, y = anes[["age", "educ"]] / 10, anes["vote"]
    >>> res = ml.networks.fit_network(torch.nn.Linear(2, 2), X, y)
    >>> judge_network(res.record, X.head(10), y.head(10)).weight
    10.0
    """
    rows = NewRows(newdata, detach(outcome), None, detach(weights), weight_type)
    rows.check_alone()
    if newdata is not None:
        return _judge_new(record, rows)
    scores = score_rows(record)[0]
    return JudgedRows(record.rows.design, *log_softmax(scores), record.encoding.base, True)


def _judge_new(record: NetworkRecord, rows: NewRows) -> JudgedRows:
    own, newdata = record.rows, rows.newdata
    kind = settle_weight_type(own.design.weight_type, rows.weights, rows.weight_type)
    frame = None
    if isinstance(own.inputs, ColumnInputs):
        frame = newdata = as_new_frame(record.encoding, detach(newdata))
    inputs, index = read_new_inputs(record.encoding, own.inputs, newdata)
    design = _make_design(own.design, frame, rows.newdata, index)
    if rows.weights is not None:
        design = replace(design, weights=read_new_weights(design, rows.weights), weight_type=kind)
    found = read_new_outcome(design, rows.newdata, rows.outcome)
    return judge_scores(replace(design, outcome=found), score_inputs(record, inputs))


def _make_design(own: Design, frame: pd.DataFrame | None, newdata: Any, index: pd.Index) -> Design:
    """Return new rows as a design without columns, which can be looked up in their frame."""
    paired = newdata.index if isinstance(newdata, pd.DataFrame) else None
    return replace(
        own,
        source=ArraySource(np.zeros((len(index), 1))),
        weights=None,
        weight_type=None,
        index=index,
        given=Given(len(index), paired, None, frame, new=True),
        groups=None,
        weights_name="",
    )


def calibrate_network(
    record: NetworkRecord,
    rows: NewRows = OWN,
    *,
    bins: int = 10,
    strategy: str = "quantile",
    alpha: float = 0.05,
) -> Calibration:
    """Compare a network's probabilities with what was observed, by category.

    Parameters
    ----------
    record : NetworkRecord
    rows : NewRows
        As `judge_network` takes them; the fit's own rows if not given.
    bins, strategy, alpha
        As in `mlelogit.interpretation.performance.calibration.calibrate`, which has the formulas.

    Returns
    -------
    Calibration

    Raises
    ------
    OptionError
        If bins is not a whole number of 2 or more, or strategy is unknown.
    MNLogitError
        Those of `judge_network`.

    Examples
    --------
    >>> import mlelogit as ml, torch
    >>> anes = ml.datasets.load_anes96()
    >>> X, y = anes[["age", "educ"]] / 10, anes["vote"]
    >>> found = ml.networks.fit_network(torch.nn.Linear(2, 2), X, y).calibration(bins=5)
    >>> found.recalibration.loc[("own slopes", "slope", "Dole"), "estimate"].round(3)
    np.float64(1.0)
    """
    check_alpha(alpha)
    check_bins(bins, strategy)
    judged = _judge(record, rows)
    departure = explain_network_departure(record, judged) if judged.own else ""
    return calibrate_judged(judged, bins, strategy, alpha, departure)


def classify_network(
    record: NetworkRecord, rows: NewRows = OWN, *, alpha: float = 0.05
) -> Classification:
    """Set the categories that a network predicts against observed ones.

    Parameters
    ----------
    record : NetworkRecord
    rows : NewRows
        As `judge_network` takes them; the fit's own rows if not given.
    alpha : float
        As in `mlelogit.interpretation.performance.classification.classify`, which has the
        formulas.

    Returns
    -------
    Classification

    Raises
    ------
    MNLogitError
        Those of `judge_network`.

    Examples
    --------
    >>> import mlelogit as ml, torch
    >>> anes = ml.datasets.load_anes96()
    >>> X, y = anes[["age", "educ"]] / 10, anes["vote"]
    >>> res = ml.networks.fit_network(torch.nn.Linear(2, 2), X, y)
    >>> res.classification().table.loc["Clinton"].tolist()
    [519.0, 32.0]
    """
    check_alpha(alpha)
    return classify_judged(_judge(record, rows), alpha)


def score_network(
    record: NetworkRecord, rows: NewRows = OWN, *, bins: int = 10, alpha: float = 0.05
) -> Scores:
    """Score a network's probabilities by what was observed.

    Parameters
    ----------
    record : NetworkRecord
    rows : NewRows
        As `judge_network` takes them; the fit's own rows if not given.
    bins, alpha
        As in `mlelogit.interpretation.performance.scoring_rules.score_probabilities`, which has
        the formulas.

    Returns
    -------
    Scores

    Raises
    ------
    OptionError
        If bins is not a whole number of 2 or more.
    MNLogitError
        Those of `judge_network`.

    Examples
    --------
    >>> import mlelogit as ml, torch
    >>> anes = ml.datasets.load_anes96()
    >>> X, y = anes[["age", "educ"]] / 10, anes["vote"]
    >>> res = ml.networks.fit_network(torch.nn.Linear(2, 2), X, y)
    >>> abs(res.scores().log * res.nobs - res.cross_entropy) < 1e-9
    True
    """
    check_alpha(alpha)
    check_bins(bins)
    return score_judged(_judge(record, rows), bins, alpha)


def _judge(record: NetworkRecord, rows: NewRows) -> JudgedRows:
    return judge_network(record, rows.newdata, rows.outcome, rows.weights, rows.weight_type)


def explain_network_departure(record: NetworkRecord, judged: JudgedRows) -> str:
    """Say why recalibration on a network's own rows is not the identity; nothing if it is.

    Whether it is, is seen from the rows; the derivation above says when it has to be.

    Parameters
    ----------
    record : NetworkRecord
    judged : JudgedRows
        The network's own.
    """
    if measure_drift(judged) <= NO_DRIFT:
        return ""
    certificate, last = record.maximum.certificate, _find_last_layer(record)
    pulled = record.precisions if last is None else record.precisions[last]
    found = {
        "the gradient is not zero where the climb ended": not certificate.stationary,
        "the prior pulls parameters off the maximum of the likelihood": bool((pulled > 0).any()),
        "the scores do not come from a last affine layer whose weights and biases are all fitted": (
            last is None
        ),
    }
    reasons = [reason for reason, holds in found.items() if holds]
    return ", ".join(reasons) or (
        "the gradient is small, but so is what these rows tell of slopes, as probabilities are "
        "next to zero and one"
    )


def _find_last_layer(record: NetworkRecord) -> np.ndarray | None:
    """Return the places (J (H + 1),) of a last affine layer's parameters among all; None if none.

    Of such a layer ``W + A W`` and ``b + A b + c`` in place of W and b make the scores
    ``u + A u + c``, whatever A and c are, and of anything else they do not.
    """
    network, params = record.network, record.maximum.params
    places = np.split(np.arange(network.size), np.cumsum(network.sizes)[:-1])
    count = len(record.encoding.categories)
    sized = list(zip(network.shapes, places, strict=True))[::-1]
    weights = [place for shape, place in sized if len(shape) == 2 and shape[0] == count]
    biases = [place for shape, place in sized if shape == (count,)]
    if not (weights and biases):
        return None
    scores = score_rows(record)[0]
    draw = np.random.default_rng(0)
    turn = np.eye(count) + MOVE * draw.standard_normal((count, count))
    shift = MOVE * draw.standard_normal(count)
    wanted = turn @ scores + shift[:, np.newaxis]
    room = SAME * max(1.0, float(np.abs(wanted).max()))
    for weight, bias in ((weight, bias) for weight in weights for bias in biases):
        moved = params.copy()
        moved[weight] = (turn @ params[weight].reshape(count, -1)).ravel()
        moved[bias] = turn @ params[bias] + shift
        twin = replace(record, network=network.duplicate(moved))
        if np.abs(score_rows(twin)[0] - wanted).max() <= room:
            return np.concatenate([weight, bias])
    return None
