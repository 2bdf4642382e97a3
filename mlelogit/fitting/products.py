"""Products of a block's columns: dense or sparse, nothing above knows which."""

from __future__ import annotations

import itertools
from functools import lru_cache
from typing import Any

import numpy as np

from mlelogit.data.threads import borrow

FEW_WEIGHTS = 21
FEW_ROWS, FEW_ELEMENTS = 2048, 1 << 17
MANY_ROWS, MANY_ELEMENTS = 1024, 1 << 19
GROUPED_COLUMNS = 2


def combine_columns(weights: np.ndarray, x: Any, out: np.ndarray) -> None:
    """Write weights (E, K) times columns x (K, m) into out (E, m)."""
    if isinstance(x, np.ndarray):
        # np.dot lets other threads run meanwhile, which matmul with a small result does not.
        np.dot(weights, x, out=out)
    else:
        out[...] = (x.T @ weights.T).T


def project_rows(values: np.ndarray, x: Any) -> np.ndarray:
    """Return values (E, m) times the rows of columns x (K, m): (E, K)."""
    return np.dot(values, x.T) if isinstance(x, np.ndarray) else (x @ values.T).T


def add_rows(x: Any) -> np.ndarray:
    """Return the sums (K,) of columns x (K, m)."""
    ones = np.ones(x.shape[1])
    return np.dot(x, ones) if isinstance(x, np.ndarray) else x @ ones


def self_gram(x: Any) -> np.ndarray:
    """Return ``Σ_n x_n x_n'`` (K, K) of columns x (K, m)."""
    return np.dot(x, x.T) if isinstance(x, np.ndarray) else (x @ x.T).toarray()


def quadratic_forms(x: Any, matrix: np.ndarray) -> np.ndarray:
    """Return ``x_n' M x_n`` for every row (m,) of columns x (K, m)."""
    if not isinstance(x, np.ndarray):
        rows = x.T.tocsr()
        parts = [rows[i : i + MANY_ROWS] for i in range(0, rows.shape[0], MANY_ROWS)]
        return np.concatenate([part.multiply(part @ matrix).sum(axis=1) for part in parts])
    turned = borrow("turned", x.shape)
    np.dot(matrix, x, out=turned)
    turned *= x
    return turned.sum(axis=0)


@lru_cache(maxsize=64)
def index_pairs(size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give every pair i <= j below size a number.

    Returns
    -------
    first, second : numpy.ndarray
        (size (size + 1) / 2,) each: the members of every pair.
    position : numpy.ndarray
        (size, size): the number of pair (i, j), the same for (j, i).
    """
    first, second = np.triu_indices(size)
    position = np.empty((size, size), dtype=np.intp)
    position[first, second] = position[second, first] = np.arange(len(first))
    return first, second, position


def multiply_pairs(left: np.ndarray, right: np.ndarray, out: np.ndarray | None = None) -> Any:
    """Return ``left_i right_j`` for every pair i <= j: (size (size + 1) / 2, m)."""
    size, start = len(left), 0
    if out is None:
        out = np.empty((size * (size + 1) // 2, left.shape[1]))
    for i in range(size):
        np.multiply(left[i], right[i:], out=out[start : start + size - i])
        start += size - i
    return out


@lru_cache(maxsize=64)
def index_products(columns: int) -> tuple[tuple[tuple[int, int, int], ...], np.ndarray]:
    """Give every product of two columns its place: they are formed some columns at a time.

    One call for several first members repeats a few products, and is long enough for
    threads to work side by side.

    Returns
    -------
    groups : tuple
        (start, stop, place): first members start to stop, times all from start on, the
        first of them at place.
    position : numpy.ndarray
        (K, K): the place of the product of columns i and j.
    """
    position = np.empty((columns, columns), dtype=np.intp)
    groups, place = [], 0
    for start in range(0, columns, GROUPED_COLUMNS):
        stop = min(start + GROUPED_COLUMNS, columns)
        groups.append((start, stop, place))
        size = (stop - start) * (columns - start)
        position[start:stop, start:] = place + np.arange(size).reshape(stop - start, -1)
        place += size
    upper = np.triu_indices(columns)
    position[upper[::-1]] = position[upper]
    return (*groups, (columns, columns, place)), position


def weighted_gram(
    x: Any, pair_weights: np.ndarray, turn: np.ndarray | None = None, rough: bool = False
) -> np.ndarray:
    r"""Sum ``W_n ⊗ z_n z_n'`` over rows, each W_n symmetric, and pack it.

    Every (j, l) block of the sum is symmetric in z, so one product of the
    distinct weights with the distinct products of columns holds all of it: half the
    arithmetic of one product of the weighted rows with themselves.

    Parameters
    ----------
    x : numpy.ndarray or sparse array
        (K, m).
    pair_weights : numpy.ndarray
        (E (E + 1) / 2, m): the distinct entries of W_n in the order of
        `index_pairs`.
    turn : numpy.ndarray, optional
        T (K, K): z = T x; z is x if not given. Sparse columns are never turned.
    rough : bool
        Whether to multiply in single precision.

    Returns
    -------
    numpy.ndarray
        (E (E + 1) / 2, products), as `index_products` numbers them; `unpack_gram` lays it
        out.
    """
    groups, position = index_products(x.shape[0])
    packed = np.zeros((len(pair_weights), groups[-1][-1]))
    if not isinstance(x, np.ndarray):
        _fill_sparse(packed, x, pair_weights, position)
        return packed
    few = len(pair_weights) <= FEW_WEIGHTS
    most, elements = (FEW_ROWS, FEW_ELEMENTS) if few else (MANY_ROWS, MANY_ELEMENTS)
    step = -(-x.shape[1] // -(-x.shape[1] // most))
    for start in range(0, x.shape[1], step):
        part = x[:, start : start + step]
        weights = pair_weights[:, start : start + step]
        z = borrow("turned", part.shape)
        if turn is None:
            np.copyto(z, part)
        else:
            np.dot(turn, part, out=z)
        if rough:
            z, weights = z.astype(np.float32), weights.astype(np.float32)
        _add_products(packed, z, weights, elements)
    return packed


def _add_products(packed: np.ndarray, z: np.ndarray, weights: np.ndarray, elements: int) -> None:
    """Add the weighted products of some rows, as many columns at a time as stay in cache."""
    columns, rows = z.shape
    groups, _ = index_products(columns)
    first = 0
    while first < len(groups) - 1:
        last, begin = first + 1, groups[first][2]
        while last < len(groups) - 1 and (groups[last + 1][2] - begin) * rows <= elements:
            last += 1
        end = groups[last][2]
        products = borrow("products", (end - begin, rows), z.dtype)
        for (start, stop, place), (_, _, beyond) in itertools.pairwise(groups[first : last + 1]):
            out = products[place - begin : beyond - begin].reshape(stop - start, -1, rows)
            np.multiply(z[start:stop, np.newaxis], z[np.newaxis, start:], out=out)
        sums = borrow("sums", (len(weights), end - begin), z.dtype)
        np.dot(weights, products.T, out=sums)
        packed[:, begin:end] += sums
        first = last


def _fill_sparse(
    packed: np.ndarray, x: Any, pair_weights: np.ndarray, position: np.ndarray
) -> None:
    """Do the same one weight at a time: sparse rows have few products."""
    rows = x.T.tocsr()
    filled = np.diff(rows.indptr)
    for sums, weights in zip(packed, pair_weights, strict=True):
        weighted = rows.copy()
        weighted.data = rows.data * np.repeat(weights, filled)
        sums[position] = (x @ weighted).toarray()


def unpack_gram(packed: np.ndarray, columns: int) -> np.ndarray:
    """Lay a packed sum out as (E K, E K), equation by equation."""
    equations = int(np.sqrt(2 * len(packed)))
    place, pair = index_products(columns)[1], index_pairs(equations)[2]
    full = np.empty((equations, columns, equations, columns))
    for equation, weights in zip(full, pair, strict=True):
        equation[...] = packed[weights][:, place].transpose(1, 0, 2)
    return full.reshape(equations * columns, equations * columns)
