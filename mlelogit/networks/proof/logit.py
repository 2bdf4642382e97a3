"""The package's multinomial logit beside a network that is one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.linalg import lstsq

from mlelogit.data.assembly import make_design
from mlelogit.data.design import Design
from mlelogit.data.rows import DataOptions
from mlelogit.exceptions import MNLogitError
from mlelogit.fitting.estimation import estimate
from mlelogit.fitting.rank import settle_rank
from mlelogit.fitting.record import FitRecord, FitRequest
from mlelogit.inference.covariance import estimate_model_covariance
from mlelogit.networks.examination import SAME
from mlelogit.networks.passes import map_rows
from mlelogit.networks.proof.logit_form import SEED, LogitForm, find_logit_form
from mlelogit.networks.record import NetworkRecord
from mlelogit.notices import hear_warnings

# Numbers of a design that is laid out for the comparison: 1 GB.
MOST_NUMBERS = 1 << 27


@dataclass(frozen=True)
class LogitAnswer:
    """What `mlelogit.MNLogit` says of a network's rows.

    Attributes
    ----------
    params : numpy.ndarray
        (J - 1, K) against the first category.
    loglike : float
    distance : float
        Largest difference of a coefficient from the network's, in standard errors; NaN if there
        are none.
    evaluations : int
    separated : bool
    finite : bool
        Whether a finite maximum has been shown to exist.
    """

    params: np.ndarray
    loglike: float
    distance: float
    evaluations: int
    separated: bool
    finite: bool


def fit_logit(record: NetworkRecord) -> LogitAnswer | str:
    """Fit `mlelogit.MNLogit` to a network's rows if the network is one; else return why not.

    The columns are the network's inputs, and a constant if the network has one. Its coefficients
    are the network's after differences from the first category. Columns that are combinations
    of others are left out, and the network's log-odds written in those that stay.

    Parameters
    ----------
    record : NetworkRecord
    """
    if record.precisions.any():
        return "MNLogit has no prior, and this fit has one"
    form = find_logit_form(record.network, record.rows.inputs)
    if isinstance(form, str):
        return f"the network is no multinomial logit: {form}"
    total, width = record.rows.total, len(form.scales) + 1
    if total * width > MOST_NUMBERS:
        return f"its design of {total} rows and {width} columns is too large to lay out"
    columns = _lay_out(record, form)
    if not _follows_everywhere(record, form, columns):
        return "the network is no multinomial logit: its log-odds are not affine in the inputs"
    try:
        with hear_warnings():
            settled = settle_rank(_make_design(record, columns))
            fitted = estimate(settled.design, FitRequest(), basis=settled.basis)
    except MNLogitError as error:
        return f"MNLogit cannot be fitted: {error}"
    return _compare(record, form, columns, fitted)


def _lay_out(record: NetworkRecord, form: LogitForm) -> np.ndarray:
    """Return the columns (n, K): a constant if there is one, and the inputs."""
    rows = record.rows.inputs.block(0, record.rows.total).numpy()
    flat = rows.reshape(len(rows), -1)
    return np.column_stack([np.ones(len(flat)), flat]) if form.constant else flat


def _follows_everywhere(record: NetworkRecord, form: LogitForm, columns: np.ndarray) -> bool:
    """Tell whether log-odds of all rows are those of the coefficients and columns (n, K)."""
    rows, answer = record.rows, record.maximum.params
    drawn = np.random.default_rng(SEED).standard_normal(len(answer))
    for params in (answer, drawn):
        coefficients = form.read(params)[:, 0 if form.constant else 1 :].T
        form.network.write_params(params)
        scores = map_rows(form.network, rows.inputs, rows.per_block)
        gaps = np.abs(scores[:, 1:] - scores[:, :1] - columns @ coefficients)
        reach = (np.abs(columns) @ np.abs(coefficients)).max(initial=1.0)
        if not gaps.max(initial=0.0) <= SAME * max(reach, float(np.abs(scores).max())):
            return False
    return True


def _make_design(record: NetworkRecord, columns: np.ndarray) -> Design:
    """Read the rows anew, categories as their places."""
    design = record.rows.design
    outcome = design.outcome
    endog = outcome.table if outcome.codes is None else np.asarray(outcome.codes)
    options = DataOptions(
        weights=design.weights, weight_type=design.weight_type, outcome=outcome.kind
    )
    names = [f"column {i}" for i in range(columns.shape[1])]
    return make_design(endog, pd.DataFrame(columns, columns=names), options)


def _compare(
    record: NetworkRecord, form: LogitForm, columns: np.ndarray, fitted: FitRecord
) -> LogitAnswer:
    own = form.read(record.maximum.params)[:, 0 if form.constant else 1 :]
    kept = [int(str(name).split()[1]) for name in fitted.encoding.names]
    if len(kept) < columns.shape[1]:
        own = lstsq(columns[:, kept], columns @ own.T)[0].T
    bse = estimate_model_covariance(fitted).bse
    errors = np.asarray(bse).reshape(fitted.params.shape)
    return LogitAnswer(
        params=fitted.params,
        loglike=fitted.sums.loglike,
        distance=float(np.max(np.abs(own - fitted.params) / errors)),
        evaluations=int(fitted.maximum.trace.evaluations[-1]),
        separated=fitted.separation.found,
        finite=fitted.maximum.certificate.finite_maximum,
    )


def estimate_logit_seconds(record: NetworkRecord) -> float:
    """Estimate how long the fit takes from n, P and the tens of steps it makes."""
    size, rows = record.network.size, record.rows.total
    return 20 * (1.5e-9 * rows * size**2 + 3e-10 * size**3)
