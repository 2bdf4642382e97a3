"""statsmodels' words for covariances, methods and options of solvers, in this package's."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from mlelogit.data.arguments import check_choice
from mlelogit.data.features import hold_list
from mlelogit.data.foreign import unmask
from mlelogit.data.frames import list_some
from mlelogit.exceptions import OptionError
from mlelogit.inference.sandwich.requests import PLAIN

# Solvers that this package does not have take the way it finds best: there is one maximum.
METHODS = {
    "newton": "auto",
    "bfgs": "bfgs",
    "lbfgs": "lbfgs",
    "cg": "cg",
    "ncg": "ncg",
    "nm": "auto",
    "powell": "auto",
    "basinhopping": "auto",
    "minimize": "auto",
}
# What tells statsmodels' solvers when to stop, or how to walk; the certificate ends a climb here.
WITHOUT_EFFECT = (
    *("tol", "xtol", "ftol", "gtol", "pgtol", "factr", "avextol", "norm", "epsilon", "m"),
    *("maxfun", "maxls", "loglike_and_score", "approx_grad", "fhess_p", "start_direc"),
    *("niter", "niter_success", "T", "stepsize", "interval", "minimizer", "seed", "min_method"),
    *("ridge_factor", "fargs", "skip_hessian"),
)
# statsmodels' default, made for its own Newton steps: no limit is meant by it.
DEFAULT_MAXITER = 35
# What statsmodels' fits with a penalty read besides their own arguments, by method.
PENALIZED = {"l1": ("acc",), "l1_cvxopt_cp": ("abstol", "reltol", "feastol", "refinement")}
PENALIZED_TAKES = (
    *("maxiter", "full_output", "disp", "callback", "alpha"),
    *("trim_mode", "auto_trim_tol", "size_trim_tol", "qc_tol", "qc_verbose"),
    *("retall", "cov_type", "cov_kwds", "use_t", "warn_convergence"),
)
KINDS = {
    "nonrobust": "nonrobust",
    **{name.lower(): name for name in PLAIN},
    "hac": "HAC",
    "cluster": "cluster",
    "hac-panel": "hac-panel",
    "nw-panel": "hac-panel",
    "hac-groupsum": "hac-groupsum",
    "nw-groupsum": "hac-groupsum",
}
TAKES = {
    "cluster": ("groups", "use_correction", "correction", "df_correction"),
    "HAC": ("maxlags", "use_correction", "kernel", "weights_func"),
    "hac-panel": (
        *("groups", "time", "maxlags", "use_correction"),
        *("kernel", "weights_func", "df_correction"),
    ),
    "hac-groupsum": (
        *("time", "maxlags", "use_correction"),
        *("kernel", "weights_func", "df_correction"),
    ),
}
CLUSTERED: dict[Any, str] = {False: "CR0", None: "CR0", True: "CR1"}
DEFAULTS = {"cluster": True, "HAC": False, "hac-panel": "hac", "hac-groupsum": "cluster"}
SERIAL: dict[Any, str] = {False: "none", None: "none", True: "HC1", "hac": "HC1"}
PANEL = {**SERIAL, "cluster": "CR1", "clu": "CR1", "c": "CR1"}


@dataclass(frozen=True)
class Wanted:
    """A covariance that is asked for.

    Attributes
    ----------
    name : str
        What statsmodels calls it.
    kind : str
        What it is called here.
    options : dict
        As of `mlelogit.inference.covariance.estimate_covariance`.
    said : dict
        What results keep in ``cov_kwds``.
    scale : float or None
        What the covariance is multiplied by.
    by_groups : bool
        Whether the t distribution has as many degrees of freedom as groups less one.
    """

    name: str
    kind: str
    options: dict[str, Any] = field(default_factory=dict)
    said: dict[str, Any] = field(default_factory=dict)
    scale: float | None = None
    by_groups: bool = False


def find_method(method: Any) -> str:
    """Return this package's word for a solver of statsmodels; raise `OptionError` if unknown."""
    check_choice("method", method, tuple(METHODS))
    return METHODS[method]


def check_solver_options(options: dict[str, Any]) -> None:
    """Raise `OptionError` if an option is unknown or would change the answer."""
    if options.get("bounds") is not None:
        raise OptionError(
            "bounds would change the maximum; mlelogit.MNLogit(...).fit(constraints=...) fits "
            "under bounds and tests them."
        )
    unknown = [name for name in options if name not in WITHOUT_EFFECT and name != "bounds"]
    if unknown:
        raise OptionError(
            f"fit has no option {list_some(unknown)}; it takes those of statsmodels' solvers, "
            "cov_type, cov_kwds, use_t, retall and warn_convergence."
        )


def check_penalized_options(method: Any, options: dict[str, Any], nobs: int) -> None:
    """Raise `OptionError` if a fit with a penalty would ignore an option, or misread it.

    Its covariances are statsmodels', which has HC0 under the names of HC1, HC2 and HC3.
    """
    check_choice("method", method, tuple(PENALIZED))
    takes = PENALIZED_TAKES + PENALIZED[method]
    unknown = [name for name in options if name not in takes]
    if unknown:
        raise OptionError(
            f"fit_regularized of method {method!r} has no option {list_some(unknown)}; it takes "
            f"{', '.join(takes)}."
        )
    alpha = np.asarray(options.get("alpha", 0.0))
    if alpha.dtype.kind not in "biuf" or not (np.isfinite(alpha) & (alpha >= 0)).all():
        raise OptionError(f"alpha is finite and not negative, not {options['alpha']!r}.")
    cov_type, cov_kwds = options.get("cov_type"), options.get("cov_kwds")
    wanted = read_covariance(cov_type or "nonrobust", cov_kwds, nobs)
    if (wanted.kind in PLAIN and wanted.kind not in ("nonrobust", "HC0")) or (
        (cov_kwds or {}).get("correction") is not None
    ):
        raise OptionError(
            f"After a penalty statsmodels has no covariance {cov_type!r}"
            f"{' with a correction' if wanted.kind not in PLAIN else ''}; take 'nonrobust', 'HC0', "
            "'cluster' or one of its 'HAC', or fit without a penalty."
        )


def read_covariance(cov_type: Any, cov_kwds: Any, nobs: int) -> Wanted:
    """Read ``cov_type`` and ``cov_kwds`` of a fit.

    Clusters: ``use_correction`` True (default) is CR1, False CR0; ``correction`` is one of this
    package's. "HAC": rows in their order are periods. "hac-panel": groups, or times that start
    anew, cut the rows in series, in which rows in their order are periods. "hac-groupsum": scores
    are summed by time first. The kernel is Bartlett's.

    Raises
    ------
    OptionError
        If a kind, an option or its value is none of these, or one that is needed is missing.
    """
    if not isinstance(cov_type, str):
        raise OptionError(f"cov_type must be a string, not {type(cov_type).__name__}.")
    if cov_type.lower() not in KINDS:
        check_choice("cov_type", cov_type, tuple(dict.fromkeys(KINDS.values())))
    name, given = KINDS[cov_type.lower()], dict(cov_kwds or {})
    scale = given.pop("scaling_factor", None)
    if name in PLAIN:
        _check_options(name, given, ())
        return Wanted(name, name, scale=scale)
    _check_options(name, given, TAKES[name])
    _check_kernel(given)
    kept = {"use_correction": DEFAULTS[name], **given, "scaling_factor": scale}
    by_groups = name != "HAC" and _read_truth(given, "df_correction")
    if name == "cluster":
        return Wanted(name, "cluster", _read_clusters(given), kept, scale, by_groups)
    _need(name, given, "maxlags")
    lags = {"maxlags": given["maxlags"]}
    if name == "HAC":
        correction = _choose(given.get("use_correction", DEFAULTS[name]), SERIAL)
        options = {"time": np.arange(nobs), "correction": correction, **lags}
    elif name == "hac-groupsum":
        _need(name, given, "time")
        correction = _choose(given.get("use_correction", DEFAULTS[name]), PANEL)
        options = {"time": np.asarray(given["time"]), "correction": correction, **lags}
    else:
        correction = _choose(given.get("use_correction", DEFAULTS[name]), PANEL)
        options = {**_number_series(given), "correction": correction, **lags}
    return Wanted(name, "HAC", options, kept, scale, by_groups)


def _check_options(name: str, given: dict[str, Any], takes: tuple[str, ...]) -> None:
    unknown = [option for option in given if option not in takes]
    if unknown:
        listed = ", ".join((*takes, "scaling_factor"))
        raise OptionError(f"Covariance {name!r} takes {listed}, not {list_some(unknown)}.")


def _need(name: str, given: dict[str, Any], option: str) -> None:
    if given.get(option) is None:
        raise OptionError(f"Covariance {name!r} needs {option}= in cov_kwds.")


def _check_kernel(given: dict[str, Any]) -> None:
    for option in ("kernel", "weights_func"):
        kernel = given.get(option)
        name = kernel if isinstance(kernel, str) else getattr(kernel, "__name__", kernel)
        if name not in (None, "bartlett", "weights_bartlett"):
            raise OptionError(f"{option} is Bartlett's here, not {name!r}.")


def _read_truth(given: dict[str, Any], option: str) -> bool:
    """Return a truth value, True if it is not given."""
    value = given.get(option)
    if not (value is None or isinstance(value, bool | np.bool_)):
        raise OptionError(f"{option} is True or False, not {value!r}.")
    return value is None or bool(value)


def _choose(given: Any, words: dict[Any, str]) -> str:
    try:
        return words[given]
    except (KeyError, TypeError) as error:
        said = ", ".join(
            ["True", "False", *(repr(word) for word in words if isinstance(word, str))]
        )
        raise OptionError(f"use_correction is one of {said}, not {given!r}.") from error


def _read_clusters(given: dict[str, Any]) -> dict[str, Any]:
    _need("cluster", given, "groups")
    if given.get("correction") is not None and given.get("use_correction") is not None:
        raise OptionError("Give use_correction or correction, not both.")
    corrected = _choose(given.get("use_correction", DEFAULTS["cluster"]), CLUSTERED)
    return {
        "groups": _lay_out_groups(given["groups"]),
        "correction": given.get("correction") or corrected,
    }


def _lay_out_groups(groups: Any) -> Any:
    """Return labels (n,), or a frame with a column for each kind of them."""
    groups = hold_list(unmask(groups))
    if isinstance(groups, str | pd.DataFrame) or hasattr(groups, "columns"):
        return groups
    if not hasattr(groups, "shape"):
        parts = [np.squeeze(np.asarray(hold_list(unmask(part)))) for part in groups]
        if not parts or parts[0].ndim == 0:
            return np.asarray(groups)
        return pd.DataFrame({f"groups[{i}]": part for i, part in enumerate(parts)})
    array = np.squeeze(np.asarray(groups))
    if array.ndim == 2:
        return pd.DataFrame({f"groups[{i}]": array[:, i] for i in range(array.shape[1])})
    return array


def _number_series(given: dict[str, Any]) -> dict[str, np.ndarray]:
    """Return the series that every row is of, and its place there."""
    if given.get("groups") is not None:
        labels = np.asarray(given["groups"])
        starts = labels[1:] != labels[:-1]
    elif given.get("time") is not None:
        times = np.asarray(given["time"])
        starts = times[1:] < times[:-1]
    else:
        raise OptionError("Covariance 'hac-panel' needs groups= or time= in cov_kwds.")
    series = np.concatenate([[0], np.cumsum(starts)])
    first = np.concatenate([[0], np.flatnonzero(starts) + 1])
    return {"groups": series, "time": np.arange(len(series)) - first[series]}
