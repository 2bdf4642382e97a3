"""Read arguments that may be anything: a word from a short list, or an array of numbers."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import numpy as np

from mlelogit.data.foreign import unmask
from mlelogit.exceptions import MNLogitError, OptionError

# What a signed integer of any library holds, and more seeds than are ever drawn.
LARGEST_SEED = 2**63

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")
_MODEL = "of the model, mnlogit(..., weights=, weight_type=)"
# Words of other programs, and of other functions here, for what is asked for in another way.
REMEDIES = {
    "weights": f"weights are {_MODEL}",
    "weight_type": f"weights are {_MODEL}",
    "freq_weights": "write weights= and weight_type='frequency', to the model",
    "fweights": "write weights= and weight_type='frequency', to the model",
    "pweights": "write weights= and weight_type='sampling', to the model",
    "iweights": "write weights= and weight_type='importance', to the model",
    "var_weights": "write weights= and weight_type='importance', to the model",
    "sample_weight": "write weights= and weight_type= ('frequency', 'sampling' or 'importance'), "
    "to the model",
    "offset": "an offset is of the model, mnlogit(..., offset=)",
    "base": "the base category is of the model, mnlogit(..., base=)",
    "baseoutcome": "write base=, to the model",
    "use_t": "tests are by the normal distribution, and by t with cov_type='survey'",
    "vce": "write cov_type=, to fit()",
    "cov_type": "write it to fit(), or results.with_cov()",
    "cov_kwds": "write it to fit(), or results.with_cov()",
    "groups": "write cov_type='cluster', cov_kwds={'groups': ...}, to fit()",
    "cluster": "write cov_type='cluster', cov_kwds={'groups': ...}, to fit()",
    "start": "write start_params=, to fit()",
    "max_iter": "write maxiter=, to fit()",
    "gtol": "write tol=, in standard errors, to fit()",
    "ftol": "write tol=, in standard errors, to fit()",
    "full_output": "leave it out: the results tell all of the climb",
    "alpha": "penalties are of model.fit_path()",
    "penalty": "penalties are of model.fit_path()",
    "subset": "take these rows of the data first",
    "na_action": "write missing='drop' or 'raise', to the model",
    "constraint": "write constraints=, to fit()",
}
# Of what is asked of a fit: effects, and predictions with their errors.
OF_EFFECTS = {
    "dydx": "write margins('x'); with no variable it gives all effects",
    "eyex": "write margins('x', effect='eyex')",
    "dyex": "write margins('x', effect='dyex')",
    "eydx": "write margins('x', effect='eydx')",
    "method": "write margins('x', effect=)",
    "atmeans": "write margins('x', kind='at_means')",
    "over": "write by=",
    "predict": "categories are chosen from the answer, by select(category=...)",
    "at": "give the people as rows, get_prediction({'x': [1, 2], ...}), or hold a variable in all "
    "rows, margins('x', effect='level', at=...)",
    "vce": "take another covariance first, results.with_cov('robust')",
    "cov_type": "take another covariance first, results.with_cov('robust')",
    "alpha": "write it to summary_frame() or conf_int() of the answer",
    "level": "write alpha= to summary_frame() or conf_int() of the answer",
    "adjust": "write it to summary_frame() of the answer",
}


def write_value(value: Any, shown: int = 80) -> str:
    """Write any value on one short line.

    Examples
    --------
    >>> from mlelogit.data.arguments import write_value
    >>> write_value([1, "a"])
    "[1, 'a']"
    """
    text = " ".join(repr(value).split())
    return text if len(text) <= shown else f"{text[:shown]}..."


def name_remedies(
    function: Callable[Arguments, Result], remedies: dict[str, str] = REMEDIES
) -> Callable[Arguments, Result]:
    """Have an unknown keyword of a function that is another program's word name ours.

    It is a TypeError as of any unknown keyword, and the signature stays as it is.

    Examples
    --------
    >>> from mlelogit.data.arguments import name_remedies
    >>> def fit(tol=1e-6): ...
    >>> name_remedies(fit)(vce="robust")
    Traceback (most recent call last):
    TypeError: fit() got an unexpected keyword argument 'vce': write cov_type=, to fit().
    """
    known = frozenset(inspect.signature(function).parameters)

    @wraps(function)
    def call(*args: Arguments.args, **options: Arguments.kwargs) -> Result:
        for name in options:
            if name not in known and name in remedies:
                raise TypeError(
                    f"{function.__qualname__}() got an unexpected keyword argument {name!r}: "
                    f"{remedies[name]}."
                )
        return function(*args, **options)

    return call


def name_effect_remedies(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Do as `name_remedies` for a function that asks a fit for effects or predictions."""
    return name_remedies(function, OF_EFFECTS)


def check_choice(
    what: str, given: Any, choices: Sequence[str], error: type[MNLogitError] = OptionError
) -> None:
    """Raise, and print the list, if a word is not on it; anything but a word is not.

    Examples
    --------
    >>> from mlelogit.data.arguments import check_choice
    >>> check_choice("missing", "drop", ["raise", "drop"])
    """
    if not (isinstance(given, str) and given in choices):
        listed = ", ".join(choices)
        raise error(f"{what} must be one of {listed}, not {write_value(given)}.")


def read_reals(given: Any, what: str, error: type[MNLogitError]) -> np.ndarray:
    """Return an array of real numbers of any shape as float64; masked entries are NaN.

    Parameters
    ----------
    given : array-like
    what : str
        Its name, for the message.
    error : type
        Raised if it holds text, dates, complex numbers or numbers beyond a double, or its
        rows differ in length.
    """
    try:
        array = np.asarray(unmask(given))
        array = array.astype(np.float64) if array.dtype == object else array
    except (TypeError, ValueError, OverflowError) as reason:
        raise error(f"{what} must be real numbers, not {write_value(given)}.") from reason
    if array.dtype.kind not in "biuf":
        raise error(f"{what} must be real numbers, not {write_value(given)}.")
    return array.astype(np.float64, copy=False)


def is_whole(given: Any) -> bool:
    """Tell whether a value is a whole number, and no truth value.

    Examples
    --------
    >>> from mlelogit.data.arguments import is_whole
    >>> is_whole(3), is_whole(3.0), is_whole(True)
    (True, False, False)
    """
    return isinstance(given, int | np.integer) and not isinstance(given, bool)


def check_tolerance(given: Any) -> None:
    """Raise `OptionError` if a tolerance is not a positive number.

    Examples
    --------
    >>> from mlelogit.data.arguments import check_tolerance
    >>> check_tolerance(1e-8)
    """
    number = isinstance(given, int | float | np.number) and not isinstance(given, bool)
    if not number or not 0 < given <= sys.float_info.max:
        raise OptionError(f"tol must be a positive number, not {write_value(given)}.")


def check_flag(what: str, given: Any) -> None:
    """Raise `OptionError` if a value is neither True nor False.

    Examples
    --------
    >>> from mlelogit.data.arguments import check_flag
    >>> check_flag("exponentiate", True)
    """
    if not isinstance(given, bool | np.bool_):
        raise OptionError(f"{what} must be True or False, not {write_value(given)}.")


def check_compress(given: Any) -> None:
    """Raise `OptionError` if a value is none of "auto", True and False.

    Examples
    --------
    >>> from mlelogit.data.arguments import check_compress
    >>> check_compress("auto")
    """
    word = isinstance(given, str) and given == "auto"
    if not word and not isinstance(given, bool | np.bool_):
        raise OptionError(f"compress must be 'auto', True or False, not {write_value(given)}.")


def settle_seed(seed: Any) -> int:
    """Return a seed that can be told and used again.

    Examples
    --------
    >>> import numpy as np
    >>> from mlelogit.data.arguments import settle_seed
    >>> settle_seed(7), settle_seed(np.random.default_rng(7)) == settle_seed(7)
    (7, False)
    """
    if seed is None:
        return int(np.random.default_rng().integers(LARGEST_SEED))
    if isinstance(seed, np.random.Generator):
        return int(seed.integers(LARGEST_SEED))
    if not is_whole(seed) or seed < 0:
        raise OptionError(
            "seed must be a whole number, not negative, a numpy Generator or None, not "
            f"{write_value(seed)}."
        )
    return int(seed)


def check_disp(disp: Any) -> bool | None:
    """Return whether to show progress, or raise `OptionError`.

    Examples
    --------
    >>> from mlelogit.data.arguments import check_disp
    >>> check_disp(None)
    """
    if not (disp is None or isinstance(disp, bool | np.bool_)):
        raise OptionError(f"disp must be True, False or None, not {write_value(disp)}.")
    return None if disp is None else bool(disp)


def check_reports(callback: Any, disp: Any) -> None:
    """Raise `OptionError` if a callback cannot be called, or disp is neither true nor false."""
    if not (callback is None or callable(callback)):
        raise OptionError(
            f"callback must be a function of the parameters, not {write_value(callback)}."
        )
    if not isinstance(disp, bool | int | np.bool_):
        raise OptionError(f"disp must be True or False, not {write_value(disp)}.")
