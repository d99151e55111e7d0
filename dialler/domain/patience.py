"""How long a person who answered waits for an agent before the information message, and from when that counts."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

MARGIN_MAX: Final = timedelta(milliseconds=200)
MARGIN_PART: Final = 10
"""The margin is at most one part in so many of the patience, so that a short one is left whole."""

HUMAN_AFTER_SILENCE: Final = re.compile(r"HUMAN-(\d{1,4})-\d+")
"""AMDCAUSE of a person: the milliseconds of silence after the greeting, and how many were asked for [app_amd.c]."""


class PatienceStart(StrEnum):
    """What starts the clock of an answered call."""

    CONNECTION = "connection"
    """The answer: what most laws say, and the stricter one."""

    GREETING_END = "greeting_end"
    """The end of the called person's greeting (16 CFR 310.4(b)(1)(iv)), where machine detection tells of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """A campaign's patience."""

    limit: timedelta = timedelta(seconds=2)
    start: PatienceStart = PatienceStart.CONNECTION
    amd: bool = False
    """Whether the exchange looks for machines before the call may go to an agent."""

    after_message: bool = False
    """Whether a message comes first: only who asks in it for an agent waits for one, from then on."""

    @property
    def margin(self) -> timedelta:
        """How much earlier the message is asked for, so that it has begun when patience ends."""
        return min(MARGIN_MAX, self.limit / MARGIN_PART)

    def began_at(
        self,
        *,
        answered_at: datetime | None,
        classified_at: datetime | None,
        amd_cause: str | None,
        queued_at: datetime | None,
    ) -> datetime | None:
        """Return when patience began (UTC); None while nobody has answered, or a greeting may still go on.

        A verdict of machine detection comes after a silence, which belongs to the wait: where it says how long the
        silence was, the greeting ended before it.
        """
        if self.after_message:
            return queued_at
        if answered_at is None or self.start is PatienceStart.CONNECTION or not self.amd:
            return answered_at
        if classified_at is None:
            return queued_at  # The exchange went on without a verdict.
        after = HUMAN_AFTER_SILENCE.fullmatch(amd_cause or "")
        silence = timedelta(milliseconds=int(after[1]) if after else 0)
        return max(answered_at, classified_at - silence)


PATIENCE: Final = Patience()
"""Two seconds from the answer, what holds where a campaign says nothing else."""
