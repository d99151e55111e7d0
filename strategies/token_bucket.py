"""How fast: calls a second on a trunk, evenly, with some jitter, and a small burst.

A bucket gains `rate` tokens a second; each call takes one. In any span of t seconds no more than
`rate * t + burst` tokens are taken, plus `jitter` (a fraction of one token) where there is jitter.

Jitter moves each token on an even grid by a share of its own, drawn in [0, jitter) of a token's time. So the
gap between two tokens varies by up to the fraction `jitter` either way, and the mean rate stays the same:
delays do not add up, as they would if each gap were drawn by itself.
"""

import math
from typing import Final, Protocol

WAKE_MARGIN_S: Final = 5e-6
"""Added to the instant of the next token, so that one who waits until then finds it there: loops wake up to a clock
tick early, and monotonic seconds of a long uptime are exact to a microsecond only."""


class Chance(Protocol):
    """A generator that the caller has seeded: `random.Random` and numpy's are some."""

    def random(self) -> float:
        """Return a number in [0, 1)."""


class TokenBucket:
    """The tokens of one trunk. Times are seconds of one monotonic clock. Starts full."""

    def __init__(self, rate: float, burst: int = 1, jitter: float = 0.0, chance: Chance | None = None) -> None:
        """Raises ValueError: `rate` (tokens a second) must be above 0, `burst` at least 1, `jitter` in 0..0.9."""
        if not 0.0 <= jitter <= 0.9:
            raise ValueError(f"jitter must be 0 to 0.9, got {jitter}")
        if jitter and chance is None:
            raise ValueError("jitter needs a generator")
        self._rate = _checked_rate(rate)
        self._burst = _checked_burst(burst)
        self._jitter = jitter
        self._chance = chance
        self._level = burst + jitter
        self._seen_at: float | None = None
        self._shift = 0.0
        self._shift_anew()

    @property
    def rate(self) -> float:
        """Tokens a second. Setting it keeps what has accrued up to the last look at the bucket."""
        return self._rate

    @rate.setter
    def rate(self, rate: float) -> None:
        self._rate = _checked_rate(rate)

    @property
    def burst(self) -> int:
        """Tokens that can lie in the bucket. Setting it keeps what has accrued, as far as it fits."""
        return self._burst

    @burst.setter
    def burst(self, burst: int) -> None:
        self._burst = _checked_burst(burst)
        self._level = min(self._level, self._capacity)

    def available(self, now: float) -> int:
        """Return how many tokens can be taken at `now`."""
        self._look(now)
        return max(0, math.floor(self._level - self._shift))

    def take(self, now: float, n: int = 1) -> bool:
        """Take `n` tokens; False, and none taken, if there are fewer."""
        if n < 1:
            raise ValueError(f"take 1 token or more, got {n}")
        if self.available(now) < n:
            return False
        self._level -= n
        self._shift_anew()
        return True

    def give_back(self, n: int) -> None:
        """Put back `n` tokens that were taken and not used, as far as they fit: as if they had never been taken."""
        self._level = min(self._capacity, self._level + n)

    def next_at(self, now: float) -> float:
        """Return when a token can be taken: `now` if there is one."""
        if self.available(now) >= 1:
            return now
        missing = 1 + self._shift - self._level
        return now + missing / self._rate + WAKE_MARGIN_S

    @property
    def _capacity(self) -> float:
        # A token that waits for its share of jitter must not stop the grid behind it.
        return self._burst + self._jitter

    def _look(self, now: float) -> None:
        """Let tokens accrue up to `now`; a clock that stands or steps back adds none."""
        if self._seen_at is not None and now > self._seen_at:
            self._level = min(self._capacity, self._level + (now - self._seen_at) * self._rate)
        if self._seen_at is None or now > self._seen_at:
            self._seen_at = now

    def _shift_anew(self) -> None:
        if self._chance is not None:
            self._shift = self._jitter * self._chance.random()


def _checked_rate(rate: float) -> float:
    if not (rate > 0 and math.isfinite(rate)):
        raise ValueError(f"rate must be above 0 tokens a second, got {rate}")
    return rate


def _checked_burst(burst: int) -> int:
    if burst < 1:
        raise ValueError(f"burst must be 1 or more, got {burst}")
    return burst
