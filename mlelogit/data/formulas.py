"""Read a formula, check that it is safe, and list what it needs; evaluate nothing."""

from __future__ import annotations

import ast
import itertools
import keyword
import re
from collections.abc import Collection
from dataclasses import dataclass

from mlelogit.data.expressions import (
    ALLOWED,
    MARK,
    QUOTED,
    ExpressionChecker,
    check_column,
    dotted_name,
    parse_expression,
    read_quoted_name,
    replace_backticks,
)
from mlelogit.exceptions import FormulaError, UnsafeFormulaError

OUTCOME_FUNCTIONS = ("counts", "probabilities")
LARGEST_POWER = 10
_NAME = r"[^\W\d]\w*"
_DOTTED = re.compile(rf"{_NAME}(?:\.{_NAME})+(?![\w.(])")


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
    if not isinstance(formula, str):
        raise FormulaError(f"A formula is a string such as 'y ~ x', not {formula!r}.")
    bare = QUOTED.sub(lambda match: "_" * len(match.group()), formula)
    _check_braces(bare, formula)
    if bare.count("~") != 1:
        raise FormulaError(f"A formula has one '~' with the outcome on its left: {formula!r}.")
    left, right = formula[: bare.index("~")], formula[bare.index("~") + 1 :]
    outcome, kind = _parse_outcome(left.strip(), columns)
    rhs = _quote_dotted_columns(right.strip(), columns)
    if not rhs:
        raise FormulaError(f"The right side of {formula!r} is empty; write '~ 1' for none.")
    available = [str(name) for name in columns if name not in outcome and name not in aside]
    rhs = _tell_names_apart(_expand_dot(rhs, available))
    variables, numbers = _find_variables(rhs, columns)
    repeated = [name for name in outcome if name in variables]
    if repeated:
        raise FormulaError(f"The outcome {repeated[0]!r} stands on the right of {formula!r} too.")
    return ParsedFormula(formula, outcome, kind, rhs, variables, numbers)


def _check_braces(bare: str, formula: str) -> None:
    if "{" in bare or "}" in bare or "[" in _without_calls(bare):
        raise UnsafeFormulaError(
            f"Braces and brackets are refused in a formula: {formula!r}. {ALLOWED}"
        )
    if re.search(r"__\w+__\s*\(|\)\s*\.\s*[^\W\d]", bare):
        raise UnsafeFormulaError(f"Attributes and hidden names are refused: {formula!r}. {ALLOWED}")
    if "|" in bare:
        raise FormulaError(f"'|' has no meaning in this model's formula: {formula!r}.")
    if "`" in bare or '"' in bare or "'" in bare:
        raise FormulaError(f"A quotation mark is not closed in {formula!r}.")


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
    text, names = replace_backticks(_quote_dotted_columns(left, columns))
    node = parse_expression(text, left)
    if isinstance(node, ast.Call) and dotted_name(node.func) in OUTCOME_FUNCTIONS:
        if node.keywords or len(node.args) < 2:
            raise FormulaError(f"{left!r} needs two or more columns, separated by commas.")
        outcome = tuple(_read_column(arg, names, left, columns) for arg in node.args)
        return outcome, dotted_name(node.func)
    return (_read_column(node, names, left, columns),), None


def _read_column(node: ast.expr, names: dict[str, str], text: str, columns: Collection[str]) -> str:
    if isinstance(node, ast.Name):
        name = names.get(node.id, node.id)
    elif isinstance(node, ast.Call) and dotted_name(node.func) == "Q":
        name = read_quoted_name(node)
    else:
        raise FormulaError(
            f"The outcome must be one column or counts(a, b, ...), not {text!r}; "
            "make it a column of the data first."
        )
    return check_column(name, columns)


def _quote_dotted_columns(text: str, columns: Collection[str]) -> str:
    """Put backticks around dotted names that are columns (``feat.price``)."""

    def quote(match: re.Match[str]) -> str:
        return f"`{match.group()}`" if match.group() in columns else match.group()

    pieces, end = [], 0
    for quoted in QUOTED.finditer(text):
        pieces += [_DOTTED.sub(quote, text[end : quoted.start()]), quoted.group()]
        end = quoted.end()
    return "".join([*pieces, _DOTTED.sub(quote, text[end:])])


def _expand_dot(rhs: str, available: list[str]) -> str:
    """Write the columns of the data for a lone dot, as R does."""
    bare = QUOTED.sub(lambda match: "_" * len(match.group()), rhs)
    lone = [match.start() for match in re.finditer(r"(?<![\w.])\.(?![\w.])", bare)]
    everything = "(" + " + ".join(_quote(name) for name in available) + ")"
    for position in reversed(lone):
        rhs = rhs[:position] + everything + rhs[position + 1 :]
    return rhs


def _quote(name: str) -> str:
    return f"`{name}`" if _is_safe_in_backticks(name) else f"Q({name!r})"


def _is_safe_in_backticks(name: str) -> bool:
    """Tell whether a name in backticks stays a name: 1, ~ and True would not."""
    return bool(re.search(r"[^\W\d]", name)) and not keyword.iskeyword(name)


def _tell_names_apart(rhs: str) -> str:
    """Mark names in backticks that become the same identifier as another: `a b`, a_b.

    Inside expressions formulaic gives names in backticks identifiers, and to one that is
    taken a suffix from numpy's global random numbers, under which no state is found again.
    """
    from formulaic.errors import FormulaicError
    from formulaic.parser.algos.tokenize import tokenize
    from formulaic.transforms import TRANSFORMS

    quoted = [text[1:-1] for text in dict.fromkeys(QUOTED.findall(rhs)) if text[0] == "`"]
    taken = {*re.findall(r"\w+", rhs), *TRANSFORMS}
    told = {}
    for name in quoted:
        marked = name
        while not name.isidentifier() and _identify(marked) in taken:
            marked += MARK
        taken.add(_identify(marked))
        told[f"`{name}`"] = f"`{marked}`"
    try:
        tokens = list(tokenize(rhs)) if MARK in "".join(told.values()) else []
    except FormulaicError:  # Whoever reads it next says so.
        return rhs
    for token in reversed(tokens):
        if token.kind is token.Kind.PYTHON:
            start, stop = token.source_start, token.source_end + 1
            part = QUOTED.sub(lambda match: told.get(match[0], match[0]), rhs[start:stop])
            rhs = rhs[:start] + part + rhs[stop:]
    return rhs


def _identify(name: str) -> str:
    """Return the identifier that formulaic gives a name in backticks."""
    return re.sub(r"^(?=\d)|\W", "_", name)


def _check_backticks(rhs: str) -> None:
    for quoted in QUOTED.findall(rhs):
        if quoted.startswith("`") and not _is_safe_in_backticks(quoted[1:-1]):
            raise FormulaError(f"Write Q({quoted[1:-1]!r}) for the column {quoted} in {rhs!r}.")


def _check_powers(rhs: str) -> None:
    """Refuse a power of terms whose expansion would never end."""
    from formulaic.parser.algos.tokenize import tokenize

    tokens = list(tokenize(rhs))
    for operator, operand in itertools.pairwise(tokens):
        power = operand.token if operator.token.endswith(("**", "^")) else "0"
        if power.isdigit() and int(power) > LARGEST_POWER:
            raise FormulaError(f"A power of terms is at most {LARGEST_POWER}: {rhs!r}.")


def _find_variables(rhs: str, columns: Collection[str]) -> tuple[tuple[str, ...], frozenset[str]]:
    variables: dict[str, None] = {}
    checker = ExpressionChecker(columns)
    for factor in _list_factors(rhs):
        method = factor.eval_method.value
        if method == "lookup":
            variables[check_column(factor.expr, columns)] = None
            checker.numbers.add(factor.expr)
        elif method == "python":
            variables.update(dict.fromkeys(checker.check_expression(factor.expr)))
        elif factor.expr not in ("0", "1"):
            raise FormulaError(f"{factor.expr} is no term; only 0 and 1 are, in {rhs!r}.")
    clash = sorted(checker.functions.intersection(variables))
    if clash:
        raise FormulaError(
            f"Column {clash[0]!r} has the name of a transform that the formula uses; "
            "rename the column."
        )
    return tuple(variables), frozenset(checker.numbers)


def _list_factors(rhs: str) -> list:
    from formulaic import Formula

    _check_backticks(rhs)
    try:
        _check_powers(rhs)
        terms = list(Formula(rhs))
    except FormulaError:
        raise
    except Exception as error:
        reason = re.sub(r"\x1b\[[0-9;]*m|[⧛⧚]", "", str(error)).split("\n")[0]
        raise FormulaError(f"The right side {rhs!r} cannot be read: {reason}") from error
    if not all(hasattr(term, "factors") for term in terms):
        raise FormulaError(f"{rhs!r} has more than one part; give a single right side.")
    return [factor for term in terms for factor in term.factors]
