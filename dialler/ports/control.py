"""The engine's hand to others: what it reports, and what it can be told."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from dialler.domain.abandon import PeriodRate
from dialler.domain.campaign import Desired
from dialler.domain.lead import LeadState
from dialler.domain.session import Session, SessionStatus
from dialler.ports.agent_control import AgentControl
from dialler.ports.store import Records
from strategies.pacing import PacingDecision, PeriodCount


@dataclass(frozen=True, slots=True, kw_only=True)
class TrunkReport:
    """A trunk as the engine sees it."""

    name: str
    server: str
    up: bool
    channels_used: int
    channels: int
    calls_per_second: float
    tokens: int = 0
    """Calls that the rate allows now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListShare:
    """A list's part of its campaign's calls."""

    list: str
    weight: int
    calls: int
    """Intents since the count began."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareReport:
    """The shares of the lists that have somebody to call, counted since one of them last came, went or changed."""

    lists: Sequence[ListShare]
    after_change: bool
    """Whether the count began with a change: then the bound is 1/max(w) wider than from a fresh start."""

    worst: float
    """The largest error since this process began, over all counts, as a part of its bound."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignReport:
    """What a campaign's dialler is doing, and why it is not doing more."""

    campaign_id: int
    name: str
    desired: Desired
    actual: Literal["stopped", "running", "paused", "draining", "blocked"]
    calls_unanswered: int
    calls_waiting: int
    calls_talking: int
    agents_ready: int
    agents_busy: int
    hopper: Mapping[str, int]
    """Leads ready in the hopper, by the list's name."""

    pacing: PacingDecision | None
    """The last decision."""

    limits: Sequence[str]
    """Why it is not doing more, in words, the most binding first."""

    next_at: datetime | None
    """The next instant at which something changes by itself: a window opens, a rest ends."""

    shares: ShareReport | None = None
    """None: no call was placed yet."""

    runways_s: Mapping[str, float] = field(default_factory=dict)
    """How long the leads that can be dialled now last at the present pace, in seconds, by the list's name; without
    lists that nobody was called of within the last hour. Up to some minutes old."""

    decided_at: datetime | None = None
    """When that decision was made."""

    budget: Sequence[PeriodCount] = ()
    """What was abandoned, and may be, by period for which a limit holds; with the calls that go on."""

    agents_by_state: Mapping[str, int] = field(default_factory=dict)
    """The agents that belong to it."""

    agents_shared_with: Sequence[str] = ()
    """The other campaigns that can reach some of the agents whom it can reach."""

    agents_leaving: int = 0
    """Agents who are to go to another campaign, and are still needed for calls under way: they count for none."""

    calls_by_state: Mapping[str, int] = field(default_factory=dict)
    """Its live calls, by how far they got."""

    callbacks_waiting: int = 0
    """Callbacks that are due and wait for nothing but the agents who promised them."""

    runway_min_s: float = 0.0
    """A list whose leads last less long is told of."""

    abandon_rates: Sequence[PeriodRate] = ()
    """What part of the persons who answered got no agent in time, by period; none for a campaign without agents."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerIdReport:
    """A pool of caller ids that campaigns dial with. Some minutes old at most while calls are placed."""

    pool: str
    states: Mapping[str, int]
    """Numbers by what they do: "free", "resting", "capped", "off"."""

    low: int
    """Numbers that are on and are answered less than the others."""

    lowest_answer_rate: float | None
    """The least of a number that is on, 0..1, over the days that are judged; None: none has calls enough to say."""

    answer_rate: float | None
    """Of all the pool's calls of seven days; None: none is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineReport:
    """The engine at one moment."""

    at: datetime
    started_at: datetime
    campaigns: Sequence[CampaignReport]
    trunks: Sequence[TrunkReport]
    agents: Mapping[str, str] = field(default_factory=dict)
    """State by agent."""

    shared_limits: bool | None = None
    """Whether the trunks' caps are shared with other engines now; None where they are not to be."""

    caller_ids: Sequence[CallerIdReport] = ()
    events_dropped: int = 0
    """Events of the exchange lost so far because nobody read them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListHolding:
    """What the records hold of one list."""

    campaign: str
    list: str
    leads: Mapping[LeadState, int]
    dialable: int
    """Ready leads whose calling window is open, between the list's start and end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What the records hold at one moment, by their counts, and what of it nobody can account for."""

    at: datetime
    sessions: Mapping[str, Mapping[SessionStatus, int]]
    """By campaign."""

    lists: Sequence[ListHolding]
    unaccounted: Mapping[str, int]
    """Differences by what they are of; all 0 in sound health.

    "leads": leads in a call, without an open session or the other way round, list by list. "sessions": sessions that
    the records hold open and the engine neither follows, nor waits for their wrap code, nor has their end on the way
    into the records; calls followed whose session is not open; and open sessions that the counts do not know.
    "slots": channels held on trunks less channels of calls followed, trunk by trunk. "numbers": calls followed whose
    number another call followed has too. "agents": those of all campaigns and of none, less those who are logged in.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class ManualCall:
    """A call that an agent asks for."""

    agent: str
    """His interface, as the exchange's queues have it."""

    campaign_id: int
    find: Callable[[Records], int]
    """Finds the lead, or adds it, in the transaction that opens the session; returns its id."""

    by: str
    """Who asks, for the audit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A lead that an agent may accept or skip."""

    session: Session
    until: datetime
    """When it is skipped if he does neither."""


class EngineControl(Protocol):
    """The running engine, as the API sees it."""

    @property
    def agents(self) -> AgentControl:
        """Its agents, and what can be asked of them."""

    async def follow(self) -> None:
        """Read the desired state again; return once the engine obeys it.

        After a stop is followed no further Originate leaves.
        """

    async def dial(self, wanted: ManualCall) -> Session:
        """Place a call for one agent, past the same gates as any other; return its session, as it was opened.

        Raises NotFound for no such agent or lead; Conflict where he can't take it, where a gate refuses the lead, or
        where no trunk has room: then nothing was done. StoreError.
        """

    def offer(self, agent: str) -> Offer:
        """Return the offer that an agent has. Raises NotFound for none."""

    async def accept(self, agent: str, by: str) -> Session:
        """Place the call of an agent's offer, if every gate is open still; return its session.

        Raises NotFound where he has no offer; Conflict where the call can't be placed: then the offer is closed.
        StoreError.
        """

    async def skip(self, agent: str, reason: str, by: str) -> Session:
        """Close an agent's offer without a call; return its session. Raises NotFound for none; StoreError."""

    def report(self) -> EngineReport:
        """Return what the engine is doing."""

    async def account(self) -> Account:
        """Return what the records hold, as of some seconds ago at most. Raises StoreError."""
