"""AMI events parsed and dispatched: our protocol against stock panoramisk, on the same bytes.

The bytes are those of one answered call with a queue, as a real Asterisk 22 sent them to an account without filters,
many times over. Both sides register the same callback for the same names, those of the dialler's link, and it reads
of each event whose call it is about. Both are handed the same pieces, of the size in which asyncio reads from a busy
socket.
"""

import asyncio
import gc
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from panoramisk.ami_protocol import AMIProtocol
from panoramisk.manager import Manager
from panoramisk.message import Message

from benchmarks.figure import AT_LEAST, Figure, Goal, Part, Spread
from benchmarks.scale import Scale
from telephony.ami.link import AGENT_EVENTS, CALL_EVENTS, EVENTS
from telephony.ami.protocol import AmiManager
from telephony.ami.translate import channel_of, text

SAMPLE: Final = Path(__file__).parent / "samples/call_events.txt"
PIECE: Final = 64 * 1024
END: Final = b"\r\n\r\n"

Side = Callable[[Callable[..., None]], asyncio.Protocol]


class NoTransport(asyncio.Transport):
    """Takes what is written, and does nothing."""

    def write(self, data: Any) -> None: ...
    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None: ...
    def abort(self) -> None: ...
    def close(self) -> None: ...


def sample() -> list[bytes]:
    """Return the events of one call, without their ends."""
    raw = SAMPLE.read_bytes().replace(b"\n", b"\r\n")
    return [one for one in raw.split(END) if one]


def run(scale: Scale) -> Iterator[Figure]:
    """Yield the rate on all events of a call, and on those that the dialler's filter lets through."""
    return iter(asyncio.run(_run(scale)))


async def _run(scale: Scale) -> list[Figure]:
    everything = sample()
    wanted = [one for one in everything if one.split(b"\r\n", 1)[0][7:].decode() in EVENTS]
    calls = scale.of(1_000, 5_000)
    return [
        _figure(
            scale, "events", "AMI events/s parsed and dispatched, against panoramisk", everything, calls, AT_LEAST_5
        ),
        _figure(scale, "events-wanted", "the same, only events that pass our filter", wanted, calls, None),
    ]


AT_LEAST_5: Final = Goal(AT_LEAST, 5.0)


def _figure(scale: Scale, name: str, what: str, events: list[bytes], calls: int, goal: Goal | None) -> Figure:
    stream = END.join(events * calls) + END
    pieces = [stream[at : at + PIECE] for at in range(0, len(stream), PIECE)]
    ours: list[float] = []
    stock: list[float] = []
    dispatched = set()
    for _ in range(scale.turns + 2):
        for side, rates in ((_ours, ours), (_stock, stock)):
            seconds, count = _feed(side, pieces)
            rates.append(len(events) * calls / seconds)
            dispatched.add(count)
    if len(dispatched) != 1:
        raise RuntimeError(f"the two do not dispatch the same events: {dispatched}")
    mine, theirs = Spread.of(ours), Spread.of(stock)
    return Figure(
        name=name,
        what=what,
        spread=mine.over(theirs),
        goal=goal,
        parts=(Part("telephony.ami", "events/s", mine), Part("panoramisk 1.4", "events/s", theirs)),
        notes=(
            f"{len(events)} events and {len(END.join(events)):,} bytes a call, "
            f"{dispatched.pop() / calls:.0f} of them dispatched; pieces of {PIECE // 1024} KiB",
        ),
    )


def _feed(side: Side, pieces: list[bytes]) -> tuple[float, int]:
    count = 0

    def callback(_: object, message: Message) -> None:
        nonlocal count
        # As the dialler does with each event: which channel, and so whose call.
        count += bool(channel_of(text(message, "event"), message))

    protocol = side(callback)
    gc.collect()
    began = time.perf_counter()
    for piece in pieces:
        protocol.data_received(piece)
    return time.perf_counter() - began, count


def _ours(callback: Callable[..., None]) -> asyncio.Protocol:
    manager = AmiManager()
    for name in (*CALL_EVENTS, *AGENT_EVENTS):
        manager.register_event(name, callback)
    protocol: asyncio.Protocol = manager.config["protocol_factory"]()
    protocol.connection_made(NoTransport())
    return protocol


def _stock(callback: Callable[..., None]) -> asyncio.Protocol:
    manager = Manager()
    for name in (*CALL_EVENTS, *AGENT_EVENTS):
        manager.register_event(name, callback)
    protocol = AMIProtocol()
    protocol.connection_made(NoTransport())
    # As its manager does once it is connected.
    protocol.factory, protocol.encoding = manager, manager.config["encoding"]
    stock: asyncio.Protocol = protocol
    return stock
