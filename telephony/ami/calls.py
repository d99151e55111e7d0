"""Which calls are ours, and exactly one `HungUp` for each while its link is up.

A call is ours if its id was originated here, was found by `live_calls`, or has the form of one (a UUID, which
Asterisk's own ids never have): after a restart the ids of before are not known, but their calls go on.
"""

import re
from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from telephony.ami.translate import Fields, agent_channel, attempt_of, channel_of, hangup_request_by, text, translate
from telephony.events import Answered, CallEvent, DialEnded, Dialling, HangupBy, HungUp, OriginateEnded, Ringing
from telephony.port import LiveCall

UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
CALLS_MAX: Final = 50_000
"""Calls remembered at once; the oldest are forgotten first, and are still known by their form."""
ENDED_MAX: Final = 20_000
"""Ended calls remembered, so that what comes late is told from what is new."""

REQUESTS: Final = frozenset({"HangupRequest", "SoftHangupRequest", "AgentComplete"})
"""Events that only tell who ends a call."""

AGENT_ENDS: Final = timedelta(seconds=1)
"""From the end of the agent's channel to that of the customer's, if it was the agent who hung up. If it takes longer,
the call went on without this agent."""

ONCE: Final = frozenset({Dialling, Ringing, Answered, DialEnded, OriginateEnded})
"""Kinds that Asterisk tells by several events, and we once."""


@dataclass(slots=True)
class Call:
    """What is known of one call that has not ended."""

    server: str
    generation: int
    """Of the link on which it was first known."""

    has_channel: bool = False
    said: set[type[CallEvent]] = field(default_factory=set)
    """What was told of it, of the kinds that are told once."""

    ended_by: HangupBy | None = None
    agent_channel: str | None = None
    """The unique id of the channel of the agent it was last joined to."""

    agent_left_at: datetime | None = None
    """When that channel ended, or was asked to by the agent."""

    @property
    def answered(self) -> bool:
        return Answered in self.said


class CallBook:
    """The calls of all servers that have not ended, and those that just did."""

    def __init__(self) -> None:
        self._calls: OrderedDict[str, Call] = OrderedDict()
        self._ended: OrderedDict[str, bool] = OrderedDict()  # whether the hint was told
        self._by_agent_channel: dict[str, Call] = {}

    def __len__(self) -> int:
        return len(self._calls)

    def is_ours(self, call_id: str) -> bool:
        """Tell whether a unique id is that of a call we placed."""
        return call_id in self._calls or call_id in self._ended or UUID.fullmatch(call_id) is not None

    def open(self, call_id: str, server: str, generation: int) -> None:
        """Note a call before it is asked for. Raises ValueError for an id that was used before."""
        if call_id in self._calls or call_id in self._ended:
            raise ValueError(f"call_id {call_id} was used before: it must be fresh for every call")
        self._add(call_id, server, generation)

    def forget(self, call_id: str) -> None:
        """Drop a call that was never placed."""
        self._calls.pop(call_id, None)

    def server_of(self, call_id: str) -> str | None:
        """Return the server of a call that has not ended, None where it is not known."""
        call = self._calls.get(call_id)
        return None if call is None else call.server

    def is_unanswered(self, call_id: str) -> bool:
        """Tell whether a call is known, and nobody has picked up yet."""
        call = self._calls.get(call_id)
        return call is not None and not call.answered

    def note_hang_up(self, call_id: str) -> None:
        """Note that we ask to end a call."""
        call = self._calls.get(call_id)
        if call is not None and call.ended_by is None:
            call.ended_by = HangupBy.SYSTEM

    def lacks_channel(self, call_id: str) -> bool:
        """Tell whether a call has neither had a channel nor ended."""
        call = self._calls.get(call_id)
        return call is not None and not call.has_channel

    def end_without_channel(self, call_id: str, at: datetime) -> HungUp:
        """End a call of which Asterisk never made a channel, so that no Hangup will come."""
        self._end(call_id)
        return HungUp(call_id=call_id, at=at, cause=0, cause_text="no channel", by=HangupBy.SYSTEM)

    def settle(self, server: str, generation: int, live: Collection[LiveCall]) -> None:
        """Take the live calls of a server: forget those from before this link that are gone.

        Who answered before this link was up did so unheard, and no event will tell.
        """
        ids = {call.call_id for call in live}
        for call_id, call in list(self._calls.items()):
            if call.server == server and call.generation < generation and call_id not in ids:
                self._end(call_id)
        for found in live:
            known = self._calls.get(found.call_id)
            is_from_before = known is None or known.generation < generation
            known = known or self._add(found.call_id, server, generation)
            known.has_channel = True
            if found.answered and is_from_before:
                known.said.add(Answered)

    def take(self, message: Fields, *, server: str, generation: int, at: datetime) -> CallEvent | None:
        """Return what a message says about a call of ours; None for all else, and for repetitions."""
        event = text(message, "event")
        call_id = channel_of(event, message)
        call = self._calls.get(call_id)
        if call is None:
            if event in ("HangupRequest", "Hangup") and (joined := self._by_agent_channel.pop(call_id, None)):
                joined.agent_left_at = at
                return None
            if not self.is_ours(call_id):
                call_id = attempt_of(event, message)
                if call_id not in self._calls:
                    return None
            if call_id in self._ended:
                return self._late(event, message, call_id, at)
            call = self._calls.get(call_id) or self._add(call_id, server, generation)
        if event != "OriginateResponse":
            call.has_channel = True
        if event in REQUESTS:
            call.ended_by = (
                call.ended_by or self._agent(call, at) or hangup_request_by(event, message, answered=call.answered)
            )
            return None
        if channel := agent_channel(event, message):
            self._join(call, channel)
        by = call.ended_by or self._agent(call, at) or (HangupBy.SYSTEM if call.answered else None)
        return self._advance(call_id, call, translate(event, message, call_id=call_id, at=at, by=by))

    def _join(self, call: Call, channel: str) -> None:
        self._by_agent_channel.pop(call.agent_channel or "", None)
        call.agent_channel, call.agent_left_at = channel, None
        self._by_agent_channel[channel] = call

    @staticmethod
    def _agent(call: Call, at: datetime) -> HangupBy | None:
        """Return AGENT if a call that ends `at` does so because its agent has just hung up.

        AgentComplete says so as well, but is raised by another thread of Asterisk's: in about one call of forty it
        comes after the customer's channel was asked to end, or after its end, and then without a channel.
        """
        left_at = call.agent_left_at
        return HangupBy.AGENT if left_at is not None and at - left_at <= AGENT_ENDS else None

    def _advance(self, call_id: str, call: Call, event: CallEvent | None) -> CallEvent | None:
        if event is None:
            return None
        if isinstance(event, HungUp):
            self._end(call_id, hinted=OriginateEnded in call.said)
        elif type(event) in ONCE:
            if type(event) in call.said or (isinstance(event, Ringing) and call.answered):
                return None
            call.said.add(type(event))
        return event

    def _late(self, event: str, message: Fields, call_id: str, at: datetime) -> CallEvent | None:
        """Return the one thing that may be told of a call after its end: the hint that trails the verdict."""
        if event != "OriginateResponse" or self._ended[call_id]:
            return None
        self._ended[call_id] = True
        return translate(event, message, call_id=call_id, at=at)

    def _add(self, call_id: str, server: str, generation: int) -> Call:
        call = self._calls[call_id] = Call(server, generation)
        if len(self._calls) > CALLS_MAX:
            _, forgotten = self._calls.popitem(last=False)
            self._by_agent_channel.pop(forgotten.agent_channel or "", None)
        return call

    def _end(self, call_id: str, *, hinted: bool = True) -> None:
        call = self._calls.pop(call_id, None)
        if call is not None:
            self._by_agent_channel.pop(call.agent_channel or "", None)
        self._ended[call_id] = hinted
        if len(self._ended) > ENDED_MAX:
            self._ended.popitem(last=False)
