"""What the exchange reports: about calls, its links and its agents. Plain values, no I/O.

`at` is when the event was received: aware, UTC.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

WRAP_UP_REASON: Final = "dialler wrap-up"
"""The reason of the pauses that the dialler itself makes for the work after a talk; for no others."""

DIRECT_REASON: Final = "dialler direct"
"""The reason of the pauses that the dialler makes for agents whom it holds for a call of their own."""


class HangupBy(StrEnum):
    """Who ended the call, as far as the exchange can tell."""

    CUSTOMER = "customer"
    AGENT = "agent"
    SYSTEM = "system"
    NETWORK = "network"


class AgentState(StrEnum):
    """What a queue member is doing."""

    READY = "ready"
    RINGING = "ringing"
    TALKING = "talking"
    WRAP_UP = "wrap-up"
    """Paused with `WRAP_UP_REASON`: the dialler waits until the work after the talk is done."""

    PAUSED = "paused"
    AWAY = "away"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallEvent:
    """Something happened to the call known as `call_id`."""

    call_id: str
    at: datetime


class Dialling(CallEvent):
    """The call has a channel; the far end is being reached."""

    __slots__ = ()


class Ringing(CallEvent):
    """The far end rings."""

    __slots__ = ()


class Answered(CallEvent):
    """Someone, or something, picked up."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Classified(CallEvent):
    """Answering-machine detection has spoken: HUMAN, MACHINE, NOTSURE or HANGUP, and its reason."""

    status: str
    cause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued(CallEvent):
    """The answered call waits for an agent of `queue`, or for the one agent whom it is for."""

    queue: str
    """Empty where it waits for one certain agent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bridged(CallEvent):
    """The call was joined to `agent` (the interface of a queue member)."""

    agent: str


class HarbourStarted(CallEvent):
    """No agent came in time: the information message began to play."""

    __slots__ = ()


class MessagePlayed(CallEvent):
    """The person who answered heard the campaign's message to its end."""

    __slots__ = ()


class MessageLeft(CallEvent):
    """A message was left on a machine."""

    __slots__ = ()


class OptedOut(CallEvent):
    """The person pressed the opt-out key."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginateEnded(CallEvent):
    """`OriginateResponse`: a hint, never the verdict. It may come before or after `HungUp`."""

    success: bool
    reason: int
    """0 none, 1 hang-up, 3 time-out, 4 answered, 5 busy, 8 congestion."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DialEnded(CallEvent):
    """`DialEnd`: ANSWER, BUSY, CONGESTION, CHANUNAVAIL, NOANSWER or CANCEL. Missing on a time-out."""

    dial_status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HungUp(CallEvent):
    """The call is over. The last event, and the verdict."""

    cause: int
    """Q.850, see `telephony.causes`; 0 where the exchange did not set one."""

    cause_text: str = ""
    tech_cause: int | None = None
    """The SIP response code, where the exchange tells it."""

    by: HangupBy | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkUp:
    """The link to `server` is ready for use."""

    server: str
    at: datetime
    restarted: bool = False
    """The exchange itself was started anew since the last contact: all its calls are gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkDown:
    """The link to `server` broke; its events are lost until `LinkUp`."""

    server: str
    at: datetime
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentChanged:
    """A queue member's state or its pause: at (re)connection, and whenever one of them changes."""

    server: str
    at: datetime
    agent: str
    queue: str
    state: AgentState
    pause_reason: str | None = None
    """Why the member is paused, also while it talks; empty where nobody said, None where it is not paused."""

    is_member: bool = True
    """False where it has left the queue, and is away therefore."""


NetworkEvent = LinkUp | LinkDown | AgentChanged
TelephonyEvent = CallEvent | NetworkEvent
