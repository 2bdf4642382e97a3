"""Columns that are combinations of others: named, and left out or refused."""

from __future__ import annotations

from dataclasses import dataclass

from mlelogit.data.blocks import RowBlocks
from mlelogit.data.design import Design, omit_columns
from mlelogit.data.limits import check_width
from mlelogit.data.threads import count_threads, single_threaded_blas
from mlelogit.exceptions import CollinearityWarning, RankDeficiencyError
from mlelogit.fitting.basis import describe_aliases, examine_columns, find_basis, list_first
from mlelogit.fitting.linalg import ColumnBasis
from mlelogit.notices import warn_user


@dataclass(frozen=True)
class FullRank:
    """A design none of whose columns is a combination of others, and their basis."""

    design: Design
    basis: ColumnBasis


@single_threaded_blas
def settle_rank(design: Design) -> FullRank:
    """Leave out the columns that are combinations of others, or raise, as the design says.

    A column is aliased when its residual on the columns before it is below some 1e-11 of
    its norm; whatever is above that is kept. Of every set that depends on each other the
    later ones go. If the constant comes last and is one of them, it is the one to go.

    Raises
    ------
    RankDeficiencyError
        If there are such columns and ``collinear="raise"``, or nothing but zeros is left.
    ScaleError
        If a column's size is outside 1e-100 to 1e100.

    Warns
    -----
    CollinearityWarning
        If columns are left out; the message says of what they are combinations.
    """
    check_width(len(design.encoding.names), design.encoding.names)
    blocks, names = RowBlocks(design, threads=count_threads()), design.encoding.names
    if design.collinear == "raise":
        return FullRank(design, find_basis(blocks, names))
    columns = examine_columns(blocks, names)
    if not columns.aliases:
        return FullRank(design, columns.basis)
    said = describe_aliases(columns.aliases, names)
    if len(said) == len(names):
        raise RankDeficiencyError("Every column is zero in all rows used: nothing to fit.")
    warn_user(
        f"Columns that are combinations of others were left out: {list_first(said)}. "
        "Pass collinear='raise' to have an error instead.",
        CollinearityWarning,
    )
    return settle_rank(omit_columns(design, said))
