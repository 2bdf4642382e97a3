"""Read a csv."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import pandas as pd

from mlelogit.data.frames import check_unique_names
from mlelogit.notices import in_turn


@in_turn
def read_csv(path: str, missing: Sequence[str] | None = None) -> pd.DataFrame:
    """Read a csv whose columns have different names; see `mlelogit.data.readers.read_data`."""
    header = pd.read_csv(path, header=None, nrows=1, dtype=str).iloc[0]
    check_unique_names(header.dropna().tolist(), path)
    with warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)
        return pd.read_csv(
            path,
            low_memory=False,
            index_col=False,
            na_values=missing,
            keep_default_na=missing is None,
        )
