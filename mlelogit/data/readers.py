"""Read a table from a file."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from mlelogit.data.delimited import read_csv
from mlelogit.data.files import check_source
from mlelogit.exceptions import DataFileError, MNLogitError


def read_data(path: str, missing: Sequence[str] | None = None) -> pd.DataFrame:
    """Read a csv file.

    Parameters
    ----------
    path : str
    missing : sequence of str, optional
        Entries of a csv that mean a missing value; pandas' list if not given.

    Raises
    ------
    DataFileError
        If it is absent, empty, no csv, or its rows are longer than its header.
    DuplicateColumnError
        If two columns of a csv have the same name.
    """
    check_source(path)
    try:
        return read_csv(path, missing)
    except MNLogitError:
        raise
    except Exception as error:
        raise DataFileError(f"{path!r} cannot be read: {error}") from error
