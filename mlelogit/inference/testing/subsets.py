"""A fit's rows without a category, or half of its people: what tests of IIA fit again."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from mlelogit.data.blocks import Block, RowBlocks
from mlelogit.data.design import Design, take_rows
from mlelogit.fitting.basis import make_objective
from mlelogit.fitting.likelihood import (
    Matrix,
    Sums,
    drop_base,
    evaluate_block,
    map_outcome,
    predict_scores,
    project_equations,
    sum_others,
    weigh,
)
from mlelogit.fitting.linalg import log_softmax
from mlelogit.fitting.maximum import Maximum
from mlelogit.fitting.objective import LogLikelihood
from mlelogit.fitting.optimization import maximize
from mlelogit.fitting.products import index_pairs, multiply_pairs, weighted_gram
from mlelogit.fitting.record import FitRecord


@dataclass(frozen=True)
class Reduction:
    """A choice among all categories but one.

    Attributes
    ----------
    left_out : int
        Position of that category.
    base : int
        Position of the base among those that stay: the fit's, or the first if it is left out.
    contrasts : numpy.ndarray
        C (J - 2, J - 1): the equations of the whole that those of the rest are, ``C B``.
    """

    left_out: int
    base: int
    contrasts: np.ndarray


def reduce_choice(categories: int, base: int, left_out: int) -> Reduction:
    """Say how the equations go over when a category is left out."""
    kept = [k for k in range(categories) if k != left_out]
    anew = kept.index(base) if base in kept else 0
    full = np.delete(np.eye(categories), base, axis=1)[kept]
    return Reduction(left_out, anew, np.delete(full - full[anew], anew, axis=0))


def leave_out(design: Design, reduction: Reduction) -> Design:
    """Return the design of those who chose another category than the one left out.

    Shares of a row of probabilities are of what is left of it, and its weight is less.
    """
    outcome, gone = design.outcome, reduction.left_out
    if outcome.codes is not None:
        few = take_rows(design, np.flatnonzero(outcome.codes != gone))
        codes = np.asarray(few.outcome.codes)
        reduced = replace(few.outcome, codes=codes - (codes > gone))
        return _drop_category(replace(few, outcome=reduced), reduction)
    rest = np.delete(np.asarray(outcome.table), gone, axis=1)
    rows = np.flatnonzero(rest.any(axis=1))
    few, rest = take_rows(design, rows), rest[rows]
    if outcome.kind == "probabilities":
        left = rest.sum(axis=1)
        rest = rest / left[:, np.newaxis]
        few = replace(few, weights=left if few.weights is None else left * few.weights)
    return _drop_category(replace(few, outcome=replace(few.outcome, table=rest)), reduction)


def _drop_category(design: Design, reduction: Reduction) -> Design:
    categories, offset = design.outcome.categories, design.offset
    names = tuple(name for k, name in enumerate(categories) if k != reduction.left_out)
    return replace(
        design,
        outcome=replace(design.outcome, categories=names),
        offset=None if offset is None else np.delete(offset, reduction.left_out, axis=1),
    )


def halve(design: Design, seed: np.random.Generator) -> tuple[Design, Design]:
    """Split the people at random in two halves; those of one row are apart as others are.

    Frequency weights and counts are split as the rows would be that they stand for, in order.
    """
    outcome, weights = design.outcome, design.weights
    counted = outcome.kind == "counts"
    people = np.asarray(outcome.table if counted else np.ones(design.source.shape[0]))
    if weights is not None:
        people = people * (weights[:, np.newaxis] if counted else weights)
    cells = np.repeat(np.arange(people.size), people.ravel().astype(np.int64))
    drawn = seed.permutation(len(cells))[: len(cells) // 2]
    first = np.bincount(cells[drawn], minlength=people.size).astype(float).reshape(people.shape)
    return _keep_people(design, first), _keep_people(design, people - first)


def _keep_people(design: Design, people: np.ndarray) -> Design:
    """Return the design of so many people, (n,), or (n, J) of counts."""
    rows = np.flatnonzero(people.reshape(len(people), -1).any(axis=1))
    few, people = take_rows(design, rows), people[rows]
    if people.ndim == 2:
        return replace(few, outcome=replace(few.outcome, table=people), weights=None)
    return replace(few, weights=people)


def make_subset_objective(record: FitRecord, design: Design, base: int) -> LogLikelihood:
    """Return the log-likelihood of other rows or categories, in the fit's internal basis.

    The base is not the design's own, which a fit seen from another base still has.
    """
    blocks = RowBlocks(design, threads=record.need_blocks().threads)
    return make_objective(blocks, base, record.basis)


def climb_subset(record: FitRecord, objective: LogLikelihood, start: np.ndarray) -> Maximum:
    """Climb it from params in that basis; the certificate tells whether there is a maximum."""
    return maximize(objective, start, tolerance=record.request.tolerance)


def sum_joint_meat(
    block: Block,
    whole: np.ndarray,
    rest: np.ndarray,
    base: int,
    reduction: Reduction,
    squared: bool,
) -> Matrix:
    """Sum the outer products of every observation's scores in both models, packed.

    Parameters
    ----------
    block : Block
        Of all rows.
    whole, rest : numpy.ndarray
        Params (P,) of the model of all categories and ((J - 2) K,) of that without one, in the
        basis of the block. Who chose the category left out has a score of zero in the second.
    base : int
        Of the first.
    reduction : Reduction
    squared : bool
        Whether weights enter squared (sampling) or once (frequency).

    Returns
    -------
    Matrix
        Of ``(2 J - 3) K`` parameters, those of the first model first, as `weighted_gram` packs.
    """
    gone = reduction.left_out
    y = evaluate_block(block, whole, base).probabilities.copy()
    offset = None if block.offset is None else np.delete(block.offset, gone, axis=0)
    _, q = log_softmax(predict_scores(block.x, rest, reduction.base, offset))
    d = map_outcome(block)
    if block.counted:
        units = np.eye(len(d))
        spread = sum(
            count * _multiply_scores(y, q, unit[:, np.newaxis], base, reduction)
            for count, unit in zip(d, units, strict=True)
        )
    else:
        spread = _multiply_scores(y, q, d, base, reduction)
    for _ in range(2 if squared else 1):
        spread = weigh(block, np.asarray(spread))
    return Matrix(weighted_gram(block.x, np.asarray(spread)))


def _multiply_scores(
    y: np.ndarray, q: np.ndarray, d: np.ndarray, base: int, reduction: Reduction
) -> np.ndarray:
    """Return the distinct products of the residuals of both models at an outcome d (J, m or 1)."""
    gone = reduction.left_out
    there = np.delete(d, gone, axis=0) - (1 - d[gone]) * q
    residuals = np.concatenate([drop_base(d - y, base), drop_base(there, reduction.base)])
    return np.asarray(multiply_pairs(residuals, residuals))


def sum_conditional(block: Block, whole: np.ndarray, base: int, reduction: Reduction) -> Sums:
    """Sum what the params of all categories say of the choice among those that stay.

    Parameters
    ----------
    block : Block
        Of all rows.
    whole : numpy.ndarray
        Params (P,) of the model of all categories, in the basis of the block.
    base : int
        Of that model.
    reduction : Reduction

    Returns
    -------
    Sums
        Score ((J - 2) K,) of the model without the category, and its information, packed: not
        of those who chose another, but of all, each with the probability that they do.
    """
    gone = reduction.left_out
    scores = predict_scores(block.x, whole, base, block.offset)
    _, y = log_softmax(scores)
    _, q = log_softmax(np.delete(scores, gone, axis=0))
    d = map_outcome(block)
    chosen = np.delete(d, gone, axis=0)
    stay = chosen.sum(axis=0)
    score = project_equations(block, chosen - stay * q, reduction.base)
    people = d.sum(axis=0) * np.delete(y, gone, axis=0).sum(axis=0)
    others, free = drop_base(sum_others(q), reduction.base), drop_base(q, reduction.base)
    first, second, _ = index_pairs(len(free))
    spread = -multiply_pairs(free, free)
    spread[first == second] = free * others
    information = weighted_gram(block.x, weigh(block, people * spread))
    return Sums(0.0, score, information, block.x.shape[1])
