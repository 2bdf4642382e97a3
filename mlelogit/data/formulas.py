"""Read a formula, check that it is safe, and list what it needs; evaluate nothing."""

from __future__ import annotations

import ast
import itertools
import keyword
import math
import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from mlelogit.data.expressions import (
    ALLOWED,
    QUOTED,
    ExpressionChecker,
    check_column,
    dotted_name,
    hide_names,
    parse_expression,
    quote,
    read_name,
    read_quoted_name,
    show_names,
)
from mlelogit.data.spellings import refuse_stata
from mlelogit.exceptions import FormulaError, OptionError, UnsafeFormulaError

OUTCOME_FUNCTIONS = ("counts", "probabilities")
LARGEST_POWER = 10
LARGEST_EXPANSION = 100_000
LONGEST_FORMULA = 100_000
DEEPEST_FORMULA = 50
MOST_DOTS = 10
_NAME = r"[^\W\d]\w*"
_QUOTED_FACTOR = re.compile(r"^Q\((['\"])(.*)\1\)$")
_BARE = re.compile(rf"(?<![\w.]){_NAME}(?:\.{_NAME})*(?![\w.(])")


@dataclass(frozen=True)
class ParsedFormula:
    """What a formula says.

    Attributes
    ----------
    text : str
        The formula as given.
    outcome : tuple of str
        Columns left of the tilde: one, or those inside ``counts(...)``.
    outcome_kind : str or None
        "counts" or "probabilities" if the left side says so.
    rhs : str
        The right side, ready for formulaic.
    variables : tuple of str
        Columns that the right side needs, in order of appearance.
    numbers : frozenset of str
        Those of them that stand somewhere else than directly inside ``C()``.
    """

    text: str
    outcome: tuple[str, ...]
    outcome_kind: str | None
    rhs: str
    variables: tuple[str, ...]
    numbers: frozenset[str]

    @property
    def outcome_name(self) -> str:
        """What the outcome is called."""
        if self.outcome_kind is None:
            return self.outcome[0]
        return f"{self.outcome_kind}({', '.join(self.outcome)})"


def parse_formula(
    formula: str, columns: Collection[str], aside: Collection[str] = ()
) -> ParsedFormula:
    """Split a formula, check every expression in it and list its columns.

    Parameters
    ----------
    formula : str
        ``outcome ~ terms``; the outcome is one column or ``counts(a, b, c)``.
    columns : collection of str
        The names that the data have.
    aside : collection of str
        Those that a dot, which stands for all other columns, leaves out: weights
        and offset.

    Returns
    -------
    ParsedFormula

    Raises
    ------
    FormulaError
        If the formula cannot be read.
    UnsafeFormulaError
        If it holds anything but columns, numbers, operators and named transforms.
    ColumnNotFoundError
        If it names a column that the data do not have.

    Examples
    --------
    >>> from mlelogit.data.formulas import parse_formula
    >>> parse_formula("vote ~ log(age) + C(region)", ["vote", "age", "region"]).variables
    ('age', 'region')
    """
    check_formula(formula)
    _check_size(formula)
    left, right = split_formula(formula)
    outcome, kind = _parse_outcome(left.strip(), columns)
    rhs = _quote_odd_columns(right.strip(), columns)
    if not rhs:
        raise FormulaError(f"The right side of {quote(formula)} is empty; write '~ 1' for none.")
    refuse_stata(rhs, formula, columns)
    available = [str(name) for name in columns if name not in outcome and name not in aside]
    rhs = _expand_dot(rhs, available)
    variables, numbers = _find_variables(rhs, columns)
    repeated = [name for name in outcome if name in variables]
    if repeated:
        raise FormulaError(
            f"The outcome {repeated[0]!r} stands on the right of {quote(formula)} too."
        )
    return ParsedFormula(formula, outcome, kind, rhs, variables, numbers)


def split_formula(formula: str) -> tuple[str, str]:
    """Return what stands left and right of the tilde.

    Raises
    ------
    FormulaError
        If there is none, or more than one, or braces stand in it.
    """
    bare = QUOTED.sub(lambda match: "_" * len(match.group()), formula)
    _check_braces(bare, formula)
    if bare.count("~") != 1:
        raise FormulaError(f"A formula has one '~' with the outcome on its left: {quote(formula)}.")
    return formula[: bare.index("~")], formula[bare.index("~") + 1 :]


def settle_kind(parsed: ParsedFormula, kind: str | None) -> str | None:
    """Return the outcome's kind as asked for, which may not contradict the formula."""
    if parsed.outcome_kind is None:
        return kind
    if kind not in (None, parsed.outcome_kind):
        raise OptionError(
            f"outcome={kind!r} contradicts {parsed.outcome_kind}() in {parsed.text!r}."
        )
    return parsed.outcome_kind


def check_formula(formula: Any) -> None:
    """Raise if a formula is no string."""
    if not isinstance(formula, str):
        raise FormulaError(
            f"A formula is a string such as 'y ~ x', not {quote(formula)}; arrays are for "
            "MNLogit(endog, exog)."
        )


def _check_size(formula: str) -> None:
    """Refuse what is no formula but a strain on those that read it."""
    if len(formula) > LONGEST_FORMULA:
        raise FormulaError(
            f"A formula has at most {LONGEST_FORMULA} characters, and {quote(formula)} has "
            f"{len(formula)}; write a dot for all columns, or give the columns as an array."
        )
    depth = deepest = 0
    for char in formula:
        depth += (char == "(") - (char == ")")
        deepest = max(deepest, depth)
    if deepest > DEEPEST_FORMULA:
        raise FormulaError(
            f"Parentheses are nested {deepest} deep, and {DEEPEST_FORMULA} is the most: "
            f"{quote(formula)}."
        )


def _check_braces(bare: str, formula: str) -> None:
    if "{" in bare or "}" in bare or "[" in _without_calls(bare):
        raise UnsafeFormulaError(
            f"Braces and brackets are refused in a formula: {quote(formula)}. {ALLOWED}"
        )
    if re.search(r"(?<!\w)__\w+__\s*\(|\)\s*\.\s*[^\W\d]", bare):
        raise UnsafeFormulaError(
            f"Attributes and hidden names are refused: {quote(formula)}. {ALLOWED}"
        )
    if "|" in bare:
        raise FormulaError(f"'|' has no meaning in this model's formula: {quote(formula)}.")
    if "`" in bare or '"' in bare or "'" in bare:
        raise FormulaError(f"A quotation mark is not closed in {quote(formula)}.")


def _without_calls(bare: str) -> str:
    """Drop everything inside parentheses, where a list of knots may stand."""
    depth, kept = 0, []
    for char in bare:
        depth += char == "("
        if depth == 0:
            kept.append(char)
        depth -= char == ")"
    return "".join(kept)


def _parse_outcome(left: str, columns: Collection[str]) -> tuple[tuple[str, ...], str | None]:
    if not left:
        raise FormulaError("The formula has no outcome on the left of '~'.")
    if left in columns:
        return (left,), None
    node = parse_expression(hide_names(_quote_odd_columns(left, columns)), left)
    if isinstance(node, ast.Call) and dotted_name(node.func) in OUTCOME_FUNCTIONS:
        if node.keywords or len(node.args) < 2:
            raise FormulaError(f"{quote(left)} needs two or more columns, separated by commas.")
        outcome = tuple(_read_column(arg, left, columns) for arg in node.args)
        return outcome, dotted_name(node.func)
    return (_read_column(node, left, columns),), None


def _read_column(node: ast.expr, text: str, columns: Collection[str]) -> str:
    if isinstance(node, ast.Name):
        name = read_name(node.id)
    elif isinstance(node, ast.Call) and dotted_name(node.func) == "Q":
        name = read_quoted_name(node)
    else:
        raise FormulaError(
            f"The outcome must be one column or counts(a, b, ...), not {quote(text)}; "
            "make it a column of the data first."
        )
    return check_column(name, columns)


def _quote_odd_columns(text: str, columns: Collection[str]) -> str:
    """Put backticks around columns with dots or letters beyond ASCII (``feat.price``, ``größe``).

    Python would read the first as an attribute, and some of the others as other letters.
    """

    def enclose(match: re.Match[str]) -> str:
        name = match.group()
        odd = "." in name or not name.isascii()
        return f"`{name}`" if odd and name in columns else name

    pieces, end = [], 0
    for quoted in QUOTED.finditer(text):
        pieces += [_BARE.sub(enclose, text[end : quoted.start()]), quoted.group()]
        end = quoted.end()
    return "".join([*pieces, _BARE.sub(enclose, text[end:])])


def _expand_dot(rhs: str, available: list[str]) -> str:
    """Write the columns of the data for a lone dot, as R does."""
    bare = QUOTED.sub(lambda match: "_" * len(match.group()), rhs)
    lone = [match.start() for match in re.finditer(r"(?<![\w.])\.(?![\w.])", bare)]
    if len(lone) > MOST_DOTS:
        raise FormulaError(f"A dot stands for all columns; one is enough: {quote(rhs)}.")
    everything = "(" + " + ".join(_quote(name) for name in available) + ")"
    for position in reversed(lone):
        rhs = rhs[:position] + everything + rhs[position + 1 :]
    return rhs


def _quote(name: str) -> str:
    return f"`{name}`" if _is_safe_in_backticks(name) else f"Q({name!r})"


def _is_safe_in_backticks(name: str) -> bool:
    """Tell whether a name in backticks stays a name: 1, ~ and True would not."""
    return bool(re.search(r"[^\W\d]", name)) and not keyword.iskeyword(name)


def _check_backticks(rhs: str) -> None:
    for quoted in QUOTED.findall(rhs):
        if quoted.startswith("`") and not _is_safe_in_backticks(quoted[1:-1]):
            raise FormulaError(
                f"Write Q({quoted[1:-1]!r}) for the column {quoted} in {quote(rhs)}."
            )


def _check_powers(rhs: str) -> None:
    """Refuse powers of terms whose expansion would never end."""
    from formulaic.parser.algos.tokenize import tokenize

    tokens = [str(token.token) for token in tokenize(rhs)]
    powers = [
        operand if operand.isdigit() else "0"
        for operator, operand in itertools.pairwise(tokens)
        if operator.endswith(("**", "^"))
    ]
    if len(powers) > LARGEST_POWER or any(int(power) > LARGEST_POWER for power in powers):
        raise FormulaError(
            f"A power of terms is at most {LARGEST_POWER}, and there are as many: {quote(rhs)}."
        )


def _check_expansion(rhs: str) -> None:
    """Refuse products of so many terms that writing them out would never end."""
    from formulaic.parser import DefaultFormulaParser

    terms = _bound_terms(DefaultFormulaParser().get_ast(rhs))
    if terms > LARGEST_EXPANSION:
        raise FormulaError(
            f"The products of {quote(rhs)} expand to more than {LARGEST_EXPANSION} terms; write "
            "those that are meant."
        )


def _bound_terms(tree: Any) -> int:
    """Bound the number of terms that a parsed right side makes; sums can be too deep to recurse."""
    waiting, sizes = [(tree, False)], [1]
    while waiting:
        node, visited = waiting.pop()
        operands = getattr(node, "args", None)
        if operands is None:
            sizes.append(1)
        elif not visited:
            waiting.append((node, True))
            waiting += [(operand, False) for operand in reversed(operands)]
        else:
            parts = [sizes.pop() for _ in operands][::-1]
            sizes.append(min(_combine_sizes(node, parts), 2 * LARGEST_EXPANSION))
    return sizes[-1]


def _combine_sizes(node: Any, sizes: list[int]) -> int:
    """Bound the terms of an operation by those of its operands."""
    operator = node.operator.symbol
    if operator in ("**", "^"):
        power = str(getattr(node.args[1], "token", ""))
        return sizes[0] ** (int(power) if power.isdecimal() else LARGEST_POWER)
    return sum(sizes) if operator in ("+", "-") else sum(sizes) + math.prod(sizes)


def _find_variables(rhs: str, columns: Collection[str]) -> tuple[tuple[str, ...], frozenset[str]]:
    variables: dict[str, None] = {}
    checker = ExpressionChecker(columns)
    for factor in _list_factors(rhs):
        method = factor.eval_method.value
        if method == "lookup":
            name = check_column(read_name(factor.expr), columns)
            variables[name] = None
            checker.numbers.add(name)
        elif method == "python":
            variables.update(dict.fromkeys(checker.check_expression(factor.expr)))
        elif factor.expr not in ("0", "1"):
            raise FormulaError(f"{factor.expr} is no term; only 0 and 1 are, in {quote(rhs)}.")
    clash = sorted(checker.functions.intersection(variables))
    if clash:
        raise FormulaError(
            f"Column {clash[0]!r} has the name of a transform that the formula uses; "
            "rename the column."
        )
    return tuple(variables), frozenset(checker.numbers)


def _list_factors(rhs: str) -> list:
    _check_backticks(rhs)
    hidden = hide_names(rhs)
    try:
        _check_powers(hidden)
        _check_expansion(hidden)
        terms = split_terms(rhs)
    except FormulaError:
        raise
    except Exception as error:
        reason = re.sub(r"\x1b\[[0-9;]*m|[⧛⧚]", "", show_names(str(error))).split("\n")[0]
        raise FormulaError(f"The right side {quote(rhs)} cannot be read: {reason}") from error
    if not all(hasattr(term, "factors") for term in terms):
        raise FormulaError(f"{quote(rhs)} has more than one part; give a single right side.")
    return [factor for term in terms for factor in term.factors]


@lru_cache(maxsize=16)
def split_terms(rhs: str) -> tuple[Any, ...]:
    """Return formulaic's terms of a checked right side, in its order; their names are hidden.

    Examples
    --------
    >>> from mlelogit.data.formulas import split_terms
    >>> [str(term) for term in split_terms("age:C(region) + age")]
    ['1', 'age', 'age:C(region)']
    """
    from formulaic import Formula

    return tuple(Formula(hide_names(rhs)))


def list_terms(rhs: str) -> dict[str, frozenset[str]]:
    """List the terms of a checked right side, and the factors that each is the product of.

    Examples
    --------
    >>> from mlelogit.data.formulas import list_terms
    >>> list_terms("age * C(region)")["age:C(region)"] == {"age", "C(region)"}
    True
    """
    listed = {}
    for term in split_terms(rhs):
        factors = {show_names(factor.expr, backticks="") for factor in term.factors}
        plain = {_QUOTED_FACTOR.sub(r"\2", factor) for factor in factors}
        listed[show_names(str(term), backticks="")] = frozenset(plain - {"1"})
    return listed
