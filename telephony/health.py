"""What an exchange tells of itself when it is examined: facts without a judgement."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum


class Reached(StrEnum):
    """How far an examination got."""

    NOWHERE = "nowhere"
    """No connection."""

    REFUSED = "refused"
    """Connected; the exchange does not accept our account."""

    BROKEN = "broken"
    """Connected; then the link broke, or what is there does not answer as an exchange does."""

    END = "end"
    """Everything that could be asked was asked."""


class Placing(StrEnum):
    """What became of a call to a channel that can not exist, so that nothing ever rings."""

    NOT_TRIED = "not tried"
    """Asking could have run something in the dialplan."""

    FORBIDDEN = "forbidden"
    """The account may not place calls."""

    NO_CONTEXT = "no context"
    """The exchange has no place in its dialplan for an answered call."""

    REFUSED = "refused"
    UNTOLD = "untold"
    """Accepted, and its end was never told: the account does not get the events of calls."""

    TOLD = "told"
    """Accepted, and its end was told: the account gets the events of calls."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Our account as the exchange's own configuration has it; only few accounts may read that."""

    read: frozenset[str]
    write: frozenset[str]
    write_timeout_ms: int | None
    """None: not set, so the exchange's own default."""

    filters: Sequence[str]
    """Its event filters, as `KEY=VALUE`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeFacts:
    """One examination of one exchange. What could not be asked, or came too late to be, is None or empty."""

    server: str
    reached: Reached
    reason: str = ""
    """Why it got no further; "" at the end."""

    version: str | None = None
    calls_max: float | None = None
    """The exchange's own limit of calls, 0 for none."""

    load_max: float | None = None
    """The load from which it refuses calls, 0 for none."""

    booted: bool = False
    """Whether it told us that it has booted: it has, and the account gets events of class system."""

    actions: frozenset[str] | None = None
    """The actions that the account may use, as the exchange lists them."""

    modules: Mapping[str, bool] | None = None
    """Whether each module that was asked for is loaded. None: the account may not ask."""

    extensions: Mapping[str, frozenset[str] | None] | None = None
    """Extensions by context of the dialplan, None for a context that is not there. None: not to be read."""

    placing: Placing = Placing.NOT_TRIED
    placing_reason: str = ""
    queues: Mapping[str, int] | None = None
    """Members by queue."""

    trunk_states: Mapping[str, str] = field(default_factory=dict)
    """The device state of a trunk's endpoint, "" where the exchange can not tell. By trunk."""

    account: Account | None = None
    filter_answer: str | None = None
    """What it says to an event filter for this connection: "" if it took it, else why not. None: not asked."""

    events_read: frozenset[str] = frozenset()
    """Names of the events that the dialler reads."""

    unwanted_events: frozenset[str] = frozenset()
    """Names of events that arrived and that the dialler does not read."""

    clock_ahead_s: float | None = None
    """How far its clock is ahead of ours."""

    round_trip_s: float | None = None
    """How long it took to answer; the clock's difference is known to half of it."""
