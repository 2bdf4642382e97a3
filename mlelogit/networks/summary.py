"""The summary of a fitted network."""

from __future__ import annotations

from dataclasses import dataclass

from mlelogit.data.frames import list_some
from mlelogit.letters import write_name
from mlelogit.markup import Shown
from mlelogit.networks.record import NetworkRecord

TITLE = "Softmax network by maximum likelihood"


@dataclass(frozen=True, repr=False)
class NetworkSummary(Shown):
    """A network's fit in lines of a word and its value.

    Made by `mlelogit.networks.summary.summarize_network`.

    Attributes
    ----------
    lines : tuple of tuple of str
    notes : tuple of str
    """

    lines: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]

    def __str__(self) -> str:
        width = max(len(word) for word, _ in self.lines)
        rows = [f"{word + ':':{width + 2}}{value}" for word, value in self.lines]
        return "\n".join([TITLE, *rows, *self.notes])


def summarize_network(record: NetworkRecord) -> NetworkSummary:
    """Summarize a network's fit.

    Parameters
    ----------
    record : NetworkRecord

    Returns
    -------
    NetworkSummary

    Examples
    --------
    >>> import mlelogit as ml, torch
    >>> anes = ml.datasets.load_anes96()
    >>> X, y = anes[["age", "educ"]] / 10, anes["vote"]
    >>> res = ml.networks.fit_network(torch.nn.Linear(2, 2), X, y)
    >>> res.summary().lines[0][0]
    'Outcome'
    """
    maximum, encoding = record.maximum, record.encoding
    lines = (
        ("Outcome", f"{write_name(encoding.outcome_name)} ({encoding.outcome_kind})"),
        ("Rows", f"{record.rows.total}"),
        ("Parameters", f"{record.network.size}"),
        ("Method", f"{maximum.method}, {maximum.iterations} iterations"),
        ("Log-likelihood", f"{maximum.loglike:.6f}"),
        ("Cross-entropy", f"{-maximum.loglike:.6f}"),
        ("Penalty", f"{maximum.penalty:.6f}"),
        ("LL-Null", f"{record.llnull:.6f}"),
    )
    point = maximum.certificate
    told = (point.verdict.value, point.tell_gradient(), point.tell_curvature(), point.tell_bound())
    order = f"Categories in order: {list_some(encoding.categories, 20)}."
    notes = (*(line for line in told if line), order)
    return NetworkSummary(lines, notes)
