"""The likelihood: its profile along a combination of coefficients, and the climb to the top."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy.special import chdtri

from mlelogit.data.arguments import is_whole
from mlelogit.data.hypotheses.combinations import read_combinations
from mlelogit.data.hypotheses.restrictions import Restriction
from mlelogit.display.plots.canvas import Canvas
from mlelogit.display.plots.style import (
    FAINT,
    PAPER,
    RULE,
    entitle,
    finish,
    look_of_mark,
    name_axes,
    pick_color,
    pick_dashes,
    place_legend,
    use_log_scale,
    use_plain_numbers,
    use_whole_numbers,
    write_coverage,
    write_short,
)
from mlelogit.fitting.certificate import EPSILON
from mlelogit.fitting.record import FitRecord
from mlelogit.inference.coefficients import check_alpha, frame_trace
from mlelogit.inference.covariance import Covariance, estimate_model_covariance, rests_on_model
from mlelogit.inference.intervals.contrasts import combine_coefficients
from mlelogit.inference.intervals.inversion import invert_tests, profile_frame

WIDTH, HEIGHT = 5.0, 3.3
PENALIZED = "The log-likelihood is penalized, to reduce bias."
OTHER_COVARIANCE = "The {} covariance does not enter it."
BESIDE = 2.3
# Of an infinite estimate the profile is drawn from where it is this unlikely,
FAR_ALPHA = 1e-3
# to so many times as far on the other side of the interval's end.
BEYOND = 4.0
# The share of the curve that goes on beyond the ends of its interval, so that it is seen to cross.
BEYOND_ENDS = 0.1


def plot_profile(
    record: FitRecord,
    covariance: Covariance,
    combination: Any,
    alpha: float = 0.05,
    points: Any = 61,
    disp: bool | None = None,
    canvas: Canvas | None = None,
) -> Any:
    """Draw the profile log-likelihood of a coefficient or combination.

    With it go the parabola that Wald's interval supposes it to be, ``-(t - b)² / (2 se²)`` with
    the standard error of the model, and the level at which both intervals are cut,
    ``-χ² / 2`` (Pawitan 2001, In All Likelihood, section 2.9).

    Parameters
    ----------
    record : FitRecord
    covariance : Covariance
    combination : str or tuple or array-like
        One, as `mlelogit.data.hypotheses.combinations.read_combinations` reads it.
    alpha : float
        The intervals cover with probability ``1 - alpha``.
    points : int or array-like
        See `mlelogit.inference.intervals.inversion.profile_frame`.
    disp : bool, optional
        Whether to show progress; on a terminal only if not given.
    canvas : Canvas, optional

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ParamsError, OptionError, IntervalError
        As `mlelogit.inference.intervals.inversion.profile_frame` does.

    Examples
    --------
    >>> import mlelogit as ml
    >>> from matplotlib.figure import Figure
    >>> res = ml.mnlogit("vote ~ age + educ", ml.datasets.load_anes96()).fit()
    >>> res.plot.profile("Dole: age", ax=Figure()).get_ylabel()
    'Log-likelihood less its maximum'
    """
    cut = -float(chdtri(1, check_alpha(alpha))) / 2
    asked = read_combinations(combination, record.encoding)
    where = _find_points(record, asked, points, disp)
    frame = profile_frame(record, combination, where, disp)
    ends = invert_tests(record, asked, alpha, "profile", disp)[0]
    if is_whole(where) and (wider := _reach_ends(frame, ends)) is not None:
        frame = profile_frame(record, combination, wider, disp)
    model = estimate_model_covariance(record)
    wald = combine_coefficients(record, model, combination, alpha).iloc[0]
    ax = (canvas or Canvas()).open_axes(WIDTH + BESIDE, HEIGHT, "y")
    known = pd.notna(wald["std_err"]) and wald["std_err"] > 0 and np.isfinite(wald["estimate"])
    handles, names = _draw_curves(ax, frame, wald if known else None)
    level = ax.axhline(cut, color=FAINT, linewidth=1.0, linestyle="--", zorder=1)
    _draw_ends(ax, ends, cut, 0)
    if known:
        _draw_ends(ax, wald[["lower", "upper"]].to_numpy(dtype=float), cut, 1)
        names[1] += f"\n{_write_ends(wald[['lower', 'upper']])}"
    names[0] += f"\n{_write_ends(ends)}"
    place_legend(ax, [*handles, level], [*names, f"cut of {write_coverage(alpha)}\nintervals"])
    use_plain_numbers(ax.xaxis)
    use_plain_numbers(ax.yaxis)
    name_axes(ax, asked.said, "Log-likelihood less its maximum")
    notes = [
        f"Curves meet the dashed line at the ends of {write_coverage(alpha)} intervals.",
        "" if rests_on_model(record, covariance) else OTHER_COVARIANCE.format(covariance.kind),
        PENALIZED if record.maximum.adjusted else "",
    ]
    entitle(ax, "Profile log-likelihood", notes, WIDTH)
    return finish(ax)


def _find_points(record: FitRecord, asked: Restriction, points: Any, disp: bool | None) -> Any:
    """Return the points, those of an infinite estimate beside the end of its interval."""
    if len(asked) != 1 or not is_whole(points) or not record.separation.found:
        return points
    levels = (0.05, FAR_ALPHA)
    ends, far = (invert_tests(record, asked, level, "profile", disp)[0] for level in levels)
    open_ends = np.isinf(ends)
    if open_ends.sum() != 1 or not np.isfinite(far[~open_ends]).all():
        return points
    end, start = float(ends[~open_ends][0]), float(far[~open_ends][0])
    return np.linspace(start, end + BEYOND * (end - start), int(points))


def _reach_ends(frame: pd.DataFrame, ends: np.ndarray) -> np.ndarray | None:
    """Return points that reach beyond the interval's ends where those of a frame do not."""
    held, kept = frame["value"].to_numpy(), ends[np.isfinite(ends)]
    if not kept.size or (held[0] < kept.min() and kept.max() < held[-1]):
        return None
    low, high = min(held[0], kept.min()), max(held[-1], kept.max())
    room = BEYOND_ENDS * (high - low)
    low, high = (low - room * (low == kept.min()), high + room * (high == kept.max()))
    return np.linspace(low, high, len(held))


def _draw_curves(ax: Any, frame: pd.DataFrame, wald: pd.Series | None) -> tuple[list, list[str]]:
    values = frame["value"].to_numpy()
    handles = ax.plot(values, -(frame["signed_root"] ** 2) / 2, color=pick_color(0), linewidth=2.0)
    names = ["profile"]
    bottom = float(np.nanmin(-(frame["signed_root"] ** 2) / 2))
    if wald is not None:
        parabola = -(((values - wald["estimate"]) / wald["std_err"]) ** 2) / 2
        look = {"color": pick_color(1), "linestyle": pick_dashes(1), "linewidth": 1.6}
        handles += ax.plot(values, parabola, **look)
        names.append("Wald's parabola")
        ax.axvline(wald["estimate"], color=RULE, linewidth=0.8, linestyle=":", zorder=1)
        bottom = min(bottom, float(parabola.min()))
    ax.set_ylim(1.06 * min(bottom, -1e-3), -0.03 * min(bottom, -1e-3))
    return handles, names


def _draw_ends(ax: Any, ends: np.ndarray, cut: float, i: int) -> None:
    kept = np.asarray(ends)[np.isfinite(ends)]
    look = look_of_mark(i) | {"markerfacecolor": PAPER, "markeredgewidth": 1.6}
    ax.plot(kept, np.full(len(kept), cut), zorder=4, **look)


def _write_ends(ends: Any) -> str:
    low, high = (write_short(float(end)).replace("inf", "∞") for end in ends)
    return f"{low} to {high}".replace("nan", "not known")


def plot_trace(record: FitRecord, canvas: Canvas | None = None) -> Any:
    """Draw the climb: how much log-likelihood was left to gain at every point of it.

    The gap to the answer is known up to the rounding of a log-likelihood, below which points are
    drawn hollow on its line. What half the squared score says is left, ``s' V s / 2``, goes
    deeper: with a Newton step it is exact where the log-likelihood is a parabola.

    Parameters
    ----------
    record : FitRecord
    canvas : Canvas, optional

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    MissingExtraError
        If matplotlib is not installed.

    Examples
    --------
    >>> import mlelogit as ml
    >>> from matplotlib.figure import Figure
    >>> res = ml.mnlogit("vote ~ age + educ", ml.datasets.load_anes96()).fit()
    >>> res.plot.trace(ax=Figure()).get_yscale()
    'log'
    """
    trace = frame_trace(record)
    # What reduces the bias of the median maximizes nothing.
    known = record.maximum.bias_reduction != "median"
    floor = EPSILON * max(abs(record.sums.loglike), 1.0)
    top = float(trace["loglike"].max()) if known else np.nan
    gaps = top - trace["loglike"].to_numpy()
    score = trace["score_norm"].to_numpy() ** 2 / 2
    ax = (canvas or Canvas()).open_axes(WIDTH + BESIDE, HEIGHT, "y")
    _set_heights(ax, np.concatenate([np.maximum(gaps, floor), score] if known else [score]))
    handles: list[Any] = []
    names: list[str] = []
    if known:
        handles, names = _draw_gaps(ax, trace["stage"], gaps, floor)
    drawn = np.where(score > 0, score, np.nan)
    look = {"color": RULE, "linestyle": pick_dashes(2), "linewidth": 1.2, "zorder": 2}
    dots = {"marker": ".", "markersize": 5, "markeredgewidth": 0.8}
    handles += ax.plot(np.arange(len(trace)), drawn, **look, **dots)
    names.append("left by the score:\nhalf its squared length")
    place_legend(ax, handles, names, "Stage")
    ax.set_xlim(-0.5, len(trace) - 0.5)
    use_whole_numbers(ax.xaxis)
    what = "Log-likelihood to gain" if known else "Half the squared score"
    name_axes(ax, "Point of the climb (0 = start)", f"{what} (log scale)")
    said = PENALIZED if known and record.maximum.adjusted else ""
    entitle(ax, "The climb to the maximum", [_say_end(record), said], WIDTH)
    return finish(ax)


def _set_heights(ax: Any, values: np.ndarray) -> None:
    kept = values[np.isfinite(values) & (values > 0)]
    use_log_scale(ax, "y", float(kept.min()) / 5, float(kept.max()) * 5)


def _draw_gaps(ax: Any, stages: pd.Series, gaps: np.ndarray, floor: float) -> tuple[list, list]:
    x, hidden = np.arange(len(gaps)), gaps <= floor
    shown = np.maximum(gaps, floor)
    ax.plot(x, shown, color=FAINT, linewidth=1.0, zorder=2)
    handles: list[Any] = []
    names = []
    for i, stage in enumerate(dict.fromkeys(stages)):
        mine = (stages == stage).to_numpy()
        handles += ax.plot(x[mine], shown[mine], zorder=4, **look_of_mark(i))
        names.append(str(stage))
    inside = look_of_mark(0, 2.5) | {"color": PAPER, "zorder": 5}
    ax.plot(x[hidden], shown[hidden], **inside)
    handles.append(ax.axhline(floor, color=FAINT, linestyle="--", linewidth=0.9, zorder=1))
    names.append("rounding of the\nlog-likelihood")
    return handles, names


def _say_end(record: FitRecord) -> str:
    maximum = record.maximum
    certificate = record.separation.certificate or maximum.certificate
    if maximum.adjusted is not None:
        return f"{maximum.status.value}"
    where = "In the limit of the separated data: " if record.separation.found else ""
    ended = "Certified" if certificate.holds else "Not certified"
    return f"{where}{ended}: {certificate}."
