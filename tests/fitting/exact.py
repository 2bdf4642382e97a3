"""The maximum of a small case to fifty digits, by mpmath."""

from __future__ import annotations

import mpmath as mp
import numpy as np

DIGITS = 50


class ExactMaximum:
    """Labels 0..J-1 on x (n, K), base 0, climbed by Newton's method from a start (P,).

    `largest_error` is the largest distance of the start from the maximum, in exact
    standard errors; `errors` are these, as floats.
    """

    def __init__(
        self, x: np.ndarray, codes: np.ndarray, offset: np.ndarray | None, start: np.ndarray
    ) -> None:
        with mp.workdps(DIGITS):
            self.x = [[mp.mpf(float(v)) for v in row] for row in x]
            self.codes = codes.tolist()
            self.size = int(codes.max()) + 1
            zeros = np.zeros((len(x), self.size))
            table = zeros if offset is None else offset
            self.offset = [[mp.mpf(float(v)) for v in row] for row in table]
            given = mp.matrix([mp.mpf(float(v)) for v in start])
            self.params = self.climb(given)
            self.loglike, _, information = self.evaluate(self.params)
            inverse = information**-1
            self.errors = [mp.sqrt(inverse[i, i]) for i in range(len(given))]
            gaps = [abs(given[i] - self.params[i]) / e for i, e in enumerate(self.errors)]
            self.largest_error = max(gaps)

    def climb(self, params: mp.matrix) -> mp.matrix:
        for _ in range(12):
            _, score, information = self.evaluate(params)
            step = mp.lu_solve(information, score)
            params = params + step
            if mp.sqrt((score.T * step)[0]) < mp.mpf(10) ** -35:
                return params
        raise ArithmeticError("Newton's method did not converge in fifty digits")

    def evaluate(self, params: mp.matrix) -> tuple:
        width, free = len(self.x[0]), self.size - 1
        score, information = mp.matrix(free * width, 1), mp.matrix(free * width, free * width)
        loglike = mp.mpf(0)
        for x, code, offset in zip(self.x, self.codes, self.offset, strict=True):
            slopes = [mp.fdot(params[j * width : (j + 1) * width], x) for j in range(free)]
            u = [o + s for o, s in zip(offset, [mp.mpf(0), *slopes], strict=True)]
            top = max(u)
            powers = [mp.exp(v - top) for v in u]
            y = [p / mp.fsum(powers) for p in powers]
            loglike += mp.log(y[code])
            for j in range(free):
                residual = (code == j + 1) - y[j + 1]
                for k in range(width):
                    score[j * width + k] += residual * x[k]
                for m in range(free):
                    curve = y[j + 1] * ((j == m) - y[m + 1])
                    for k in range(width):
                        for i in range(width):
                            information[j * width + k, m * width + i] += curve * x[k] * x[i]
        return loglike, score, information
