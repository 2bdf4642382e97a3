"""The package's source as syntax trees, and how many lines of it are code."""

import ast
import functools
import io
import tokenize
from pathlib import Path

TESTS = Path(__file__).parent
PACKAGE = TESTS.parent / "mlelogit"
FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)
NO_CODE = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENCODING,
    tokenize.ENDMARKER,
}


def list_sources(folder=PACKAGE):
    return sorted(path for path in folder.rglob("*.py"))


def relative(path):
    return path.relative_to(PACKAGE).as_posix()


@functools.cache
def parse(path):
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


@functools.cache
def find_code_lines(path):
    """Return the numbers of the lines that hold code: no docstring, blank or comment."""
    text = path.read_text(encoding="utf-8")
    lines = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in NO_CODE:
            lines.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(parse(path)):
        docstring = find_docstring(node)
        if docstring is not None:
            lines.difference_update(range(docstring.lineno, docstring.end_lineno + 1))
    return frozenset(lines)


def find_docstring(node):
    if not isinstance(node, (*FUNCTION, ast.ClassDef, ast.Module)) or not node.body:
        return None
    first = node.body[0]
    held = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    return first if held and isinstance(first.value.value, str) else None


def count_code(path, start=None, stop=None):
    lines = find_code_lines(path)
    return len(lines if start is None else lines.intersection(range(start, stop + 1)))


def count_body(path, function):
    """Count the lines of code of a function without its signature and docstring."""
    return count_code(path, function.body[0].lineno, function.body[-1].end_lineno)


def list_functions(path):
    return [node for node in ast.walk(parse(path)) if isinstance(node, FUNCTION)]


def list_imports(path):
    """Return every module of the package that a file imports, wherever the import stands."""
    found = []
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{relative(path)}:{node.lineno} is a relative import"
            found.append((node.lineno, str(node.module)))
            found += [(node.lineno, f"{node.module}.{alias.name}") for alias in node.names]
    return found


def list_calls(path, *names):
    """Return the lines on which a function of one of these names is called."""
    calls = []
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.Call):
            called = node.func
            name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
            if name in names:
                calls.append(node.lineno)
    return calls


def walk_at_import(tree):
    """Yield the nodes that run when a module is imported, type-checking blocks left out."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, (*FUNCTION, ast.Lambda)):
            continue
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        yield node
        yield from walk_at_import(node)
