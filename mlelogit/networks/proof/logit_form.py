r"""Whether a network is a multinomial logit of its inputs, decided by numbers.

Contrasts ``u_k - u_0`` of scores are what the likelihood depends on. Where they are affine in the
parameters the log-likelihood is concave in them. Where they are affine in the inputs as well, and
any coefficients can be had, the network is a multinomial logit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse.linalg import LinearOperator, lsqr

from mlelogit.exceptions import NetworkError
from mlelogit.networks.backend import load_torch, plain_torch
from mlelogit.networks.certification.scores import is_affine
from mlelogit.networks.examination import SAME
from mlelogit.networks.module import Network
from mlelogit.networks.passes import choose_block, count_numbers, score_tensor, take_few
from mlelogit.networks.rows import Inputs

# Sizes of random parameters: large ones bend whatever is bent at small ones too little to be seen.
SIZES = (1.0, 30.0, 1000.0)
# Inputs whose coefficients are read off one by one, as one batch of as many rows.
MOST_INPUTS = 4000
# Coefficients drawn at random are hit up to here, or lie outside of what the network can say.
HIT = 1e-6
HITTING_STEPS = 200
SEED = 20240229


def take_contrasts(network: Network, rows: Any) -> np.ndarray:
    """Return ``u_k - u_0`` (m, J - 1) of some rows, a tensor, where the network stands."""
    with plain_torch(network.device, gradients=False):
        scores = score_tensor(network, rows.clone()).cpu().numpy()
    return np.asarray(scores[:, 1:] - scores[:, :1])


def _take_at(network: Network, params: np.ndarray, rows: Any) -> np.ndarray:
    network.write_params(params)
    return take_contrasts(network, rows)


@dataclass(frozen=True, eq=False)
class LogitForm:
    """A network as a multinomial logit.

    Attributes
    ----------
    network : Network
        A copy to compute with.
    probes : torch.Tensor
        (p + 1, ...): a row of zeros, and one for every input with that input alone.
    scales : numpy.ndarray
        (p,): the values of those inputs.
    constant : bool
        Whether there is a constant beside the p inputs.
    """

    network: Network
    probes: Any
    scales: np.ndarray
    constant: bool

    def read(self, params: np.ndarray) -> np.ndarray:
        """Return the coefficients (J - 1, 1 + p) of parameters (P,), the constant's first."""
        contrasts = _take_at(self.network, params, self.probes)
        slopes = (contrasts[1:] - contrasts[0]) / self.scales[:, np.newaxis]
        return np.vstack([contrasts[0], slopes]).T

    def pull_back(self, coefficients: np.ndarray) -> np.ndarray:
        """Return the gradient (P,) of the sum of the coefficients, each times a number."""
        slopes = coefficients[:, 1:].T / self.scales[:, np.newaxis]
        contrasts = np.vstack([coefficients[:, 0] - slopes.sum(axis=0), slopes])
        factors = np.column_stack([-contrasts.sum(axis=1), contrasts])
        with plain_torch(self.network.device) as torch:
            scores = score_tensor(self.network, self.probes.clone())
            total = (scores * torch.from_numpy(factors).to(scores.device)).sum()
            pieces = self.network.pieces
            return self.network.flatten(torch.autograd.grad(total, pieces, allow_unused=True))


def find_logit_form(network: Network, inputs: Inputs) -> LogitForm | str:
    """Return a network as a multinomial logit of its inputs, or why it is none.

    Parameters
    ----------
    network : Network
    inputs : Inputs
    """
    rows = take_few(inputs)
    if not rows.is_floating_point():
        return "its inputs are whole numbers that stand for something"
    everything = np.ones(network.size, dtype=bool)
    per_block = choose_block(count_numbers(network, inputs))
    if not is_affine(network, inputs, per_block, network.read_params(), everything):
        return "its log-odds are not affine in the parameters, as with layers behind each other"
    width = rows[0].numel()
    if width > MOST_INPUTS:
        return f"it has {width} inputs, more than {MOST_INPUTS}"
    form = _probe(network, inputs, rows)
    if isinstance(form, str):
        return form
    if not _reaches_all(form):
        return "its coefficients are tied to each other, some are frozen, or inputs left out"
    return form


def _probe(network: Network, inputs: Inputs, rows: Any) -> LogitForm | str:
    """Put single inputs through the network, and see whether they add up on the first rows."""
    torch, flat = load_torch(), rows.reshape(len(rows), -1).numpy()
    largest = np.abs(flat).max(axis=0)
    scales = np.where(largest > 0, largest, 1.0)
    probes = np.vstack([np.zeros(len(scales)), np.diag(scales)]).reshape(-1, *inputs.shape[1:])
    twin = network.duplicate(network.read_params())
    form = LogitForm(twin, torch.from_numpy(probes), scales, constant=False)
    rng, constant = np.random.default_rng(SEED), False
    try:
        for size in (0.0, *SIZES):
            params = size * rng.standard_normal(network.size)
            coefficients, contrasts = form.read(params), _take_at(twin, params, rows)
            sums = coefficients[:, 0] + flat @ coefficients[:, 1:].T
            reach = np.abs(coefficients[:, 0]) + np.abs(flat) @ np.abs(coefficients[:, 1:].T)
            if not np.abs(sums - contrasts).max() <= SAME * reach.max():
                return "its log-odds are not affine in the inputs"
            constant |= bool(np.abs(coefficients[:, 0]).max() > 0)
    except NetworkError as error:
        return f"it cannot run on other inputs than the fit's ({type(error.__cause__).__name__})"
    return LogitForm(twin, form.probes, scales, constant)


def _reaches_all(form: LogitForm) -> bool:
    """Tell whether some parameters give any coefficients: whether they give random ones."""
    nothing = form.read(np.zeros(form.network.size))
    free = slice(0 if form.constant else 1, None)
    target = np.random.default_rng(SEED).standard_normal(nothing.shape)
    target = target[:, free] - nothing[:, free]

    def spread(params: np.ndarray) -> np.ndarray:
        return np.asarray((form.read(params.ravel()) - nothing)[:, free].ravel())

    def gather(values: np.ndarray) -> np.ndarray:
        whole = np.zeros(nothing.shape)
        whole[:, free] = values.reshape(target.shape)
        return form.pull_back(whole)

    shape = (target.size, form.network.size)
    operator = LinearOperator(shape, matvec=spread, rmatvec=gather, dtype=np.float64)
    found = lsqr(operator, target.ravel(), atol=0, btol=HIT / 10, conlim=0, iter_lim=HITTING_STEPS)
    missed = np.linalg.norm(spread(found[0]) - target.ravel())
    return bool(missed <= HIT * np.linalg.norm(target))
