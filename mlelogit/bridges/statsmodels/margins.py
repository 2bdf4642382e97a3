r"""Average marginal effects of columns, with their derivatives, summed over blocks of rows.

With ``A_nkj = b_kj - Σ_l p_nl b_kl`` the derivative of ``p_nj`` in column k is ``p_nj A_nkj``
(Greene 2018, equation 18-6), that of its logarithm ``A_nkj``; with "ex" either is times ``x_nk``.
Their derivatives in the coefficient of column m and category l, for the delta method, follow from

    ∂p_nj / ∂b_ml = p_nj (1[j = l] - p_nl) x_nm,
    ∂A_nkj / ∂b_ml = 1[k = m] (1[j = l] - p_nl) - p_nl A_nkl x_nm .

statsmodels forms the derivatives of all rows at once, n J K × (J - 1) K numbers, and those by
complex steps; here blocks of rows add up.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from statsmodels.discrete import discrete_margins

from mlelogit.bridges.statsmodels.likelihood import BASE
from mlelogit.data.blocks import Block, RowBlocks
from mlelogit.data.sources import ArraySource, lay_out
from mlelogit.data.threads import count_threads, single_threaded_blas
from mlelogit.fitting.likelihood import predict_scores
from mlelogit.fitting.linalg import log_softmax

# Numbers of a block's derivatives in one column: some 8 MB.
BLOCK_NUMBERS = 1 << 20
FEWEST_ROWS = 64


@dataclass(frozen=True)
class EffectSums:
    """Effects (K, J) and their derivatives (K, J, J - 1, K), added over rows."""

    effects: np.ndarray
    jacobian: np.ndarray

    def __add__(self, other: EffectSums) -> EffectSums:
        return EffectSums(self.effects + other.effects, self.jacobian + other.jacobian)


@dataclass(frozen=True)
class EffectRequest:
    """Which effects.

    Attributes
    ----------
    method : {"dydx", "eyex", "dyex", "eydx"}
    dummies, counts : tuple of int
        Columns whose effect is that of a change from 0 to 1, or half that from x - 1 to x + 1.
    """

    method: str
    dummies: tuple[int, ...] = ()
    counts: tuple[int, ...] = ()

    @property
    def logarithmic(self) -> bool:
        """Whether effects are on the logarithm of the probability."""
        return self.method.startswith("ey")

    @property
    def proportional(self) -> bool:
        """Whether effects are those of a proportional change."""
        return self.method.endswith("ex")


def average_effects(
    model: Any, exog: np.ndarray, params: np.ndarray, request: EffectRequest
) -> EffectSums:
    """Average effects and their derivatives over rows.

    Parameters
    ----------
    model : MNLogit
    exog : numpy.ndarray
        (n, K).
    params : numpy.ndarray
        (P,).
    request : EffectRequest

    Returns
    -------
    EffectSums
    """
    design = replace(model.rows.design, source=ArraySource(np.asarray(exog)), compression=None)
    rows = max(FEWEST_ROWS, BLOCK_NUMBERS // (model.J * (model.J - 1)))
    blocks = RowBlocks(design, size=min(rows, len(exog)), threads=count_threads())
    sums = blocks.reduce(sum_effects, params, request)
    return EffectSums(sums.effects / len(exog), sums.jacobian / len(exog))


def sum_effects(block: Block, params: np.ndarray, request: EffectRequest) -> EffectSums:
    """Add up the effects of a block and their derivatives."""
    x = lay_out(block.x)
    b = np.zeros((block.categories, len(x)))
    b[1:] = params.reshape(-1, len(x))
    _, p = log_softmax(predict_scores(x, params, BASE, None))
    mean = b.T @ p
    parts = []
    for k in range(len(x)):
        if k in request.dummies or k in request.counts:
            parts.append(_sum_change(x, params, k, request))
        else:
            parts.append(_sum_slopes(x, p, b[:, [k]] - mean[k], k, request))
    effects, jacobians = zip(*parts, strict=True)
    return EffectSums(np.array(effects), np.array(jacobians))


def _sum_slopes(
    x: np.ndarray, p: np.ndarray, a: np.ndarray, k: int, request: EffectRequest
) -> tuple[np.ndarray, np.ndarray]:
    """Add up slopes in column k (J,) and their derivatives (J, J - 1, K); a is A_k (J, m)."""
    times = x[k] if request.proportional else np.ones(x.shape[1])
    categories, others = len(p), np.arange(1, len(p))
    if request.logarithmic:
        along = np.broadcast_to(-times * p[1:] * a[1:], (categories, categories - 1, len(times)))
        own = np.broadcast_to(-(p[1:] @ times), (categories, categories - 1)).copy()
        own[others, others - 1] += times.sum()
        effects = a @ times
    else:
        weighed = times * p
        along = -weighed[:, np.newaxis] * (p[1:] * (a[:, np.newaxis] + a[1:]))
        along[others, others - 1] += weighed[1:] * a[1:]
        own = -(weighed @ p[1:].T)
        own[others, others - 1] += weighed[1:].sum(axis=1)
        effects = (weighed * a).sum(axis=1)
    jacobian = along.reshape(-1, x.shape[1]) @ x.T
    jacobian = jacobian.reshape(categories, categories - 1, len(x))
    jacobian[:, :, k] += own
    return effects, jacobian


def _sum_change(
    x: np.ndarray, params: np.ndarray, k: int, request: EffectRequest
) -> tuple[np.ndarray, np.ndarray]:
    """Add up discrete changes in column k (J,) and their derivatives (J, J - 1, K)."""
    counted = k in request.counts
    ends = []
    for step in (-1.0, 1.0) if counted else (0.0, 1.0):
        moved = x.copy()
        moved[k] = x[k] + step if counted else step
        ends.append(_sum_levels(moved, params, request.logarithmic))
    share = 0.5 if counted else 1.0
    return tuple(share * (after - before) for before, after in zip(*ends, strict=True))


def _sum_levels(x: np.ndarray, params: np.ndarray, logarithmic: bool) -> list[np.ndarray]:
    """Add up probabilities or their logarithms (J,), and their derivatives (J, J - 1, K)."""
    logs, p = log_softmax(predict_scores(x, params, BASE, None))
    categories, others = len(p), np.arange(1, len(p))
    weights = np.ones_like(p) if logarithmic else p
    along = -weights[:, np.newaxis] * p[1:]
    along[others, others - 1] += weights[1:]
    jacobian = (along.reshape(-1, x.shape[1]) @ x.T).reshape(categories, categories - 1, len(x))
    return [(logs if logarithmic else p).sum(axis=1), jacobian]


# statsmodels has no types, so that its classes are Any to a checker of types.
class DiscreteMargins(discrete_margins.DiscreteMargins):  # type: ignore[misc]
    """statsmodels' marginal effects, in memory that does not grow with rows times parameters."""

    def get_margeff(
        self,
        at: str = "overall",
        method: str = "dydx",
        atexog: Any = None,
        dummy: bool = False,
        count: bool = False,
    ) -> None:
        """Compute the effects; statsmodels' own way for those of every row."""
        at, method = at.lower(), method.lower()
        if at == "all":
            super().get_margeff(at, method, atexog, dummy, count)
            return
        discrete_margins._check_margeff_args(at, method)
        self._reset()
        self.margeff_options = {"method": method, "at": at}
        exog = self.results.model.exog
        varies = exog.var(0) != 0
        if dummy or count:
            discrete_margins._check_discrete_args(at, method)
        self.dummy_idx = discrete_margins._get_dummy_index(exog, None)[0] if dummy else None
        self.count_idx = discrete_margins._get_count_index(exog, None)[0] if count else None
        copied = exog if atexog is None else exog.astype(np.float64)
        self._keep(discrete_margins._get_margeff_exog(copied, at, atexog, varies), method, varies)

    @single_threaded_blas
    def _keep(self, exog: np.ndarray, method: str, varies: np.ndarray) -> None:
        changes = [
            () if idx is None else tuple(idx.tolist()) for idx in (self.dummy_idx, self.count_idx)
        ]
        results, model = self.results, self.results.model
        request = EffectRequest(method, *changes)
        found = average_effects(model, exog, results.params.ravel(order="F"), request)
        shape = (int(varies.sum()), int(model.J))
        size = shape[0] * shape[1]
        jacobian = found.jacobian[varies].swapaxes(0, 1).reshape(size, -1)
        self.margeff = found.effects[varies]
        self.margeff_cov = jacobian @ np.asarray(results.cov_params()) @ jacobian.T
        self.margeff_se = np.sqrt(np.diag(self.margeff_cov)).reshape(shape, order="F")
