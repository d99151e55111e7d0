"""How others pace, in our own words, to be measured against.

The adaptive one is VICIdial's law, held against its public source (AST_VDadapt and AST_VDauto_dial), with its defaults:
every 15 s the dial level is multiplied by 1 + (ready agents - waiting calls) / agents, all averaged over the last 15
looks 2.5 s apart, and kept between 1 and the maximum. A level is halved where more than 20 calls were placed in the
last minute and more than half of as many were dropped. Once more than 50 calls were placed and the day's drops exceed
the limit among answered calls, the average mode halves it, and the hard-limit mode sets it to 1; it never falls under
1. Drops are counted each minute. Every 2.5 s as many calls are placed as level times agents (ready or in a call),
rounded, exceeds the calls that are up, talking ones included.
"""

from collections import deque
from typing import ClassVar

from strategies.pacing import PacingDecision, PacingFacts

LOOK_S = 2.5
LOOKS_A_LEVEL = 6
LOOKS_A_COUNT = 24
"""Each minute the drops are counted."""


class Adapt:
    """A dial level that follows ready minus waiting; `hard` falls to 1 when the day is over its limit."""

    name: ClassVar[str] = "adapt"
    needs_agents: ClassVar[bool] = True
    wants_scene: ClassVar[bool] = False

    def __init__(self, *, hard: bool = False, level_max: float = 3.0, drop_rate_max: float = 0.03) -> None:
        self._hard = hard
        self._level_max = level_max
        self._drop_rate_max = drop_rate_max
        self._level = 1.0
        self._looks: deque[tuple[int, int, int]] = deque(maxlen=15)
        self._count = 0
        self._launched = 0
        self._of_minute: deque[int] = deque(maxlen=LOOKS_A_COUNT)
        """Calls placed at each look of the last minute."""

        self._dropped = 0.0
        self._over_half = False
        self._over_day = False

    def decide(self, facts: PacingFacts) -> PacingDecision:
        agents = facts.agents_ready + facts.agents_busy
        self._looks.append((facts.agents_ready, facts.calls_waiting, agents))
        self._count += 1
        if self._count % LOOKS_A_COUNT == 0:
            self._count_drops(facts)
        if self._count % LOOKS_A_LEVEL == 0:
            self._adapt()
        up = facts.calls_unanswered + facts.calls_waiting + facts.calls_talking
        calls = max(0, round(self._level * agents) - up)
        self._launched += calls
        self._of_minute.append(calls)
        return PacingDecision(
            calls=calls, reason=f"level {self._level:.2f} of {agents} agents - {up}", soonest_s=LOOK_S, latest_s=LOOK_S
        )

    def _count_drops(self, facts: PacingFacts) -> None:
        day = facts.periods[-1] if facts.periods else None
        if day is None:
            return
        placed = sum(self._of_minute)
        self._over_half = placed > 20 and day.abandoned - self._dropped > 0.5 * placed
        self._over_day = self._launched > 50 and day.abandoned > self._drop_rate_max * day.answered
        self._dropped = day.abandoned

    def _adapt(self) -> None:
        ready, waiting, agents = (sum(column) / len(self._looks) for column in zip(*self._looks, strict=True))
        if agents > 0:
            self._level *= 1 + (ready - waiting) / agents
        self._level = min(self._level, self._level_max)
        if self._over_half:
            self._level /= 2
        if self._over_day:
            self._level = 1.0 if self._hard else self._level / 2
        self._level = max(1.0, self._level)
