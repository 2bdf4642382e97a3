"""Write numbers with so many decimals, and more where those would not show them."""

from __future__ import annotations

import numpy as np

# Beyond this the digits before the point are more than a reader takes in.
LARGE = 1e7
# More zeros after the point than a reader counts.
SMALL = 1e-4
# Fewer would not tell 0.049 from 0.05.
P_DIGITS = 3


def write_number(value: float, digits: int) -> str:
    """Write a number with some decimals, or with two digits that show if these would show less.

    Examples
    --------
    >>> from mlelogit.display.tables.numbers import write_number
    >>> [write_number(value, 3) for value in (-1.23456, 0.00123, 1.23e-6, 0.0, 2.5e9)]
    ['-1.235', '0.0012', '1.2e-06', '0.000', '2.500e+09']
    """
    if not np.isfinite(value):
        return str(float(value))
    if value == 0:
        return f"{0:.{digits}f}"
    shown = 2 if digits > 1 else 1
    size = abs(value)
    if size >= LARGE:
        return f"{value:.{max(digits, 1)}e}"
    if size < SMALL and size < 10.0 ** (shown - 1 - digits):
        return f"{value:.{shown - 1}e}"
    return f"{value:.{max(digits, shown - 1 - int(np.floor(np.log10(size))))}f}"


def find_decimals(std_err: float, digits: int) -> int | None:
    """Return the decimals that show two digits of a standard error, and so many at least.

    None where there is none, or decimals would be too many: numbers go by themselves then.

    Examples
    --------
    >>> from mlelogit.display.tables.numbers import find_decimals
    >>> find_decimals(0.0063, 3), find_decimals(1.5, 3), find_decimals(1e-9, 3)
    (4, 3, None)
    """
    if not SMALL <= std_err < LARGE:
        return None
    shown = 2 if digits > 1 else 1
    return max(digits, shown - 1 - int(np.floor(np.log10(std_err))))


def write_fixed(value: float, decimals: int | None, digits: int) -> str:
    """Write a number with the decimals of its standard error; as `write_number` if they are None.

    Examples
    --------
    >>> from mlelogit.display.tables.numbers import write_fixed
    >>> write_fixed(-0.022, 4, 3), write_fixed(-1e-9, 4, 3)
    ('-0.0220', '0.0000')
    """
    if decimals is None or not abs(value) < LARGE:
        return write_number(value, digits)
    return write_ratio(value, decimals)


def write_ratio(value: float, digits: int) -> str:
    """Write a z or t statistic, say, with no sign where only zeros are left of it.

    Examples
    --------
    >>> from mlelogit.display.tables.numbers import write_ratio
    >>> write_ratio(-0.0004, 3), write_ratio(-2.5, 1)
    ('0.000', '-2.5')
    """
    if not np.isfinite(value):
        return str(float(value))
    text = f"{value:.{digits}f}"
    return text if float(text) else text.removeprefix("-")


def write_p(value: float, digits: int) -> str:
    """Write a p-value, with a bound where only zeros are left of it.

    Examples
    --------
    >>> from mlelogit.display.tables.numbers import write_p
    >>> write_p(0.0123, 3), write_p(1e-9, 3)
    ('0.012', '<0.001')
    """
    if np.isnan(value):
        return "nan"
    digits = max(digits, P_DIGITS)
    bound = 10.0**-digits
    return f"<{bound:.{digits}f}" if value < bound else f"{value:.{digits}f}"
