"""compare_models: the results of several fits as one table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from inspect import getattr_static
from operator import attrgetter
from typing import Any

from mlelogit.data.arguments import write_value
from mlelogit.display.tables.request import STATISTICS, read_statistics
from mlelogit.display.tables.statistics import KNOWN, label_statistic
from mlelogit.display.tables.table import ModelTable, tabulate_models
from mlelogit.exceptions import OptionError
from mlelogit.results import MNLogitResults


def compare_models(
    models: Mapping[Any, MNLogitResults],
    *,
    layout: str = "wide",
    below: Any = "std_err",
    exponentiate: bool = False,
    stars: Any = False,
    names: Mapping[Any, str] | None = None,
    digits: int = 3,
    statistics: Any = STATISTICS,
    alpha: float = 0.05,
    title: str | None = None,
) -> ModelTable:
    """Set the results of several fits side by side.

    The notes under the table say what base category a coefficient is against, what stands
    below it, what the covariances are, and what sets the models apart: other rows, weights,
    constraints, columns left out, separation.

    Parameters
    ----------
    models : mapping
        Name -> results.
    layout : {"wide", "long"}
        One column for every category, under the name of its model; or one column for every
        model, and rows (category, name). Where bases differ both tell them.
    below : {"std_err", "interval", "z", "p_value"}, a list of them, or None
        What stands below a coefficient.
    exponentiate : bool
        Whether to give relative risk ratios ``exp(b)``: standard errors by the delta method,
        intervals the exponentials of those of b, z and p-values those of b.
    stars : bool or mapping
        Marks of small p-values: mark -> the threshold below which p has to lie. True stands
        for ``{"*": 0.05, "**": 0.01, "***": 0.001}``.
    names : mapping, optional
        Name of a coefficient -> label. It chooses and orders the rows too. Names of different
        models with one label share a row.
    digits : int
        Decimals. A number of which they would not show two digits that are not zero has more.
    statistics : sequence of str, or mapping
        The foot: names of `mlelogit.results.MNLogitResults.fit_statistics` or of attributes of
        the results that are a number or a text ("cov_type"); or label -> such a name or a
        function of the results.
    alpha : float
        Intervals cover with probability ``1 - alpha``.
    title : str, optional

    Returns
    -------
    mlelogit.display.tables.table.ModelTable
        Prints as text, and shows as HTML in a notebook. ``as_latex()``, ``as_html()``,
        ``as_markdown()``, ``as_text()``, ``as_docx(path)``, ``as_gt()``, ``to_frame()``.

    Raises
    ------
    OptionError
        If models is no mapping of names to results, or an option is not what it may be: the
        message says what it may be.

    Examples
    --------
    >>> import mlelogit as ml
    >>> anes = ml.datasets.load_anes96()
    >>> small = ml.mnlogit("vote ~ age", anes).fit()
    >>> large = ml.mnlogit("vote ~ age + educ", anes).fit()
    >>> foot = {"Observations": "nobs", "Iterations": lambda res: len(res.trace) - 1}
    >>> table = ml.compare_models({"small": small, "large": large}, stars=True, statistics=foot)
    >>> table.to_frame(text=True).loc["Observations"].tolist()
    ['944', '944']
    """
    results = _check_models(models)
    pairs = {name: (res.record, res.covariance) for name, res in results.items()}
    return tabulate_models(
        pairs,
        layout=layout,
        below=below,
        exponentiate=exponentiate,
        stars=stars,
        names=names,
        digits=digits,
        statistics=_ask(statistics, results),
        alpha=alpha,
        title=title,
    )


def _check_models(models: Any) -> dict[Any, MNLogitResults]:
    if not isinstance(models, Mapping) or not models:
        given = (
            "one that is empty"
            if isinstance(models, Mapping)
            else write_value(type(models).__name__)
        )
        raise OptionError(
            "compare_models takes a mapping of names to results, such as {'small': res}, not "
            f"{given}."
        )
    for name, res in models.items():
        if not isinstance(res, MNLogitResults):
            raise OptionError(
                f"Model {write_value(name)} is no MNLogitResults but a "
                f"{write_value(type(res).__name__)}."
            )
    return dict(models)


def _ask(statistics: Any, models: dict[Any, MNLogitResults]) -> dict[str, Any]:
    """Return label -> the name of a statistic of the fit, or the values that results gave."""
    asked: dict[str, Any] = {}
    for label, what in read_statistics(statistics):
        values: Any = what
        if callable(what):
            values = [_call(what, label, name, res) for name, res in models.items()]
        elif isinstance(what, str) and what not in KNOWN and _is_attribute(what):
            values = [_call(attrgetter(what), what, name, res) for name, res in models.items()]
        elif not isinstance(what, str):
            raise OptionError(
                f"statistics[{label!r}] must be a name or a function, not {write_value(what)}."
            )
        asked[label or label_statistic(what)] = values
    return asked


def _call(what: Callable[[Any], Any], label: Any, name: Any, res: MNLogitResults) -> Any:
    try:
        return what(res)
    except Exception as error:
        raise OptionError(
            f"The statistic {write_value(label)} of model {write_value(name)} failed: "
            f"{type(error).__name__}: {error}"
        ) from error


def _is_attribute(name: str) -> bool:
    found = getattr_static(MNLogitResults, name, None)
    return isinstance(found, property | cached_property) and not name.startswith("_")
