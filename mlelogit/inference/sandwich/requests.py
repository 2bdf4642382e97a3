"""Read which covariance is asked for, and its options, before anything is computed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mlelogit.data.arguments import check_choice, write_value
from mlelogit.data.design import Design, hold_rows
from mlelogit.data.frames import list_some
from mlelogit.data.labels import Labels, read_cluster_labels, read_labels
from mlelogit.exceptions import CovarianceError, OptionError
from mlelogit.inference.sandwich.clusters import CLUSTER_CORRECTIONS, check_clusters
from mlelogit.inference.sandwich.serial import SERIAL_CORRECTIONS, Series, arrange_series, read_lags
from mlelogit.inference.sandwich.survey import LONELY, SurveyDesign, read_survey

# Those that take rows for independent of each other.
PLAIN = ("nonrobust", "opg", "HC0", "HC1", "HC2", "HC3", "robust")
# Kind -> the options it takes, those it needs first.
TAKES = {
    **dict.fromkeys(PLAIN, ()),
    "cluster": ("groups", "correction"),
    "HAC": ("time", "groups", "maxlags", "correction"),
    "survey": ("strata", "psu", "fpc", "lonely"),
}
# Those that take the sum of the weights for the amount of information.
UNIT_BOUND = ("nonrobust", "opg")
NEEDS = {"cluster": "groups", "HAC": "time"}
COVARIANCES = tuple(TAKES)
# Scores, their products summed in some way, between two inverses of the information.
SANDWICHES = ("HC0", "HC1", "HC2", "HC3", "robust", "cluster", "HAC", "survey")


@dataclass(frozen=True)
class ClusterSettings:
    """Clusters of one kind or several, and the correction of their covariance."""

    sets: tuple[Labels, ...]
    correction: str


@dataclass(frozen=True)
class SerialSettings:
    """Periods, perhaps inside groups; the longest lag; and the correction."""

    series: Series
    time: Labels
    groups: Labels | None
    maxlags: int
    correction: str


@dataclass(frozen=True)
class LostSettings:
    """What is known of labels that stood beside rows, and were left behind with them.

    Attributes
    ----------
    most : float
        See `mlelogit.inference.covariance.Covariance.most`.
    options : tuple
        (option, value), labels by their names.
    """

    most: float
    options: tuple[tuple[str, Any], ...]


@dataclass(frozen=True)
class CovarianceRequest:
    """A covariance that is asked for; what it needs beside the rows is read and numbered.

    Attributes
    ----------
    kind : str
        One of `COVARIANCES`.
    settings : ClusterSettings, SerialSettings, SurveyDesign, LostSettings or None
    """

    kind: str
    settings: ClusterSettings | SerialSettings | SurveyDesign | LostSettings | None = None


def lose_settings(settings: Any, most: float) -> LostSettings | None:
    """Return what is known of settings without their labels; None if there are none."""
    if settings is None or isinstance(settings, LostSettings):
        return settings
    if isinstance(settings, ClusterSettings):
        names = [labels.name for labels in settings.sets]
        groups = names[0] if len(names) == 1 else names
        return LostSettings(most, (("groups", groups), ("correction", settings.correction)))
    if isinstance(settings, SurveyDesign):
        return LostSettings(most, tuple({**settings.names, "lonely": settings.lonely}.items()))
    options: dict[str, Any] = {"time": settings.time.name}
    if settings.groups is not None:
        options["groups"] = settings.groups.name
    rest = {"maxlags": settings.maxlags, "correction": settings.correction}
    return LostSettings(most, tuple({**options, **rest}.items()))


def check_kind(kind: Any, what: str = "The covariance") -> None:
    """Raise `OptionError`, and print the list, if a kind is unknown."""
    check_choice(what, kind, COVARIANCES)


def check_weights(kind: str, weight_type: str | None) -> None:
    """Raise `CovarianceError` if a kind is not defined for a type of weights."""
    if kind != "nonrobust" and weight_type == "importance":
        raise CovarianceError(
            f"Covariance {kind!r} is not defined with importance weights, which do not say how "
            "many observations a row stands for; use 'nonrobust', or another weight_type."
        )
    if kind in UNIT_BOUND and weight_type == "sampling":
        raise CovarianceError(
            f"Covariance {kind!r} is not defined with sampling weights: it would shrink if "
            "all weights were doubled, which say how many of the population a row stands for, not "
            "how much was observed. Use 'robust'; or weight_type='importance', with which "
            "'nonrobust' takes the weights as they are."
        )


def read_request(kind: Any, options: Any, find_design: Callable[[], Design]) -> CovarianceRequest:
    """Read a kind and its options.

    Parameters
    ----------
    kind : str
        One of `COVARIANCES`.
    options : dict or None
    find_design : callable
        Returns the design whose rows the options stand beside; called if there is need.

    Raises
    ------
    OptionError
        If the kind, an option or its value is unknown, or one that is needed is missing.
    MNLogitError
        One of its named cases, if labels cannot be read; see `mlelogit.data.labels`.
    """
    check_kind(kind, "cov_type")
    given = check_options(kind, options)
    readers: dict[str, Callable[..., Any]] = {
        "cluster": _read_clusters,
        "HAC": _read_series,
        "survey": _read_survey,
    }
    if kind not in readers:
        return CovarianceRequest(kind)
    design = find_design()
    check_weights(kind, design.weight_type)
    design = design if kind == "cluster" else hold_rows(design)
    return CovarianceRequest(kind, readers[kind](design, **given))


def check_options(kind: str | None, options: Any) -> dict[str, Any]:
    """Return options as a dict, or raise `OptionError` naming those that the kind takes."""
    said = "The default covariance" if kind is None else f"Covariance {kind!r}"
    if options is None:
        options = {}
    if not isinstance(options, dict):
        raise OptionError(f"cov_kwds must be a dict of options, not {write_value(options)}.")
    takes = () if kind is None else TAKES[kind]
    unknown = [name for name in options if name not in takes]
    if unknown:
        listed = f"the options {', '.join(takes)}" if takes else "no options"
        raise OptionError(f"{said} takes {listed} (cov_kwds), not {list_some(unknown)}.")
    needed = NEEDS.get(kind or "")
    if needed is not None and options.get(needed) is None:
        raise OptionError(
            f"{said} needs {needed}=, the name of a column or one label for every row; it takes "
            f"{', '.join(takes)}."
        )
    return dict(options)


def _read_clusters(design: Design, groups: Any, correction: Any = "stata") -> ClusterSettings:
    check_choice("The correction of 'cluster'", correction, tuple(CLUSTER_CORRECTIONS))
    sets = read_cluster_labels(design, groups, "groups")
    check_clusters(sets)
    return ClusterSettings(sets, correction)


def _read_series(
    design: Design, time: Any, groups: Any = None, maxlags: Any = None, correction: Any = "none"
) -> SerialSettings:
    check_choice("The correction of 'HAC'", correction, tuple(SERIAL_CORRECTIONS))
    periods = read_labels(design, time, "time")
    members = None if groups is None else read_labels(design, groups, "groups")
    series = arrange_series(periods, members)
    lags = read_lags(maxlags, series)
    if correction == "CR1" and members is not None and series.members < 2:
        raise CovarianceError("Correction 'CR1' of 'HAC' divides by G - 1, and there is one group.")
    return SerialSettings(series, periods, members, lags, correction)


def _read_survey(
    design: Design, strata: Any = None, psu: Any = None, fpc: Any = None, lonely: Any = "raise"
) -> SurveyDesign:
    check_choice("lonely", lonely, LONELY)
    return read_survey(design, strata, psu, fpc, lonely)
