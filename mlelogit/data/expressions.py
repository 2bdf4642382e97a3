"""Check the expressions of a formula against a list of what is allowed; evaluate nothing."""

from __future__ import annotations

import ast
import keyword
import re
from collections.abc import Collection, Iterator
from typing import Any

from mlelogit.data.arguments import write_value
from mlelogit.data.frames import list_some
from mlelogit.exceptions import ColumnNotFoundError, FormulaError, UnsafeFormulaError
from mlelogit.notices import run_quietly

FUNCTIONS = ("log", "log1p", "log2", "log10", "exp", "sqrt", "abs")
TRANSFORMS = ("poly", "bs", "cr", "cs", "center", "scale", "I", "C")
BASES = ("poly", "bs", "cr", "cs")
CONTRASTS = ("Treatment", "Sum", "Helmert", "Poly")
CONTRAST_METHODS = ("treatment", "SAS", "sum", "helmert", "poly", "diff")
LARGEST_DEGREE = 100
SHOWN = 200
LONGEST_EXPRESSION = 10_000

ALLOWED = (
    "Allowed are columns, numbers, operators, "
    + ", ".join((*FUNCTIONS, *TRANSFORMS))
    + ", Q('name'), backticks, and in C() the contrasts "
    + ", ".join(CONTRASTS)
    + " or "
    + ", ".join(f"contr.{method}()" for method in CONTRAST_METHODS)
    + "."
)
_STRING = r"\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'"
QUOTED = re.compile(rf"{_STRING}|`[^`]*`")
_NAMED = re.compile(rf"(?<![\w.])Q\(\s*({_STRING})\s*\)|{QUOTED.pattern}")
_HIDDEN = re.compile(r"(?<!\w)__(column|quoted)_((?:[0-9a-f]{2})*)__(?!\w)")


def quote(text: Any) -> str:
    """Write what a user wrote on one line, its end left out if it is long."""
    return write_value(text, SHOWN)


def check_column(name: str, columns: Collection[str]) -> str:
    """Return a column's name, or raise if the data do not have it."""
    if name not in columns:
        listed = list_some([*columns], 50)
        raise ColumnNotFoundError(f"The data have no column {quote(name)}. Columns: {listed}.")
    return name


def _read_expression(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


def parse_expression(text: str, original: str) -> ast.expr:
    """Read an expression, or raise `FormulaError` naming it as it was written."""
    try:
        return run_quietly(_read_expression, text.strip())
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise FormulaError(f"{quote(original)} cannot be read as an expression.") from error


def hide_names(text: str) -> str:
    """Put a plain identifier that spells it for every name in backticks or in ``Q('')``.

    formulaic makes identifiers of its own for such names, the same one for ``a b`` and
    ``a.b``: what transforms learned of two columns would then be taken for each other.

    Examples
    --------
    >>> from mlelogit.data.expressions import hide_names, show_names
    >>> hide_names("log(`a b`) + `x`")
    'log(__column_612062__) + x'
    >>> show_names("log(__column_612062__)")
    'log(`a b`)'
    """

    def hide(match: re.Match[str]) -> str:
        if match.group(1):
            name = parse_expression(match.group(1), text)
            known = name.value if isinstance(name, ast.Constant) else None
            hidden = _spell("quoted", known) if isinstance(known, str) else match.group()
        elif match.group().startswith("`"):
            hidden = hide_name(match.group()[1:-1])
        else:
            return match.group()
        before, after = text[: match.start()][-1:], text[match.end() :][:1]
        return f"{' ' * _joins(before)}{hidden}{' ' * _joins(after)}"

    return _NAMED.sub(hide, text)


def _joins(char: str) -> bool:
    """Tell whether an identifier beside this character would become another one."""
    return bool(re.match(r"[\w`'\"]", char))


def hide_name(name: str) -> str:
    """Return an identifier that spells a column's name: itself if it is a plain one."""
    plain = name.isascii() and name.isidentifier() and not keyword.iskeyword(name)
    return name if plain and not _HIDDEN.match(name) else _spell("column", name)


def _spell(kind: str, name: str) -> str:
    return f"__{kind}_{name.encode('utf-8', 'surrogatepass').hex()}__"


def _read(match: re.Match[str]) -> str:
    return bytes.fromhex(match.group(2)).decode("utf-8", "surrogatepass")


def read_name(identifier: str) -> str:
    """Return the column that an identifier stands for."""
    return _HIDDEN.sub(_read, identifier)


def list_columns(node: ast.AST) -> set[str]:
    """Return the columns of the data that stand in an expression, its names hidden."""
    called = {
        id(name)
        for call in ast.walk(node)
        if isinstance(call, ast.Call)
        for name in ast.walk(call.func)
    }
    return {
        read_name(part.id)
        for part in ast.walk(node)
        if isinstance(part, ast.Name) and id(part) not in called
    }


def list_quoted(hidden: str) -> dict[str, str]:
    """Return the identifiers that stand for names in ``Q('')``, and those names."""
    found = _HIDDEN.finditer(hidden)
    return {match.group(): _read(match) for match in found if match.group(1) == "quoted"}


def show_names(text: str, backticks: str = "`") -> str:
    """Put back the names that `hide_names` hid: as they were written, or without backticks."""

    def show(match: re.Match[str]) -> str:
        name = _read(match)
        return f"Q({name!r})" if match.group(1) == "quoted" else f"{backticks}{name}{backticks}"

    return _HIDDEN.sub(show, text)


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

    def refuse(self, what: str) -> UnsafeFormulaError:
        """Return the error that says what is refused, and what is allowed."""
        said = show_names(what)
        return UnsafeFormulaError(f"{said[:SHOWN]} is refused in {quote(self.expr)}. {ALLOWED}")

    def check_expression(self, expr: str) -> list[str]:
        """Return the columns of one expression, its names hidden, or raise."""
        if len(expr) > LONGEST_EXPRESSION:
            raise UnsafeFormulaError(f"The expression {expr[:60]!r}... is too long.")
        self.expr = show_names(expr)
        return list(self.check(parse_expression(expr, self.expr)))

    def check(self, node: ast.expr) -> Iterator[str]:
        """Yield the columns below a node, or raise."""
        if isinstance(node, ast.Name):
            name = check_column(read_name(node.id), self.columns)
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
                raise FormulaError(f"{name}() takes one argument in {quote(self.expr)}.")
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
            self.check_spelling(node.value, contrasts)
            if not isinstance(node.value, int | float | str | None):
                raise self.refuse(repr(node.value))
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
            self.check_argument(node.operand, contrasts=False)
        elif isinstance(node, ast.List | ast.Tuple):
            for element in node.elts:
                self.check_argument(element, contrasts=False)
        elif not (contrasts and self.is_contrast(node)):
            self.check_spelling(dotted_name(node), contrasts)
            raise self.refuse(ast.unparse(node))

    def check_spelling(self, name: Any, contrasts: bool) -> None:
        """Say how a contrast is written that is named as R names it."""
        method = name[6:].lower() if isinstance(name, str) and name[:6] == "contr." else None
        known = {one.lower(): f"contr.{one}()" for one in CONTRAST_METHODS}
        if contrasts and method in known:
            raise UnsafeFormulaError(
                f"{name} is refused in {quote(self.expr)}. Write {known[method]}, with parentheses."
            )

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
