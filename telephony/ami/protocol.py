"""panoramisk's AMI protocol and manager, without the faults that a dialler can't live with.

Kept of panoramisk: its classes' interface (`send_action` returns an awaitable, `register_event` takes patterns), the
interface of its `Message`, its ids of actions. Replaced, since each was seen to fail: reading (characters cut in two,
no limit, one bad message loses the next), sending (header injection, no flow control, silent queueing while down),
answers (futures that leak, hang or swallow events) and reconnecting (actions sent a second time). `link` keeps the
link up.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from panoramisk.actions import Action
from panoramisk.ami_protocol import AMIProtocol
from panoramisk.manager import Manager

from telephony.ami.message import AmiMessage
from telephony.ami.transcript import Direction, Observer
from telephony.ami.wire import Framer, MessageTooLong, encode, event_name
from telephony.errors import LinkLost, NotSent

log = logging.getLogger("telephony.ami")

WRITE_BUFFER_MAX: Final = 256 * 1024
"""Bytes that wait for a peer that reads too slowly; beyond it nothing more is sent."""

NAMES_MAX: Final = 1_000
"""Event names whose callbacks are remembered."""

Callback = Callable[["AmiManager", AmiMessage], None]


@dataclass(slots=True, eq=False)
class Asked:
    """An action on its way; its future ends with the response, or with the whole list for `as_list`."""

    future: "asyncio.Future[Any]"
    as_list: bool
    answers: list[AmiMessage] = field(default_factory=list)

    def add(self, message: AmiMessage, *, is_event: bool) -> bool:
        """Take an answer; return whether it was the last."""
        if self.future.done():
            return True
        if not self.as_list:
            if is_event or message.get("response") is None:
                return False  # OriginateResponse is an event that has a Response header
            self.future.set_result(message)
            return True
        self.answers.append(message)
        refused = not is_event and message.get("response") == "Error"
        if refused or message.get("eventlist") in ("Complete", "cancelled"):
            self.future.set_result(self.answers)
            return True
        return False


class AmiProtocol(AMIProtocol):  # type: ignore[misc] # panoramisk has no types
    """One connection: every action is written once or not at all, and its future always ends."""

    def __init__(self, manager: "AmiManager") -> None:
        self.factory = manager
        self.closed: bool = False
        self.lost = asyncio.Event()
        self.lost_because = ""
        self.received_at = 0.0
        self._framer = Framer()
        self._full = False
        self._unwritten: list[bytes] = []
        self._loop = asyncio.get_running_loop()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        manager = self.factory
        super().connection_made(transport)
        self.factory = manager
        self.received_at = self._loop.time()
        self.transport.set_write_buffer_limits(high=WRITE_BUFFER_MAX)
        if manager.observer is not None:
            manager.observer(Direction.NOTE, b"connected")

    def pause_writing(self) -> None:
        self._full = True

    def resume_writing(self) -> None:
        self._full = False

    def send(
        self, data: Mapping[str, Any], as_list: bool = False, *, even_if_full: bool = False
    ) -> "asyncio.Future[Any]":
        """Write an action and return the future of its answer.

        Raises ValueError for what must not be sent and NotSent where the link is down or the peer reads too slowly;
        the future raises LinkLost. Cancelling the future forgets the action.
        """
        action_id = data.get("ActionID")
        if action_id is None:
            data = {**data, "ActionID": (action_id := Action.action_id_generator())}
        raw = encode(data)
        if self.closed:
            raise NotSent(f"the link is down: {self.lost_because}")
        if self._full and not even_if_full:
            raise NotSent("the exchange reads too slowly, it does not keep up")
        if action_id in self.responses:
            raise ValueError(f"ActionID {action_id} is in flight already")
        asked = self.responses[action_id] = Asked(self._loop.create_future(), as_list)
        asked.future.add_done_callback(lambda _: self.responses.pop(action_id, None))
        if self.factory.observer is not None:
            self.factory.observer(Direction.SENT, raw)
        self._write(raw)
        return asked.future

    def _write(self, raw: bytes) -> None:
        """Write with what else is sent in this turn of the loop: a system call each would give the lock away each."""
        if not self._unwritten:
            self._loop.call_soon(self._flush)
        self._unwritten.append(raw)

    def _flush(self) -> None:
        raw = b"".join(self._unwritten)
        self._unwritten.clear()
        if not self.closed:
            self.transport.write(raw)

    def data_received(self, data: bytes) -> None:
        self.received_at = self._loop.time()
        try:
            messages = self._framer.feed(data)
        except MessageTooLong as error:
            self.abort(f"not understood: {error}")
            return
        for raw in messages:
            if self.closed:
                return
            if self.factory.observer is not None:
                self.factory.observer(Direction.RECEIVED, raw)
            try:
                self._receive(raw.strip(b"\r\n"))
            except Exception:
                log.exception("ami message lost", extra={"event": "ami_message_failed", "size": len(raw)})

    def _receive(self, raw: bytes) -> None:
        name = event_name(raw)
        callbacks = self.factory.callbacks_of(name) if name is not None else ()
        awaited = bool(self.responses) and (name is None or b"\r\nActionID: " in raw)
        if not callbacks and not awaited:
            return
        message = AmiMessage(raw)
        if awaited:
            action_id = message.get("actionid")
            asked = self.responses.get(action_id) if isinstance(action_id, str) else None
            if asked is not None and asked.add(message, is_event=name is not None):
                self.responses.pop(action_id, None)
        for callback in callbacks:
            try:
                callback(self.factory, message)
            except Exception:
                log.exception("ami callback failed", extra={"event": "ami_callback_failed"})

    def connection_lost(self, exc: BaseException | None) -> None:
        self._end(str(exc) if exc else "closed by the exchange")

    def abort(self, reason: str) -> None:
        """Close the link at once, without waiting for what is buffered."""
        self._end(reason)

    def close(self) -> None:
        self._end("closed")

    def _end(self, reason: str) -> None:
        if self.closed:
            return
        self.closed = True
        self.lost_because = reason
        if self.factory.observer is not None:
            self.factory.observer(Direction.NOTE, f"lost: {reason}".encode("utf-8", "replace"))
        self.transport.abort()
        for asked in list(self.responses.values()):
            if not asked.future.done():
                asked.future.set_exception(LinkLost(f"the link was lost before the answer: {reason}"))
                asked.future.exception()  # whoever waits still gets it; nobody waiting is no reason for a warning
        self.responses.clear()
        self.lost.set()


class AmiManager(Manager):  # type: ignore[misc] # panoramisk has no types
    """panoramisk's manager for one connection at a time; it schedules nothing by itself and never reconnects."""

    def __init__(self, observer: Observer | None = None) -> None:
        super().__init__(protocol_factory=lambda: AmiProtocol(self))
        self.callbacks.clear()  # send_awaiting_actions, which sends what was sent before
        self.patterns.clear()
        self._by_name: dict[bytes, tuple[Callback, ...]] = {}
        self.observer = observer
        """Sees all that is sent and received, for a transcript."""

    def register_event(self, pattern: str, callback: Callback | None = None) -> Any:
        self._by_name = {}
        return super().register_event(pattern, callback)

    def callbacks_of(self, name: bytes) -> tuple[Callback, ...]:
        """Return the callbacks for the event of that name."""
        found = self._by_name.get(name)
        if found is None:
            text = name.decode("utf-8", "replace")
            found = tuple(
                callback
                for pattern, matcher in self.patterns
                if matcher.match(text)
                for callback in self.callbacks[pattern]
            )
            if len(self._by_name) < NAMES_MAX:
                self._by_name[name] = found
        return found

    async def open(self, host: str, port: int, ssl: Any) -> AmiProtocol:
        """Connect; return the new connection. Raises OSError, or UnicodeError for an impossible host name."""
        loop = asyncio.get_running_loop()
        _, protocol = await loop.create_connection(self.config["protocol_factory"], host, port, ssl=ssl)
        self.protocol = protocol
        return protocol  # type: ignore[no-any-return]

    def connection_made(self, f: Any) -> None:
        """Never used: `open` does it."""

    def connection_lost(self, exc: Any) -> None:
        """Never used: `link` sees the protocol's own `lost`."""
