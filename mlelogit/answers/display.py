"""Ways to show a fit: tables, pictures, a report, and the proof of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mlelogit.answers.facts import Facts
from mlelogit.bridges.maketables import EquationView, view_equations, view_flat
from mlelogit.display.plots.accessor import Plots
from mlelogit.display.report.document import Report, make_report
from mlelogit.display.summary import Summary, summarize
from mlelogit.display.tables.table import tabulate_fit
from mlelogit.equivalence.verification import Verification, verify
from mlelogit.saving.files import save_fit


class DisplayAnswers(Facts):
    """Tables, pictures, a report and the proof."""

    def summary(self, alpha: float = 0.05, exponentiate: bool = False) -> Summary:
        """Return the table of results.

        See `mlelogit.display.summary.summarize`.
        """
        return summarize(self.record, self.covariance, alpha, exponentiate)

    def report(
        self,
        path: Any = None,
        *,
        title: str | None = None,
        sections: Any = None,
        alpha: float = 0.05,
        seed: Any = 0,
        provenance: dict[str, str] | None = None,
        disp: bool | None = None,
    ) -> Report:
        """Put all of it on one HTML page.

        See `mlelogit.display.report.document.make_report`.
        """
        said: dict[str, Any] = {"title": title, "sections": sections, "provenance": provenance}
        options = {**said, "alpha": alpha, "seed": seed, "disp": disp}
        return make_report(self.record, self.covariance, verify, path, **options)

    @property
    def plot(self) -> Plots:
        """Draw pictures of the fit: ``res.plot.margins()`` and others.

        See `mlelogit.display.plots.accessor.Plots`.
        """
        return Plots(self.record, self.covariance)

    def table(self, form: str | None = None, **options: Any) -> Any:
        """Return a table for a paper, maybe in a form.

        See `mlelogit.display.tables.table.tabulate_fit`.
        """
        return tabulate_fit(self.record, self.covariance, form, options)

    def equations(self) -> list[EquationView]:
        """Return the equations as maketables reads them.

        See `mlelogit.bridges.maketables.view_equations`.
        """
        return view_equations(self.record, self.covariance)

    def flat(self) -> EquationView:
        """Return all equations as one list for maketables.

        See `mlelogit.bridges.maketables.view_flat`.
        """
        return view_flat(self.record, self.covariance)

    def to_statsmodels(self) -> Any:
        """Return statsmodels' results of the same estimates.

        See `mlelogit.bridges.statsmodels.conversion.convert`.
        """
        from mlelogit.bridges.statsmodels.conversion import convert

        return convert(self.record, self.covariance)

    def verify(self, engines: Any = None, seed: int = 0) -> Verification:
        """Compare the fit with independent engines.

        See `mlelogit.equivalence.verification.verify`.
        """
        return verify(self.record, self.covariance, engines, seed)

    def save(self, path: Any, data: bool = False) -> Path:
        """Save the fit to a file, with its rows if asked.

        See `mlelogit.saving.files.save_fit`.
        """
        return save_fit(self.record, self.covariance, path, data)

    def __repr__(self) -> str:
        return self.summary().as_text()

    def _repr_html_(self) -> str:
        return self.summary().as_html()
