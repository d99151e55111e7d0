"""`dialler replay-ami`: what a recorded link told, through the translation and the call tracking once more.

The same code as in the daemon reads it: `CallBook` picks our calls and translates, `dialler.domain.call` follows each
one and gives the verdict. What the daemon knew beside the link is drawn from the transcript: that it took a call back,
from a Hangup action before the ring time-out; whether the campaign has agents, from the Originate's queue.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from dialler.domain.call import Call, CallState, apply, cancelled, refused, sent
from dialler.domain.call_verdict import verdict_of
from dialler.domain.outcome import Outcome
from dialler.domain.patience import Patience, PatienceStart
from dialler.engine.board import UNANSWERED
from dialler.errors import DiallerError, IllegalTransition
from telephony.ami.calls import CallBook
from telephony.ami.live import live_calls
from telephony.ami.transcript import Direction, Entry, read_transcript
from telephony.ami.translate import number, text
from telephony.events import Answered, Bridged, CallEvent, Dialling, HarbourStarted, Ringing
from telephony.port import LiveCall, LiveState

SERVER: Final = "replayed"
QUEUED: Final = "Originate successfully queued"

NO_CHANNEL_AFTER: Final = timedelta(seconds=1)
"""From a failed OriginateResponse until a call is held to never have had a channel: `Timing.no_channel_s`."""

_NEVER: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""Stands for all moments of a capture that has none; nothing is drawn from it."""

_ADOPTED_AS: Final[Mapping[LiveState, type[CallEvent]]] = {
    LiveState.DIALLING: Dialling,
    LiveState.RINGING: Ringing,
    LiveState.UP: Answered,
    LiveState.QUEUED: Answered,
    LiveState.HARBOUR: HarbourStarted,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Something that happened to a call, and the state that it was in afterwards."""

    at: datetime
    what: str
    state: CallState
    is_illegal: bool = False
    """It came after the call's end, where nothing may come: the daemon would have logged `call.illegal`."""


@dataclass(slots=True, kw_only=True)
class ReplayedCall:
    """One call of a transcript."""

    call: Call
    steps: list[Step] = field(default_factory=list)
    has_agents: bool | None = None
    """None: nothing tells."""

    has_amd: bool = False
    """Machines were looked for, so that patience began with the end of the greeting, as it does by default."""

    ring_timeout: timedelta | None = None
    links: int = 0
    """How often the link had come up when the call was first heard of."""

    is_gone: bool = False
    """It was missing among the live calls after the link was lost: it ended while nobody listened."""

    @property
    def outcome(self) -> Outcome | None:
        """The verdict; None for a call that was still going on at the end of the transcript."""
        if self.call.state is not CallState.ENDED and not self.is_gone:
            return None
        has_agents = not self.call.message_played if self.has_agents is None else self.has_agents
        patience = Patience(start=PatienceStart.GREETING_END, amd=self.has_amd, after_message=not has_agents)
        return verdict_of(self.call, has_agents=has_agents, patience=patience)


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """What a transcript tells."""

    messages: int
    links: int
    """How often the link came up, as far as the transcript shows it."""

    calls: tuple[ReplayedCall, ...]


def replay_file(path: Path) -> Replay:
    """Replay a transcript, or a capture of what Asterisk sent. Raises DiallerError where it can't be read."""
    try:
        entries = list(read_transcript(path))
    except OSError as error:
        raise DiallerError(f"{path}: {error.strerror or error}") from error
    messages = [entry for entry in entries if entry.direction is not Direction.NOTE]
    if not any("event" in each.headers or "response" in each.headers or "action" in each.headers for each in messages):
        raise DiallerError(f"{path}: expected a transcript of an AMI link, or a capture; no AMI message is in it")
    return replay(entries)


def replay(entries: Iterable[Entry]) -> Replay:
    """Feed entries through the tracking."""
    entries = _with_moments(list(entries))
    story = _Story(one_sided=not any(entry.direction is Direction.SENT for entry in entries))
    if story.one_sided:
        for call_id in _originated(entries):
            story.open(call_id)
    for entry in entries:
        story.take(entry)
    story.finish()
    return Replay(
        messages=sum(entry.direction is not Direction.NOTE for entry in entries),
        links=story.links,
        calls=tuple(each for each in story.calls.values() if each.steps),
    )


def _with_moments(entries: list[Entry]) -> list[Entry]:
    """Return entries that all have a moment: those before the first known one get that."""
    first = next((entry.at for entry in entries if entry.at is not None), _NEVER)
    return [entry if entry.at is not None else replace(entry, at=first) for entry in entries]


def _originated(entries: Iterable[Entry]) -> list[str]:
    """Return the ids of calls that the answers show to have been asked for, whatever their form, in order."""
    ids: dict[str, None] = {}
    for entry in entries:
        headers = entry.headers
        action_id = text(headers, "actionid")
        if action_id and (text(headers, "event") == "OriginateResponse" or text(headers, "message") == QUEUED):
            ids[action_id] = None
    return list(ids)


class _Story:
    """The daemon's view while the entries go by."""

    def __init__(self, *, one_sided: bool) -> None:
        self._book = CallBook()
        self.one_sided = one_sided
        self._asked: dict[str, str] = {}  # call_id by ActionID, of Originates without an answer so far
        self._channels: list[Mapping[str, Any]] = []
        self.links = 0
        self.calls: dict[str, ReplayedCall] = {}

    def open(self, call_id: str) -> None:
        with suppress(ValueError):  # it is known from its events already, which is odd, and for the reader to see
            self._book.open(call_id, SERVER, self.links)

    def take(self, entry: Entry) -> None:
        """Take in one entry, which has a moment."""
        assert entry.at is not None
        headers, at = entry.headers, entry.at
        match entry.direction:
            case Direction.NOTE:
                self.links += entry.note == "connected"
            case Direction.SENT if text(headers, "action") == "Originate":
                self._ask(headers, at)
            case Direction.SENT if text(headers, "action") == "Hangup":
                self._take_back(text(headers, "channel"), at)
            case Direction.RECEIVED if "event" in headers:
                self._take_event(headers, at)
            case Direction.RECEIVED if "response" in headers:
                self._take_answer(headers, at)
            case _:
                pass

    def finish(self) -> None:
        """End calls that failed before Asterisk made a channel for them: no Hangup comes for those."""
        for call_id, found in self.calls.items():
            failed_at = [step.at for step in found.steps if step.what.startswith("OriginateEnded success=False")]
            if failed_at and self._book.lacks_channel(call_id):
                self._apply(self._book.end_without_channel(call_id, failed_at[0] + NO_CHANNEL_AFTER))

    def _call(self, call_id: str) -> ReplayedCall:
        if call_id not in self.calls:
            self.calls[call_id] = ReplayedCall(call=Call(call_id=call_id), links=self.links)
        return self.calls[call_id]

    def _ask(self, headers: Mapping[str, Any], at: datetime) -> None:
        action_id = text(headers, "actionid")
        found = self._call(text(headers, "channelid") or action_id)
        variables = headers.get("variable", [])
        given = [variables] if isinstance(variables, str) else variables
        found.has_agents = any(
            each.startswith(("DLR_QUEUE=", "DLR_AGENT=")) and not each.endswith("=") for each in given
        )
        found.has_amd = "DLR_AMD=1" in given
        timeout_ms = number(text(headers, "timeout"))
        found.ring_timeout = None if timeout_ms is None else timedelta(milliseconds=timeout_ms)
        self._asked[action_id] = found.call.call_id
        self.open(found.call.call_id)
        self._note(found, at, "Originate")

    def _take_back(self, call_id: str, at: datetime) -> None:
        self._book.note_hang_up(call_id)
        found = self.calls.get(call_id)
        if found is None:
            return
        call = found.call
        rang_for = None if call.sent_at is None else at - call.sent_at
        rang_out = rang_for is not None and found.ring_timeout is not None and rang_for >= found.ring_timeout
        if call.state in UNANSWERED and not rang_out:
            found.call = cancelled(call)
        self._note(found, at, "Hangup asked for")

    def _take_answer(self, headers: Mapping[str, Any], at: datetime) -> None:
        """Take the answer to an Originate; that of other actions says nothing about a call."""
        action_id, message = text(headers, "actionid"), text(headers, "message")
        success = text(headers, "response") == "Success"
        call_id = self._asked.pop(action_id, None)
        # A bare capture does not tell what was asked: there a refusal is taken for that of an Originate.
        if call_id is None and self.one_sided and (message == QUEUED if success else action_id):
            call_id = action_id
        if call_id is None:
            return
        found = self._call(call_id)
        if success:
            found.call = sent(found.call, at)
            self._note(found, at, "accepted")
        else:
            self._book.forget(call_id)
            found.call = refused(found.call, message, at)
            self._note(found, at, f"refused: {message}")

    def _take_event(self, headers: Mapping[str, Any], at: datetime) -> None:
        match text(headers, "event"):
            case "CoreShowChannel":
                self._channels.append(headers)
            case "CoreShowChannelsComplete":
                channels, self._channels = self._channels, []
                self._reconcile(live_calls(channels, server=SERVER, is_ours=self._book.is_ours, members=()), at)
            case _:
                event = self._book.take(headers, server=SERVER, generation=self.links, at=at)
                if event is not None:
                    self._apply(event)

    def _reconcile(self, live: Sequence[LiveCall], at: datetime) -> None:
        """Compare with the calls that are up, as the daemon does after a start or a lost link."""
        ids = {each.call_id for each in live}
        self._book.settle(SERVER, self.links, live)
        for each in live:
            self._adopt(each, at)
        for call_id, found in self.calls.items():
            if call_id not in ids and found.links < self.links and found.outcome is None:
                found.is_gone = True
                self._note(found, at, "gone from the live calls")

    def _adopt(self, live: LiveCall, at: datetime) -> None:
        found = self._call(live.call_id)
        if found.call.state is CallState.ENDED:
            return
        if found.call.sent_at is None:
            found.call = sent(found.call, at - live.age)
        self._note(found, at, f"among the live calls: {live.state.value}")
        if live.state is LiveState.BRIDGED:
            self._apply(Bridged(call_id=live.call_id, at=at, agent=live.agent or ""))
        else:
            self._apply(_ADOPTED_AS[live.state](call_id=live.call_id, at=at))

    def _apply(self, event: CallEvent) -> None:
        found = self._call(event.call_id)
        is_illegal = False
        try:
            found.call = apply(found.call, event)
        except IllegalTransition:
            is_illegal = True
        found.steps.append(Step(at=event.at, what=_shown(event), state=found.call.state, is_illegal=is_illegal))

    @staticmethod
    def _note(found: ReplayedCall, at: datetime, what: str) -> None:
        found.steps.append(Step(at=at, what=what, state=found.call.state))


def _shown(event: CallEvent) -> str:
    """Return an event's name and what it says beside the call and the moment: "HungUp cause=17 by=network"."""
    fields = [name for kind in type(event).__mro__ for name in getattr(kind, "__slots__", ())]
    said = {name: getattr(event, name) for name in fields if name not in ("call_id", "at")}
    told = [f"{name}={getattr(value, 'value', value)}" for name, value in said.items() if value not in (None, "")]
    return " ".join([type(event).__name__, *told])


def replay_json(replayed: Replay) -> dict[str, Any]:
    """Return a replay as one JSON document."""
    return {
        "messages": replayed.messages,
        "links": replayed.links,
        "items": [_call_json(each) for each in replayed.calls],
    }


def _call_json(replayed: ReplayedCall) -> dict[str, Any]:
    call, said = replayed.call, replayed.call.evidence
    return {
        "call_id": call.call_id,
        "state": call.state.value,
        "outcome": None if replayed.outcome is None else replayed.outcome.value,
        "agent": call.agent,
        "cause": said.cause,
        "cause_text": said.cause_text,
        "tech_cause": said.tech_cause,
        "dial_status": said.dial_status,
        "reason": said.reason,
        "amd_status": said.amd_status,
        "hangup_by": said.hangup_by,
        "error": said.error,
        "cancelled_by_us": call.cancelled_by_us,
        "steps": [
            {
                "at": step.at.isoformat(),
                "what": step.what,
                "state": step.state.value,
                "illegal": step.is_illegal,
            }
            for step in replayed.steps
        ],
    }


def replay_lines(replayed: Replay) -> list[str]:
    """Return a replay as lines for people."""
    lines: list[str] = []
    for each in replayed.calls:
        verdict = "still going on" if each.outcome is None else each.outcome.value
        lines.append(f"{each.call.call_id}  {verdict}")
        for step in each.steps:
            at = step.at.isoformat(sep=" ", timespec="milliseconds")
            late = "  after its end: ignored" if step.is_illegal else ""
            lines.append(f"  {at}  {step.state.value:<10}  {step.what}{late}")
        lines.append("")
    return [*lines, f"messages: {replayed.messages}, calls: {len(replayed.calls)}"]
