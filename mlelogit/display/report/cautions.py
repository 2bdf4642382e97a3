"""What was warned of, in plain words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mlelogit.data.outcome import order_labels
from mlelogit.display.escapes import write_name
from mlelogit.display.report.cells import count_words, list_words, write_share
from mlelogit.display.report.content import Items, Notice, Paragraph, Part
from mlelogit.display.report.scope import Scope, attempt
from mlelogit.display.report.wording import explain, tell
from mlelogit.display.summary import LARGE_CONDITION
from mlelogit.exceptions import CollinearityWarning, UnusedLevelWarning
from mlelogit.fitting.report import warn_if_not_converged
from mlelogit.inference.covariance import estimate_covariance
from mlelogit.inference.testing.hauck_donner import MEANING, find_hauck_donner
from mlelogit.notices import Heard, hear_warnings

# Below so many observations of the rarest category for each of its coefficients, maximum
# likelihood is noticeably biased (de Jong et al. 2019, Statistics in Medicine 38, 1601-1619).
FEW_PER_COEFFICIENT = 10


def write_warnings(scope: Scope, elsewhere: Sequence[tuple[str, int]] = ()) -> Iterator[Part]:
    """Say what was warned of, what it means and what to do.

    Parameters
    ----------
    scope : Scope
    elsewhere : sequence of (str, int)
        Titles of other sections, and how many warnings stand there.
    """
    notices: list[Part] = [explain(heard) for heard in hear_again(scope)]
    notices += _look_further(scope)
    if not notices:
        yield Notice(
            "good",
            "Nothing was warned of" + (" when the model was fitted" if elsewhere else ""),
            (("", "Neither the data nor the climb nor the standard errors gave a reason to."),),
        )
    yield from notices
    if elsewhere:
        yield Paragraph("More was said while other sections were computed, and stands there:")
        yield Items(tuple(f"{title}: {count_words(n, 'warning')}" for title, n in elsewhere))


def hear_again(scope: Scope) -> list[Heard]:
    """Return the warnings that led to this fit, as they can be told from it."""
    record, encoding, covariance = scope.record, scope.encoding, scope.covariance
    with hear_warnings() as heard:
        warn_if_not_converged(record)
        if len({type(category) for category in encoding.categories}) > 1:
            order_labels(list(encoding.categories))
        if covariance.request is not None and record.blocks is not None:
            estimate_covariance(record, covariance.request)
    if encoding.omitted:
        said = f"Left out: {list_words(encoding.omitted.values())}."
        heard.append(Heard(CollinearityWarning, said))
    if record.audit.unused:
        said = f"Categories of {scope.outcome} without a row: {list_words(record.audit.unused)}."
        heard.append(Heard(UnusedLevelWarning, said))
    return heard


def _look_further(scope: Scope) -> Iterator[Part]:
    """Tell what is no warning of the fit, and can mislead whoever reads it."""
    record = scope.record
    if record.weight_type == "sampling":
        yield tell(
            "Sampling weights",
            "Rows stand for different numbers of the population.",
            "The log-likelihood is a pseudo-likelihood: likelihood-ratio tests and information "
            "criteria do not apply, and are left out.",
            "Read Wald tests, which use the robust covariance.",
            "plain",
        )
    if record.basis.condition_number > LARGE_CONDITION:
        yield tell(
            "Some columns are nearly combinations of others",
            f"The condition number of the scaled columns is {record.basis.condition_number:.2g}; a "
            f"hundred is moderate, {LARGE_CONDITION:g} is large (Belsley, Kuh and Welsch 1980).",
            "The data hardly tell such columns' effects apart, so that their standard errors are "
            "large. Probabilities and tests of all of them together do not suffer.",
            "Centre columns before squaring or multiplying them, and do not read such "
            "coefficients one by one.",
        )
    yield from _tell_rare(scope)
    yield from attempt("The check for the Hauck-Donner effect", _tell_hauck_donner, scope)


def _tell_rare(scope: Scope) -> Iterator[Part]:
    record, encoding = scope.record, scope.encoding
    counted = record.weight_type not in ("sampling", "importance")
    if not counted or record.separation.found or record.maximum.bias_reduction is not None:
        return
    totals = [record.audit.categories[label] for label in encoding.categories]
    rarest = min(range(len(totals)), key=totals.__getitem__)
    columns = len(encoding.names)
    if totals[rarest] >= FEW_PER_COEFFICIENT * columns:
        return
    share = write_share(totals[rarest] / sum(totals))
    yield tell(
        "A category is rare for so many coefficients",
        f"{write_name(encoding.category_names[rarest])} has {totals[rarest]:,.10g} observations "
        f"({share}), and each equation {columns} coefficients.",
        f"Below some {FEW_PER_COEFFICIENT} observations of a category for each coefficient "
        "estimates tend to be too far from zero, and Wald intervals rough (de Jong et al. 2019).",
        "Compare with fit(bias_reduction='mean') and with conf_int(method='profile'); join "
        "categories or drop columns.",
    )


def _tell_hauck_donner(scope: Scope) -> Iterator[Part]:
    found = find_hauck_donner(scope.record)
    start, stop = (scope.encoding.terms or {}).get("1", (0, 0))
    constant = scope.encoding.names[start:stop]
    flagged = found[found["flag"].eq(True).fillna(False)]
    names = [f"{category}: {name}" for category, name in flagged.index if name not in constant]
    if names:
        yield tell(
            "Some Wald tests are misled (Hauck-Donner effect)",
            f"{list_words(names)}.",
            f"There {MEANING}.",
            "Read the likelihood-ratio tests of terms, and ask for conf_int(method='profile').",
        )
