"""Peers for the AMI adapter: a scripted Asterisk that can misbehave, and a proxy whose link can be cut."""

import asyncio
import hashlib
import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import Self

import anyio

Headers = dict[str, list[str]]
"""Lower-case key to its values, in the order sent."""

Answer = Callable[["AmiSession", Headers], bool]
"""Answers one action; returns whether it did (else the peer's usual answer is given)."""


def message(*lines: str) -> bytes:
    return "\r\n".join((*lines, "", "")).encode()


class AmiSession:
    """One connection to the scripted peer."""

    def __init__(self, peer: "AmiPeer", writer: asyncio.StreamWriter) -> None:
        self.peer = peer
        self.writer = writer
        self.logged_in = False
        self.masks: list[str] = []

    def send(self, *lines: str) -> None:
        """Send one message."""
        self.send_raw(message(*lines))

    def send_raw(self, data: bytes) -> None:
        if not self.writer.is_closing():
            self.writer.write(data)

    def respond(self, action: Headers, response: str = "Success", *lines: str) -> None:
        """Answer an action."""
        self.send(f"Response: {response}", f"ActionID: {action['actionid'][0]}", *lines)

    def stop_reading(self) -> None:
        """Leave what comes in the kernel's buffers."""
        transport = self.writer.transport
        assert isinstance(transport, asyncio.ReadTransport)
        transport.pause_reading()

    def cut(self) -> None:
        self.writer.transport.abort()


class AmiPeer:
    """A scripted Asterisk on a free port of this machine; an async context manager.

    Every action that arrives is kept in `actions`, over all connections. `on` sets the answer to one action; what is
    not set is answered as Asterisk would. `silent` makes it answer nothing at all.
    """

    def __init__(self, *, secret: str = "test-secret", tls: ssl.SSLContext | None = None, uptime_s: int = 1000) -> None:
        self.secret = secret
        self.uptime_s = uptime_s
        self.silent = False
        self.boots = True
        self.actions: list[Headers] = []
        self.sessions: list[AmiSession] = []
        self.port = 0
        self._tls = tls
        self._answers: dict[str, Answer] = {}
        self._changed = anyio.Event()
        self._server: asyncio.Server | None = None

    def on(self, action: str, answer: Answer) -> None:
        self._answers[action.lower()] = answer

    def sent(self, action: str) -> list[Headers]:
        """Return the actions of that name that arrived."""
        return [one for one in self.actions if one["action"][0].lower() == action.lower()]

    @property
    def session(self) -> AmiSession:
        """The latest connection."""
        return self.sessions[-1]

    async def until(self, condition: Callable[[], bool], *, within_s: float = 10.0) -> None:
        """Wait until a condition on this peer holds; it is looked at whenever something arrives."""
        with anyio.fail_after(within_s):
            while not condition():
                await self._changed.wait()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=self._tls, limit=1 << 20)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for session in self.sessions:
            session.cut()
        await asyncio.sleep(0)

    def _note(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        session = AmiSession(self, writer)
        self.sessions.append(session)
        self._note()
        session.send_raw(b"Asterisk Call Manager/11.0.0\r\n")
        with suppress(OSError, asyncio.IncompleteReadError):
            while True:
                raw = await reader.readuntil(b"\r\n\r\n")
                action: Headers = {}
                for line in raw.decode().split("\r\n"):
                    key, colon, value = line.partition(": ")
                    if colon:
                        action.setdefault(key.lower(), []).append(value)
                self.actions.append(action)
                if not self.silent:
                    self._answer(session, action)
                self._note()
        writer.close()

    def _answer(self, session: AmiSession, action: Headers) -> None:
        name = action["action"][0].lower()
        if name in self._answers and self._answers[name](session, action):
            return
        match name:
            case "challenge":
                session.respond(action, "Success", "Challenge: 12345")
            case "login":
                self._log_in(session, action)
            case "originate":
                session.respond(action, "Success", "Message: Originate successfully queued")
            case "events":
                session.masks.append(action["eventmask"][0])
                session.respond(action, "Success", "Events: On")
            case "queuestatus" | "coreshowchannels":
                session.respond(action, "Success", "EventList: start", "Message: will follow")
                complete = "QueueStatusComplete" if name == "queuestatus" else "CoreShowChannelsComplete"
                session.send(f"Event: {complete}", f"ActionID: {action['actionid'][0]}", "EventList: Complete")
            case "hangup":
                session.respond(action, "Error", "Message: No such channel")
            case _:
                session.respond(action, "Success", "Ping: Pong")

    def _log_in(self, session: AmiSession, action: Headers) -> None:
        expected = hashlib.md5(f"12345{self.secret}".encode(), usedforsecurity=False).hexdigest()
        if action["key"][0] != expected:
            session.respond(action, "Error", "Message: Authentication failed")
            session.writer.close()
            return
        session.logged_in = True
        session.respond(action, "Success", "Message: Authentication accepted")
        if self.boots:
            session.send(
                "Event: FullyBooted", "Privilege: system,all", "Status: Fully Booted", f"Uptime: {self.uptime_s}"
            )


class CuttableProxy:
    """Carries TCP to a port of this machine until it is cut; an async context manager."""

    def __init__(self, target_port: int) -> None:
        self._target_port = target_port
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self.port = 0

    async def __aenter__(self) -> Self:
        await self.restore()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.cut()

    async def restore(self) -> None:
        """Take connections again, on the same port."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        """Break all connections and take no more."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target_port)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, far_writer}
        if self._server is None:  # cut while we were connecting
            await self.cut()
            return
        await asyncio.gather(self._carry(reader, far_writer), self._carry(far_reader, writer))
        self._writers -= {writer, far_writer}

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.transport.abort()


def channel_event(name: str, call_id: str, *lines: str) -> bytes:
    """Return an event about the channel of one call."""
    return message(f"Event: {name}", "Privilege: call,all", f"Uniqueid: {call_id}", *lines)
