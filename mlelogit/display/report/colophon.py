"""How to cite a fit and how to make it again."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version

from mlelogit.display.report.calls import write_call
from mlelogit.display.report.content import Facts, Heading, Items, Paragraph, Part, Snippet
from mlelogit.display.report.scope import Scope
from mlelogit.inference.sandwich.requests import SANDWICHES
from mlelogit.version import VERSION

PACKAGES = ("numpy", "scipy", "pandas", "statsmodels", "formulaic", "scikit-learn", "matplotlib")
TITLE = "mlelogit: multinomial logit by explicit maximum likelihood"
AUTHOR = "The mlelogit developers"
MODEL = (
    "McFadden, D. (1974). Conditional logit analysis of qualitative choice behavior. In P. "
    "Zarembka (ed.), Frontiers in Econometrics, 105-142. Academic Press."
)
REFERENCES = {
    "mean": (
        "Firth, D. (1993). Bias reduction of maximum likelihood estimates. Biometrika 80, 27-38."
    ),
    "median": (
        "Kenne Pagui, E. C., Salvan, A. and Sartori, N. (2017). Median bias reduction of maximum "
        "likelihood estimates. Biometrika 104, 923-938."
    ),
    "opg": (
        "Berndt, E. K., Hall, B. H., Hall, R. E. and Hausman, J. A. (1974). Estimation and "
        "inference in nonlinear structural models. Annals of Economic and Social Measurement 3, "
        "653-665."
    ),
    "sandwich": (
        "White, H. (1982). Maximum likelihood estimation of misspecified models. Econometrica 50, "
        "1-25."
    ),
    "cluster": (
        "Cameron, A. C. and Miller, D. L. (2015). A practitioner's guide to cluster-robust "
        "inference. Journal of Human Resources 50, 317-372."
    ),
    "survey": (
        "Binder, D. A. (1983). On the variances of asymptotically normal estimators from complex "
        "surveys. International Statistical Review 51, 279-292."
    ),
    "separation": (
        "Albert, A. and Anderson, J. A. (1984). On the existence of maximum likelihood estimates "
        "in logistic regression models. Biometrika 71, 1-10."
    ),
}


def write_citation(scope: Scope) -> Iterator[Part]:
    """Say how to cite the package and the methods used, and describe the fit for a paper."""
    yield Heading("A sentence for the paper")
    yield Paragraph(_describe(scope))
    yield Heading("References")
    yield Items((f"{AUTHOR}. {TITLE}. Version {VERSION}.", MODEL, *_list_methods(scope)))
    entry = "\n".join(
        [
            "@software{mlelogit,",
            f"  author  = {{{{{AUTHOR}}}}},",
            f"  title   = {{{TITLE}}},",
            f"  version = {{{VERSION}}},",
            "}",
        ]
    )
    yield Snippet(entry, "BibTeX entry of the package")


def _describe(scope: Scope) -> str:
    maximum, record = scope.record.maximum, scope.record
    how = {
        None: "maximum likelihood",
        "mean": "bias-reduced maximum likelihood (Firth 1993)",
        "median": "median bias-reduced estimation (Kenne Pagui, Salvan and Sartori 2017)",
    }[maximum.bias_reduction]
    held = " under linear constraints" if record.constraints is not None else ""
    weights = f", with {record.weight_type} weights" if record.weight_type else ""
    errors = "" if scope.covariance.omitted else f"; standard errors are {scope.covariance.kind}"
    found = ""
    if maximum.converged and maximum.adjusted is None:
        found = (
            "; the coefficients are certified to lie within "
            f"{maximum.certificate.error_bound:.1e} standard errors of the exact maximum"
        )
    return (
        f"We fitted a multinomial logit of {scope.outcome} (base category {scope.base}) to "
        f"{record.nobs:,.10g} observations by {how}{held}{weights}, with mlelogit "
        f"{VERSION}{errors}{found}."
    )


def _list_methods(scope: Scope) -> list[str]:
    kind = scope.covariance.kind
    used = {
        "mean": scope.record.maximum.bias_reduction == "mean",
        "median": scope.record.maximum.bias_reduction == "median",
        "opg": kind == "opg",
        "sandwich": kind in SANDWICHES,
        "cluster": kind == "cluster",
        "survey": kind == "survey",
        "separation": scope.record.separation.found,
    }
    return [REFERENCES[name] for name, needed in used.items() if needed]


def write_reproduction(scope: Scope) -> Iterator[Part]:
    """Say how the fit and this page are made again: the call, versions and seeds."""
    yield Snippet(write_call(scope), "Python that makes this fit again, and checks that it did")
    if scope.provenance:
        yield Facts(tuple(scope.provenance.items()))
    yield Facts(tuple(_list_versions(scope)))


def _list_versions(scope: Scope) -> Iterator[tuple[str, str]]:
    yield "mlelogit", VERSION
    yield "Python", f"{platform.python_version()} ({platform.system()}, {platform.machine()})"
    for name in PACKAGES:
        try:
            yield name, version(name)
        except PackageNotFoundError:
            yield name, "not installed"
    yield "Seed", f"{scope.seed}, of all that is random on this page"
    yield "Intervals", f"cover with probability {1 - scope.alpha:.6g}"
