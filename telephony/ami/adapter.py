"""`telephony.port.Telephony` on one or several Asterisk servers."""

import asyncio
import logging
import random
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

import anyio
from anyio import TASK_STATUS_IGNORED
from anyio.abc import TaskStatus
from anyio.streams.memory import MemoryObjectReceiveStream
from panoramisk.message import Message

from telephony.ami.calls import CallBook
from telephony.ami.link import AsteriskLink, LinkStatus
from telephony.ami.live import HARBOUR, live_calls, waits_in
from telephony.ami.membership import Membership
from telephony.ami.queue_members import QueueMembers
from telephony.ami.settings import AsteriskServer, AsteriskTrunk, Timing
from telephony.ami.trail import FAMILY, clock_ahead, events_of, key_of
from telephony.ami.transcript import Observer
from telephony.ami.translate import text
from telephony.ami.wire import breaks_line, variable
from telephony.answer_plan import QUEUE_PRIORITY, AnswerPlan, KeyAction
from telephony.errors import LinkLost, NotSent, Refused
from telephony.events import CallEvent, LinkDown, LinkUp, OriginateEnded, TelephonyEvent
from telephony.member import AGENT, QUEUE, Member, Pause
from telephony.port import LiveCall, Origination, Trunk
from telephony.presentation import E164

log = logging.getLogger("telephony.ami")

CALL_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
"""Asterisk takes 149 characters; a slash at the start would be a pattern, a semicolon a Local half."""
RING_MIN: Final = timedelta(milliseconds=100)
RING_MAX: Final = timedelta(minutes=10)

EVENTS_MAX: Final = 100_000
"""Events that wait for the engine."""

CONFIGURATION: Final = (
    "extension does not exist",
    "permission denied",
    "originate access forbidden",
    "invalid channel",
    "channel not specified",
    "invalid priority",
    "invalid timeout",
    "invalid/unknown command",
    "uniqueid length exceeds",
    "missing action",
)
"""Beginnings of Originate errors that asking again does not mend [manager.c `action_originate`]."""


TRAILS_AT_ONCE: Final = 50
"""Trails asked for together, which leaves half of what may be in flight to others."""

GONE: Final = ("no such channel", "channel does not exist", "redirect failed, channel not up", "channel not found")
"""Beginnings of the errors of actions on a channel that has ended [manager.c `action_hangup`, `action_redirect`;
app_senddtmf.c `manager_play_dtmf`]."""


def utc_now() -> datetime:
    return datetime.now(UTC)


class AsteriskNetwork:
    """Several Asterisk servers, seen as one set of trunks."""

    def __init__(
        self,
        servers: Sequence[AsteriskServer],
        *,
        now: Callable[[], datetime] = utc_now,
        rng: random.Random | None = None,
        timing: Timing | None = None,
        events_max: int = EVENTS_MAX,
        observers: Mapping[str, Observer] | None = None,
        on_pong: Callable[[str, float], None] = lambda server, round_trip_s: None,
    ) -> None:
        """`observers`, by server, see what goes over its link; `on_pong` is told how many seconds a Ping took.

        Raises ValueError where two servers or two trunks share a name.
        """
        self._observers = observers or {}
        self._on_pong = on_pong
        self._now = now
        self._timing = timing or Timing()
        self._trunks: dict[str, tuple[AsteriskServer, AsteriskTrunk]] = {}
        self._links: dict[str, AsteriskLink] = {}
        self._members: dict[str, QueueMembers] = {}
        self._book = CallBook()
        self._send, self._receive = anyio.create_memory_object_stream[TelephonyEvent](events_max)
        self._events_low = max(events_max // 2, 1)
        self.events_dropped = 0
        """Events lost because nobody read them; zero unless the reader stands still with very many calls up."""
        for server in servers:
            self._add(server, rng or random.Random())
        self._membership = Membership(self._links)

    def _add(self, server: AsteriskServer, rng: random.Random) -> None:
        if server.name in self._links:
            raise ValueError(f"two Asterisk servers are named {server.name}")
        for trunk in server.trunks:
            if trunk.name in self._trunks:
                raise ValueError(f"two trunks are named {trunk.name}")
            self._trunks[trunk.name] = (server, trunk)
        self._members[server.name] = QueueMembers(server.name, server.queues)
        self._links[server.name] = AsteriskLink(
            server,
            on_up=partial(self._on_up, server.name),
            on_down=partial(self._on_down, server.name),
            on_event=partial(self._on_event, server.name),
            on_agent=partial(self._on_agent, server.name),
            on_members=partial(self._on_members, server.name),
            on_pong=partial(self._on_pong, server.name),
            now=self._now,
            timing=self._timing,
            rng=rng,
            observer=self._observers.get(server.name),
        )

    @property
    def trunks(self) -> Sequence[Trunk]:
        return tuple(
            Trunk(
                name=name,
                server=server.name,
                calls_per_second=trunk.calls_per_second,
                channels=trunk.channels,
                presentation=trunk.presentation,
            )
            for name, (server, trunk) in self._trunks.items()
        )

    @property
    def events(self) -> MemoryObjectReceiveStream[TelephonyEvent]:
        return self._receive

    @property
    def links(self) -> Mapping[str, LinkStatus]:
        """Each server's link: its state, and why it is not up."""
        return {name: link.status for name, link in self._links.items()}

    @property
    def calls_known(self) -> int:
        """Calls that have not ended as far as we know; for metrics and tests."""
        return len(self._book)

    def is_up(self, server: str) -> bool:
        return self._links[server].is_up

    async def run(self, *, task_status: TaskStatus[None] = TASK_STATUS_IGNORED) -> None:
        async with anyio.create_task_group() as group:
            for link in self._links.values():
                group.start_soon(link.run)
            task_status.started()

    async def originate(self, origination: Origination) -> None:
        """As the port says. Raises ValueError, before anything is sent, for what can't be a call."""
        action = self._originate_action(origination)
        server = self._trunks[origination.trunk][0].name
        link = self._links[server]
        waiting = self._send.statistics().current_buffer_used
        if waiting > self._events_low:
            raise NotSent(f"{waiting} events wait to be read: no new calls until they are")
        self._book.open(origination.call_id, server, link.generation)
        try:
            answer = await link.ask(action)
        except (NotSent, ValueError):
            self._book.forget(origination.call_id)
            raise
        if text(answer, "response") != "Success":
            self._book.forget(origination.call_id)
            message = text(answer, "message") or "no reason given"
            raise Refused(f"{server}: {message}", configuration=message.lower().startswith(CONFIGURATION))

    def _originate_action(self, origination: Origination) -> dict[str, str | list[str]]:
        _check_lines(origination)
        if origination.trunk not in self._trunks:
            raise ValueError(f"there is no trunk {origination.trunk!r}, only {', '.join(self._trunks)}")
        server, trunk = self._trunks[origination.trunk]
        _check("call_id", CALL_ID, origination.call_id)
        _check("number", E164, origination.number)
        for queue in (origination.queue, origination.answer.message_queue):
            if queue is not None:
                _check("queue", QUEUE, queue)
        if origination.agent is not None:
            _check("agent", AGENT, origination.agent)
        if not RING_MIN <= origination.ring_timeout <= RING_MAX:  # Asterisk takes 0 for "wait for ever"
            raise ValueError(f"ring_timeout must be {RING_MIN} to {RING_MAX}, got {origination.ring_timeout}")
        variables = {
            **_answer_variables(origination.answer),
            **origination.variables,
            "DLR_ATTEMPT": origination.call_id,
            "DLR_QUEUE": origination.queue or "",
        }
        if origination.agent is not None:
            variables["DLR_AGENT"] = origination.agent
        action: dict[str, str | list[str]] = {
            "Action": "Originate",
            "ActionID": origination.call_id,
            "Channel": trunk.channel_for(origination.number),
            "Context": server.context,
            "Exten": "s",
            "Priority": "1",
            "Timeout": str(round(origination.ring_timeout.total_seconds() * 1000)),
            "Async": "true",
            "EarlyMedia": "false",
            "ChannelId": origination.call_id,
            "Variable": [variable(name, value) for name, value in variables.items()],
        }
        if origination.caller_id is not None:
            name, number = trunk.presentation.shown(origination.caller_id)
            plain = re.fullmatch(r"\+?[0-9]+", number)
            action["CallerID"] = f'"{name}" <{number}>' if name else f"<{number}>" if plain else number
        return action

    async def hang_up(self, call_id: str) -> bool:
        links = self._links_of(call_id)
        for link in links:
            if link.is_up:
                self._book.note_hang_up(call_id)
            answer = await link.ask({"Action": "Hangup", "Channel": call_id, "Cause": "16"})
            if _was_done(answer, "end the call", link.server.name):
                return True
        return False

    async def divert(self, call_id: str) -> bool:
        links = self._links_of(call_id)
        if self._book.is_unanswered(call_id):
            return False
        for link in links:
            message = {"Context": f"{link.server.context}{HARBOUR}", "Exten": "s", "Priority": "1"}
            # It is about tenths of a second: it goes ahead of calls that wait to be placed.
            answer = await link.ask({"Action": "Redirect", "Channel": call_id, **message}, urgent=True)
            if _was_done(answer, "divert the call", link.server.name):
                return True
        return False

    async def look_again(self, call_id: str) -> bool:
        # A queue waits for the next look as for a key, and a key that means nothing ends the wait: the caller hears
        # nothing of one that he is made to have pressed.
        action = {"Action": "PlayDTMF", "Channel": call_id, "Digit": "D", "Receive": "true"}
        for link in self._links_of(call_id):
            answer = await link.ask(action, urgent=True)
            if _was_done(answer, "let the queue look", link.server.name):
                return True
        return False

    def _links_of(self, call_id: str) -> list[AsteriskLink]:
        """Return the link to the server that holds a call, or all that are up. Raises ValueError, NotSent."""
        _check("call_id", CALL_ID, call_id)
        known = self._book.server_of(call_id)
        links = [self._links[known]] if known is not None else [link for link in self._links.values() if link.is_up]
        if not links:
            raise NotSent("no link is up")
        return links

    async def live_calls(self, server: str) -> Sequence[LiveCall]:
        link = self._links[server]
        generation = link.generation
        messages = await link.ask({"Action": "CoreShowChannels"}, as_list=True)
        if text(messages[0], "response") != "Success":
            raise NotSent(f"{server} does not tell its calls: {text(messages[0], 'message')}")
        queues = await link.ask({"Action": "QueueStatus"}, as_list=True)
        if link.generation != generation:
            raise LinkLost(f"the link to {server} broke while it told the live calls")
        members = self._members[server].interfaces
        found = live_calls(messages, server=server, is_ours=self._book.is_ours, members=members, waits=waits_in(queues))
        self._book.settle(server, generation, found)
        return found

    async def ended_calls(self, server: str, call_ids: Collection[str]) -> Mapping[str, Sequence[CallEvent]]:
        link = self._links[server]
        ahead = clock_ahead(await link.ask({"Action": "Ping"}), self._now())
        ids, found = list(call_ids), dict[str, Sequence[CallEvent]]()
        for first in range(0, len(ids), TRAILS_AT_ONCE):
            some = ids[first : first + TRAILS_AT_ONCE]
            looks = [{"Action": "DBGet", "Family": FAMILY, "Key": key_of(call_id)} for call_id in some]
            answers = await asyncio.gather(*(link.ask(look, as_list=True) for look in looks))
            for call_id, answer in zip(some, answers, strict=True):
                trail = next((text(each, "val") for each in answer if text(each, "event") == "DBGetResponse"), "")
                if events := events_of(call_id, trail, ahead=ahead):
                    found[call_id] = events
        return found

    async def add_to_queue(
        self,
        queue: str,
        agent: str,
        *,
        server: str | None = None,
        name: str = "",
        penalty: int = 0,
        paused: bool = False,
        reason: str = "",
    ) -> bool:
        member = Member(queue=queue, agent=agent, name=name, penalty=penalty, paused=paused, reason=reason)
        return await self._membership.add(member, server)

    async def remove_from_queue(self, queue: str, agent: str, *, server: str | None = None) -> bool:
        return await self._membership.remove(Member(queue=queue, agent=agent), server)

    async def set_paused(
        self, agent: str, paused: bool, *, reason: str = "", queue: str | None = None, server: str | None = None
    ) -> bool:
        return await self._membership.pause(Pause(agent=agent, paused=paused, reason=reason, queue=queue), server)

    def _on_up(self, server: str, restarted: bool) -> None:
        if restarted:
            self._book.settle(server, self._links[server].generation, ())
        self._members[server].link_up()
        self._put(LinkUp(server=server, at=self._now(), restarted=restarted))

    def _on_down(self, server: str, reason: str) -> None:
        self._put(LinkDown(server=server, at=self._now(), reason=reason))

    def _on_members(self, server: str, messages: list[Message]) -> None:
        for change in self._members[server].whole(messages, self._now()):
            self._put(change)

    def _on_agent(self, server: str, message: Message) -> None:
        change = self._members[server].changed(message, self._now())
        if change is not None:
            self._put(change)

    def _on_event(self, server: str, message: Message) -> None:
        at = self._now()
        generation = self._links[server].generation
        event = self._book.take(message, server=server, generation=generation, at=at)
        if event is None:
            return
        self._put(event)
        if isinstance(event, OriginateEnded) and not event.success and self._book.lacks_channel(event.call_id):
            expire = partial(self._end_without_channel, server, generation, event.call_id)
            asyncio.get_running_loop().call_later(self._timing.no_channel_s, expire)

    def _end_without_channel(self, server: str, generation: int, call_id: str) -> None:
        link = self._links[server]
        if link.is_up and link.generation == generation and self._book.lacks_channel(call_id):
            log.info("call without a channel", extra={"event": "call_without_channel", "call_id": call_id})
            self._put(self._book.end_without_channel(call_id, self._now()))

    def _put(self, event: TelephonyEvent) -> None:
        try:
            self._send.send_nowait(event)
        except anyio.WouldBlock:
            self.events_dropped += 1
            if self.events_dropped.bit_count() == 1:  # at 1, 2, 4, 8, ...: a flood must not fill the log as well
                extra: dict[str, Any] = {"event": "events_dropped", "dropped": self.events_dropped}
                log.error("events dropped: nobody reads them", extra=extra)
        except anyio.BrokenResourceError:
            pass  # the reader is gone: the daemon is stopping


def _answer_variables(plan: AnswerPlan) -> dict[str, str]:
    """Return what tells the shipped dialplan of a plan; it knows by itself what is not said."""
    variables = {"DLR_HARBOUR": plan.harbour, "DLR_OPTOUT": plan.optout_key}
    if plan.queue_priority != QUEUE_PRIORITY:
        variables["DLR_PRIORITY"] = str(plan.queue_priority)
    if plan.amd:
        unsure = "machine" if plan.unsure_is_machine else None
        variables |= {"DLR_AMD": "1", "DLR_AMD_UNSURE": unsure, "DLR_VM": plan.machine_sound}
    if plan.message is not None:
        keys = {
            action: "".join(key for key, does in plan.message_keys.items() if does is action) for action in KeyAction
        }
        variables |= {
            "DLR_MESSAGE": plan.message,
            "DLR_AGENT_KEYS": keys[KeyAction.QUEUE],
            "DLR_AGENT_QUEUE": plan.message_queue,
            "DLR_REPLAY_KEYS": keys[KeyAction.REPLAY],
        }
    return {name: value for name, value in variables.items() if value}


def _was_done(answer: Message, what: str, server: str) -> bool:
    """Tell whether an action on a call was done; False where there is no such call, or none that is still up.

    Raises NotSent where the exchange says anything else.
    """
    if text(answer, "response") == "Success":
        return True
    message = text(answer, "message")
    if message.lower().startswith(GONE):
        return False
    raise NotSent(f"{server} did not {what}: {message}")


def _check_lines(origination: Origination) -> None:
    """Refuse what would be more than one line, before any other fault of it."""
    texts = [origination.call_id, origination.number, origination.caller_id or "", origination.queue or ""]
    texts += [origination.agent or "", origination.answer.message_queue or ""]
    texts += [*origination.variables, *origination.variables.values()]
    if breaks_line(" ".join(texts)):
        bad = next(text for text in texts if breaks_line(text))
        raise ValueError(f"{bad!r} has a line break or NUL: it would be read as more than one line")


def _check(name: str, form: re.Pattern[str], value: str) -> None:
    if not form.fullmatch(value):
        raise ValueError(f"{name} must match {form.pattern}, got {value!r}")
