"""The port of pacing strategies: how many calls to launch now, and why."""

from dataclasses import dataclass
from typing import ClassVar, Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodCount:
    """The abandoned calls of a period for which a limit holds, up to now."""

    name: str
    """"30m", "24h", "month" or "30d"."""

    answered: float
    """Calls that a person answered; not whole where machines are estimated."""

    abandoned: float
    """How many of them got no agent in time."""

    limit: float
    """The highest part of them allowed, more than 0, at most 1."""

    allowed: float
    """How many may be abandoned of so many: the limit's part, more while few were answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PacingFacts:
    """One campaign at one moment, read once and shown alike to strategies, logs and people."""

    agents_ready: int
    """Agents free for the next call, none counted twice."""

    agents_busy: int
    """Agents ringing or talking."""

    calls_unanswered: int
    """Calls under way that nobody has picked up yet."""

    calls_waiting: int
    """Answered calls that have no agent yet."""

    calls_talking: int
    """Answered calls with an agent, or with the message."""

    channels_free: int
    """Channels left on the campaign's trunks that are up."""

    tokens: int
    """Calls that the trunks' rate limits allow now."""

    periods: tuple[PeriodCount, ...] = ()
    """What the campaign abandoned, by period; over one of their limits the engine launches no more than one call for
    each free agent, whatever is decided."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PacingDecision:
    """How many calls to launch now (0 or more), and the reason in words and figures."""

    calls: int
    reason: str


class PacingStrategy(Protocol):
    """Decides for one campaign. Built with the campaign's pacing settings as keyword arguments.

    A wrong setting raises ValueError or TypeError at birth, with a message for the operator. The engine
    never launches more than `channels_free` and `tokens`, whatever is decided.
    """

    name: ClassVar[str]
    needs_agents: ClassVar[bool]
    """Whether answered calls go to agents (else: the campaign's message)."""

    def decide(self, facts: PacingFacts) -> PacingDecision:
        """Return how many calls to launch now."""
