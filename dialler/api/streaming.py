"""An answer in JSON lines, each of one key, given while the work goes on.

`{"progress": ...}` now and then, `{"rejects": text}` with CSV of rejected rows where asked for, and at last what came
of it: `{"report": ...}` or `{"import": ...}`. What is wrong before the first line is a plain error answer; what goes
wrong later is an `{"error": ..., "kind": ...}` line in place of the last one.
"""

import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from enum import Enum
from typing import Final, TypeAlias

import anyio
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from dialler.api.forms import Json
from dialler.api.kinds import error_document
from dialler.errors import DiallerError

PROGRESS_EVERY_S: Final = 0.5
_log = logging.getLogger("dialler.api")


class WhenLeft(Enum):
    """What becomes of a work whose client goes away."""

    STOPS = "stops"
    """At once; the work reads no body."""

    STOPS_AT_BODY = "stops at body"
    """When it finds out: it reads a body, and whoever listens for the client's leaving would take the body away."""

    GOES_ON = "goes on"
    """Nothing, once it has its body."""


class Lines:
    """The lines of one answer, as they are told."""

    def __init__(self, send: Send, headers: list[tuple[bytes, bytes]], *, goes_on: bool) -> None:
        """`headers` are the answer's; `goes_on`: what nobody hears any more is no error."""
        self._send = send
        self._headers = headers
        self._goes_on = goes_on
        self._is_left = False
        self._stage: object = None
        self._told_at = anyio.current_time()
        self.is_begun = False
        """Whether the answer has begun, and has its status."""

    async def progress(self, progress: Mapping[str, object]) -> None:
        """Tell how far it is: of each new `stage` at once, and then now and then."""
        now, stage = anyio.current_time(), progress.get("stage")
        if stage != self._stage or now - self._told_at >= PROGRESS_EVERY_S:
            self._told_at, self._stage = now, stage
            await self.tell({"progress": dict(progress)})

    async def rejects(self, text: str) -> None:
        """Send lines of rejected rows."""
        await self.tell({"rejects": text})

    async def tell(self, document: Json) -> None:
        """Send one line. Raises ClientDisconnect if nobody hears it, unless the work goes on all the same."""
        if self._is_left:
            return
        line = json.dumps(document, ensure_ascii=False).encode() + b"\n"
        try:
            if not self.is_begun:
                self.is_begun = True
                await self._send({"type": "http.response.start", "status": 200, "headers": self._headers})
            await self._send({"type": "http.response.body", "body": line, "more_body": True})
        except ClientDisconnect:
            self._is_left = True
            if not self._goes_on:
                raise

    async def end(self) -> None:
        """Send the end; whoever left hears nothing of it."""
        if self.is_begun and not self._is_left:
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})


Work: TypeAlias = Callable[[Lines], Awaitable[Json]]
"""What is done while the answer is given; it returns the last line."""


class StreamedAnswer(Response):
    """Does a work and answers in lines meanwhile, which a plain streaming response can't while a body arrives."""

    media_type = "application/x-ndjson"

    def __init__(self, work: Work, *, what: str, when_left: WhenLeft = WhenLeft.STOPS) -> None:
        """`what` is what the log calls the work when its client goes away."""
        self.status_code = 200
        self.background = None
        self.init_headers({"x-accel-buffering": "no"})
        del self.headers["content-length"]
        self._work = work
        self._what = what
        self._when_left = when_left

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        lines = Lines(send, self.raw_headers, goes_on=self._when_left is WhenLeft.GOES_ON)
        if self._when_left is WhenLeft.STOPS:
            refused: DiallerError | None = None
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(_await_leaving, receive, tasks.cancel_scope)
                refused = await self._answer(lines)
                tasks.cancel_scope.cancel()
        else:
            refused = await self._answer(lines)
        if refused is not None:
            raise refused  # It can still have its own status.
        await lines.end()

    async def _answer(self, lines: Lines) -> DiallerError | None:
        """Work and tell; return what went wrong before anything was told."""
        try:
            await lines.tell(await self._work(lines))
        except ClientDisconnect:
            _log.warning("%s was cut off by its client", self._what)
        except DiallerError as error:
            if not lines.is_begun:
                return error
            await lines.tell(error_document(error)[1])
        return None


async def _await_leaving(receive: Receive, work: anyio.CancelScope) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    work.cancel()
