"""An answer that is given while the request's body arrives: JSON lines, each of one key.

`{"progress": ...}` now and then, `{"rejects": text}` with CSV of rejected rows where asked for, and at last
`{"report": ...}`. What is wrong with the body as a whole is a plain error answer, since nothing was done yet; what goes
wrong later is an `{"error": ..., "kind": ...}` line in place of the report.

Who asks for rejects has to read the answer while he sends: most HTTP clients read it only afterwards, which is fine
for progress, but not for a million rejected rows.
"""

import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable

import anyio
from fastapi import Request
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from dialler.api.forms import Json
from dialler.api.kinds import error_document
from dialler.errors import DiallerError

PROGRESS_EVERY_S = 0.5
_log = logging.getLogger("dialler.api")


class Upload:
    """A body that arrives, and what is told of it meanwhile."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._send: Send | None = None
        self._headers: list[tuple[bytes, bytes]] = []
        self._progress: Json | None = None
        self._one_at_a_time = anyio.Lock()
        self.is_begun = False
        """Whether the answer has begun, and has its status."""

    async def chunks(self, meanwhile: Callable[[], Awaitable[None]] | None = None) -> AsyncIterator[bytes]:
        """Yield the body; tell the progress between two of its pieces, and call `meanwhile` then."""
        told_at = anyio.current_time()
        async for chunk in self._request.stream():
            yield chunk
            now = anyio.current_time()
            if self._progress is not None and now - told_at >= PROGRESS_EVERY_S:
                told_at = now
                await self.tell({"progress": self._progress})
                if meanwhile is not None:
                    await meanwhile()

    def note(self, progress: Json) -> None:
        """Keep how far it is, to be told when it is time."""
        self._progress = progress

    async def tell_rejects(self, text: str) -> None:
        """Send lines of rejected rows."""
        await self.tell({"rejects": text})

    async def tell(self, document: Json) -> None:
        """Send one line."""
        assert self._send is not None
        async with self._one_at_a_time:  # Reader and writer of the body both tell.
            if not self.is_begun:
                self.is_begun = True
                await self._send({"type": "http.response.start", "status": 200, "headers": self._headers})
            line = json.dumps(document, ensure_ascii=False).encode() + b"\n"
            await self._send({"type": "http.response.body", "body": line, "more_body": True})

    def answers_to(self, send: Send, headers: list[tuple[bytes, bytes]]) -> None:
        """Say where lines go."""
        self._send, self._headers = send, headers


class StreamedReport(Response):
    """Does `work` on the body while it answers: both at once, which a plain streaming response can't."""

    media_type = "application/x-ndjson"

    def __init__(self, request: Request, work: Callable[[Upload], Awaitable[Json]], *, what: str) -> None:
        """`work` returns the report; `what` is what the log calls it when its client goes away."""
        self.status_code = 200
        self.background = None
        self.init_headers({"x-accel-buffering": "no"})
        del self.headers["content-length"]
        self._upload = Upload(request)
        self._work = work
        self._what = what

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._upload.answers_to(send, self.raw_headers)
        try:
            await self._upload.tell({"report": await self._work(self._upload)})
        except ClientDisconnect:
            _log.warning("%s was cut off by its client", self._what)
            return
        except DiallerError as error:
            if not self._upload.is_begun:
                raise  # It can still have its own status.
            await self._upload.tell(error_document(error)[1])
        await send({"type": "http.response.body", "body": b"", "more_body": False})
