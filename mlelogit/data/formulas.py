"""Read a formula, check that it is safe, and list what it needs; evaluate nothing."""

from __future__ import annotations

import ast
import itertools
import keyword
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from mlelogit.exceptions import ColumnNotFoundError, FormulaError, UnsafeFormulaError

FUNCTIONS = ("log", "log1p", "log2", "log10", "exp", "sqrt", "abs")
TRANSFORMS = ("poly", "bs", "cr", "cs", "center", "scale", "I", "C")
BASES = ("poly", "bs", "cr", "cs")
CONTRASTS = ("Treatment", "Sum", "Helmert", "Poly")
CONTRAST_METHODS = ("treatment", "SAS", "sum", "helmert", "poly", "diff")
OUTCOME_FUNCTIONS = ("counts", "probabilities")
LARGEST_POWER = 10
LARGEST_DEGREE = 100
LONGEST_EXPRESSION = 10_000

_ALLOWED = (
    "Allowed are columns, numbers, operators, "
    + ", ".join((*FUNCTIONS, *TRANSFORMS))
    + ", Q('name'), backticks, and in C() the contrasts "
    + ", ".join(CONTRASTS)
    + " or contr.treatment() and its kin."
)
_NAME = r"[^\W\d]\w*"
_QUOTED = re.compile(r"\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'|`[^`]*`")
_DOTTED = re.compile(rf"{_NAME}(?:\.{_NAME})+(?![\w.(])")
_PLACEHOLDER = "__column_{}__"


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
    bare = _QUOTED.sub(lambda match: "_" * len(match.group()), formula)
    _check_braces(bare, formula)
    if bare.count("~") != 1:
        raise FormulaError(f"A formula has one '~' with the outcome on its left: {formula!r}.")
    left, right = formula[: bare.index("~")], formula[bare.index("~") + 1 :]
    outcome, kind = _parse_outcome(left.strip(), columns)
    rhs = _quote_dotted_columns(right.strip(), columns)
    if not rhs:
        raise FormulaError(f"The right side of {formula!r} is empty; write '~ 1' for none.")
    available = [str(name) for name in columns if name not in outcome and name not in aside]
    rhs = _expand_dot(rhs, available)
    variables, numbers = _find_variables(rhs, columns)
    repeated = [name for name in outcome if name in variables]
    if repeated:
        raise FormulaError(f"The outcome {repeated[0]!r} stands on the right of {formula!r} too.")
    return ParsedFormula(formula, outcome, kind, rhs, variables, numbers)


def _check_braces(bare: str, formula: str) -> None:
    if "{" in bare or "}" in bare or "[" in _without_calls(bare):
        raise UnsafeFormulaError(
            f"Braces and brackets are refused in a formula: {formula!r}. {_ALLOWED}"
        )
    if re.search(r"__\w+__\s*\(|\)\s*\.\s*[^\W\d]", bare):
        raise UnsafeFormulaError(
            f"Attributes and hidden names are refused: {formula!r}. {_ALLOWED}"
        )
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
    text, names = _replace_backticks(_quote_dotted_columns(left, columns))
    node = _parse_expression(text, left)
    if isinstance(node, ast.Call) and _dotted_name(node.func) in OUTCOME_FUNCTIONS:
        if node.keywords or len(node.args) < 2:
            raise FormulaError(f"{left!r} needs two or more columns, separated by commas.")
        outcome = tuple(_read_column(arg, names, left, columns) for arg in node.args)
        return outcome, _dotted_name(node.func)
    return (_read_column(node, names, left, columns),), None


def _read_column(node: ast.expr, names: dict[str, str], text: str, columns: Collection[str]) -> str:
    if isinstance(node, ast.Name):
        name = names.get(node.id, node.id)
    elif isinstance(node, ast.Call) and _dotted_name(node.func) == "Q":
        name = _read_quoted_name(node)
    else:
        raise FormulaError(
            f"The outcome must be one column or counts(a, b, ...), not {text!r}; "
            "make it a column of the data first."
        )
    return _check_column(name, columns)


def _check_column(name: str, columns: Collection[str]) -> str:
    if name not in columns:
        listed = ", ".join(str(column) for column in columns)
        raise ColumnNotFoundError(f"The data have no column {name!r}. Columns: {listed}.")
    return name


def _quote_dotted_columns(text: str, columns: Collection[str]) -> str:
    """Put backticks around dotted names that are columns (``feat.price``)."""

    def quote(match: re.Match[str]) -> str:
        return f"`{match.group()}`" if match.group() in columns else match.group()

    pieces, end = [], 0
    for quoted in _QUOTED.finditer(text):
        pieces += [_DOTTED.sub(quote, text[end : quoted.start()]), quoted.group()]
        end = quoted.end()
    return "".join([*pieces, _DOTTED.sub(quote, text[end:])])


def _expand_dot(rhs: str, available: list[str]) -> str:
    """Write the columns of the data for a lone dot, as R does."""
    bare = _QUOTED.sub(lambda match: "_" * len(match.group()), rhs)
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


def _check_backticks(rhs: str) -> None:
    for quoted in _QUOTED.findall(rhs):
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
    checker = _Checker(columns)
    for factor in _list_factors(rhs):
        method = factor.eval_method.value
        if method == "lookup":
            variables[_check_column(factor.expr, columns)] = None
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


def _parse_expression(text: str, original: str) -> ast.expr:
    try:
        return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise FormulaError(f"{original!r} cannot be read as an expression.") from error


def _replace_backticks(text: str) -> tuple[str, dict[str, str]]:
    """Put a plain identifier for every name in backticks, and say which stands for which."""
    names: dict[str, str] = {}

    def replace(match: re.Match[str]) -> str:
        if not match.group().startswith("`"):
            return match.group()
        key = _PLACEHOLDER.format(len(names))
        names[key] = match.group()[1:-1]
        return f" {key} "

    return _QUOTED.sub(replace, text), names


def _dotted_name(node: ast.expr) -> str | None:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return f"{node.value.id}.{node.attr}"
    return None


def _read_quoted_name(node: ast.Call) -> str:
    arg = node.args[0] if len(node.args) == 1 and not node.keywords else None
    if isinstance(arg, ast.Constant) and isinstance(arg.value, str):
        return arg.value
    raise FormulaError("Q() takes one column name in quotation marks, as in Q('a b').")


class _Checker:
    """Walk expressions and refuse every node that is not on the list.

    Attributes
    ----------
    functions : set of str
        Transforms met so far.
    numbers : set of str
        Columns met outside ``C()``.
    """

    def __init__(self, columns: Collection[str]) -> None:
        self.columns = columns
        self.functions: set[str] = set()
        self.numbers: set[str] = set()
        self.expr = ""
        self.names: dict[str, str] = {}

    def refuse(self, what: str) -> UnsafeFormulaError:
        return UnsafeFormulaError(f"{what} is refused in {self.expr!r}. {_ALLOWED}")

    def check_expression(self, expr: str) -> list[str]:
        """Return the columns of one expression, or raise."""
        if len(expr) > LONGEST_EXPRESSION:
            raise UnsafeFormulaError(f"The expression {expr[:60]!r}... is too long.")
        text, self.names = _replace_backticks(expr)
        self.expr = expr
        return list(self.check(_parse_expression(text, expr)))

    def check(self, node: ast.expr) -> Iterator[str]:
        """Yield the columns below a node, or raise."""
        if isinstance(node, ast.Name):
            name = _check_column(self.names.get(node.id, node.id), self.columns)
            self.numbers.add(name)
            yield name
        elif isinstance(node, ast.Constant):
            self.check_constant(node)
        elif isinstance(node, ast.BinOp):
            yield from self.check_operation(node)
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
            yield from self.check(node.operand)
        elif isinstance(node, ast.Compare):
            for part in (node.left, *node.comparators):
                if not (isinstance(part, ast.Constant) and isinstance(part.value, str)):
                    yield from self.check(part)
        elif isinstance(node, ast.Call):
            yield from self.check_call(node)
        else:
            raise self.refuse(ast.unparse(node))

    def check_constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, bool) or not isinstance(node.value, int | float):
            raise self.refuse(repr(node.value))

    def check_operation(self, node: ast.BinOp) -> Iterator[str]:
        allowed = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow)
        if not isinstance(node.op, allowed):
            raise self.refuse(f"The operator of {ast.unparse(node)} (write ** for a power)")
        found = [*self.check(node.left), *self.check(node.right)]
        if isinstance(node.op, ast.Pow) and not found:
            raise self.refuse("A power of two numbers")
        yield from found

    def check_call(self, node: ast.Call) -> Iterator[str]:
        name = _dotted_name(node.func)
        if name == "Q":
            column = _check_column(_read_quoted_name(node), self.columns)
            self.numbers.add(column)
            yield column
        elif name in FUNCTIONS or name in [f"np.{function}" for function in FUNCTIONS]:
            if len(node.args) != 1 or node.keywords:
                raise FormulaError(f"{name}() takes one argument in {self.expr!r}.")
            yield from self.check(node.args[0])
        elif name in TRANSFORMS and node.args:
            before = set(self.numbers)
            yield from self.check(node.args[0])
            if name == "C" and isinstance(node.args[0], ast.Name):
                self.numbers = before
            self.check_degree(node, str(name))
            for arg in (*node.args[1:], *self.named_arguments(node)):
                self.check_argument(arg, contrasts=name == "C")
        else:
            raise self.refuse(f"{ast.unparse(node.func)}()")
        self.functions.add(str(name).split(".")[0])

    def check_degree(self, node: ast.Call, name: str) -> None:
        """Refuse a basis so large that making it would never end."""
        sizes = [given.value for given in node.keywords if given.arg in ("degree", "df", "ddof")]
        sizes += node.args[1:3] if name in BASES else []
        for size in sizes:
            value = size.value if isinstance(size, ast.Constant) else None
            if isinstance(value, int) and value > LARGEST_DEGREE:
                raise self.refuse(f"A degree of {value}, above {LARGEST_DEGREE},")

    def named_arguments(self, node: ast.Call) -> list[ast.expr]:
        for given in node.keywords:
            if given.arg is None or given.arg.startswith("_"):
                raise self.refuse(f"The argument {given.arg or '**'}")
        return [keyword.value for keyword in node.keywords]

    def check_argument(self, node: ast.expr, contrasts: bool) -> None:
        """Accept numbers, strings, lists of them and, inside C(), contrasts."""
        if isinstance(node, ast.Constant):
            if not isinstance(node.value, int | float | str | None):
                raise self.refuse(repr(node.value))
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
            self.check_argument(node.operand, contrasts=False)
        elif isinstance(node, ast.List | ast.Tuple):
            for element in node.elts:
                self.check_argument(element, contrasts=False)
        elif not (contrasts and self.is_contrast(node)):
            raise self.refuse(ast.unparse(node))

    def is_contrast(self, node: ast.expr) -> bool:
        called = isinstance(node, ast.Call)
        name = _dotted_name(node.func if isinstance(node, ast.Call) else node)
        methods = [f"contr.{method}" for method in CONTRAST_METHODS]
        if name not in CONTRASTS and not (called and name in methods):
            return False
        if isinstance(node, ast.Call):
            for arg in (*node.args, *self.named_arguments(node)):
                self.check_argument(arg, contrasts=False)
        self.functions.add(str(name).split(".")[0])
        return True
