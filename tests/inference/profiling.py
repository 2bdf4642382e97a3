"""Profiles of the log-likelihood by other means: numpy's formulas and scipy's optimizers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.linalg import null_space
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

from mlelogit.results import MNLogitResults


class Plain:
    """The log-likelihood of a fit's rows, base first in no way special: plain loops of numpy."""

    def __init__(self, res: MNLogitResults) -> None:
        record = res.record
        design = record.need_blocks().design
        self.x = np.asarray(design.source.block(0, len(record.index))).T
        self.base, self.size = record.encoding.base, len(record.encoding.categories)
        codes, table = design.outcome.codes, design.outcome.table
        self.d = np.eye(self.size)[codes] if table is None else np.asarray(table).T
        if self.d.shape != (len(self.x), self.size):
            self.d = self.d.T
        self.weights = np.ones(len(self.x)) if design.weights is None else design.weights

    def predict(self, b: np.ndarray) -> np.ndarray:
        full = np.insert(b.reshape(self.size - 1, -1), self.base, 0.0, axis=0)
        return self.x @ full.T

    def loglike(self, b: np.ndarray) -> float:
        logs = log_softmax(self.predict(b), axis=1)
        return float(self.weights @ (self.d * logs).sum(axis=1))

    def score(self, b: np.ndarray) -> np.ndarray:
        y = softmax(self.predict(b), axis=1) * self.d.sum(axis=1, keepdims=True)
        rest = np.delete(self.d - y, self.base, axis=1) * self.weights[:, np.newaxis]
        return (rest.T @ self.x).ravel()

    def information(self, b: np.ndarray) -> np.ndarray:
        y = np.delete(softmax(self.predict(b), axis=1), self.base, axis=1)
        weights = self.weights * self.d.sum(axis=1)
        width = self.x.shape[1]
        blocks = [
            [
                (self.x * (weights * y[:, k] * ((k == m) - y[:, m]))[:, np.newaxis]).T @ self.x
                for m in range(y.shape[1])
            ]
            for k in range(y.shape[1])
        ]
        return np.block(blocks).reshape(y.shape[1] * width, -1)

    def penalized(self, b: np.ndarray) -> float:
        sign, logarithm = np.linalg.slogdet(self.information(b))
        return self.loglike(b) + logarithm / 2 if sign > 0 else -np.inf

    def hold(
        self, row: np.ndarray, value: float, start: np.ndarray, penalized: bool = False
    ) -> np.ndarray:
        """Return the params with ``row'b = value`` that scipy finds the highest."""
        origin = row * value / (row @ row)
        scale = 1 / np.sqrt(np.maximum(np.diag(self.information(start)), 1e-300))
        free = null_space((row * scale)[np.newaxis])
        ways = free * scale[:, np.newaxis]
        first = np.linalg.lstsq(ways, start - origin, rcond=None)[0]
        function: Callable = self.penalized if penalized else self.loglike
        jac = None if penalized else lambda g: -(ways.T @ self.score(origin + ways @ g))
        found = minimize(
            lambda g: -function(origin + ways @ g), first, jac=jac, method="BFGS", tol=1e-10
        )
        best = minimize(
            lambda g: -function(origin + ways @ g), found.x, jac=jac, method="BFGS", tol=1e-10
        )
        return origin + ways @ best.x
