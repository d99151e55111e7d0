"""An exchange worked by hand: it accepts calls and says nothing until the test does."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime

import anyio
from anyio import TASK_STATUS_IGNORED
from anyio.abc import TaskStatus
from anyio.streams.memory import MemoryObjectReceiveStream

from telephony.errors import NotSent
from telephony.events import AgentChanged, AgentState, CallEvent, LinkDown, LinkUp, TelephonyEvent
from telephony.port import LiveCall, Origination, Trunk

SERVER = "pbx"


class HandExchange:
    """Telephony without a network. Its link is up from the start."""

    def __init__(self, *trunks: Trunk) -> None:
        self.trunks: Sequence[Trunk] = trunks or (Trunk(name="a", server=SERVER, calls_per_second=100.0, channels=50),)
        self._send, self._receive = anyio.create_memory_object_stream[TelephonyEvent](1_000)
        self._up = True
        self.now: Callable[[], datetime] = lambda: datetime(2026, 1, 1, tzinfo=UTC)
        """Set by the call centre."""

        self.placed: list[Origination] = []
        self.live: list[LiveCall] = []
        self.hung_up: list[str] = []
        self.diverted: list[str] = []
        self.looked: list[str] = []
        """Calls whose queue was to look for an agent again."""

        self.diverting: Callable[[str], bool] = lambda call_id: True
        """Answers `divert`, after it has noted the call; may raise what the exchange would."""

        self.members: list[tuple[str, str]] = []
        """Queues and agents that were added."""

        self.pauses: list[tuple[str, str | None]] = []
        """Agents that were paused, and why; None: made ready."""

        self.pausing: Callable[[str], bool] = lambda agent: True
        """Answers `set_paused`, after it has noted the agent; may raise what the exchange would."""

        self.knows_calls = True
        """Whether `hang_up` finds the calls it is asked to end."""

        self.refusing: Exception | None = None
        """What `originate` raises, after it has noted the call."""

        self.ended: dict[str, Sequence[CallEvent]] = {}
        """What became of calls that nobody was told of."""

        self.asked = 0
        """How often it was asked for its calls."""

        self.answering: anyio.Event | None = None
        """Where set, `live_calls` waits for it before it answers with what was up when it was asked."""

    @property
    def events(self) -> MemoryObjectReceiveStream[TelephonyEvent]:
        return self._receive

    @property
    def events_dropped(self) -> int:
        return 0

    def is_up(self, server: str) -> bool:
        return self._up

    async def run(self, *, task_status: TaskStatus[None] = TASK_STATUS_IGNORED) -> None:
        task_status.started()
        if self._up:
            self.link_up()
        await anyio.sleep_forever()

    async def originate(self, origination: Origination) -> None:
        self.placed.append(origination)
        if self.refusing is not None:
            raise self.refusing

    async def hang_up(self, call_id: str) -> bool:
        self._ask()
        self.hung_up.append(call_id)
        return self.knows_calls

    async def divert(self, call_id: str) -> bool:
        self._ask()
        self.diverted.append(call_id)
        return self.diverting(call_id)

    async def look_again(self, call_id: str) -> bool:
        self._ask()
        self.looked.append(call_id)
        return True

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
        self._ask()
        self.members.append((queue, agent))
        return True

    async def remove_from_queue(self, queue: str, agent: str, *, server: str | None = None) -> bool:
        self._ask()
        if (queue, agent) not in self.members:
            return False
        self.members.remove((queue, agent))
        return True

    async def set_paused(
        self, agent: str, paused: bool, *, reason: str = "", queue: str | None = None, server: str | None = None
    ) -> bool:
        self._ask()
        self.pauses.append((agent, reason if paused else None))
        return self.pausing(agent)

    def _ask(self) -> None:
        if not self._up:
            raise NotSent("no link")

    async def live_calls(self, server: str) -> Sequence[LiveCall]:
        self._ask()
        self.asked += 1
        live = list(self.live)
        if self.answering is not None:
            await self.answering.wait()
        return live

    async def ended_calls(self, server: str, call_ids: Collection[str]) -> Mapping[str, Sequence[CallEvent]]:
        self._ask()
        return {call_id: self.ended[call_id] for call_id in call_ids if call_id in self.ended}

    def say(self, kind: Callable[..., CallEvent], call_id: str, **facts: object) -> None:
        """Report an event of a call."""
        self._send.send_nowait(kind(call_id=call_id, at=self.now(), **facts))

    def move_agent(
        self, agent: str, state: AgentState, *, queue: str, server: str = SERVER, pause_reason: str | None = None
    ) -> None:
        """Report an agent's state."""
        self._send.send_nowait(
            AgentChanged(server=server, at=self.now(), agent=agent, queue=queue, state=state, pause_reason=pause_reason)
        )

    def link_up(self, *, restarted: bool = False) -> None:
        """Bring the link up."""
        self._up = True
        self._send.send_nowait(LinkUp(server=SERVER, at=self.now(), restarted=restarted))

    def link_down(self) -> None:
        """Break the link."""
        self._up = False
        self._send.send_nowait(LinkDown(server=SERVER, at=self.now(), reason="by hand"))

    def close(self) -> None:
        """Close both ends of the stream of events."""
        self._send.close()
        self._receive.close()
