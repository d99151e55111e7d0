"""The caps of each trunk: calls per second, channels, and a rest after failures of its own."""

import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from dialler.clock import Clock
from dialler.domain.outcome import Outcome
from strategies.token_bucket import TokenBucket
from telephony.port import Trunk

TRUNK_FAULTS: Final = frozenset({Outcome.CONGESTION, Outcome.FAILED, Outcome.NO_ROUTE})
"""Outcomes that speak of the trunk rather than of the person called."""

_TELLS_NOTHING: Final = frozenset({Outcome.CANCELLED, Outcome.LOST})
"""Outcomes that say neither that the trunk works nor that it doesn't."""

FAULTS_IN_A_ROW_MAX = 10
REST_FIRST, REST_MAX = timedelta(seconds=5), timedelta(minutes=5)
JITTER = 0.2
"""Carriers count calls in windows of their own; even spacing with some jitter stays clear of their edges."""


@dataclass(slots=True)
class _Held:
    trunk: Trunk
    bucket: TokenBucket
    calls: set[str] = field(default_factory=set)
    faults: int = 0
    rest: timedelta = REST_FIRST
    rested_until: datetime | None = None


class Trunks:
    """Who may launch on which trunk, and how many."""

    def __init__(self, trunks: Sequence[Trunk], clock: Clock, chance: random.Random) -> None:
        self._clock = clock
        self._held = {
            trunk.name: _Held(
                trunk,
                TokenBucket(
                    trunk.calls_per_second, burst=burst_of(trunk.calls_per_second), jitter=JITTER, chance=chance
                ),
            )
            for trunk in trunks
        }

    def __iter__(self) -> Iterator[str]:
        return iter(self._held)

    def __contains__(self, name: object) -> bool:
        return name in self._held

    @property
    def servers(self) -> frozenset[str]:
        """The exchanges behind the trunks."""
        return frozenset(held.trunk.server for held in self._held.values())

    def trunk(self, name: str) -> Trunk:
        """Return a trunk's description."""
        return self._held[name].trunk

    def set_caps(self, caps: Mapping[str, Trunk]) -> None:
        """Change rates and channels while running; calls under way are not touched."""
        for name, trunk in caps.items():
            held = self._held.get(name)
            if held is not None:
                held.trunk = trunk
                held.bucket.rate = trunk.calls_per_second
                held.bucket.burst = burst_of(trunk.calls_per_second)

    def channels_used(self, name: str) -> int:
        """Return how many calls hold a channel of the trunk."""
        return len(self._held[name].calls)

    def channels_free(self, name: str) -> int:
        """Return how many more calls the trunk can hold; 0 while it rests."""
        held = self._held[name]
        return 0 if self.rested_until(name) else max(0, held.trunk.channels - len(held.calls))

    def tokens(self, name: str) -> int:
        """Return how many calls the trunk's rate allows now."""
        return self._held[name].bucket.available(self._clock.monotonic())

    def token_due_s(self, name: str) -> float:
        """Return in how many seconds the rate allows the next call; 0 if now."""
        now = self._clock.monotonic()
        return max(0.0, self._held[name].bucket.next_at(now) - now)

    def hold(self, name: str, call_id: str, *, launched: bool = True) -> None:
        """Take a channel for a call, and with `launched` a token; holding twice is holding once.

        A trunk that is no longer configured holds nothing: its calls of before a restart just end.
        """
        held = self._held.get(name)
        if held is None or call_id in held.calls:
            return
        held.calls.add(call_id)
        if launched:
            held.bucket.take(self._clock.monotonic())

    def release(self, name: str, call_id: str) -> None:
        """Give the channel back; releasing twice is releasing once."""
        held = self._held.get(name)
        if held is not None:
            held.calls.discard(call_id)

    def judge(self, name: str, outcome: Outcome) -> datetime | None:
        """Learn from an outcome; return until when the trunk rests if this one was too much.

        Failures of its own in a row, with nothing else between them, rest a trunk: 5 s, then twice as long each
        time up to 5 min. The first call after a rest decides whether the next one follows.
        """
        held = self._held.get(name)
        if held is None or outcome in _TELLS_NOTHING:
            return None
        if outcome not in TRUNK_FAULTS:
            held.faults, held.rest = 0, REST_FIRST
            return None
        held.faults += 1
        if held.faults < FAULTS_IN_A_ROW_MAX or self.rested_until(name):
            return None
        held.rested_until = self._clock.now() + held.rest
        held.rest = min(held.rest * 2, REST_MAX)
        held.faults = FAULTS_IN_A_ROW_MAX - 1
        return held.rested_until

    def pause(self, name: str, rest: timedelta) -> None:
        """Let a trunk rest, because its exchange can't take more right now."""
        held = self._held.get(name)
        if held is not None and not self.rested_until(name):
            held.rested_until = self._clock.now() + rest

    def rested_until(self, name: str) -> datetime | None:
        """Return until when the trunk rests; None if it doesn't."""
        until = self._held[name].rested_until
        return until if until is not None and self._clock.now() < until else None


def burst_of(calls_per_second: float) -> int:
    """Return how many calls may leave at once: a tenth of a second's worth, at least one."""
    return max(1, math.ceil(calls_per_second / 10))
