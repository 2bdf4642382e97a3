"""The limit: one symmetric rank-k product of the weighted design, at the speed of a product."""

from __future__ import annotations

import time

import numpy as np


def measure_rate(size: int = 2000, repeats: int = 7) -> float:
    """Return the arithmetic per second of a product of square matrices, all threads, at best."""
    left, right = np.random.default_rng(0).normal(size=(2, size, size))
    out = np.empty((size, size))
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        np.dot(left, right, out=out)
        seconds.append(time.perf_counter() - start)
    return 2 * size**3 / min(seconds)
