"""Records of a network's fit: what was asked, how the climb went, and where it ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

import numpy as np
import pandas as pd

from mlelogit.data.encoding import Encoding
from mlelogit.fitting.maximum import Trace
from mlelogit.networks.certification.certificate import NetworkCertificate
from mlelogit.networks.module import Network
from mlelogit.networks.rows import NetworkRows


@dataclass(frozen=True)
class NetworkRequest:
    """What a user asks of a fit; see `mlelogit.networks.fit_network` for each field."""

    l2: float | Mapping[str, float]
    starts: int
    seed: int
    method: str
    maxiter: int
    tol: float


class Ended(Enum):
    """Why a climb ended; each member's value is what to tell the user."""

    ARRIVED = "The gradient is as small as tol asks."
    MAXITER = "Stopped at maxiter; raise it."
    CALLBACK = "Stopped by the callback."
    STALLED = "Stopped where steps raise the log-likelihood hardly, or not at all, any more."
    CREEPING = (
        "Stopped where the log-likelihood hardly rises any more while parameters grow: it seems to "
        "have no maximum nearby. Give all parameters a prior (l2= as a dict), or go on from "
        "res.module."
    )


@dataclass(frozen=True)
class NetworkMaximum:
    """The answer of a climb.

    Attributes
    ----------
    params : numpy.ndarray
        (P,).
    loglike, penalty : float
        The log-likelihood there, and the penalty, which is what the prior takes off it.
    certificate : NetworkCertificate
    ended : Ended
    trace : mlelogit.fitting.maximum.Trace
        Some of the points climbed over, the start and the answer among them; its loglike is
        penalized and its score_norm the largest entry of the gradient.
    method : str
    iterations : int
    """

    params: np.ndarray
    loglike: float
    penalty: float
    certificate: NetworkCertificate
    ended: Ended
    trace: Trace
    method: str
    iterations: int

    @property
    def objective(self) -> float:
        """What was maximized: ``loglike - penalty``."""
        return self.loglike - self.penalty


@dataclass(frozen=True, eq=False)
class NetworkRecord:
    """A fitted network.

    Made by `mlelogit.networks.fit_network`.

    Attributes
    ----------
    network : Network
        At the parameters of the answer.
    rows : NetworkRows
    request : NetworkRequest
    precisions : numpy.ndarray
        (P,): λ of the Gaussian prior of every parameter.
    maximum : NetworkMaximum
    starts : pandas.DataFrame
        One row for every start; columns seed, start (the penalized log-likelihood there),
        loglike, penalty, gradient, iterations, stationary, kept.
    llnull : float
        The log-likelihood of constant scores.
    """

    network: Network
    rows: NetworkRows
    request: NetworkRequest
    precisions: np.ndarray
    maximum: NetworkMaximum
    starts: pd.DataFrame
    llnull: float

    @property
    def encoding(self) -> Encoding:
        """Categories and names of columns."""
        return self.rows.encoding
