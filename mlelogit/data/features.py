"""Features and labels for others' checks: what these would misread is refused or kept as it is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from mlelogit.data.frames import check_unique_names, convert_foreign, is_numeric, list_some
from mlelogit.exceptions import ColumnTypeError, MissingDataError


def read_features(X: Any) -> Any:
    """Return features for scikit-learn to check; frames of polars and pyarrow become pandas'.

    Raises
    ------
    ColumnTypeError
        If a column is categorical, text or a date: scikit-learn would turn categories and texts
        that look like numbers into these numbers.
    DuplicateColumnError
        If two columns have the same name.
    MissingDataError
        If an entry is masked.
    """
    X = convert_foreign(open_mask(X, "X"))
    wrong: list[Any] = []
    if isinstance(X, pd.DataFrame):
        check_unique_names(X.columns, "X")
        wrong = [name for i, name in enumerate(X.columns) if not _can_be_number(X.iloc[:, i])]
    elif isinstance(X, np.ndarray) and X.dtype == object and X.ndim == 2:
        texts = np.vectorize(lambda value: isinstance(value, str | bytes), otypes=[bool])
        wrong = np.flatnonzero(texts(X).any(axis=0)).tolist() if X.size else []
    if wrong:
        raise ColumnTypeError(
            f"Features that are no numbers: {list_some(wrong)}. Put a ColumnTransformer with "
            "OneHotEncoder(drop='first') in front, or fit a formula, as in "
            "mlelogit.mnlogit('y ~ x + C(region)', frame)."
        )
    return X


def open_mask(values: Any, what: str) -> Any:
    """Return the values of a masked array of which none is masked; anything else as it is.

    Raises
    ------
    MissingDataError
        If one is masked, whose value scikit-learn would take.
    """
    if not isinstance(values, np.ma.MaskedArray):
        return values
    masked = np.argwhere(np.ma.getmaskarray(values))
    if len(masked):
        raise MissingDataError(
            f"{what} has {len(masked)} masked entries, first in row {masked[0][0]}; leave out such "
            "rows, or fill features and put an imputer in front."
        )
    return np.asarray(values.data)


def hold_list(values: Any) -> Any:
    """Return a list whose values numpy would all turn into texts, NaN too, as an array of objects.

    Anything else as it is.
    """
    if not isinstance(values, list | tuple):
        return values
    array = np.asarray(values)
    if array.dtype.kind not in "US" or all(isinstance(value, str) for value in values):
        return values
    held = np.empty(len(values), dtype=object)
    held[:] = values
    return held


def _can_be_number(column: pd.Series) -> bool:
    """Tell whether a column holds numbers, or objects for scikit-learn to judge."""
    if column.dtype != object:
        return is_numeric(column)
    return not any(isinstance(value, str | bytes) for value in column)


def name_constant(names: tuple[str, ...]) -> str:
    """Return a name for the constant that no feature has."""
    name = "const"
    while name in names:
        name = f"_{name}"
    return name


def add_constant(X: Any, wanted: bool) -> Any:
    """Return features (n, K) as a new array of doubles or float32, a constant in front if wanted.

    Sparse ones stay sparse.
    """
    dtype: Any = np.float32 if X.dtype == np.float32 else np.float64
    if hasattr(X, "tocsr"):
        X = X.tocsr().astype(dtype)
        ones: Any = np.ones((X.shape[0], 1), dtype=dtype)
        return sparse.hstack([sparse.csr_array(ones), X], format="csr") if wanted else X
    first = int(wanted)
    both = np.empty((X.shape[0], X.shape[1] + first), dtype=dtype)
    both[:, :first] = 1.0
    both[:, first:] = X
    return both
