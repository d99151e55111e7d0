"""The loop to compare with: Originates over one AMI connection, and nothing else. A process of its own.

It keeps `--window` calls up, and counts a call as over with its Hangup (of the leg that has the call's own id). It has
the event filter of the account it logs in with, keeps no records, and reads nothing of a message but its name and id.
"""

import argparse
import asyncio
import json
import resource
import time
from collections.abc import Callable

from benchmarks.records import PREFIX

NAME = b"Event: Hangup\r\n"
ID = b"\r\nUniqueid: bare-"
END = b"\r\n\r\n"


class Loop(asyncio.Protocol):
    """Originates as fast as the window allows."""

    def __init__(self, calls: int, window: int, channel: str, context: str) -> None:
        self.calls = calls
        self.left = calls
        self.window = window
        self.channel = channel
        self.context = context
        self.ended = 0
        self.refused = 0
        self.done = asyncio.get_running_loop().create_future()
        self.answers: asyncio.Queue[bytes] = asyncio.Queue()
        self.is_dialling = False
        self._tail = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(exc or ConnectionError("Asterisk closed the link"))

    def data_received(self, data: bytes) -> None:
        *messages, self._tail = (self._tail + data).split(END)
        over = 0
        for message in messages:
            if message.startswith(NAME):
                at = message.find(ID)
                over += at >= 0 and not message[at : message.find(b"\r\n", at + 2)].endswith(b";2")
            elif not self.is_dialling:
                if b"Response: " in message:  # the banner stands before the first
                    self.answers.put_nowait(message)
            elif message.startswith(b"Response: Error"):
                self.refused += 1
                over += 1
        if over:
            self.ended += over
            self.originate(over)
            if self.ended >= self.calls and not self.done.done():
                self.done.set_result(None)

    def originate(self, count: int) -> None:
        """Ask for up to `count` calls more."""
        count = min(count, self.left)
        first = self.calls - self.left
        self.left -= count
        self.transport.write(b"".join(self._action(first + nth) for nth in range(count)))

    def _action(self, place: int) -> bytes:
        number = f"{PREFIX}{place:09}"
        name = f"bare-{place:09}"  # of one length: Asterisk takes an id for in use that a live one begins with
        return (
            f"Action: Originate\r\nActionID: {name}\r\nChannel: {self.channel.replace('{number}', number)}\r\n"
            f"Context: {self.context}\r\nExten: s\r\nPriority: 1\r\nTimeout: 25000\r\nAsync: true\r\n"
            f"EarlyMedia: false\r\nChannelId: {name}\r\nVariable: DLR_ATTEMPT={name}\r\n"
            "Variable: DLR_QUEUE=\r\nVariable: DLR_MESSAGE=test/short\r\n\r\n"
        ).encode()

    async def ask(self, *lines: str) -> None:
        """Send an action that must succeed."""
        self.transport.write("\r\n".join((*lines, "", "")).encode())
        answer = await asyncio.wait_for(self.answers.get(), 10)
        if b"Success" not in answer:
            raise ConnectionError(answer.decode())


async def dial(options: argparse.Namespace) -> dict[str, float]:
    make: Callable[[], Loop] = lambda: Loop(options.calls, options.window, options.channel, options.context)  # noqa: E731
    _, loop = await asyncio.get_running_loop().create_connection(make, "127.0.0.1", options.port)
    await loop.ask("Action: Login", f"Username: {options.username}", f"Secret: {options.secret}", "Events: on")
    loop.is_dialling = True
    began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF)
    loop.originate(options.window)
    await loop.done
    after = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "seconds": time.perf_counter() - began,
        "cpu_s": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        "refused": loop.refused,
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    for name, kind in {"port": int, "calls": int, "window": int}.items():
        parser.add_argument(f"--{name}", type=kind, required=True)
    for name in ("username", "secret", "channel", "context"):
        parser.add_argument(f"--{name}", required=True)
    print(json.dumps(asyncio.run(dial(parser.parse_args()))))


if __name__ == "__main__":
    main()
