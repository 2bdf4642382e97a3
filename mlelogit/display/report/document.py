"""The report of a fit: one page of HTML that stands by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

from mlelogit.data.arguments import check_choice, check_disp, settle_seed, write_value
from mlelogit.data.files.paths import check_target, write_whole
from mlelogit.display.escapes import write_name
from mlelogit.display.report.cautions import write_warnings
from mlelogit.display.report.colophon import write_citation, write_reproduction
from mlelogit.display.report.content import Notice, Page, Part, Section
from mlelogit.display.report.effects import write_effects
from mlelogit.display.report.estimates import write_coefficients
from mlelogit.display.report.hypotheses import write_tests
from mlelogit.display.report.measures import write_fit
from mlelogit.display.report.overview import judge_fit, write_data, write_overview
from mlelogit.display.report.page import write_page
from mlelogit.display.report.predictions import write_calibration
from mlelogit.display.report.proof import write_certificate, write_verification
from mlelogit.display.report.rowwise import write_influence
from mlelogit.display.report.scope import Scope, attempt
from mlelogit.display.report.wording import explain
from mlelogit.exceptions import OptionError
from mlelogit.fitting.record import FitRecord
from mlelogit.inference.coefficients import check_alpha
from mlelogit.inference.covariance import Covariance
from mlelogit.notices import hear_warnings, track
from mlelogit.version import VERSION

WARNINGS = "warnings"
# Name -> title and what writes it, in the order of the page.
SECTIONS: dict[str, tuple[str, Callable[..., Iterable[Part]]]] = {
    "overview": ("At a glance", write_overview),
    WARNINGS: ("Warnings", write_warnings),
    "data": ("What was fitted, on which rows", write_data),
    "certificate": ("Certificate of the maximum", write_certificate),
    "verification": ("Independent verification", write_verification),
    "coefficients": ("Coefficients and risk ratios", write_coefficients),
    "effects": ("Effects on probabilities", write_effects),
    "tests": ("Tests of terms", write_tests),
    "fit": ("Fit of the model", write_fit),
    "calibration": ("Predictions and calibration", write_calibration),
    "influence": ("Influence of single rows", write_influence),
    "citation": ("How to cite", write_citation),
    "reproduction": ("How to reproduce", write_reproduction),
}
FRAME_HEIGHT = 640


@dataclass(frozen=True, eq=False, repr=False)
class Report:
    """A report, made by `mlelogit.MNLogitResults.report`.

    Made by `mlelogit.display.report.document.make_report`.

    Attributes
    ----------
    page : Page
        What it says.
    html : str
        The whole document.
    """

    page: Page
    html: str = field(repr=False)

    def write(self, path: Any) -> Path:
        """Write the page to a file, as a whole or not at all; return where it is.

        Parameters
        ----------
        path : str or os.PathLike

        Returns
        -------
        pathlib.Path

        Raises
        ------
        OutputFileError
            If the file cannot be written; one that was there is as it was.
        """
        return write_whole(self.html, path)

    def __repr__(self) -> str:
        titles = "; ".join(section.title for section in self.page.sections)
        size = len(self.html.encode()) / 1000
        return f"<Report: {self.page.title} ({size:.0f} kB of HTML): {titles}>"

    def _repr_html_(self) -> str:
        """Show the page in a frame of its own, apart from the styles of a notebook."""
        return (
            f'<iframe srcdoc="{escape(self.html)}" title="{escape(self.page.title)}" '
            f'style="width:100%;height:{FRAME_HEIGHT}px;border:1px solid #8888"></iframe>'
        )


def make_report(
    record: FitRecord,
    covariance: Covariance,
    verify: Callable[..., Any],
    path: Any = None,
    *,
    title: str | None = None,
    sections: Any = None,
    alpha: float = 0.05,
    seed: Any = 0,
    provenance: dict[str, str] | None = None,
    disp: bool | None = None,
) -> Report:
    """Put everything about a fit on one HTML page that needs nothing beside itself.

    The page holds its style and its pictures, has no scripts and asks the network for nothing.
    It is light or dark as the reader's system is, and prints. A part that does not apply to the
    fit (likelihood ratios with sampling weights, say) gives the reason in its place.

    Parameters
    ----------
    record : FitRecord
    covariance : Covariance
    verify : callable
        Sets the fit beside independent engines: `mlelogit.equivalence.verification.verify`.
    path : str or os.PathLike, optional
        File to write. It is replaced as a whole or not at all.
    title : str, optional
        "Multinomial logit of" the outcome if not given.
    sections : str or sequence of str, optional
        Which sections, in which order: of overview, warnings, data, certificate, verification,
        coefficients, effects, tests, fit, calibration, influence, citation, reproduction. All if
        not given; then verification is left out of fits for which it would take minutes, and the
        page says so.
    alpha : float
        Intervals cover with probability ``1 - alpha``.
    seed : int
        Of whatever is random: the start of the cross-entropy descent.
    provenance : dict, optional
        More to say under how to reproduce, label -> text, such as where the data are from.
    disp : bool, optional
        Whether to show progress; on a terminal only if not given.

    Returns
    -------
    Report
        With ``html`` and ``write(path)``; a notebook shows it.

    Raises
    ------
    OptionError
        If a section is unknown or named twice, or another argument is not what it must be.
    OutputFileError
        If the file cannot be written: before anything is computed where that can be told.

    Examples
    --------
    >>> import mlelogit as ml
    >>> res = ml.mnlogit("vote ~ age + educ", ml.datasets.load_anes96()).fit()
    >>> report = res.report(sections=["overview", "coefficients"], title="Vote in 1996")
    >>> report.html.startswith("<!doctype html>"), [one.key for one in report.page.sections]
    (True, ['overview', 'coefficients'])
    """
    if path is not None:
        check_target(path)
    chosen = _choose_sections(sections)
    name = _settle_title(title, record)
    extra = _read_provenance(provenance)
    given = check_alpha(alpha), settle_seed(seed), extra
    disp = check_disp(disp)
    scope = Scope(record, covariance, verify, *given, named=sections is not None)
    page = Page(
        name,
        _subtitle(record),
        judge_fit(scope),
        _write_sections(scope, chosen, disp),
        f"Made by mlelogit {VERSION}. This page stands by itself: it holds its "
        "pictures, has no scripts and asks the network for nothing.",
    )
    report = Report(page, write_page(page))
    if path is not None:
        report.write(path)
    return report


def _choose_sections(given: Any) -> list[str]:
    if given is None:
        return list(SECTIONS)
    asked = [given] if isinstance(given, str) else given
    if not isinstance(asked, Iterable) or not (asked := list(asked)):
        raise OptionError(f"sections must name some of: {', '.join(SECTIONS)}.")
    for name in asked:
        check_choice("sections", name, tuple(SECTIONS))
    twice = next((name for name in asked if asked.count(name) > 1), None)
    if twice is not None:
        raise OptionError(f"sections names {twice!r} twice.")
    return asked


def _settle_title(given: Any, record: FitRecord) -> str:
    if given is None:
        return f"Multinomial logit of {write_name(record.encoding.outcome_name)}"
    if not isinstance(given, str) or not given.strip():
        raise OptionError(f"title must be text, not {write_value(given)}.")
    return given


def _read_provenance(given: Any) -> dict[str, str]:
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise OptionError(f"provenance must be a dict, label -> text, not {write_value(given)}.")
    return {str(label): str(text) for label, text in given.items()}


def _subtitle(record: FitRecord) -> str:
    if record.encoding.formula is not None:
        return record.encoding.formula
    name = write_name(record.encoding.outcome_name)
    return f"{name} on {', '.join(map(write_name, record.encoding.names[:20]))}"


def _write_sections(scope: Scope, chosen: list[str], disp: bool | None) -> tuple[Section, ...]:
    """Write the sections; that of warnings last, as it tells what was warned of elsewhere."""
    written: dict[str, Section] = {}
    counts: list[tuple[str, int]] = []
    for key in track([key for key in chosen if key != WARNINGS], "Sections", disp):
        title, write = SECTIONS[key]
        parts, warned = _write_parts(title, write, scope)
        written[key] = Section(key, title, parts)
        if warned:
            counts.append((title, warned))
    if WARNINGS in chosen:
        title, write = SECTIONS[WARNINGS]
        parts, _ = _write_parts(title, write, scope, counts)
        written[WARNINGS] = Section(WARNINGS, title, parts)
    return tuple(written[key] for key in chosen)


def _write_parts(
    title: str, write: Callable[..., Iterable[Part]], *args: Any
) -> tuple[tuple[Part, ...], int]:
    """Write a section's parts, and what was warned of meanwhile; count the latter."""
    with hear_warnings() as heard:
        parts = attempt(title, write, *args)
    notices: Iterator[Notice] = (explain(one) for one in dict.fromkeys(heard))
    told = tuple(notices)
    return (*parts, *told), len(told)
