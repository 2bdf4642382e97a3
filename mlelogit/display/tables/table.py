"""ModelTable: several models side by side, in the format that a paper needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from mlelogit.data.arguments import check_choice, check_flag
from mlelogit.display.tables.content import lay_out
from mlelogit.display.tables.gt import write_gt
from mlelogit.display.tables.html import write_html
from mlelogit.display.tables.latex import write_latex
from mlelogit.display.tables.layout import Layout
from mlelogit.display.tables.models import read_models
from mlelogit.display.tables.request import TableRequest
from mlelogit.display.tables.text import write_markdown, write_text
from mlelogit.display.tables.word import write_docx
from mlelogit.display.writing import write_out
from mlelogit.fitting.record import FitRecord
from mlelogit.inference.covariance import Covariance
from mlelogit.markup import Typeset

FORMS = ("text", "html", "latex", "markdown", "gt")


@dataclass(frozen=True, eq=False, repr=False)
class ModelTable(Typeset):
    """Several models side by side.

    Made by `mlelogit.compare_models` and `mlelogit.display.tables.table.tabulate_fit`.

    Attributes
    ----------
    layout : mlelogit.display.tables.layout.Layout
        What it says, before it is written in a format.
    """

    layout: Layout
    _numbers: pd.DataFrame = field(repr=False)

    def as_text(self, path: Any = None) -> str:
        """Return the table as text.

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
        return write_out(write_text(self.layout), path, "text")

    def as_html(self, path: Any = None) -> str:
        """Return the table as HTML that needs nothing else; every name is escaped.

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
        return write_out(write_html(self.layout), path, "html")

    def as_latex(
        self, path: Any = None, *, label: str | None = None, longtable: bool = False
    ) -> str:
        r"""Return the table as LaTeX (package booktabs); every name is escaped.

        Parameters
        ----------
        path : str or os.PathLike, optional
            A file to write it to as well.
        label : str, optional
            For ``\ref``. It needs a title, which makes a floating table with a caption.
        longtable : bool
            Whether it may run over pages, which needs the package longtable.

        Returns
        -------
        str

        Raises
        ------
        OptionError
            If there is a label without a title, or it has characters LaTeX reads as commands.
        OutputFileError
            If the file cannot be written, or its name ends as those of another format do.
        """
        return write_out(write_latex(self.layout, label, longtable), path, "latex")

    def as_markdown(self, path: Any = None) -> str:
        """Return the table as Markdown; every name is escaped.

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
        return write_out(write_markdown(self.layout), path, "markdown")

    def as_docx(self, path: Any) -> Path:
        """Write the table to a Word document, whole or not at all, and return its path.

        Parameters
        ----------
        path : str or os.PathLike

        Returns
        -------
        pathlib.Path

        Raises
        ------
        MissingExtraError
            If python-docx is not installed.
        OutputFileError
            If the file cannot be written.
        """
        return write_docx(self.layout, path)

    def as_gt(self) -> Any:
        """Return the table as ``great_tables.GT``; names are escaped.

        Raises
        ------
        MissingExtraError
            If great_tables is not installed.
        """
        return write_gt(self.layout)

    def to_frame(self, text: bool = False) -> pd.DataFrame:
        """Return the coefficients as a frame of numbers, or the whole table as it is printed.

        Parameters
        ----------
        text : bool
            Whether to return what is printed, with the foot; a statistic stands in the first
            column of its model.

        Returns
        -------
        pandas.DataFrame
            Numbers, not rounded: rows (name, quantity), in the long layout (category, name,
            quantity), with quantities estimate, std_err, z, p_value, lower and upper; columns
            (model, category), in the long layout model. NaN where a model has no such
            coefficient.
        """
        check_flag("text", text)
        return _frame_text(self.layout) if text else self._numbers.copy()


def _frame_text(layout: Layout) -> pd.DataFrame:
    rows, labels = [], []
    for section in layout.sections:
        for row in section.rows:
            for i, line in enumerate(row.lines):
                rows.append([cell.plain for cell in line])
                labels.append((section.heading, "" if i else row.label))
    for row in layout.foot:
        rows.append([cell.plain for cell in layout.spread(row.lines[0])])
        labels.append(("", row.label))
    heads = [(group.name, column) for group in layout.groups for column in group.columns]
    index = pd.MultiIndex.from_tuples(labels, names=["category", "name"])
    columns = pd.MultiIndex.from_tuples(heads, names=["model", "category"])
    frame = pd.DataFrame(rows, index=index, columns=columns)
    return (
        frame.droplevel("category") if layout.has_columns else frame.droplevel("category", axis=1)
    )


def tabulate_models(
    models: Mapping[Any, tuple[FitRecord, Covariance]], **options: Any
) -> ModelTable:
    """Set several fits side by side; see `mlelogit.comparison.compare_models`.

    Parameters
    ----------
    models : mapping
        Name -> (FitRecord, Covariance).
    **options
        Those of `mlelogit.comparison.compare_models`; but statistics are names of
        `mlelogit.inference.fit_measures.MEASURES`, and prsquared, or map labels to one of them
        or to a sequence of values, one for every model.

    Raises
    ------
    OptionError
        If an option is not what it may be.

    Examples
    --------
    >>> import mlelogit as ml
    >>> from mlelogit.display.tables.table import tabulate_models
    >>> res = ml.mnlogit("vote ~ age", ml.datasets.load_anes96()).fit()
    >>> pair = {"vote": (res.record, res.covariance)}
    >>> tabulate_models(pair, below=None, statistics=["nobs"]).to_frame(text=True).index.tolist()
    ['Intercept', 'age', 'Observations']
    """
    request = TableRequest(**options)
    read = read_models(models, request.alpha, request.exponentiate)
    return ModelTable(*lay_out(read, request))


def tabulate_fit(
    record: FitRecord, covariance: Covariance, form: str | None = None, options: Any = None
) -> Any:
    r"""Return one fit as a table, under the name of its outcome.

    Parameters
    ----------
    record : FitRecord
    covariance : Covariance
    form : {"text", "html", "latex", "markdown", "gt"}, optional
        A `ModelTable`, with all of them, if not given.
    options : dict, optional
        Those of `mlelogit.compare_models`, but for the models.

    Returns
    -------
    ModelTable, str or great_tables.GT

    Raises
    ------
    OptionError
        If the form or an option is unknown.

    Examples
    --------
    >>> import mlelogit as ml
    >>> res = ml.mnlogit("vote ~ age", ml.datasets.load_anes96()).fit()
    >>> res.table("latex", below="interval").startswith("\\begin{center}")
    True
    """
    pair = {record.encoding.outcome_name: (record, covariance)}
    table = tabulate_models(pair, **(options or {}))
    if form is None:
        return table
    check_choice("form", form, FORMS)
    return getattr(table, f"as_{form}")()
