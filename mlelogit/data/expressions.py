"""Check the expressions of a formula against a list of what is allowed; evaluate nothing."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator

from mlelogit.exceptions import ColumnNotFoundError, FormulaError, UnsafeFormulaError

FUNCTIONS = ("log", "log1p", "log2", "log10", "exp", "sqrt", "abs")
TRANSFORMS = ("poly", "bs", "cr", "cs", "center", "scale", "I", "C")
BASES = ("poly", "bs", "cr", "cs")
CONTRASTS = ("Treatment", "Sum", "Helmert", "Poly")
CONTRAST_METHODS = ("treatment", "SAS", "sum", "helmert", "poly", "diff")
LARGEST_DEGREE = 100
LONGEST_EXPRESSION = 10_000
# Invisible, and in no name: tells names in backticks apart that would be one identifier.
MARK = "\N{INVISIBLE SEPARATOR}"

ALLOWED = (
    "Allowed are columns, numbers, operators, "
    + ", ".join((*FUNCTIONS, *TRANSFORMS))
    + ", Q('name'), backticks, and in C() the contrasts "
    + ", ".join(CONTRASTS)
    + " or contr.treatment() and its kin."
)
QUOTED = re.compile(r"\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'|`[^`]*`")
_PLACEHOLDER = "__column_{}__"


def check_column(name: str, columns: Collection[str]) -> str:
    """Return a column's name, or raise if the data do not have it."""
    if name not in columns:
        listed = ", ".join(str(column) for column in columns)
        raise ColumnNotFoundError(f"The data have no column {name!r}. Columns: {listed}.")
    return name


def parse_expression(text: str, original: str) -> ast.expr:
    """Read an expression, or raise `FormulaError` naming it as it was written."""
    try:
        return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise FormulaError(f"{original!r} cannot be read as an expression.") from error


def replace_backticks(text: str) -> tuple[str, dict[str, str]]:
    """Put a plain identifier for every name in backticks, and say which stands for which."""
    names: dict[str, str] = {}

    def replace(match: re.Match[str]) -> str:
        if not match.group().startswith("`"):
            return match.group()
        key = _PLACEHOLDER.format(len(names))
        names[key] = match.group()[1:-1].rstrip(MARK)
        return f" {key} "

    return QUOTED.sub(replace, text), names


def dotted_name(node: ast.expr) -> str | None:
    """Return the name of a function, such as log or np.log; None if it is anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return f"{node.value.id}.{node.attr}"
    return None


def read_quoted_name(node: ast.Call) -> str:
    """Return the column that ``Q('name')`` stands for."""
    arg = node.args[0] if len(node.args) == 1 and not node.keywords else None
    if isinstance(arg, ast.Constant) and isinstance(arg.value, str):
        return arg.value
    raise FormulaError("Q() takes one column name in quotation marks, as in Q('a b').")


class ExpressionChecker:
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
        """Return the error that says what is refused, and what is allowed."""
        return UnsafeFormulaError(f"{what} is refused in {self.expr!r}. {ALLOWED}")

    def check_expression(self, expr: str) -> list[str]:
        """Return the columns of one expression, or raise."""
        if len(expr) > LONGEST_EXPRESSION:
            raise UnsafeFormulaError(f"The expression {expr[:60]!r}... is too long.")
        text, self.names = replace_backticks(expr)
        self.expr = expr.replace(MARK, "")
        return list(self.check(parse_expression(text, expr)))

    def check(self, node: ast.expr) -> Iterator[str]:
        """Yield the columns below a node, or raise."""
        if isinstance(node, ast.Name):
            name = check_column(self.names.get(node.id, node.id), self.columns)
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
        """Accept numbers."""
        if isinstance(node.value, bool) or not isinstance(node.value, int | float):
            raise self.refuse(repr(node.value))

    def check_operation(self, node: ast.BinOp) -> Iterator[str]:
        """Yield the columns of an arithmetic operation."""
        allowed = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow)
        if not isinstance(node.op, allowed):
            raise self.refuse(f"The operator of {ast.unparse(node)} (write ** for a power)")
        found = [*self.check(node.left), *self.check(node.right)]
        if isinstance(node.op, ast.Pow) and not found:
            raise self.refuse("A power of two numbers")
        yield from found

    def check_call(self, node: ast.Call) -> Iterator[str]:
        """Yield the columns of a call of a function or transform on the list."""
        name = dotted_name(node.func)
        if name == "Q":
            column = check_column(read_quoted_name(node), self.columns)
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
        """Return the values of keyword arguments, hidden ones refused."""
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
        """Tell whether a node is a contrast on the list; its arguments are checked."""
        called = isinstance(node, ast.Call)
        name = dotted_name(node.func if isinstance(node, ast.Call) else node)
        methods = [f"contr.{method}" for method in CONTRAST_METHODS]
        if name not in CONTRASTS and not (called and name in methods):
            return False
        if isinstance(node, ast.Call):
            for arg in (*node.args, *self.named_arguments(node)):
                self.check_argument(arg, contrasts=False)
        self.functions.add(str(name).split(".")[0])
        return True
