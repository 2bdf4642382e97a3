"""What a report is about, and what is said where a part of it cannot be computed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, ParamSpec

from mlelogit.data.encoding import Encoding
from mlelogit.display.escapes import write_name
from mlelogit.display.report.content import Notice, Part
from mlelogit.exceptions import DataNotKeptError, MNLogitError
from mlelogit.fitting.record import FitRecord
from mlelogit.inference.covariance import Covariance

Arguments = ParamSpec("Arguments")


@dataclass(frozen=True, eq=False)
class Scope:
    """A fit, and how it is to be reported.

    Attributes
    ----------
    record : FitRecord
    covariance : Covariance
    verify : callable
        Of record, covariance and seed: sets the fit beside independent engines.
    alpha : float
        Intervals cover with probability ``1 - alpha``.
    seed : int
        Of all that is random.
    provenance : dict
        What else to say about how the page was made, label -> text.
    named : bool
        Whether the sections were asked for by name, so that none is left out for how long it takes.
    """

    record: FitRecord
    covariance: Covariance
    verify: Callable[..., Any]
    alpha: float = 0.05
    seed: int = 0
    provenance: dict[str, str] = field(default_factory=dict)
    named: bool = False

    @property
    def encoding(self) -> Encoding:
        """What was learned from the data."""
        return self.record.encoding

    @property
    def level(self) -> str:
        """The intervals' coverage as a percentage."""
        return f"{100 * (1 - self.alpha):.6g} %"

    @property
    def outcome(self) -> str:
        """The outcome's name."""
        return write_name(self.encoding.outcome_name)

    @property
    def base(self) -> str:
        """The base category's name."""
        return write_name(self.encoding.category_names[self.encoding.base])

    @property
    def others(self) -> list[str]:
        """The names of the categories that have coefficients."""
        names = [write_name(name) for name in self.encoding.category_names]
        return names[: self.encoding.base] + names[self.encoding.base + 1 :]


def attempt(
    what: str,
    compute: Callable[Arguments, Iterable[Part]],
    *args: Arguments.args,
    **kwargs: Arguments.kwargs,
) -> tuple[Part, ...]:
    """Compute parts of a section, and say why where one does not apply to the fit.

    What came before it stays. Only this package's own errors are told on the page; all others are
    raised.

    Parameters
    ----------
    what : str
        What the parts show, to begin a sentence with.
    compute : callable
    *args, **kwargs
        Its arguments.
    """
    parts: list[Part] = []
    try:
        parts.extend(compute(*args, **kwargs))
    except MNLogitError as error:
        rows = [("Why:", str(error))]
        if isinstance(error, DataNotKeptError):
            # Its own remedy is an argument that a report does not have.
            rows.append(("What to do:", "Make the report before the fit is saved or pickled."))
        parts.append(Notice("plain", f"{what}: not available", tuple(rows)))
    return tuple(parts)
