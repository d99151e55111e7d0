"""An exchange at which every number is busy at once: what is left is the engine's own work."""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime

import anyio
from anyio import TASK_STATUS_IGNORED
from anyio.abc import TaskStatus
from anyio.streams.memory import MemoryObjectReceiveStream

from telephony.events import CallEvent, Dialling, HangupBy, HungUp, LinkUp, TelephonyEvent
from telephony.port import LiveCall, Origination, Trunk

BUSY = 17


class InstantNetwork:
    """`telephony.port.Telephony`, with one trunk that is no limit but for its channels."""

    def __init__(self, *, channels: int = 200) -> None:
        self.trunks: Sequence[Trunk] = (
            Trunk(name="carrier", server="main", calls_per_second=100_000, channels=channels),
        )
        self._send, self._receive = anyio.create_memory_object_stream[TelephonyEvent](100_000)

    @property
    def events(self) -> MemoryObjectReceiveStream[TelephonyEvent]:
        return self._receive

    @property
    def events_dropped(self) -> int:
        return 0

    def is_up(self, server: str) -> bool:
        return True

    async def run(self, *, task_status: TaskStatus[None] = TASK_STATUS_IGNORED) -> None:
        task_status.started()
        self._send.send_nowait(LinkUp(server="main", at=datetime.now(UTC), restarted=False))
        await anyio.sleep_forever()

    async def originate(self, origination: Origination) -> None:
        """Accept the call; its end is told at once."""
        now, call_id = datetime.now(UTC), origination.call_id
        await anyio.lowlevel.checkpoint()
        self._send.send_nowait(Dialling(call_id=call_id, at=now))
        self._send.send_nowait(HungUp(call_id=call_id, at=now, cause=BUSY, cause_text="User busy", by=HangupBy.NETWORK))

    async def hang_up(self, call_id: str) -> bool:
        return False

    async def look_again(self, call_id: str) -> bool:
        return False

    async def divert(self, call_id: str) -> bool:
        return False

    async def add_to_queue(self, queue: str, agent: str, **facts: object) -> bool:
        return False

    async def remove_from_queue(self, queue: str, agent: str, *, server: str | None = None) -> bool:
        return False

    async def set_paused(self, agent: str, paused: bool, **facts: object) -> bool:
        return False

    async def live_calls(self, server: str) -> Sequence[LiveCall]:
        return ()

    async def ended_calls(self, server: str, call_ids: Collection[str]) -> Mapping[str, Sequence[CallEvent]]:
        return {}
