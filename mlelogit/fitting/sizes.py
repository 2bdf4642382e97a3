"""Judge what a fit will take before any of it is taken."""

from __future__ import annotations

from collections.abc import Callable

from mlelogit.data.blocks import RowBlocks
from mlelogit.data.frames import list_some
from mlelogit.data.limits import check_memory

# Arrays (P, P) that are held at a time: information, whitening, their factors, the covariance.
SQUARES = 8
# Vectors (P,): the steps that L-BFGS remembers, and the path that is kept.
VECTORS = 60
# Arrays of a row for every category, and of a category for every other, in the null model.
PER_ROW, PER_CATEGORY = 4, 4


def check_fit(blocks: RowBlocks, is_squared: Callable[[int], bool]) -> None:
    """Raise if the parameters of a fit, or what a block of rows becomes, outgrow memory.

    Parameters
    ----------
    blocks : RowBlocks
    is_squared : callable
        Of P: whether an information (P, P) is formed.

    Raises
    ------
    SizeLimitError
        That tells the categories, the columns, the bytes and what to do.
    """
    categories, width = blocks.categories, blocks.width
    size = (categories - 1) * width
    rows = min(blocks.size, max(blocks.rows, 1)) * blocks.threads
    numbers = PER_CATEGORY * categories**2 + rows * PER_ROW * categories + VECTORS * size
    if is_squared(size):
        numbers += SQUARES * size**2 + rows * (categories * (categories - 1) // 2)
    encoding = blocks.design.encoding
    check_memory(
        8.0 * numbers,
        f"The outcome {encoding.outcome_name!r} has {categories:,} categories "
        f"({list_some(encoding.categories, 3)}), and with {width:,} columns "
        f"{size:,} parameters; the fit",
        "Put categories together, or take another outcome if this is an identifier or a "
        "measurement; take fewer columns or threads",
    )
