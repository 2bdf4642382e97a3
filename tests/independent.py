"""A Newton climb in plain numpy, on orthonormal columns, to compare fits with."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Answer:
    """Log-likelihood, coefficients (K, J - 1) against the first category, standard errors."""

    loglike: float
    params: np.ndarray
    bse: np.ndarray


def climb(shares, design):
    """Maximize Σ d log y over rows of counts or shares d (n, J), in plain numpy."""
    scale = np.abs(design).max(axis=0)
    basis, triangle = np.linalg.qr(design / scale)
    categories = shares.shape[1]
    params = np.zeros((basis.shape[1], categories - 1))
    for _ in range(200):
        loglike, score, information = differentiate(params, shares, basis)
        step = np.linalg.solve(information, score).reshape(params.shape, order="F")
        length, floor = 1.0, loglike - 1e-12 * abs(loglike)
        while differentiate(params + length * step, shares, basis)[0] < floor and length > 1e-6:
            length /= 2
        params = params + length * step
        if np.abs(step).max() < 1e-11 * (1 + np.abs(params).max()):
            break
    loglike, _, information = differentiate(params, shares, basis)
    back = np.kron(np.eye(categories - 1), np.linalg.inv(triangle) / scale[:, np.newaxis])
    covariance = back @ np.linalg.inv(information) @ back.T
    bse = np.sqrt(np.diag(covariance)).reshape(params.shape, order="F")
    return Answer(loglike, np.linalg.solve(triangle, params) / scale[:, np.newaxis], bse)


def differentiate(params, shares, basis):
    scores = np.column_stack([np.zeros(len(basis)), basis @ params])
    shifted = scores - scores.max(axis=1, keepdims=True)
    logs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    totals = shares.sum(axis=1)
    fitted = np.exp(logs)[:, 1:]
    residuals = shares[:, 1:] - totals[:, np.newaxis] * fitted
    score = (basis.T @ residuals).ravel(order="F")
    width, free = basis.shape[1], fitted.shape[1]
    information = np.empty((free * width, free * width))
    for j in range(free):
        for k in range(free):
            curve = totals * fitted[:, j] * ((j == k) - fitted[:, k])
            block = basis.T @ (basis * curve[:, np.newaxis])
            information[j * width : (j + 1) * width, k * width : (k + 1) * width] = block
    return float((shares * logs).sum()), score, information


def one_hot(codes):
    return np.eye(codes.max() + 1)[codes]


def check_against_climb(result, codes, exog):
    """The fit is the certified optimum that an independent climb finds on scaled columns."""
    answer = climb(one_hot(codes), np.asarray(exog, dtype=float))
    assert result.converged
    assert result.certificate.error_bound <= 1e-6
    np.testing.assert_allclose(result.llf, answer.loglike, rtol=1e-10)
    error = np.abs(result.params.to_numpy() - answer.params) / answer.bse
    assert error.max() < 1e-6
    np.testing.assert_allclose(result.bse.to_numpy(), answer.bse, rtol=1e-6)
