"""Draws from a seeded generator, taken in blocks: one at a time they cost more than the rest of the simulation."""

from collections.abc import Callable
from math import log, sqrt

import numpy as np
from numpy.typing import NDArray

BLOCK = 4096


class Draws:
    """Numbers of one distribution, one after the other."""

    def __init__(self, draw: Callable[[int], NDArray[np.float64]]) -> None:
        self._draw = draw
        self._left: list[float] = []

    def __call__(self) -> float:
        if not self._left:
            self._left = self._draw(BLOCK).tolist()
        return self._left.pop()


def uniform(rng: np.random.Generator) -> Draws:
    return Draws(rng.random)


def around_median(rng: np.random.Generator, median: float, sigma: float) -> Draws:
    """Return lognormal draws with that median and that sigma of their logarithm."""
    return Draws(lambda n: rng.lognormal(log(median), sigma, n))


def with_mean(rng: np.random.Generator, mean: float, cv: float) -> Draws:
    """Return lognormal draws with that mean and coefficient of variation."""
    sigma2 = log(1 + cv * cv)
    return Draws(lambda n: rng.lognormal(log(mean) - sigma2 / 2, sqrt(sigma2), n))
