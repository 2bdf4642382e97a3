"""The outcome as statsmodels takes it: missing values, dummies, and labels of a formula."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from mlelogit.bridges.statsmodels.failures import MissingDataError
from mlelogit.data.arguments import check_choice
from mlelogit.data.features import hold_list
from mlelogit.data.foreign import unmask
from mlelogit.data.frames import as_frame, convert_foreign, list_some
from mlelogit.exceptions import (
    LengthMismatchError,
    OneCategoryError,
    OutcomeError,
    UnusedLevelWarning,
)
from mlelogit.notices import warn_user

MISSING = ("none", "drop", "raise")
SHOWN = 5


@dataclass(frozen=True)
class Kept:
    """An outcome and columns without the rows that have missing values.

    Attributes
    ----------
    endog, exog
        As given, or the rows of them that are left.
    dropped : list of int
        Positions of the rows left out.
    """

    endog: Any
    exog: Any
    dropped: list[int]


def read_outcome(endog: Any) -> Any:
    """Return an outcome that is a Series, a frame or an array of one or two dimensions.

    Raises
    ------
    OutcomeError
        If a table is neither one column nor dummies: counts and probabilities are for
        `mlelogit.MNLogit`, since statsmodels' results take every row for one observation.
    """
    endog = convert_foreign(hold_list(endog))
    if isinstance(endog, pd.Categorical):
        endog = pd.Series(endog)
    if isinstance(endog, pd.DataFrame) and endog.shape[1] == 1:
        endog = endog.iloc[:, 0]
    if isinstance(endog, pd.Series) and _has_masked_dummies(endog.dtype):
        endog = endog.astype(object)
    if not isinstance(endog, pd.Series | pd.DataFrame | np.ma.MaskedArray):
        endog = np.asarray(endog)
    if endog.ndim == 2 and endog.shape[1] == 1 and not isinstance(endog, pd.DataFrame):
        endog = endog[:, 0]
    if endog.ndim == 2 and endog.shape[1] > 1:
        _check_dummies(endog)
    return drop_unused(endog)


def _has_masked_dummies(dtype: Any) -> bool:
    """Tell whether pandas makes dummies of a kind that statsmodels takes for objects."""
    if isinstance(dtype, pd.StringDtype):
        return dtype.na_value is pd.NA
    extension = isinstance(dtype, pd.api.extensions.ExtensionDtype)
    return extension and not isinstance(dtype, pd.CategoricalDtype)


def _check_dummies(endog: Any) -> None:
    try:
        table = _read_dummies(endog)
    except (TypeError, ValueError) as error:
        raise OutcomeError("An outcome of several columns must be dummies, 0 and 1.") from error
    complete = table[~np.isnan(table).any(axis=1)]
    wrong = np.flatnonzero(
        ~(((complete == 0) | (complete == 1)).all(axis=1)) | (complete.sum(axis=1) != 1)
    )
    if wrong.size:
        raise OutcomeError(
            f"An outcome of several columns must be dummies, with a single 1 in every row; row "
            f"{wrong[0]} is {complete[wrong[0]].tolist()}. Counts and probabilities are fitted by "
            "mlelogit.MNLogit(endog, exog), whose results know how many people a row is."
        )


def _read_dummies(endog: Any) -> np.ndarray:
    """Return dummies (n, J), NaN where one is masked."""
    return np.asarray(unmask(endog), dtype=np.float64)


def drop_unused(endog: Any) -> Any:
    """Leave out the categories that no row has: their coefficients would run to infinity.

    Warns
    -----
    UnusedLevelWarning
    """
    if isinstance(endog, pd.Series) and isinstance(endog.dtype, pd.CategoricalDtype):
        kept = endog.cat.remove_unused_categories()
        lost = [label for label in endog.cat.categories if label not in kept.cat.categories]
        _warn_of_unused(lost)
        return kept if lost else endog
    if endog.ndim == 2 and endog.shape[1] > 1:
        used = np.asarray((np.nan_to_num(_read_dummies(endog)) != 0).any(axis=0))
        if used.all():
            return endog
        names = list(endog.columns) if isinstance(endog, pd.DataFrame) else list(range(len(used)))
        _warn_of_unused([name for name, kept in zip(names, used, strict=True) if not kept])
        return endog.loc[:, used] if isinstance(endog, pd.DataFrame) else endog[:, used]
    return endog


def _warn_of_unused(lost: list[Any]) -> None:
    if lost:
        warn_user(f"Categories without a row were left out: {list_some(lost)}.", UnusedLevelWarning)


def check_categories(count: int) -> None:
    """Raise `OneCategoryError` if there is nothing to tell apart."""
    if count < 2:
        raise OneCategoryError("The outcome takes a single value, so there is nothing to model.")


def keep_complete(endog: Any, exog: Any, missing: str) -> Kept:
    """Judge missing values of the outcome and of the columns, by statsmodels' words.

    Parameters
    ----------
    endog : Series, DataFrame or numpy.ndarray
        As of `read_outcome`.
    exog : array-like
        (n, K). What is masked is missing, in both.
    missing : {"none", "drop", "raise"}
        "drop" leaves rows out; the others raise, "none" too: statsmodels would take a missing
        outcome for the base category.

    Raises
    ------
    MissingDataError
        With the number of values and the first rows.
    LengthMismatchError
        If outcome and columns differ in length.
    OptionError
        If `missing` is something else.
    """
    check_choice("missing", missing, MISSING)
    exog = convert_foreign(exog)
    if not isinstance(exog, pd.Series | pd.DataFrame | np.ma.MaskedArray):
        exog = np.asarray(exog)
    if len(endog) != len(exog):
        raise LengthMismatchError(f"endog has {len(endog)} rows, exog {len(exog)}.")
    gaps = {"endog": _find_missing(endog), "exog": _find_missing(exog)}
    incomplete = gaps["endog"] | gaps["exog"]
    if not incomplete.any():
        return Kept(_open(endog), _open(exog), [])
    if missing != "drop":
        raise MissingDataError(_tell_missing(gaps))
    kept = ~incomplete
    return Kept(
        _open(_take(endog, kept)), _open(_take(exog, kept)), np.flatnonzero(incomplete).tolist()
    )


def _find_missing(values: Any) -> np.ndarray:
    if isinstance(values, np.ma.MaskedArray):
        mask = np.ma.getmaskarray(values)
        masked = mask if mask.ndim == 1 else np.asarray(mask.any(axis=1))
        return masked | _find_missing(_open(values))
    if isinstance(values, np.ndarray) and values.dtype.kind in "biuSU":
        return np.zeros(len(values), dtype=bool)
    gaps = np.asarray(pd.isna(values), dtype=bool)
    return gaps if gaps.ndim == 1 else np.asarray(gaps.any(axis=1))


def _take(values: Any, kept: np.ndarray) -> Any:
    return values.loc[kept] if isinstance(values, pd.Series | pd.DataFrame) else values[kept]


def _open(values: Any) -> Any:
    """Return the values of a masked array, hidden ones too; anything else as it is."""
    return np.asarray(values.data) if isinstance(values, np.ma.MaskedArray) else values


def _tell_missing(gaps: dict[str, np.ndarray]) -> str:
    rows = np.flatnonzero(gaps["endog"] | gaps["exog"])
    counts = ", ".join(f"{name} ({int(mask.sum())})" for name, mask in gaps.items() if mask.any())
    return (
        f"exog contains inf or nans, or endog missing values: rows with missing values by input: "
        f"{counts}; first rows by position: {rows[:SHOWN].tolist()}. Pass missing='drop' to leave "
        "these rows out."
    )


@dataclass(frozen=True)
class CodedOutcome:
    """A formula of a frame whose outcome was made numbers, and the labels these stand for."""

    formula: str
    data: Any
    labels: tuple


def take_subset(data: Any, subset: Any) -> Any:
    """Return the rows of a formula's data that labels or truth values choose; masked is missing."""
    frame = convert_foreign(data)
    if isinstance(frame, dict):
        frame = {name: unmask(values) for name, values in frame.items()}
    return frame if subset is None else as_frame(frame).loc[convert_foreign(subset)]


def tell_gaps(formula: Any, data: Any, error: Exception) -> MissingDataError | None:
    """Return the error for missing values that a formula's own error is about; None if it is not.

    Parameters
    ----------
    formula : str
    data : DataFrame or dict
    error : Exception
        Of patsy or formulaic.
    """
    if "missing values" not in str(error) and "null values" not in str(error):
        return None
    said = ""
    if isinstance(data, pd.DataFrame):
        words = set(re.findall(r"\w+", str(formula)))
        gaps = {name: int(data[name].isna().sum()) for name in data.columns if str(name) in words}
        said = ", ".join(f"{name!r} ({count} rows)" for name, count in gaps.items() if count)
    return MissingDataError(
        f"The formula {str(formula)!r} has missing values{f', in {said}' if said else ''}. Pass "
        "missing='drop' to leave these rows out."
    )


def code_outcome(formula: Any, data: Any) -> CodedOutcome | None:
    """Give the labels of a formula's outcome numbers, which statsmodels' formulas need.

    Returns None if the left side is no column, or a column of numbers. The data are not changed.

    Parameters
    ----------
    formula : str
    data : DataFrame or dict
    """
    if not isinstance(formula, str) or "~" not in formula:
        return None
    left, _, right = formula.partition("~")
    wrapped = left.strip().startswith("C(") and left.strip().endswith(")")
    name = left.strip()[2:-1].strip() if wrapped else left.strip().strip("`")
    frame = convert_foreign(data)
    if isinstance(frame, dict):
        frame = pd.DataFrame(frame) if name in frame else frame
    if not isinstance(frame, pd.DataFrame) or name not in frame.columns:
        return None
    column = frame.loc[:, name]
    if column.ndim > 1:
        return None
    plain = pd.api.types.is_numeric_dtype(column.dtype) and column.dtype.kind != "b"
    if plain and not wrapped:
        return None
    labels = pd.Categorical(column)
    codes = np.where(labels.codes < 0, np.nan, labels.codes.astype(np.float64))
    said = f"{name} ~{right}" if wrapped else formula
    names = [str(label) if isinstance(label, bool) else label for label in labels.categories]
    return CodedOutcome(said, frame.assign(**{name: codes}), tuple(names))
