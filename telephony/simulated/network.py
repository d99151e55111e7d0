"""The simulated network behind the telephony port."""

import contextlib
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Final

import anyio
from anyio import TASK_STATUS_IGNORED
from anyio.abc import TaskStatus
from anyio.streams.memory import MemoryObjectReceiveStream

from telephony.errors import LinkLost, NotSent, Refused
from telephony.events import AgentState, CallEvent, LinkDown, LinkUp, TelephonyEvent
from telephony.member import Member, Pause
from telephony.port import LiveCall, LiveState, Origination, Trunk
from telephony.simulated.calls import Calls
from telephony.simulated.fate import Fates
from telephony.simulated.journey import Journeys
from telephony.simulated.plan import NetworkPlan
from telephony.simulated.schedule import Schedule

EVENTS_MAX: Final = 10_000
FULL_SHARE: Final = 0.75
"""Above this share of the events' room no call is accepted: what those that are up still have to say needs the rest."""

NO_FATES: Final[Fates] = MappingProxyType({})


class _Link:
    """The link to one server."""

    def __init__(self) -> None:
        self.up = False
        self.cut = False
        """Held down by a test; else it is up whenever the network runs."""

        self.restarted = False
        """The server was restarted and nobody has been told yet."""

        self.breaks = 0


class SimulatedNetwork:
    """A seeded network. Beside the port it has what tests and demonstrations need: broken links, restarts, agents.

    `now` and `sleep` are of one clock, of any speed; `sleep` takes seconds of `now`.
    """

    def __init__(
        self,
        *,
        plan: NetworkPlan,
        seed: int,
        now: Callable[[], datetime],
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
        fates: Fates = NO_FATES,
        events_max: int = EVENTS_MAX,
    ) -> None:
        self._plan = plan
        self._now = now
        self._sleep = sleep
        self._trunks = {trunk.name: trunk for trunk in plan.trunks}
        self._links = {server: _Link() for server in plan.servers}
        self._events_max = events_max
        self._send, self._receive = anyio.create_memory_object_stream[TelephonyEvent](events_max)
        self._outbox: deque[TelephonyEvent] = deque()
        self._running = False
        self._schedule = Schedule(now, sleep)
        self._calls = Calls(plan, Journeys(plan, seed, fates), self._schedule, self._report)

    @property
    def trunks(self) -> Sequence[Trunk]:
        """All trunks, of all servers."""
        return self._plan.trunks

    @property
    def events(self) -> MemoryObjectReceiveStream[TelephonyEvent]:
        """What happens, for one reader."""
        return self._receive

    @property
    def events_dropped(self) -> int:
        """Events lost so far: none ever, the network waits for its reader."""
        return 0

    @property
    def agents(self) -> Mapping[str, AgentState]:
        """All agents' states, whether or not they were told."""
        return {agent.name: agent.state for agent in self._calls.desk.agents.values()}

    def is_up(self, server: str) -> bool:
        """Tell whether calls can be placed on `server` now."""
        link = self._links.get(server)
        return link is not None and link.up

    async def run(self, *, task_status: TaskStatus[None] = TASK_STATUS_IGNORED) -> None:
        """Play the network until cancelled. Running it again is like a new process that connects to it."""
        if self._running:
            raise RuntimeError("the network runs already")
        self._running = True
        self._drop_unread()
        task_status.started()
        try:
            while self._schedule.play_next():
                pass  # What went on while nobody was linked.
            for server in self._links:
                self._connect(server)
            while True:
                if self._outbox:
                    await self._hand_out()
                elif not self._schedule.play_next():
                    await self._schedule.wait()
        finally:
            self._running = False
            for link in self._links.values():
                link.up = False
                link.breaks += 1

    async def originate(self, origination: Origination) -> None:
        """Place a call. Raises ValueError for line breaks in any text, NotSent, Refused, LinkLost."""
        _refuse_line_breaks(origination)
        trunk = self._trunks.get(origination.trunk)
        if trunk is None:
            raise Refused(f"there is no trunk {origination.trunk}", configuration=True)
        link = self._link(trunk.server)
        waiting = self._send.statistics().current_buffer_used + len(self._outbox)
        if waiting > self._events_max * FULL_SHARE:
            raise NotSent(f"{waiting} events wait to be read: the exchange can't keep up")
        if origination.call_id in self._calls.live:
            raise Refused(f"a call {origination.call_id} is up already")
        breaks = link.breaks
        self._calls.place(origination, trunk)
        if self._plan.ack_s:
            await self._sleep(self._plan.ack_s)
            if link.breaks != breaks:
                raise LinkLost(f"the link to {trunk.server} broke before the answer")

    async def hang_up(self, call_id: str) -> bool:
        """End a call; False where no link knows it. Raises NotSent."""
        self._check_link_of(call_id)
        return self._calls.hang_up(call_id)

    async def divert(self, call_id: str) -> bool:
        """Take an answered call to the information message; False where no such one is up. Raises NotSent."""
        self._check_link_of(call_id)
        return self._calls.divert(call_id)

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
        """Put an agent into a queue. Raises ValueError, Refused, NotSent."""
        member = Member(queue=queue, agent=agent, name=name, penalty=penalty, paused=paused, reason=reason)
        return self._calls.agents.add(member, self._linked(server))

    async def remove_from_queue(self, queue: str, agent: str, *, server: str | None = None) -> bool:
        """Take an agent out of a queue. Raises ValueError, Refused, NotSent."""
        return self._calls.agents.remove(Member(queue=queue, agent=agent), self._linked(server))

    async def set_paused(
        self, agent: str, paused: bool, *, reason: str = "", queue: str | None = None, server: str | None = None
    ) -> bool:
        """Pause an agent, or make him ready. Raises ValueError, NotSent."""
        pause = Pause(agent=agent, paused=paused, reason=reason, queue=queue)
        return self._calls.agents.pause(pause, self._linked(server))

    async def look_again(self, call_id: str) -> bool:
        """Tell whether a call is up: its queues give agents to callers at once. Raises NotSent."""
        self._check_link_of(call_id)
        return call_id in self._calls.live

    async def live_calls(self, server: str) -> Sequence[LiveCall]:
        """Return the calls that `server` holds, oldest first. Raises NotSent."""
        self._link(server)
        now = self._now()
        return [
            LiveCall(
                call_id=call.call_id,
                server=server,
                state=call.state,
                age=now - call.placed_at,
                agent=call.agent.name if call.agent is not None and call.state is LiveState.BRIDGED else None,
                waited=call.waited(now),
            )
            for call in self._calls.live.values()
            if call.server == server
        ]

    async def ended_calls(self, server: str, call_ids: Collection[str]) -> Mapping[str, Sequence[CallEvent]]:
        """Return what became of answered calls that have ended, of the last ones it remembers. Raises NotSent."""
        self._link(server)
        ended = self._calls.ended
        return {call_id: ended[call_id] for call_id in call_ids if call_id in ended}

    def shown(self, call_id: str) -> tuple[str, str]:
        """Return the name and the number, "" for none, that the far end of a call that is up is shown.

        Raises KeyError where there is no such call.
        """
        return self._calls.live[call_id].shown

    def cut_link(self, server: str) -> None:
        """Break the link to a server: its calls go on, its events are lost."""
        link = self._links[server]
        link.cut = True
        if link.up:
            self._report(server, LinkDown(server=server, at=self._now(), reason="cut"))
            link.up = False
            link.breaks += 1

    def restore_link(self, server: str) -> None:
        """Mend a link that was cut."""
        self._links[server].cut = False
        if self._running:
            self._connect(server)

    def restart(self, server: str) -> None:
        """Restart a server: all its calls are gone without a word."""
        link = self._links[server]
        was_cut = link.cut
        self.cut_link(server)
        self._calls.forget(server)
        link.restarted = True
        if not was_cut:
            self.restore_link(server)

    def set_agent(self, agent: str, state: AgentState) -> None:
        """Make an agent ready, paused or away, at the latest after the call that the agent is in.

        Raises KeyError for an unknown agent, ValueError for any other state.
        """
        self._calls.agents.make(agent, state)

    def close(self) -> None:
        """Close both ends of the stream of events. The network must not be running."""
        self._send.close()
        self._receive.close()

    def _check_link_of(self, call_id: str) -> None:
        """Raise NotSent where nothing can be asked about a call."""
        call = self._calls.live.get(call_id)
        if call is not None:
            self._link(call.server)
        elif not any(link.up for link in self._links.values()):
            raise NotSent("no link is up")

    def _link(self, server: str) -> _Link:
        """Return the link to `server`. Raises NotSent unless it is up."""
        link = self._links.get(server)
        if link is None or not link.up:
            raise NotSent(f"no link to {server}")
        return link

    def _linked(self, server: str | None) -> Sequence[str]:
        """Return the servers that are meant: one, or all whose link is up. Raises NotSent where none is."""
        if server is not None:
            self._link(server)
            return [server]
        linked = [name for name, link in self._links.items() if link.up]
        if not linked:
            raise NotSent("no link is up")
        return linked

    def _connect(self, server: str) -> None:
        link = self._links[server]
        if link.up or link.cut:
            return
        link.up = True
        self._report(server, LinkUp(server=server, at=self._now(), restarted=link.restarted))
        link.restarted = False
        self._calls.agents.tell_all(server)

    def _report(self, server: str, event: TelephonyEvent) -> None:
        """Put an event out, unless the link is down."""
        if self._links[server].up:
            self._outbox.append(event)
            self._schedule.wake()

    async def _hand_out(self) -> None:
        """Hand out what has happened. A reader that does not read stops the network: a stream has an end."""
        while self._outbox:
            await self._send.send(self._outbox.popleft())

    def _drop_unread(self) -> None:
        """Drop events that a run before this one left: they were for a process that is gone."""
        self._outbox.clear()
        with contextlib.suppress(anyio.WouldBlock):
            while True:
                self._receive.receive_nowait()


def _refuse_line_breaks(origination: Origination) -> None:
    """Raise ValueError for text that would be more than one line on the wire."""
    texts = {
        "call_id": origination.call_id,
        "trunk": origination.trunk,
        "number": origination.number,
        "caller_id": origination.caller_id or "",
        "queue": origination.queue or "",
        "agent": origination.agent or "",
        **{f"variable {name!r}": f"{name}{value}" for name, value in origination.variables.items()},
    }
    for name, text in texts.items():
        if any(mark in text for mark in "\r\n\0"):
            raise ValueError(f"{name} must not hold line breaks or NUL, got {text!r}")
