"""The port of pacing strategies: how many calls to launch now, and why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Final, Protocol

if TYPE_CHECKING:  # numpy is loaded by those who look at single calls, not by everyone who paces.
    from strategies.roster import Move, Standing


RING_MIN_S: Final = 15.0
"""No call that rings is given up sooner (16 CFR 310.4(b)(4)(ii): 15 seconds, or four rings)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Agents and calls one by one, for strategies that look ahead. All of it is known from the exchange's events."""

    at_s: float
    """Now, in seconds of one monotonic clock; the rosters' times are of the same."""

    agents: "Standing"
    """The campaign's agents that are logged in; states are those of `AgentAt`."""

    calls: "Standing"
    """Its calls that have no agent yet; states are those of `CallAt`."""

    moves: "Sequence[Move]"
    """What changed since the strategy was asked last, oldest first."""

    patience_s: float
    """A person who waits without an agent for longer is abandoned: as counted from when calls are WAITING."""

    ring_timeout_s: float
    """A call rings no longer."""


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

    unsure: float = 0.0
    """The standard deviation of `abandoned`, where machines that nobody told apart are estimated."""


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
    """What the campaign abandoned, by period, the shortest first; over one of their limits the engine launches no more
    than one call for each free agent, whatever is decided. Empty: no limit holds."""

    scene: Scene | None = None
    """Agents and calls one by one; None for a strategy that does not want it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PacingDecision:
    """How many calls to launch now (0 or more), and the reason in words and figures."""

    calls: int
    reason: str

    figures: Mapping[str, float] = field(default_factory=dict)
    """What it was decided upon, by name, for those who ask why."""

    cancel: Sequence[int] = ()
    """Ringing calls that are no longer wanted, by their place in `Scene.calls`; the engine lets those ring on that have
    not rung for `RING_MIN_S`."""

    soonest_s: float = 0.0
    """Sooner than so many seconds from now the strategy has nothing new to say, and is not asked."""

    latest_s: float | None = None
    """It wants to be asked again within so many seconds, whatever happens; None: events are enough."""


class PacingStrategy(Protocol):
    """Decides for one campaign. Built with the campaign's pacing settings as keyword arguments.

    A wrong setting raises ValueError or TypeError at birth, with a message for the operator. The engine
    never launches more than `channels_free` and `tokens`, whatever is decided.

    `wants_scene` may be missing in a strategy of another package: it gets none then.
    """

    name: ClassVar[str]
    needs_agents: ClassVar[bool]
    """Whether answered calls go to agents (else: the campaign's message)."""

    wants_scene: ClassVar[bool]
    """Whether it looks at single agents and calls; only then the engine keeps rosters of them. It needs agents."""

    def decide(self, facts: PacingFacts) -> PacingDecision:
        """Return how many calls to launch now."""
