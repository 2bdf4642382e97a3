"""Formulas as Stata has them: what is meant, in the spelling of formulas here."""

from __future__ import annotations

import re
from collections.abc import Collection

from mlelogit.data.expressions import QUOTED, quote
from mlelogit.exceptions import FormulaError

_NAME = r"[^\W\d]\w*"
# i. or c., and i. with the base that is to be: ib2., b2.
_PREFIX = r"(?:i|c|i?b\d+)"
_MARKED = re.compile(rf"(?<![\w.)])({_PREFIX})\.({_NAME})(?![\w.(])")
_OPERAND = rf"(?:{_PREFIX}\.)?{_NAME}(?:\([^()#]*\))?"
_PRODUCT = re.compile(rf"(?<![\w.)]){_OPERAND}(?:\s*##?\s*{_OPERAND})+")


def refuse_stata(rhs: str, formula: str, columns: Collection[str]) -> None:
    """Raise `FormulaError` for factor variables as in Stata, and say what they are here.

    Parameters
    ----------
    rhs : str
        The right side, with backticks around columns whose names have dots.
    formula : str
        The whole, for the message.
    columns : collection of str
        The names that the data have.

    Examples
    --------
    >>> from mlelogit.data.spellings import refuse_stata
    >>> refuse_stata("ib2.ses##c.age", "y ~ ib2.ses##c.age", ["y", "ses", "age"])
    Traceback (most recent call last):
    ...
    mlelogit.exceptions.FormulaError: 'ib2.ses##c.age' is how Stata writes \
'C(ses, Treatment(2)) * age': write that. A level in Treatment() is as the column holds it, text \
in quotes.
    """
    bare = QUOTED.sub(lambda match: "_" * len(match.group()), rhs)
    marked = [found for found in _MARKED.finditer(bare) if found.group(2) in columns]
    if not marked and "#" not in bare:
        return
    found = _PRODUCT.search(bare) or (marked[0] if marked else None)
    if found is None:
        raise FormulaError(
            f"{quote(formula)} has a '#', which a formula does not have: what Stata writes a##b "
            "and a#b is C(a) * C(b) and C(a):C(b) for factors, a * b and a:b for numbers."
        )
    asked = rhs[found.start() : found.end()]
    meant = translate_stata(asked)
    base = "Treatment(" in meant
    raise FormulaError(
        f"{quote(asked)} is how Stata writes {quote(meant)}: write that."
        + (" A level in Treatment() is as the column holds it, text in quotes." if base else "")
    )


def translate_stata(text: str) -> str:
    """Return a factor variable, or an interaction of them, in the spelling of formulas here.

    What has no mark stands for a factor in an interaction, as in Stata.

    Examples
    --------
    >>> from mlelogit.data.spellings import translate_stata
    >>> translate_stata("i.a##c.b"), translate_stata("a#b"), translate_stata("c.x##c.x")
    ('C(a) * b', 'C(a):C(b)', 'x + I(x**2)')
    """
    operands = [_translate_operand(part.strip()) for part in re.split(r"##?", text)]
    signs = re.findall(r"##?", text)
    if len(operands) == 2 and operands[0] == operands[1]:
        # In a formula x:x is x, and a square has to be called one.
        square = f"I({operands[0]}**2)"
        return f"{operands[0]} + {square}" if signs == ["##"] else square
    joined = operands[0]
    for sign, operand in zip(signs, operands[1:], strict=True):
        joined += f" * {operand}" if sign == "##" else f":{operand}"
    return joined


def _translate_operand(text: str) -> str:
    found = _MARKED.fullmatch(text)
    if not found:
        return text if "(" in text else f"C({text})"
    mark, name = found.groups()
    base = re.sub(r"\D", "", mark)
    if base:
        return f"C({name}, Treatment({base}))"
    return name if mark == "c" else f"C({name})"
