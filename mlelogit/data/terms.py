"""The terms of a formula: their expressions, and which columns of the design are theirs."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cached_property

from mlelogit.data.encoding import Encoding
from mlelogit.data.expressions import list_columns, parse_expression
from mlelogit.data.formulas import split_terms


@dataclass(frozen=True)
class Term:
    """A term of a formula.

    Attributes
    ----------
    factors : tuple of ast.expr
        Its expressions, names hidden.
    columns : tuple of int
        Positions of its columns among those used.
    """

    factors: tuple[ast.expr, ...]
    columns: tuple[int, ...]

    @cached_property
    def variables(self) -> frozenset[str]:
        """The columns of the data that it is made of."""
        return frozenset(name for factor in self.factors for name in list_columns(factor))


def read_terms(encoding: Encoding) -> list[Term]:
    """Return the terms of a formula, in the order of their columns."""
    terms = []
    spans = (encoding.terms or {}).values()
    for term, (start, stop) in zip(split_terms(encoding.rhs or ""), spans, strict=True):
        written = [factor.expr for factor in term.factors if factor.eval_method.value != "literal"]
        factors = tuple(parse_expression(text, text) for text in written)
        terms.append(Term(factors, tuple(range(start, stop))))
    return terms
