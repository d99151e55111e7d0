"""How others pace, in our own words, to be measured against.

The adaptive one is VICIdial's published law (AST_VDadapt and AST_VDauto_dial, 2.14, its defaults): every 15 s the dial
level is multiplied by 1 + (ready agents - waiting calls) / agents, both averaged over the last 15 looks 2.5 s apart,
and kept between 1 and the maximum. Once more than 50 calls were placed and the day's drops exceed the limit among
answered calls, the average mode halves the level, and the hard-limit mode sets it to 1. Every 2.5 s as many calls are
placed as level times agents (ready or in a call) exceeds the calls that are up, talking ones included.
"""

from collections import deque
from typing import ClassVar

from strategies.pacing import PacingDecision, PacingFacts

LOOK_S = 2.5
LOOKS_A_LEVEL = 6


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

    def decide(self, facts: PacingFacts) -> PacingDecision:
        agents = facts.agents_ready + facts.agents_busy
        self._looks.append((facts.agents_ready, facts.calls_waiting, agents))
        self._count += 1
        if self._count % LOOKS_A_LEVEL == 0:
            self._adapt(facts)
        up = facts.calls_unanswered + facts.calls_waiting + facts.calls_talking
        calls = max(0, int(self._level * agents) - up)
        self._launched += calls
        return PacingDecision(
            calls=calls, reason=f"level {self._level:.2f} of {agents} agents - {up}", soonest_s=LOOK_S, latest_s=LOOK_S
        )

    def _adapt(self, facts: PacingFacts) -> None:
        ready, waiting, agents = (sum(column) / len(self._looks) for column in zip(*self._looks, strict=True))
        if agents > 0:
            self._level *= 1 + (ready - waiting) / agents
        self._level = min(self._level, self._level_max)
        day = facts.periods[-1] if facts.periods else None
        if day is not None and self._launched > 50 and day.abandoned > self._drop_rate_max * day.answered:
            self._level = 1.0 if self._hard else self._level / 2
        self._level = max(self._level, 1.0)
