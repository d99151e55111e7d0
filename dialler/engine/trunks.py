"""The trunks: their limits, and a rest after failures of their own."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from dialler.clock import Clock
from dialler.domain.outcome import Outcome
from dialler.ports import Trunk, TrunkLimits

TRUNK_FAULTS: Final = frozenset({Outcome.CONGESTION, Outcome.FAILED, Outcome.NO_ROUTE})
"""Outcomes that speak of the trunk rather than of the person called."""

_TELLS_NOTHING: Final = frozenset({Outcome.CANCELLED, Outcome.LOST})
"""Outcomes that say neither that the trunk works nor that it doesn't."""

FAULTS_IN_A_ROW_MAX = 10
REST_FIRST, REST_MAX = timedelta(seconds=5), timedelta(minutes=5)


@dataclass(slots=True)
class _Held:
    trunk: Trunk
    faults: int = 0
    rest: timedelta = REST_FIRST
    rested_until: datetime | None = None


class Trunks:
    """Who may launch on which trunk, and how many: the limits, as long as the trunk does not rest."""

    def __init__(self, trunks: Sequence[Trunk], limits: TrunkLimits, clock: Clock) -> None:
        self.limits = limits
        self._clock = clock
        self._held = {trunk.name: _Held(trunk) for trunk in trunks}

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
            if (held := self._held.get(name)) is not None:
                held.trunk = trunk
        self.limits.set_caps(caps)

    def channels_used(self, name: str) -> int:
        """Return how many channels of the trunk this engine's calls hold."""
        return self.limits.channels_used(name)

    def channels_free(self, name: str) -> int:
        """Return how many more calls the trunk can hold; 0 while it rests."""
        return 0 if self.rested_until(name) else self.limits.channels_free(name)

    def tokens(self, name: str) -> int:
        """Return how many calls the trunk's rate allows now."""
        return self.limits.tokens(name)

    def token_due_s(self, name: str) -> float:
        """Return in how many seconds the rate allows the next call; 0 if now."""
        return self.limits.token_due_s(name)

    def hold(self, name: str, call_id: str, *, launched: bool = True) -> None:
        """Give a call its channel: with `launched` one that was reserved; holding twice is holding once.

        A trunk that is no longer configured holds nothing: its calls of before a restart just end.
        """
        self.limits.hold(name, call_id, reserved=launched)

    def release(self, name: str, call_id: str) -> None:
        """Give the channel back; releasing twice is releasing once."""
        self.limits.release(name, call_id)

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
