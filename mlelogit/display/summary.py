"""The summary table: one content, rendered as text, HTML, LaTeX or Markdown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
import pandas as pd

from mlelogit.display.escapes import (
    escape_latex,
    escape_markdown,
    escape_markdown_line,
    write_names,
)
from mlelogit.display.facts import (
    OMITTED,
    find_omitted,
    mark_held,
    name_equations,
    tell_omitted,
    tell_rows,
    tell_shares,
)
from mlelogit.display.references import tell_references
from mlelogit.display.writing import write_out
from mlelogit.fitting.maximum import Maximum, Status
from mlelogit.fitting.record import FitRecord
from mlelogit.fitting.report import find_remedy, report_separation
from mlelogit.inference.coefficients import check_alpha, tidy_coefficients
from mlelogit.inference.covariance import Covariance
from mlelogit.inference.fit_statistics import FitStatistics, compute_fit_statistics
from mlelogit.inference.testing.constraints import tell_constraints
from mlelogit.letters import Letters, measure, write_name
from mlelogit.markup import Typeset

TITLE = "Multinomial Logit Results"
# A hundred is moderate by the rule of Belsley, Kuh and Welsch (1980, section 3.2).
LARGE_CONDITION = 1e3
# Of a note: the certificate, which most tables have, stays on one line.
LONGEST_NOTE = 120
NARROWEST_NOTE = 79


@dataclass(frozen=True)
class CoefficientBlock:
    """One equation of the table.

    Attributes
    ----------
    title : str
        The category, and the base it is compared with.
    names : list of str
        (K,).
    cells : list of list of str
        (K, 6): coefficient, standard error, z, p-value, interval.
    """

    title: str
    names: list[str]
    cells: list[list[str]]


@dataclass(frozen=True, repr=False)
class Summary(Typeset):
    """What a summary says, before it is laid out.

    Made by `mlelogit.display.summary.summarize`.

    Attributes
    ----------
    title : str
    header : list of tuple
        (left label, left value, right label, right value).
    columns : list of str
        Names of the six columns of every block.
    blocks : list of CoefficientBlock
    notes : list of str
        What stands under the table.
    """

    title: str
    header: list[tuple[str, str, str, str]]
    columns: list[str]
    blocks: list[CoefficientBlock]
    notes: list[str]

    def as_text(self, path: Any = None) -> str:
        """Return the table as text, in the look statsmodels' users know.

        Parameters
        ----------
        path : str or os.PathLike, optional
            A file to write it to as well.

        Returns
        -------
        str

        Raises
        ------
        OutputFileError
            If the file cannot be written, or its name ends as those of another format do.
        """
        letters = Letters()
        made = _make_tables(self, letters.stand_in, markup=False)
        head, *tables = (letters.restore(str(table)).split("\n") for table in made)
        rule, lines = head[-1], head[:-1]
        for block, table in zip(self.blocks, tables, strict=True):
            lines += [rule, block.title, *table[1:-1]]
            rule = "-" * len(rule)
        width = max(measure(head[-1]), NARROWEST_NOTE)
        notes = [line for note in self.notes for line in wrap_note(note, width)]
        return write_out("\n".join([*lines, head[-1], *notes]), path, "text")

    def as_html(self, path: Any = None) -> str:
        """Return the table as HTML; every name is escaped.

        Parameters
        ----------
        path : str or os.PathLike, optional
            A file to write it to as well.

        Returns
        -------
        str

        Raises
        ------
        OutputFileError
            If the file cannot be written, or its name ends as those of another format do.
        """
        tables = [table.as_html() for table in _make_tables(self, escape)]
        notes = "<br>".join(escape(note) for note in self.notes)
        return write_out("\n".join([*tables, f"<p>{notes}</p>"]), path, "html")

    def as_latex(self, path: Any = None) -> str:
        """Return the table as LaTeX tabulars (package booktabs); every name is escaped.

        Parameters
        ----------
        path : str or os.PathLike, optional
            A file to write it to as well.

        Returns
        -------
        str

        Raises
        ------
        OutputFileError
            If the file cannot be written, or its name ends as those of another format do.
        """
        tables = [_to_latex(table) for table in _make_tables(self, escape_latex)]
        title = rf"\begin{{center}}\textbf{{{escape_latex(self.title)}}}\end{{center}}"
        notes = " \\\\\n".join(escape_latex(note) for note in self.notes)
        parts = [title, *tables, r"\begin{flushleft}", notes, r"\end{flushleft}"]
        return write_out("\n".join(parts), path, "latex")

    def as_markdown(self, path: Any = None) -> str:
        """Return the table as Markdown.

        Parameters
        ----------
        path : str or os.PathLike, optional
            A file to write it to as well.

        Returns
        -------
        str

        Raises
        ------
        OutputFileError
            If the file cannot be written, or its name ends as those of another format do.
        """
        head = [[escape_markdown(cell) for cell in row] for row in self.header]
        lines = [f"**{self.title}**", "", *_write_markdown(["", "", "", ""], head)]
        for block in self.blocks:
            titles = [escape_markdown(title) for title in (block.title, *self.columns)]
            rows = [
                [escape_markdown(name), *cells]
                for name, cells in zip(block.names, block.cells, strict=True)
            ]
            lines += ["", *_write_markdown(titles, rows)]
        notes = [f"- {escape_markdown_line(note)}" for note in self.notes]
        return write_out("\n".join([*lines, "", *notes]), path, "markdown")


def summarize(
    record: FitRecord,
    covariance: Covariance,
    alpha: float = 0.05,
    exponentiate: bool = False,
) -> Summary:
    """Say what a fit found.

    Parameters
    ----------
    record : FitRecord
    covariance : Covariance
    alpha : float
        The intervals cover with probability ``1 - alpha``.
    exponentiate : bool
        Whether to give relative risk ratios instead of coefficients.

    Returns
    -------
    Summary
        Prints as text and shows as HTML in a notebook; as_text, as_html, as_latex, as_markdown.

    Raises
    ------
    OptionError
        If alpha is no probability.

    Examples
    --------
    >>> import mlelogit as ml
    >>> res = ml.mnlogit("vote ~ age + educ", ml.datasets.load_anes96()).fit()
    >>> print(res.summary().as_markdown().splitlines()[0])
    **Multinomial Logit Results**
    """
    alpha = check_alpha(alpha)
    tidy = tidy_coefficients(record, covariance, alpha, exponentiate)
    statistics = compute_fit_statistics(record)
    letter = "t" if np.isfinite(covariance.df) else "z"
    return Summary(
        title=TITLE,
        header=_write_header(record, covariance, statistics),
        columns=[
            "RRR" if exponentiate else "coef",
            "std err",
            letter,
            f"P>|{letter}|",
            f"[{alpha / 2:.10g}",
            f"{1 - alpha / 2:.10g}]",
        ],
        blocks=_write_blocks(record, tidy),
        notes=_write_notes(record, covariance, statistics),
    )


def _write_header(
    record: FitRecord, covariance: Covariance, statistics: FitStatistics
) -> list[tuple[str, str, str, str]]:
    encoding, maximum = record.encoding, record.maximum
    names = encoding.category_names
    left = [
        ("Outcome:", write_name(encoding.outcome_name)),
        ("Outcome kind:", encoding.outcome_kind),
        ("Base category:", write_name(names[encoding.base])),
        ("Method:", _write_method(maximum)),
        ("Converged:", "yes" if maximum.converged else "NO"),
        ("Iterations:", str(maximum.iterations)),
        ("Covariance:", "left out" if covariance.omitted else covariance.kind),
        ("Weights:", record.weight_type or "none"),
    ]
    right = [
        ("No. Observations:", f"{statistics.nobs:.10g}"),
        ("Df Residuals:", f"{statistics.df_resid:.10g}"),
        ("Df Model:", str(statistics.df_model)),
        ("Pseudo R-squ.:", f"{statistics.prsquared:.4g}"),
        ("Log-Likelihood:", f"{statistics.llf:.4f}"),
        ("LL-Null:", f"{statistics.llnull:.4f}"),
        ("LLR p-value:", f"{statistics.llr_pvalue:.4g}"),
        ("AIC / BIC:", f"{statistics.aic:.2f} / {statistics.bic:.2f}"),
    ]
    return [(*one, *two) for one, two in zip(left, right, strict=True)]


def wrap_note(note: str, width: int) -> list[str]:
    """Break a note that is long into lines of so many columns, where its words do.

    Examples
    --------
    >>> from mlelogit.display.summary import wrap_note
    >>> [len(line) for line in wrap_note("word " * 39 + "word", 79)]
    [79, 76, 46]
    """
    if measure(note) <= LONGEST_NOTE:
        return [note]
    lines = [""]
    for word in note.split(" "):
        longer = f"{lines[-1]} {word}" if lines[-1] else word
        if measure(longer) <= width or not lines[-1].strip():
            lines[-1] = longer
        else:
            lines.append(f"  {word}")
    return lines


def _write_blocks(record: FitRecord, tidy: pd.DataFrame) -> list[CoefficientBlock]:
    encoding = record.encoding
    outcome = write_name(encoding.outcome_name)
    rows = write_names(encoding.all_names)
    width = len(rows)
    marks, omitted = mark_held(record), find_omitted(record)
    cells = [
        [OMITTED, *[""] * 5] if row in omitted else _write_cells(numbers, marks.get(row, ""))
        for row, (_, _, *numbers) in enumerate(tidy.itertuples(index=False, name=None))
    ]
    return [
        CoefficientBlock(
            f"{outcome} = {comparison}",
            rows,
            cells[i * width : (i + 1) * width],
        )
        for i, comparison in enumerate(name_equations(record))
    ]


def _write_cells(numbers: Sequence[float], mark: str) -> list[str]:
    estimate, std_err, z, p_value, lower, upper = numbers
    if mark:
        return [format_number(estimate), mark, "", "", "", ""]
    return [
        *map(format_number, (estimate, std_err)),
        f"{z:.3f}",
        f"{p_value:.3f}",
        *map(format_number, (lower, upper)),
    ]


def _write_notes(record: FitRecord, covariance: Covariance, statistics: FitStatistics) -> list[str]:
    encoding = record.encoding
    notes = [
        _write_convergence(record.maximum),
        write_name(f"Categories in order: {', '.join(encoding.category_names)}."),
        f"Null model: {statistics.null}.",
    ]
    if not record.maximum.converged:
        status = record.maximum.status
        lacks = "CERTIFIED" if status is Status.UNCERTIFIED else "CONVERGED"
        remedy = f" {find_remedy(record)}" if record.separation.found else ""
        notes.insert(0, f"NOT {lacks}. {status.value}{remedy}")
    if record.separation.found:
        notes[1:1] = [write_name(line) for line in report_separation(record).tell()[1:]]
        notes.append(f"Certificate of the model in the limit: {record.separation.certificate}.")
    for tell in (tell_references, tell_constraints, tell_omitted):
        notes += map(write_name, tell(record))
    if record.basis.condition_number > LARGE_CONDITION:
        notes.append(
            f"Condition number of the columns, each scaled to length one: "
            f"{record.basis.condition_number:.2g}. Some are nearly combinations of others."
        )
    if covariance.describe():
        notes.append(write_name(covariance.describe()))
    notes += tell_shares(record, covariance)
    notes += map(write_name, tell_rows(record))
    if statistics.reason:
        notes.append(f"NaN above: {statistics.reason}.")
    return notes


def _write_method(maximum: Maximum) -> str:
    reduced = maximum.bias_reduction
    return f"{'MLE' if reduced is None else f'bias-reduced, {reduced}'} ({maximum.method})"


def _write_convergence(maximum: Maximum) -> str:
    """Say what decided on convergence: the certificate, or with bias reduction its own score."""
    if maximum.adjusted is None:
        return f"Certificate: {maximum.certificate}."
    source = {"mean": "Firth", "median": "Kenne Pagui, Salvan and Sartori"}
    reduced = maximum.adjusted.bias_reduction
    return f"Bias reduction: {reduced} ({source[reduced]}). Adjusted score: {maximum.adjusted}."


def format_number(value: float) -> str:
    """Write a number with four decimals, or with four digits where those would not show.

    Examples
    --------
    >>> from mlelogit.display.summary import format_number
    >>> format_number(0.12345), format_number(1.5e-7)
    ('0.1235', '1.500e-07')
    """
    if not np.isfinite(value):
        return str(float(value))
    if value == 0 or 1e-3 <= abs(value) < 1e5:
        return f"{value:.4f}"
    return f"{value:.3e}"


def _write_markdown(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    rule = ["---", *["---:"] * (len(titles) - 1)]
    return [f"| {' | '.join(row)} |" for row in (titles, rule, *rows)]


def _make_tables(summary: Summary, write: Callable[[str], str], markup: bool = True) -> list[Any]:
    """Lay the header and the blocks out as statsmodels' tables."""
    from statsmodels.iolib.table import Cell, SimpleTable
    from statsmodels.iolib.tableformatting import fmt_2cols, fmt_params

    blocks = summary.blocks
    longest = max(measure(name) for block in blocks for name in block.names)
    numbers = [max(10, *(len(row[i]) for b in blocks for row in b.cells)) for i in range(6)]
    width = longest + sum(numbers) + 6
    rows = [[write(cell) for cell in row] for row in summary.header]
    look = {"data_fmts": ["%s", "%s", "%s"], "stub_fmt": "%s", "data_aligns": "rlr"}
    head = SimpleTable(
        [row[1:] for row in rows],
        stubs=[row[0] for row in rows],
        title=write(summary.title),
        txt_fmt={**fmt_2cols, **look, "colwidths": _spread(rows, width), "colsep": "  "},
    )
    tables = [head]
    for block in blocks:
        table = SimpleTable(
            block.cells,
            headers=[write(title) for title in summary.columns],
            stubs=[write(name) for name in block.names],
            txt_fmt={**fmt_params, "data_fmts": ["%s"], "colwidths": [longest, *numbers]},
        )
        if markup:
            table[0][0] = Cell(write(block.title), datatype="stub", row=table[0])
        tables.append(table)
    return tables


def _spread(rows: list[list[str]], width: int) -> list[int]:
    """Give the header the width of the table where its entries leave room."""
    widths = [max(len(row[i]) for row in rows) for i in range(4)]
    room = max(width - sum(widths) - 6, 0)
    return [widths[0], widths[1] + room // 2, widths[2] + room - room // 2, widths[3]]


def _to_latex(table: Any) -> str:
    return str(table.as_latex_tabular(replacements={}))
