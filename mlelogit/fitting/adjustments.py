r"""Sums that reduce the bias of the estimates: one pass over the rows each.

Let V be the inverse of the information I, ``q_kl = x_n' V_kl x_n`` the covariance of two
scores of row n (zero for the base), e_c the c-th unit vector and ``c_n = w_n t_n``.

Mean
    The maximum of ``l(θ) + 1/2 log det I(θ)`` has no bias of order 1/n (Firth 1993; Kosmidis
    and Firth 2011 for the multinomial logit). The derivative of I along b_m weighs row n by
    third cumulants of the indicator of its category, so with
    ``h_c = (e_c - y)' q (e_c - y)``, the variance of the c-th residual score,

        ∂/∂b_m 1/2 log det I = 1/2 Σ_n c_n y_m (h_m - Σ_c y_c h_c) x_n .

Median
    Every estimate is as likely to fall below as above the truth, up to order n^(-3/2), if the
    score adjusted for the mean is lessened by ``I F`` (Kenne Pagui, Salvan and Sartori 2017;
    Kosmidis, Kenne Pagui and Sartori 2020; their Q is zero for a canonical link).
    With v_r the r-th row of V and ``α_k = x_n' v_rk``,

        F_r = Σ_n c_n Σ_k y_k (α_k - Σ_l y_l α_l)³ / (3 V_rr) .
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mlelogit.data.blocks import Block
from mlelogit.fitting.likelihood import (
    Matrix,
    drop_base,
    evaluate_block,
    project_equations,
    sum_others,
    weigh,
)
from mlelogit.fitting.products import combine_columns, quadratic_forms

# So many numbers stay in cache.
CACHED_ELEMENTS = 1 << 18
LEAST_ROWS = 64


def sum_mean_adjustment(
    block: Block, params: np.ndarray, base: int, covariance: np.ndarray
) -> Matrix:
    """Return the gradient (P,) of ``1/2 log det I`` that a block adds.

    ``y_m (h_m - Σ_c y_c h_c)`` is formed as ``y_m ((1 - y_m) h_m - Σ_{c≠m} y_c h_c)``, with
    every ``1 - y`` the sum of the others: where a category is all but certain it is as small
    as it should be.

    Parameters
    ----------
    block : Block
    params : numpy.ndarray
        (P,).
    base : int
    covariance : numpy.ndarray
        V (P, P), in the columns of the block.
    """
    evaluation = evaluate_block(block, params, base)
    y = evaluation.probabilities
    h = measure_residual_scores(block.x, y, base, covariance)
    pull = sum_others(y) * h
    pull -= sum_others(y * h)
    pull *= y / 2
    if evaluation.totals is not None:
        pull *= evaluation.totals
    return Matrix(project_equations(block, pull, base))


def measure_residual_scores(
    x: Any, probabilities: np.ndarray, base: int, covariance: np.ndarray
) -> np.ndarray:
    """Return ``h_c = q_cc - 2 (q y)_c + y' q y`` for every row and category: (J, m).

    Parameters
    ----------
    x : numpy.ndarray or sparse array
        (K, m).
    probabilities : numpy.ndarray
        y (J, m).
    base : int
    covariance : numpy.ndarray
        V (P, P).
    """
    y = drop_base(probabilities, base)
    own, along = np.empty_like(y), np.zeros_like(y)
    width = x.shape[0]
    step = max(LEAST_ROWS, CACHED_ELEMENTS // len(covariance))
    blocks = covariance.reshape(len(y), width, len(y), width).transpose(0, 2, 1, 3)
    for start in range(0, x.shape[1], step):
        rows = slice(start, start + step)
        few, part = y[:, rows], x[:, rows]
        for k in range(len(y)):
            q = stack_forms(part, blocks[k, k:])
            own[k, rows] = q[0]
            along[k, rows] += (q * few[k:]).sum(axis=0)
            along[k + 1 :, rows] += q[1:] * few[k]
    h = np.zeros_like(probabilities)
    others = np.arange(len(h)) != base
    h[others] = own - 2 * along
    h += (along * y).sum(axis=0)
    return h


def stack_forms(x: Any, matrices: np.ndarray) -> np.ndarray:
    """Return ``x_n' M x_n`` for every row and several matrices (e, K, K): (e, m)."""
    if not isinstance(x, np.ndarray):
        return np.array([quadratic_forms(x, matrix) for matrix in matrices])
    turned = np.dot(matrices.reshape(-1, len(x)), x).reshape(len(matrices), *x.shape)
    turned *= x
    return np.asarray(turned.sum(axis=1))


def sum_third_cumulants(
    block: Block, params: np.ndarray, base: int, directions: np.ndarray
) -> Matrix:
    """Return ``Σ_n c_n Σ_k y_k (α_k - Σ_l y_l α_l)³`` along several directions: (R,).

    These are the third derivatives of minus the log-likelihood along them.

    Parameters
    ----------
    block : Block
    params : numpy.ndarray
        (P,).
    base : int
    directions : numpy.ndarray
        (R, P), in the columns of the block.
    """
    evaluation = evaluate_block(block, params, base)
    every = evaluation.probabilities
    ones = np.ones(every.shape[1])
    sizes = weigh(block, ones if evaluation.totals is None else evaluation.totals)
    y, last = drop_base(every, base), every[base]
    columns, rows = block.x.shape
    step = min(rows, max(LEAST_ROWS, CACHED_ELEMENTS // len(params)))
    together = max(1, CACHED_ELEMENTS // (len(y) * step))
    sums = np.zeros(len(directions))
    for start in range(0, rows, step):
        part = slice(start, start + step)
        x, few, size = block.x[:, part], y[:, part], sizes[part]
        for first in range(0, len(directions), together):
            chosen = directions[first : first + together]
            along = np.empty((len(chosen) * len(y), len(size)))
            combine_columns(chosen.reshape(-1, columns), x, along)
            cubes = _average_cubes(along.reshape(len(chosen), *few.shape), few, last[part])
            sums[first : first + together] += cubes @ size
    return Matrix(sums)


def _average_cubes(along: np.ndarray, y: np.ndarray, last: np.ndarray) -> np.ndarray:
    """Return the third cumulants (R, m) of α (R, J - 1, m), zero for the base."""
    mean = np.einsum("rem,em->rm", along, y)
    along -= mean[:, np.newaxis]
    cubes = np.einsum("rem,em->rm", along * along * along, y)
    return cubes - last * mean**3
