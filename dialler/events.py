"""The one vocabulary of what happens: logs, metrics and (later) webhooks all speak it.

An event is a plain value; its `name` is what other programs rely on. A `Journal` hands each event to
everyone who subscribed: the log writes it down, the metrics count it. No personal data beyond ids.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from dialler.domain.campaign import Desired
from dialler.domain.outcome import Outcome
from dialler.domain.session import SessionStatus

_log = logging.getLogger("dialler.events")


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened, at `at` (UTC)."""

    name: ClassVar[str] = "event"
    level: ClassVar[int] = logging.INFO
    at: datetime

    @property
    def severity(self) -> int:
        """How loud the log tells it: the level of its kind, unless what it says makes a difference."""
        return self.level


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineStarted(Event):
    """The daemon is at work."""

    name: ClassVar[str] = "engine.started"
    version: str
    iana_version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineStopping(Event):
    """No new calls; live ones have until `drain_s` to end."""

    name: ClassVar[str] = "engine.stopping"
    live_calls: int
    drain_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineStopped(Event):
    """The daemon ended; `live_calls` were left to the exchange, to be adopted by the next one."""

    name: ClassVar[str] = "engine.stopped"
    live_calls: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsReloaded(Event):
    """A reload was applied."""

    name: ClassVar[str] = "settings.reloaded"
    changed: tuple[str, ...]
    needs_restart: tuple[str, ...]
    """Keys whose change waits for the next start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsRefused(Event):
    """A reload was refused as a whole; the settings in force stay."""

    name: ClassVar[str] = "settings.refused"
    level: ClassVar[int] = logging.ERROR
    mistakes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignFollowed(Event):
    """The engine now does what supervisors want of a campaign."""

    name: ClassVar[str] = "campaign.followed"
    campaign: str
    desired: Desired


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignBlocked(Event):
    """A campaign can't dial until someone mends what `reason` says."""

    name: ClassVar[str] = "campaign.blocked"
    level: ClassVar[int] = logging.ERROR
    campaign: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PacingDecided(Event):
    """The pacing strategy asked for calls."""

    name: ClassVar[str] = "pacing.decided"
    level: ClassVar[int] = logging.DEBUG
    campaign: str
    calls: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HopperRefilled(Event):
    """Leads moved into the hopper."""

    name: ClassVar[str] = "hopper.refilled"
    level: ClassVar[int] = logging.DEBUG
    campaign: str
    list: str
    added: int
    woken: int
    hopper_level: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ListDry(Event):
    """A list has nobody to call now and left the round."""

    name: ClassVar[str] = "list.dry"
    campaign: str
    list: str
    next_at: datetime | None
    """When somebody may be there again by himself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListRunsDry(Event):
    """A list will have nobody to call soon, at the present pace; told once, until it has more again."""

    name: ClassVar[str] = "list.runs_dry"
    level: ClassVar[int] = logging.WARNING
    campaign: str
    list: str
    dialable: int
    """Leads that can be dialled now."""

    runway_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerIdLow(Event):
    """Calls that show a number are answered less than those of its pool; told once, until it has recovered."""

    name: ClassVar[str] = "caller_id.low"
    level: ClassVar[int] = logging.WARNING
    pool: str
    own_number: str
    """The campaign's, that people were shown: nobody's whom it calls."""

    answer_rate: float
    others_answer_rate: float
    calls: int
    """The number's own, of which so many were answered."""

    z: float
    """Of the test of two proportions; -3 or less."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerIdRested(Event):
    """A number of a pool is off for a while, as it is answered less than the others."""

    name: ClassVar[str] = "caller_id.rested"
    level: ClassVar[int] = logging.WARNING
    pool: str
    own_number: str
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ListReplanned(Event):
    """All leads of a list have their places and their turns by its rules as they are now."""

    name: ClassVar[str] = "list.replanned"
    campaign: str
    list: str
    leads: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadRefused(Event):
    """A lead from the hopper did not pass the gates at the moment of the intent."""

    name: ClassVar[str] = "lead.refused"
    level: ClassVar[int] = logging.DEBUG
    campaign: str
    list: str
    lead_id: int
    gate: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadsRested(Event):
    """Leads were put aside in one step, since many of their area wait for a caller id; each is not told of."""

    name: ClassVar[str] = "leads.rested"
    campaign: str
    list: str
    leads: int
    until: datetime
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionOpened(Event):
    """An intent is durable; its Originate may leave."""

    name: ClassVar[str] = "session.opened"
    session_id: str
    seq: int
    campaign: str
    list: str
    lead_id: int
    trunk: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionSent(Event):
    """The exchange accepted the call."""

    name: ClassVar[str] = "session.sent"
    level: ClassVar[int] = logging.DEBUG
    session_id: str
    campaign: str
    trunk: str
    ack_s: float
    """From the request to the exchange's answer, seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionAdopted(Event):
    """A live call of an earlier process, or of before a lost link, is followed again."""

    name: ClassVar[str] = "session.adopted"
    session_id: str
    campaign: str
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionCaughtUp(Event):
    """A call ended while nobody listened; the exchange has told afterwards what became of it."""

    name: ClassVar[str] = "session.caught_up"
    session_id: str
    campaign: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionClosed(Event):
    """An attempt is over. With `wrap = "required"` it may come later than the call's end."""

    name: ClassVar[str] = "session.closed"
    session_id: str
    campaign: str
    list: str
    lead_id: int
    trunk: str
    status: SessionStatus
    outcome: Outcome
    cause: int | None
    answered: bool
    ring_s: float | None
    talk_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkChanged(Event):
    """The link to an exchange came up or broke."""

    name: ClassVar[str] = "link.changed"
    level: ClassVar[int] = logging.WARNING
    server: str
    up: bool
    reason: str

    @property
    def severity(self) -> int:
        """A link that comes up is no warning."""
        return logging.INFO if self.up else self.level


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkTimed(Event):
    """An exchange answered a ping."""

    name: ClassVar[str] = "link.timed"
    level: ClassVar[int] = logging.DEBUG
    server: str
    round_trip_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TrunkRested(Event):
    """A trunk gets no calls for a while, after failures of its own."""

    name: ClassVar[str] = "trunk.rested"
    level: ClassVar[int] = logging.WARNING
    trunk: str
    until: datetime
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitsAway(Event):
    """What the engines share can't be reached: this one keeps to its safe share of each trunk."""

    name: ClassVar[str] = "limits.away"
    level: ClassVar[int] = logging.WARNING
    reason: str
    engines_max: int
    """The share is one of so many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitsBack(Event):
    """Trunks are shared with the other engines again."""

    name: ClassVar[str] = "limits.back"
    away_s: float
    """For how long they were not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentMoved(Event):
    """An agent's state changed."""

    name: ClassVar[str] = "agent.moved"
    level: ClassVar[int] = logging.DEBUG
    agent: str
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentServed(Event):
    """An Originate leaves, the first since an agent of its queue got free."""

    name: ClassVar[str] = "agent.served"
    level: ClassVar[int] = logging.DEBUG
    campaign: str
    waited_s: float
    """Since the event by which the agent got free, or since the campaign was started if that was later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentJoined(Event):
    """An agent took a call that was answered."""

    name: ClassVar[str] = "agent.joined"
    level: ClassVar[int] = logging.DEBUG
    session_id: str
    campaign: str
    waited_s: float
    """The person's wait: from the answer, or the end of the greeting where the campaign's patience begins there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageStarted(Event):
    """No agent came: somebody who answered hears the information message."""

    name: ClassVar[str] = "message.started"
    session_id: str
    campaign: str
    waited_s: float
    """As of `AgentJoined`."""

    is_late: bool
    """After the end of the campaign's patience."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallAbandoned(Event):
    """A call ended that counts as abandoned."""

    name: ClassVar[str] = "call.abandoned"
    session_id: str
    campaign: str
    reason: str
    """no_agent, queue, pulled, hung_up, ended_by_us, opted_out: `AbandonReason`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentOverlooked(Event):
    """A call was abandoned while a ready member of its queue was idle: the exchange did not join them."""

    name: ClassVar[str] = "agent.overlooked"
    level: ClassVar[int] = logging.WARNING
    session_id: str
    campaign: str
    server: str
    agent: str
    idle_s: float
    """How long he had been ready when the message began, or the person hung up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallNotDiverted(Event):
    """The exchange could not be asked to play the information message; its own time-out is the backstop."""

    name: ClassVar[str] = "call.not_diverted"
    level: ClassVar[int] = logging.WARNING
    session_id: str
    campaign: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallUnknown(Event):
    """The exchange spoke of a call that no open session knows."""

    name: ClassVar[str] = "call.unknown"
    level: ClassVar[int] = logging.WARNING
    call_id: str
    event: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallIllegal(Event):
    """The exchange's story and ours differ; it closes nothing."""

    name: ClassVar[str] = "call.illegal"
    level: ClassVar[int] = logging.WARNING
    call_id: str
    state: str
    event: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallOverdue(Event):
    """No verdict came in time; the exchange is asked, then the session is closed LOST."""

    name: ClassVar[str] = "call.overdue"
    level: ClassVar[int] = logging.WARNING
    session_id: str
    campaign: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreFailed(Event):
    """The records could not be written; no call is placed until they can."""

    name: ClassVar[str] = "store.failed"
    level: ClassVar[int] = logging.ERROR
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportFinished(Event):
    """A lead file was imported."""

    name: ClassVar[str] = "import.finished"
    campaign: str
    list: str
    rows: int
    imported: int
    updated: int
    rejected: int
    duplicates: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadsChanged(Event):
    """Leads were changed by hand; the audit says how."""

    name: ClassVar[str] = "leads.changed"
    level: ClassVar[int] = logging.DEBUG
    what: str
    """As in the audit: "lead.edit"."""

    lead_id: int


class Journal:
    """Hands events to those who subscribed, in order, at once."""

    def __init__(self) -> None:
        self._subscribers: list[Callable[[Event], None]] = []

    def subscribe(self, subscriber: Callable[[Event], None]) -> None:
        """Call `subscriber` with every event from now on; it must not block."""
        self._subscribers.append(subscriber)

    def emit(self, event: Event) -> None:
        """Tell everyone. A subscriber's fault is logged and stops nobody else: dialling goes on."""
        for subscriber in self._subscribers:
            try:
                subscriber(event)
            except Exception:
                _log.exception("a subscriber failed on %s", event.name)
