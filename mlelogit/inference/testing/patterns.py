"""Rows that share a covariate pattern: equal columns, and equal offset if there is one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mlelogit.data.blocks import Block
from mlelogit.data.threads import single_threaded_blas
from mlelogit.fitting.likelihood import map_outcome, predict_scores, weigh
from mlelogit.fitting.linalg import log_softmax
from mlelogit.fitting.record import FitRecord

# Any number does; a fixed one gives the same rows the same keys in every run.
SEED = 20081127
# The finalizer of SplitMix64 (Steele, Lea and Flood 2014): a bijection that keeps zero.
FIRST, SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
SHIFTS = np.array([30, 27, 31], dtype=np.uint64)


@dataclass(frozen=True)
class PatternTable:
    """Covariate patterns, one per column.

    Attributes
    ----------
    keys : numpy.ndarray
        (2, q) uint64: 128 bits that stand for the columns and the offset.
    observed : numpy.ndarray
        (J, q): people of every category, weights counted.
    fitted : numpy.ndarray
        (J, q): fitted probabilities.
    """

    keys: np.ndarray
    observed: np.ndarray
    fitted: np.ndarray


@dataclass(frozen=True)
class Patterns:
    """Tables of patterns that wait to be joined.

    They are joined whenever the later ones have outgrown the first, so that memory stays within
    a small multiple of the patterns, and the work within that of sorting the rows.
    """

    parts: tuple[PatternTable, ...]

    def __add__(self, other: Patterns) -> Patterns:
        parts = self.parts + other.parts
        later = sum(part.keys.shape[1] for part in parts[1:])
        return Patterns(parts if later <= parts[0].keys.shape[1] else (join_tables(parts),))


def join_tables(parts: tuple[PatternTable, ...]) -> PatternTable:
    """Join tables: equal keys become one pattern, the people of which are added up."""
    keys = np.concatenate([part.keys for part in parts], axis=1)
    order = np.lexsort(keys)
    keys = keys[:, order]
    new = np.ones(len(order), dtype=bool)
    new[1:] = (keys[:, 1:] != keys[:, :-1]).any(axis=0)
    starts = np.flatnonzero(new)
    observed = np.concatenate([part.observed for part in parts], axis=1)[:, order]
    fitted = np.concatenate([part.fitted for part in parts], axis=1)[:, order[starts]]
    return PatternTable(keys[:, starts], np.add.reduceat(observed, starts, axis=1), fitted)


@single_threaded_blas
def find_patterns(record: FitRecord) -> PatternTable:
    """Group the rows of a fit by covariate pattern.

    Rows are told apart by two independent 64-bit sums of their mixed columns (multilinear
    hashing; Lemire and Kaser 2014, Computer Journal 57), so that patterns q cost memory of
    order q J, whatever the rows and columns: two different patterns of a billion are taken for
    one with a probability of about 1e-20.

    Raises
    ------
    DataNotKeptError
        If the fit no longer holds its rows.
    """
    blocks = record.limit_blocks()
    rng = np.random.default_rng(SEED)
    size = len(record.encoding.names) + len(record.encoding.categories)
    odd = rng.integers(0, 2**64, size=(2, size), dtype=np.uint64) | np.uint64(1)
    params, base = record.maximum.params, record.encoding.base
    return join_tables(blocks.reduce(_tabulate_block, params, base, odd).parts)


def _tabulate_block(block: Block, params: np.ndarray, base: int, odd: np.ndarray) -> Patterns:
    _, fitted = log_softmax(predict_scores(block.x, params, base, block.offset))
    keys = hash_rows(block.x, block.offset, odd)
    observed = weigh(block, map_outcome(block))
    return Patterns((join_tables((PatternTable(keys, observed, fitted),)),))


def hash_rows(x: Any, offset: np.ndarray | None, odd: np.ndarray) -> np.ndarray:
    """Return two sums (2, m) of the mixed bits of columns x (K, m) and of an offset (J, m)."""
    columns = x.shape[0]
    if isinstance(x, np.ndarray):
        keys = _combine(odd[:, :columns], x)
    else:
        kept = x.tocsc(copy=True)
        kept.sum_duplicates()
        mixed = type(kept)((_mix(kept.data), kept.indices, kept.indptr), shape=kept.shape)
        keys = np.array([mixed.T @ few for few in odd[:, :columns]])
    return keys if offset is None else keys + _combine(odd[:, columns:], offset)


def _combine(odd: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Sum odd numbers (2, any) times the mixed bits of values (any, m), modulo 2^64."""
    total = np.zeros((2, values.shape[1]), dtype=np.uint64)
    for factors, row in zip(odd.T, values, strict=True):
        total += np.multiply.outer(factors, _mix(row))
    return total


def _mix(values: np.ndarray) -> np.ndarray:
    """Mix the bits of doubles; zero of either sign stays zero."""
    bits = (np.ascontiguousarray(values, dtype=np.float64) + 0.0).view(np.uint64)
    bits = (bits ^ (bits >> SHIFTS[0])) * FIRST
    bits = (bits ^ (bits >> SHIFTS[1])) * SECOND
    return np.asarray(bits ^ (bits >> SHIFTS[2]))
