r"""The identity between log-likelihood and cross-entropy, in pieces.

An outcome is a row d_n of J numbers: all zeros but a one at its category, or the
people or the shares in each. An output is a row y_n of J probabilities. Then

    ``-log L = -Σ_n log Π_k y_nk^d_nk = -Σ_n Σ_k d_nk log y_nk = E(w)``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mlelogit.exceptions import LengthMismatchError, MissingDataError, OutcomeError


def softmax(u: Any) -> np.ndarray:
    """Return the probabilities ``exp(u_k) / Σ_l exp(u_l)`` along the last axis.

    The scores are shifted by their maximum first: ``exp(u_k - m) / Σ_l exp(u_l - m)``
    is the same number, and nothing overflows.

    Parameters
    ----------
    u : array-like
        Scores (..., J).

    Returns
    -------
    numpy.ndarray
        (..., J); every row sums to one.

    Raises
    ------
    OutcomeError
        If the largest score of a row is not finite: others may be -inf, and get zero.
    MissingDataError
        If a score is masked.

    References
    ----------
    Bishop (2006), Pattern Recognition and Machine Learning, equation 4.104.

    Examples
    --------
    >>> from mlelogit.equivalence import softmax
    >>> softmax([1e4, 1e4, -1e4]).tolist()
    [0.5, 0.5, 0.0]
    """
    scores = _read_numbers(u, "u")
    if not scores.ndim or not scores.shape[-1]:
        raise OutcomeError("Every row needs a largest score that is finite, and there is none.")
    largest = scores.max(axis=-1, keepdims=True)
    odd = np.argwhere(~np.isfinite(largest[..., 0]))
    if len(odd):
        raise OutcomeError(
            "Every row needs a largest score that is finite; that of "
            f"{_name_row(odd[0])} is {largest[tuple(odd[0])][0]}."
        )
    powers = np.exp(scores - largest)
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


def one_hot(codes: Any, categories: int | None = None) -> np.ndarray:
    """Return indicators d (n, J) of category codes 0..J-1.

    Parameters
    ----------
    codes : array-like
        (n,), whole numbers from zero on.
    categories : int, optional
        J; one more than the largest code if not given.

    Returns
    -------
    numpy.ndarray
        (n, J), float64: one in the column of the code, zero elsewhere.

    Raises
    ------
    OutcomeError
        If a code is not a whole number from 0 to J - 1, or J is no whole number.
    MissingDataError
        If one is masked.

    Examples
    --------
    >>> from mlelogit.equivalence import one_hot
    >>> one_hot([3], 10).astype(int).tolist()
    [[0, 0, 0, 1, 0, 0, 0, 0, 0, 0]]
    """
    _refuse_masked(codes, "codes")
    values = np.asarray(codes)
    if not (categories is None or isinstance(categories, int | np.integer)):
        raise OutcomeError(f"categories must be a whole number, not {categories!r}.")
    if values.ndim != 1 or (values.dtype.kind not in "iu" and values.size):
        raise OutcomeError(f"Codes are one whole number per row, not {values.dtype}.")
    width = int(values.max(initial=-1)) + 1 if categories is None else categories
    if values.size and not (values.min() >= 0 and values.max() < width):
        raise OutcomeError(f"Codes must lie from 0 to {width - 1}.")
    indicators = np.zeros((len(values), width))
    indicators[np.arange(len(values)), values.astype(np.intp)] = 1.0
    return indicators


def cross_entropy(d: Any, y: Any, weights: Any = None) -> float:
    """Return the cross-entropy error ``E = -Σ_n w_n Σ_k d_nk log y_nk``.

    Parameters
    ----------
    d : array-like
        Outcomes (n, J): one-hot rows, counts or probabilities.
    y : array-like
        Outputs (n, J): probabilities.
    weights : array-like, optional
        (n,), one if not given.

    Returns
    -------
    float
        In nats; infinite if something that happened has probability zero.

    Raises
    ------
    LengthMismatchError
        If d, y and the weights do not belong together.
    OutcomeError
        If d is negative or y no probabilities.
    MissingDataError
        If one is masked.

    References
    ----------
    Bishop (2006), Pattern Recognition and Machine Learning, equation 4.108.

    Examples
    --------
    >>> from mlelogit.equivalence import cross_entropy
    >>> round(cross_entropy([[0, 1]], [[0.75, 0.25]]), 4)
    1.3863
    """
    outcomes, outputs, scale = _pair(d, y, weights)
    with np.errstate(divide="ignore"):
        logs = np.log(np.where(outcomes > 0, outputs, 1.0))
    return float(-np.sum(scale * (outcomes * logs).sum(axis=1)))


def log_likelihood(d: Any, y: Any, weights: Any = None) -> float:
    """Return the log-likelihood: the sum of the logarithms of ``p(d_n) = Π_k y_nk^d_nk``.

    Every row's probability is formed as that product, in logarithms only where it
    would leave the range of a double.

    Parameters
    ----------
    d, y, weights : array-like
        As in `cross_entropy`.

    Returns
    -------
    float
        In nats; minus infinity if something that happened has probability zero.

    Raises
    ------
    LengthMismatchError, OutcomeError, MissingDataError
        As in `cross_entropy`.

    References
    ----------
    Bishop (2006), Pattern Recognition and Machine Learning, equation 4.107.

    Examples
    --------
    >>> from mlelogit.equivalence import log_likelihood
    >>> round(log_likelihood([[0, 1]], [[0.75, 0.25]]), 4)
    -1.3863
    """
    outcomes, outputs, scale = _pair(d, y, weights)
    with np.errstate(divide="ignore", under="ignore"):
        products = np.prod(np.where(outcomes > 0, outputs, 1.0) ** outcomes, axis=1)
        direct = np.log(products)
        logs = np.log(np.where(outcomes > 0, outputs, 1.0))
        rows = np.where(products > 1e-290, direct, (outcomes * logs).sum(axis=1))
    return float(np.sum(scale * rows))


def posterior_from_joint(log_joint: Any) -> np.ndarray:
    """Return the posterior ``P(C_k | x)`` from the logarithms of ``p(x, C_k)``.

    Bayes' rule, ``P(C_k | x) = p(x, C_k) / Σ_l p(x, C_l)``, is the softmax of the log
    joint densities (Bishop 2006, section 4.2), so a softmax output reads as a
    posterior probability.

    Parameters
    ----------
    log_joint : array-like
        (..., J): -inf for a category whose density at x is zero, and its posterior is zero.

    Returns
    -------
    numpy.ndarray
        (..., J); every row sums to one.

    Raises
    ------
    OutcomeError
        If all of a row are -inf, so that no category is possible there, or one is inf or NaN.
    MissingDataError
        If one is masked.

    Examples
    --------
    >>> import numpy as np
    >>> from mlelogit.equivalence import posterior_from_joint
    >>> posterior_from_joint(np.log([0.1, 0.3])).round(4).tolist()
    [0.25, 0.75]
    >>> posterior_from_joint([-800.0, -np.inf]).tolist()
    [1.0, 0.0]
    """
    joint = _read_numbers(log_joint, "log_joint")
    nothing = (joint == -np.inf).all(axis=-1) if joint.ndim and joint.size else np.zeros(0)
    impossible = np.argwhere(nothing)
    if len(impossible):
        raise OutcomeError(
            f"No category is possible in {_name_row(impossible[0])}: all of its log joint "
            "densities are -inf, so there is no posterior. Leave the row out, or give a category "
            "a density there."
        )
    return softmax(joint)


def _name_row(place: np.ndarray) -> str:
    """Name a row by its position; the only one there is has none."""
    numbers = ", ".join(str(number) for number in place.tolist())
    return f"row {numbers}" if numbers else "the row"


def _refuse_masked(given: Any, name: str) -> None:
    if np.ma.is_masked(given):
        place = tuple(np.argwhere(np.ma.getmaskarray(given))[0].tolist())
        raise MissingDataError(f"{name} is masked at {place}: leave that row out.")


def _read_numbers(given: Any, name: str) -> np.ndarray:
    _refuse_masked(given, name)
    try:
        return np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError, RuntimeError) as error:
        raise OutcomeError(f"{name} must be an array of numbers.") from error


def _pair(d: Any, y: Any, weights: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    outcomes, outputs = _read_numbers(d, "d"), _read_numbers(y, "y")
    if outcomes.ndim != 2 or outcomes.shape != outputs.shape:
        raise LengthMismatchError(
            f"d and y must have the same shape (n, J), not {outcomes.shape} and {outputs.shape}."
        )
    if not ((outcomes >= 0).all() and (outputs >= 0).all() and (outputs <= 1 + 1e-9).all()):
        raise OutcomeError("d must not be negative, and y must hold probabilities.")
    scale = np.ones(len(outcomes)) if weights is None else _read_numbers(weights, "weights")
    if scale.shape != (len(outcomes),):
        raise LengthMismatchError(f"weights has shape {scale.shape}, not ({len(outcomes)},).")
    return outcomes, outputs, scale
