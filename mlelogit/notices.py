"""Give a warning where the user can see what led to it."""

import sys
import warnings
from pathlib import Path

from mlelogit.exceptions import MNLogitWarning


def warn_user(message: str, category: type[MNLogitWarning]) -> None:
    """Warn at the line outside this package that led here.

    Parameters
    ----------
    message : str
    category : type
        A subclass of `MNLogitWarning`.
    """
    home = str(Path(__file__).parent)
    level, frame = 1, sys._getframe(0)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(home):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)
