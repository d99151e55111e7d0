"""The port of pacing strategies: how many calls to launch now, and why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Protocol

if TYPE_CHECKING:  # numpy is loaded by those who look at single calls, not by everyone who paces.
    from strategies.roster import Move, Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """Persons who answered over one period that the law, or the campaign, looks at."""

    period: str
    """Its name, for reasons: 30m, 24h, 30d."""

    answered: int
    """Calls that a person answered: connected to an agent or abandoned."""

    abandoned: int
    """Those of them that got no agent in time."""

    machine_share: float = 0.0
    """What part (0..1) of both are machines that nobody told apart, judged by those that agents met."""


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

    counted: Sequence[Counted]
    """The periods over which the abandon rate is held; the shortest first. Empty: nothing is known."""

    patience_s: float
    """An answered person without an agent for longer is abandoned."""

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

    scene: Scene | None = None
    """Agents and calls one by one; None: whoever asks keeps no rosters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PacingDecision:
    """How many calls to launch now (0 or more), and the reason in words and figures."""

    calls: int
    reason: str

    figures: Mapping[str, float] = field(default_factory=dict)
    """What it was decided upon, by name, for those who ask why."""

    cancel: Sequence[int] = ()
    """Ringing calls that are no longer wanted, by their place in `Scene.calls`; the engine may let them ring."""

    soonest_s: float = 0.0
    """Sooner than so many seconds from now the strategy has nothing new to say."""

    latest_s: float | None = None
    """It wants to be asked again within so many seconds, whatever happens; None: events are enough."""


class PacingStrategy(Protocol):
    """Decides for one campaign. Built with the campaign's pacing settings as keyword arguments.

    A wrong setting raises ValueError or TypeError at birth, with a message for the operator. The engine
    never launches more than `channels_free` and `tokens`, whatever is decided.

    The engine shows no `scene` yet, and heeds neither `cancel` nor `soonest_s` nor `latest_s`: of a decision it takes
    the calls and the reason.
    """

    name: ClassVar[str]
    needs_agents: ClassVar[bool]
    """Whether answered calls go to agents (else: the campaign's message)."""

    def decide(self, facts: PacingFacts) -> PacingDecision:
        """Return how many calls to launch now."""
