"""fit_network(): a PyTorch module fitted by maximum likelihood with scipy.optimize."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from mlelogit.data.arguments import (
    check_disp,
    check_reports,
    check_tolerance,
    is_whole,
    settle_seed,
    write_value,
)
from mlelogit.data.frames import list_some
from mlelogit.data.rows import DataOptions
from mlelogit.data.threads import single_threaded_blas
from mlelogit.exceptions import (
    NetworkWarning,
    NoFiniteMaximumWarning,
    NotConvergedWarning,
    OptionError,
)
from mlelogit.networks.backend import restore_switches
from mlelogit.networks.certification.certificate import Verdict, certify_network
from mlelogit.networks.climb import NetworkClimb
from mlelogit.networks.examination import (
    examine_network,
    examine_rows,
    find_curvature,
    tell_dependent_rows,
)
from mlelogit.networks.likelihood import NetworkLikelihood
from mlelogit.networks.module import Network, copy_module, redraw
from mlelogit.networks.optimization import climb_network, find_finish, find_method
from mlelogit.networks.passes import choose_block, count_numbers, is_heavy
from mlelogit.networks.priors import read_precisions
from mlelogit.networks.record import Ended, NetworkMaximum, NetworkRecord, NetworkRequest
from mlelogit.networks.results import NetworkResults
from mlelogit.networks.rows import ColumnInputs, NetworkRows, find_far_columns, read_rows
from mlelogit.notices import start_bar, warn_user

DEFAULT_TOLERANCE = 1e-6
DEFAULT_MAXITER = 5000
# PyTorch and tables of whole numbers hold seeds below.
LARGEST_SEED = 2**63 - 1


@restore_switches
def fit_network(
    module: Any,
    X: Any,
    y: Any,
    *,
    weights: Any = None,
    weight_type: str | None = None,
    outcome: str | None = None,
    missing: str = "raise",
    l2: float | Mapping[str, float] = 0.0,
    starts: int = 1,
    seed: Any = 0,
    method: str = "auto",
    maxiter: int = DEFAULT_MAXITER,
    tol: float = DEFAULT_TOLERANCE,
    block_rows: int | None = None,
    callback: Callable[[np.ndarray], Any] | None = None,
    disp: bool | None = None,
) -> NetworkResults:
    r"""Fit a softmax network by maximum likelihood.

    The module maps rows x_n to J scores u_k(x_n; w), and ``y_k = exp(u_k) / Σ_l exp(u_l)`` are
    the probabilities of the categories. Maximized over the parameters w is

        ``log L(w) = Σ_n Σ_k d_nk log y_k(x_n; w)``,

    minus the cross-entropy error (Bishop 2006, equations 4.108 and 5.24), by `scipy.optimize`,
    from where the module stands. Value and gradient are PyTorch's, in double precision. The
    module given is not changed: a copy in evaluation mode is fitted.

    A network with a hidden layer has many maxima. What is found is one of them, and the
    certificate says what is known of it.

    Parameters
    ----------
    module : torch.nn.Module
        Maps (n, ...) to (n, J), without a softmax at its end. Parameters that do not require a
        gradient stay as they are.
    X : DataFrame, array-like or torch.Tensor
        (n, p), or rows of any shape as an array or a tensor. A tensor of whole numbers stays one.
    y : array-like or torch.Tensor
        The outcome as in `mlelogit.MNLogit`: labels (n,), counts (n, J) or probabilities (n, J).
        Scores are of its categories in order: sorted, or a Categorical's own order.
    weights : array-like or name of a column of X, optional
        (n,), not negative. A column is taken out of X, whose others go to the module.
    weight_type : {"frequency", "sampling", "importance"}
        Needed with weights; as in `mlelogit.MNLogit`.
    outcome : {"labels", "counts", "probabilities"}, optional
        Inferred if not given.
    missing : {"raise", "drop"}
        What to do about missing values in X, y or weights; the audit of the rows counts those
        that are dropped.
    l2 : float or dict
        Precision λ of a Gaussian prior, which takes ``λ/2 Σ w²`` off the log-likelihood: of all
        weights, that is parameters of two dimensions or more, biases being free; or name of
        a parameter -> λ.
    starts : int
        How many climbs: the first from the module's own parameters, each other one from those
        that its layers draw anew. The highest is kept.
    seed : int
        Of the second start; the next has the next number.
    method : str
        A method of `scipy.optimize.minimize`; "auto" is trust-exact for up to 150 parameters, and
        L-BFGS-B for more until the gradient is small, then trust-ncg. A few Newton steps follow; a
        saddle point is left along its upward curvature, and the climb goes on. A climb that
        hardly rises for a hundred iterations goes on by another method, and ends if that does
        not help or parameters just grow.
    maxiter : int
        Iterations of each climb.
    tol : float
        The largest entry of the gradient, per observation, that counts as stationary, if a Newton
        step promises no more than a hundred times as many nats.
    block_rows : int, optional
        Rows that go through the module at once; chosen by what it makes of a row if not given, so
        that memory does not grow with the rows. A block for which it makes more than four million
        numbers is shared among PyTorch's threads; smaller ones are computed by one.
    callback : callable, optional
        Called with the parameters (P,) after every iteration; a true answer ends the climb.
    disp : bool, optional
        Whether to show progress; on a terminal only if not given.

    Returns
    -------
    NetworkResults

    Raises
    ------
    NetworkError
        If the module is no softmax network: see
        `mlelogit.networks.examination.examine_network`.
    MissingExtraError
        If PyTorch is not installed.
    OptionError
        If an argument is not what it must be.
    MNLogitError
        Another of its named cases, for anything wrong with the data.

    Warns
    -----
    NotConvergedWarning
        If the climb ended where the gradient is not as small as tol, or at a saddle point.
    NoFiniteMaximumWarning
        If the log-likelihood rises for ever, or that a finite maximum exists is not shown.
    NetworkWarning
        If parameters do not enter any score.

    Examples
    --------
    >>> import torch
    >>> import mlelogit as ml
    >>> anes = ml.datasets.load_anes96()
    >>> net = torch.nn.Linear(2, 2)
    >>> res = ml.networks.fit_network(net, anes[["age", "educ"]] / 10, anes["vote"])
    >>> logit = ml.mnlogit("vote ~ age + educ", anes).fit()
    >>> abs(res.llf - logit.llf) < 1e-9
    True
    """
    request = _read_request(l2, starts, seed, method, maxiter, tol)
    check_reports(callback, bool(check_disp(disp)))
    network = copy_module(module)
    precisions = read_precisions(l2, network)
    options = DataOptions(
        weights=weights, weight_type=weight_type, outcome=outcome, missing=missing
    )
    rows = _make_rows(network, X, y, options, block_rows)
    network = replace(network, curved=find_curvature(network, rows.inputs))
    likelihood = NetworkLikelihood(network, rows, precisions)
    with start_bar("Iterations", disp=disp) as bar:
        record = _climb_all(likelihood, request, _read_callback(callback), bar)
    tell_dependent_rows(record.network, record.rows)
    warn_if_not_converged(record)
    return NetworkResults(record)


def _read_request(
    l2: Any, starts: Any, seed: Any, method: Any, maxiter: Any, tol: Any
) -> NetworkRequest:
    check_tolerance(tol)
    for name, number in (("starts", starts), ("maxiter", maxiter)):
        if not is_whole(number) or number < 1:
            raise OptionError(f"{name} must be a positive whole number, not {write_value(number)}.")
    kept, first = dict(l2) if isinstance(l2, Mapping) else l2, settle_seed(seed)
    if first + int(starts) > LARGEST_SEED:
        raise OptionError(f"seed + starts must be below 2**63, not {first} + {starts}.")
    return NetworkRequest(kept, int(starts), first, method, int(maxiter), float(tol))


def _read_callback(callback: Callable[[np.ndarray], Any] | None) -> Callable[[Any], bool] | None:
    """Return a callback that answers with a truth value."""
    if callback is None:
        return None

    def ask(params: np.ndarray) -> bool:
        answer = callback(params)
        try:
            return bool(answer)
        except (TypeError, ValueError) as error:
            raise OptionError(
                f"callback must return something true to stop or false to go on, not "
                f"{write_value(answer)}."
            ) from error

    return ask


def _make_rows(
    network: Network, x: Any, y: Any, options: DataOptions, block_rows: Any
) -> NetworkRows:
    """Read the rows, and see whether the module is a softmax network on them."""
    if block_rows is not None and (not is_whole(block_rows) or block_rows < 1):
        raise OptionError(
            f"block_rows must be a positive whole number, not {write_value(block_rows)}."
        )
    design, inputs = read_rows(x, y, options)
    examine_network(network, inputs, design.encoding.categories)
    numbers = count_numbers(network, inputs)
    chosen = choose_block(numbers) if block_rows is None else int(block_rows)
    heavy = is_heavy(numbers, min(chosen, inputs.shape[0]))
    rows = NetworkRows(design, inputs, chosen, heavy, numbers)
    examine_rows(network, rows)
    return rows


# The threads of linear algebra and those of PyTorch would wait for each other: five times slower.
@single_threaded_blas
def _climb_all(
    likelihood: NetworkLikelihood,
    request: NetworkRequest,
    callback: Callable[[np.ndarray], Any] | None,
    bar: Any,
) -> NetworkRecord:
    """Climb from every start, and keep the highest of the maxima found."""
    starts = _list_starts(likelihood.network, request)
    return _finish(
        likelihood, request, [_climb(likelihood, request, callback, bar, one) for one in starts]
    )


def _list_starts(network: Network, request: NetworkRequest) -> list[np.ndarray]:
    own = network.read_params()
    drawn = [redraw(network, request.seed + i) for i in range(request.starts - 1)]
    return [own, *drawn]


def _climb(
    likelihood: NetworkLikelihood,
    request: NetworkRequest,
    callback: Callable[[np.ndarray], Any] | None,
    bar: Any,
    start: np.ndarray,
) -> NetworkMaximum:
    """Climb from one start, and say what is known of the point at the end."""
    method = find_method(request.method, likelihood.network.size)
    climb = NetworkClimb(likelihood, request.maxiter, request.tol, callback, bar)
    finish = find_finish(request.method, likelihood.network.size)
    params = climb_network(climb, start, method, finish)
    sums = climb.look(params)
    return NetworkMaximum(
        params=params,
        loglike=sums.loglike,
        penalty=sums.penalty,
        certificate=certify_network(
            likelihood,
            params,
            request.tol,
            climb.newton,
            climb.curvature,
            concave=climb.concave,
            before=climb.look_back(),
        ),
        ended=climb.ended or Ended.STALLED,
        trace=climb.path.trace(),
        method=method,
        iterations=climb.iterations,
    )


def _finish(
    likelihood: NetworkLikelihood, request: NetworkRequest, found: list[NetworkMaximum]
) -> NetworkRecord:
    """Keep the highest of some maxima, and list all of them."""
    best = max(range(len(found)), key=lambda i: found[i].objective)
    seeds = [None, *range(request.seed, request.seed + len(found) - 1)]
    columns = {
        "seed": pd.array(seeds, dtype="Int64"),
        "start": [one.trace.loglike[0] for one in found],
        "loglike": [one.loglike for one in found],
        "penalty": [one.penalty for one in found],
        "gradient": [one.certificate.gradient_norm for one in found],
        "iterations": [one.iterations for one in found],
        "stationary": [one.certificate.stationary for one in found],
        "kept": [i == best for i in range(len(found))],
    }
    return NetworkRecord(
        network=likelihood.network.duplicate(found[best].params),
        rows=likelihood.rows,
        request=request,
        precisions=likelihood.precisions,
        maximum=found[best],
        starts=pd.DataFrame(columns, index=pd.RangeIndex(len(found), name="start number")),
        llnull=_compute_null(likelihood.rows),
    )


def _compute_null(rows: NetworkRows) -> float:
    """Return the log-likelihood of the shares of the categories, the same for every row."""
    totals = np.array(list(rows.design.audit.categories.values()))
    return float(totals @ np.log(totals / totals.sum()))


def warn_if_not_converged(record: NetworkRecord) -> None:
    """Warn if the climb did not end at a maximum, and say where it did."""
    maximum, certificate = record.maximum, record.maximum.certificate
    if certificate.idle and certificate.converged:
        warn_user(certificate.tell_idle(), NetworkWarning)
    if certificate.converged:
        return
    told, endless = [certificate.verdict.value], False
    if certificate.recession is not None or certificate.outward is not None:
        told, endless = [*told, certificate.tell_recession()], True
    elif certificate.verdict is Verdict.UNDECIDED:
        told, endless = [*told, certificate.tell_bound(), certificate.reason], True
    elif certificate.verdict is Verdict.NOT_STATIONARY:
        told = [maximum.ended.value, certificate.tell_gradient(), _tell_effort(maximum)]
        told += [certificate.tell_bound(), certificate.tell_kinks(), certificate.reason]
        told += [_tell_far_columns(record)]
    else:
        told = [*told, _tell_effort(maximum)]
    category = NoFiniteMaximumWarning if endless else NotConvergedWarning
    warn_user(" ".join(line for line in told if line), category)


def _tell_effort(maximum: NetworkMaximum) -> str:
    return f"After {maximum.iterations} iterations of {maximum.method}."


def _tell_far_columns(record: NetworkRecord) -> str:
    """Say which columns would better be centred, for nothing else may be wrong."""
    if not isinstance(record.rows.inputs, ColumnInputs):
        return ""
    far = find_far_columns(record.rows.design)
    if not far:
        return ""
    return (
        f"Columns {list_some(far)} of X are so far from zero that their differences have few "
        "digits left in the scores: take a number off each, such as its mean."
    )
