"""What chance decides about one call before it begins."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from telephony.simulated.fate import Fate, Fates
from telephony.simulated.plan import NetworkPlan

PINNED_POST_DIAL_S, PINNED_ANSWER_S = 0.2, 0.5
"""Numbers with a pinned fate are for tests and demonstrations: they answer, or reject, before any time-out."""

PINNED_STAY_S: Final = {
    Fate.ANSWERED: 1.0,
    Fate.ANSWERED_LONG: 3600.0,
    Fate.OPTS_OUT: 3600.0,
    Fate.ASKS_AGENT: 3600.0,
    Fate.WRONG_KEY: 3600.0,
    Fate.SILENT: 3600.0,
    Fate.MACHINE: 30.0,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Journey:
    """One call's fate and times, in seconds."""

    fate: Fate
    post_dial_s: float
    answer_s: float
    classify_s: float
    pickup_s: float
    talk_s: float
    wrap_up_s: float
    patience_s: float
    agent_hangs_up: bool
    opts_out: bool = False
    """Whether the person presses the key to opt out while a message plays."""

    asks_agent: bool = False
    """Whether the person presses the key for an agent, where a message has one, and not the one to opt out."""

    is_unsure: bool = False
    """Whether machine detection can't say what answered."""

    stay_s: float | None = None
    """From the answer to the far end's hang-up, whatever else happens; None: as it comes."""


class Journeys:
    """Draws journeys: the same for one seed, whatever else happens."""

    def __init__(self, plan: NetworkPlan, seed: int, fates: Fates) -> None:
        self._plan = plan
        self._seed = seed
        self._pinned: Callable[[str], Fate | None] = fates if callable(fates) else fates.get
        self._zone = ZoneInfo(plan.timezone)
        self._calls: dict[str, int] = {}

    def draw(self, number: str, at: datetime) -> Journey:
        """Return what becomes of the next call to `number`, placed at `at` (aware)."""
        nth = self._calls[number] = self._calls.get(number, 0) + 1
        # Seeding with text goes through SHA-512, unlike Python's hash() it is the same in every process.
        chance = random.Random(f"{self._seed} {number} {nth}")
        plan = self._plan
        pinned = self._pinned(number)
        drawn = self._fate(number, at, chance)
        fate = pinned or drawn
        post_dial_s, answer_s = plan.post_dial_s.draw(chance), plan.answer_s.draw(chance)
        talk_s, machine_talk_s = plan.talk_s.draw(chance), plan.machine_talk_s.draw(chance)
        return Journey(
            fate=fate,
            post_dial_s=post_dial_s if pinned is None else min(post_dial_s, PINNED_POST_DIAL_S),
            answer_s=answer_s if pinned is None else min(answer_s, PINNED_ANSWER_S),
            classify_s=plan.classify_s.draw(chance),
            pickup_s=plan.pickup_s.draw(chance),
            talk_s=machine_talk_s if fate is Fate.MACHINE else talk_s,
            wrap_up_s=plan.wrap_up_s.draw(chance),
            patience_s=plan.patience_s.draw(chance),
            agent_hangs_up=chance.random() < 0.5,
            opts_out=chance.random() < plan.optout_rate if pinned is None else fate is Fate.OPTS_OUT,
            is_unsure=chance.random() < plan.amd_unsure_rate if pinned is None else fate is Fate.SILENT,
            asks_agent=chance.random() < plan.agent_key_rate if pinned is None else fate is Fate.ASKS_AGENT,
            stay_s=PINNED_STAY_S.get(fate) if pinned else None,
        )

    def _fate(self, number: str, at: datetime, chance: random.Random) -> Fate:
        """Draw a fate. Uses the generator the same number of times, whatever it says."""
        plan = self._plan
        answered, machine, which = chance.random(), chance.random(), chance.random()
        if random.Random(f"{self._seed} {number}").random() < plan.invalid_rate:
            return Fate.INVALID
        hours = plan.answer_rate
        rate = hours[0] if len(hours) == 1 else hours[at.astimezone(self._zone).hour]
        if answered < rate:
            return Fate.MACHINE if machine < plan.machine_rate else Fate.ANSWERED
        parts = plan.unanswered.parts()
        mark = which * sum(parts.values())
        for fate, part in parts.items():
            mark -= part
            if mark < 0:
                return fate
        return Fate.NO_ANSWER
