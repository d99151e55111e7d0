"""The caps of trunks that this engine has for itself: all in the process, all at once."""

import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from anyio import TASK_STATUS_IGNORED
from anyio.abc import TaskStatus

from dialler.clock import Clock
from dialler.ports import Trunk
from strategies.token_bucket import TokenBucket

JITTER: Final = 0.2
"""Carriers count calls in windows of their own; even spacing with some jitter stays clear of their edges."""


@dataclass(slots=True)
class Channels:
    """The channels of one trunk that one engine uses."""

    calls: set[str] = field(default_factory=set)
    reserved: int = 0
    """For calls whose intents are being committed."""

    @property
    def used(self) -> int:
        """How many."""
        return len(self.calls) + self.reserved

    def hold(self, call_id: str, *, reserved: bool) -> None:
        """Give a call a channel; twice is once."""
        if call_id not in self.calls:
            self.calls.add(call_id)
            if reserved:
                self.reserved = max(0, self.reserved - 1)


@dataclass(slots=True)
class _Held:
    cap: int
    bucket: TokenBucket
    channels: Channels = field(default_factory=Channels)


class LocalLimits:
    """`TrunkLimits` of an engine that shares nothing."""

    shared: Final = None

    def __init__(self, trunks: Sequence[Trunk], clock: Clock, chance: random.Random) -> None:
        self._clock = clock
        self._held = {
            trunk.name: _Held(
                trunk.channels,
                TokenBucket(
                    trunk.calls_per_second, burst=burst_of(trunk.calls_per_second), jitter=JITTER, chance=chance
                ),
            )
            for trunk in trunks
        }

    def said(self) -> Sequence[str]:
        return ()

    def set_caps(self, caps: Mapping[str, Trunk]) -> None:
        for name, trunk in caps.items():
            if (held := self._held.get(name)) is not None:
                held.cap = trunk.channels
                held.bucket.rate = trunk.calls_per_second
                held.bucket.burst = burst_of(trunk.calls_per_second)

    def tokens(self, name: str) -> int:
        held = self._held.get(name)
        return held.bucket.available(self._clock.monotonic()) if held is not None else 0

    def token_due_s(self, name: str) -> float:
        if (held := self._held.get(name)) is None:
            return math.inf
        now = self._clock.monotonic()
        return max(0.0, held.bucket.next_at(now) - now)

    def channels_free(self, name: str) -> int:
        held = self._held.get(name)
        return max(0, held.cap - held.channels.used) if held is not None else 0

    def channels_used(self, name: str) -> int:
        held = self._held.get(name)
        return held.channels.used if held is not None else 0

    async def reserve(self, wanted: Mapping[str, int]) -> Mapping[str, int]:
        granted = {name: min(n, self.tokens(name), self.channels_free(name)) for name, n in wanted.items()}
        now = self._clock.monotonic()
        for name, n in granted.items():
            if n > 0:
                held = self._held[name]
                held.bucket.take(now, n)
                held.channels.reserved += n
        return granted

    def give_back(self, unused: Mapping[str, int]) -> None:
        for name, n in unused.items():
            if (held := self._held.get(name)) is not None:
                n = min(n, held.channels.reserved)
                held.channels.reserved -= n
                held.bucket.give_back(n)

    def hold(self, name: str, call_id: str, *, reserved: bool) -> None:
        if (held := self._held.get(name)) is not None:
            held.channels.hold(call_id, reserved=reserved)

    def release(self, name: str, call_id: str) -> None:
        if (held := self._held.get(name)) is not None:
            held.channels.calls.discard(call_id)

    async def run(self, changed: Callable[[], None], *, task_status: TaskStatus[None] = TASK_STATUS_IGNORED) -> None:
        task_status.started()

    async def leave(self) -> None:
        pass


def burst_of(calls_per_second: float) -> int:
    """Return how many calls may leave at once: a tenth of a second's worth, at least one."""
    return max(1, math.ceil(calls_per_second / 10))
