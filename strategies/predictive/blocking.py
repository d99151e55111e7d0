"""The chance that one more answer finds no agent: X(u) = idle - waiting + coming free - answers, and P(X < 1).

X is a number plus a sum of independent indicators, one for each live call and agent. Its distribution is exact by the
characteristic function on 64 points while X stays small, else a normal one with the first Edgeworth term.
"""

from dataclasses import dataclass
from math import pi, sqrt
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from strategies.predictive.cells import CALL_CELLS
from strategies.predictive.tables import HORIZONS, Tables

POINTS: Final = 64
HIGHEST: Final = 23
"""The largest X that 64 points hold; the smallest is HIGHEST - POINTS + 1."""

ROOM: Final = 10
HALF: Final = POINTS // 2 + 1
AT_ONCE: Final = 8
"""Numbers of new calls looked at together by `Edgeworth`."""

Floats = NDArray[np.float64]
_THETA: Final = 2 * pi / POINTS * np.arange(HALF)
_FEW: Final = np.arange(AT_ONCE, dtype=np.float64)
_TWICE: Final = np.where((np.arange(HALF) == 0) | (np.arange(HALF) == POINTS // 2), 1.0, 2.0) / POINTS
_BLOCKED: Final = _TWICE * np.exp(-1j * _THETA[None, :] * np.arange(HIGHEST - POINTS + 1, 1)[:, None]).sum(axis=0)
_KERNEL: Final = np.concatenate((_BLOCKED.real, -_BLOCKED.imag))
_SHIFTS: Final = np.exp(1j * _THETA[None, :] * np.arange(-POINTS, POINTS + 1)[:, None])
_SIGNS: Final = np.where(np.arange(10_000) < CALL_CELLS, -1.0, 1.0)
_Z: Final = np.linspace(-8.0, 8.0, 3201)
_PHI: Final = np.concatenate(([0.0], np.cumsum((np.exp(-0.5 * _Z[1:] ** 2) + np.exp(-0.5 * _Z[:-1] ** 2)) / 2))) * (
    (_Z[1] - _Z[0]) / sqrt(2 * pi)
)


@dataclass(frozen=True, slots=True)
class Plan:
    """How many new calls a price allows, and why no more."""

    calls: int
    risk_next: float
    """The risk of one more call; of the last one looked at, where the price was not what stopped it."""

    blocked_soon: float
    """P(X < 1) at the first horizon, as things stand."""


class Blocking(Protocol):
    """The risk of new calls in one situation."""

    def blocked(self, others: int = 0) -> Floats:
        """Return P(X < 1) by horizon, beside so many new calls: float64[HORIZONS]."""

    def blocked_soon(self, without: NDArray[np.intp]) -> Floats:
        """Return P(X < 1) at the first horizon without the first 0 to n of these calls, given by their cells.

        `without`: intp[n], calls that are counted; returns float64[n + 1].
        """

    def plan(self, price: float, limit: int) -> Plan:
        """Return how many new calls may be launched, at most `limit` (1 or more), none with a risk above `price`."""


def block_of(blocked: Floats, weights: Floats) -> Floats:
    """Return the risk, given P(X < 1) by horizon (float64[..., HORIZONS]).

    An answer that gets an agent may take it from a later one: the worst from its horizon on counts.
    """
    worst = np.maximum.accumulate(blocked[..., ::-1], axis=-1)[..., ::-1]
    return worst @ weights


def logs_of(tables: Tables) -> Floats:
    """Return the logs of all cells' characteristic functions, laid out for one product with the counts.

    float64[CELLS, HORIZONS * HALF * 2]: for each horizon and point the real and the imaginary part.
    """
    chance = tables.chance[:, :, None]
    signs = _SIGNS[: len(chance), None, None]
    # |1 - p + p e^it| and its angle, by reals: logs of complex numbers take ten times as long.
    small = np.minimum(chance, 1.0 - chance)
    away = 1.0 - np.cos(_THETA)
    logs = np.empty((*tables.chance.shape, HALF, 2))
    logs[..., 0] = 0.5 * np.log(np.maximum(1.0 - 2.0 * small * (1.0 - small) * away, 1e-30))
    angle = np.arctan(small * np.sin(_THETA) / np.maximum(1.0 - small * away, 1e-12))
    logs[..., 1] = signs * np.where(chance > 0.5, _THETA - angle, angle)
    return logs.reshape(len(chance), -1)


def fresh_of(tables: Tables) -> NDArray[np.complex128]:
    """Return the characteristic function of one new call's answer: complex128[HORIZONS, HALF]."""
    fresh: NDArray[np.complex128] = 1.0 + tables.fresh[:, None] * (np.exp(-1j * _THETA)[None, :] - 1.0)
    return fresh


class Exact:
    """By characteristic function. Right while X is from HIGHEST - POINTS + 1 to HIGHEST."""

    def __init__(self, tables: Tables, logs: Floats, fresh: NDArray[np.complex128], counts: Floats, base: int) -> None:
        """`base` is idle minus waiting; `logs` and `fresh` belong to `tables`."""
        self._weights = tables.weights
        self._fresh = fresh
        live = counts.nonzero()[0]
        exponents = (counts[live] @ logs[live]).view(np.complex128).reshape(HORIZONS, HALF)
        self._logs, self._soon, self._shift = logs, exponents[0], _SHIFTS[max(-POINTS, min(base, POINTS)) + POINTS]
        self._now = np.exp(exponents) * self._shift

    def blocked(self, others: int = 0) -> Floats:
        return self._blocked(self._now * self._fresh**others if others else self._now)

    def blocked_soon(self, without: NDArray[np.intp]) -> Floats:
        gone = np.zeros((len(without) + 1, HALF), dtype=np.complex128)
        of_one = np.ascontiguousarray(self._logs[without, : 2 * HALF]).view(np.complex128)
        np.cumsum(of_one, axis=0, out=gone[1:])
        return self._blocked(np.exp(self._soon - gone) * self._shift)

    def plan(self, price: float, limit: int) -> Plan:
        now = self._now
        soon = risk = 0.0
        for calls in range(limit):
            blocked = self._blocked(now)
            risk = float(block_of(blocked, self._weights))
            if calls == 0:
                soon = float(blocked[0])
            if risk > price:
                return Plan(calls, risk, soon)
            now = now * self._fresh
        return Plan(limit, risk, soon)

    @staticmethod
    def _blocked(now: NDArray[np.complex128]) -> Floats:
        chance: Floats = now.real @ _KERNEL[:HALF] + now.imag @ _KERNEL[HALF:]
        return np.maximum(chance, 0.0, out=chance)


def moments_of(tables: Tables) -> Floats:
    """Return mean, variance and third moment of each cell's indicator: float64[CELLS, 3 * HORIZONS]."""
    chance = tables.chance
    signs = _SIGNS[: len(chance), None]
    variance = chance * (1 - chance)
    return np.concatenate((signs * chance, variance, signs * variance * (1 - 2 * chance)), axis=1)


class Edgeworth:
    """By three moments; for larger teams."""

    def __init__(self, tables: Tables, moments: Floats, counts: Floats, base: int) -> None:
        self._tables = tables
        self._of_cells = moments
        self._moments = (counts @ moments).reshape(3, HORIZONS)
        self._moments[0] += base

    def blocked(self, others: int = 0) -> Floats:
        row: Floats = self._blocked(np.asarray([float(others)]))[0]
        return row

    def blocked_soon(self, without: NDArray[np.intp]) -> Floats:
        gone = np.zeros((3, len(without) + 1))
        np.cumsum(self._of_cells[:, ::HORIZONS].T.take(without, axis=1), axis=1, out=gone[:, 1:])
        mean, variance, third = self._moments[:, :1] - gone
        return _below_one(mean, np.maximum(variance, 0.0), third)

    def plan(self, price: float, limit: int) -> Plan:
        # The risk rises with the number of calls: the last step of each look is looked at more closely in the next.
        first, step, soon = 0, 1, -1.0
        while True:
            blocked = self._blocked(first + step * _FEW)
            risks = block_of(blocked, self._tables.weights)
            if soon < 0:
                soon = float(blocked[0, 0])
            over = risks > price
            at = int(over.argmax()) if over[-1] else AT_ONCE
            if at == AT_ONCE:
                first += (AT_ONCE - 1) * step + 1
                if first >= limit:
                    return Plan(limit, float(risks[-1]), soon)
                step *= AT_ONCE
            elif step == 1 or at == 0:
                return Plan(min(first + at, limit), float(risks[at]), soon)
            else:
                first, step = first + (at - 1) * step + 1, step // AT_ONCE

    def _blocked(self, others: Floats) -> Floats:
        fresh = self._tables.fresh
        mean, variance, third = self._moments
        spread = fresh * (1 - fresh)
        n = others[:, None]
        return _below_one(mean - n * fresh, variance + n * spread, third - n * spread * (1 - 2 * fresh))


def _below_one(mean: Floats, variance: Floats, third: Floats) -> Floats:
    """Return P(X < 1) by three moments, of any one shape."""
    var = variance + 1e-6
    sigma = np.sqrt(var)
    z = (0.5 - mean) / sigma
    skew = third / (var * sigma)
    np.minimum(np.maximum(skew, -1.0, out=skew), 1.0, out=skew)
    density = np.exp(-0.5 * z * z) * (1 / sqrt(2 * pi))
    chance: Floats = np.interp(z, _Z, _PHI) - density * skew * (z * z - 1) * (1 / 6)
    return np.minimum(np.maximum(chance, 0.0, out=chance), 1.0, out=chance)


def fits(moments: Floats, counts: Floats, base: int) -> bool:
    """Tell whether X stays within what `Exact` holds, with room for new calls."""
    mean, variance, _ = (counts @ moments).reshape(3, HORIZONS)
    far = 5 * np.sqrt(variance)
    high, low = base + (mean + far).max(), base + (mean - far).min()
    return bool(high < HIGHEST and low > HIGHEST - POINTS + ROOM)
