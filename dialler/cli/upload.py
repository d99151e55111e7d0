"""Streams a body to the API and its answer back, both at once: in memory that does not grow with the file.

The usual HTTP clients read the answer only once the whole body is sent. An import answers while it reads: with
progress, and with the rows that it rejects.
"""

import asyncio
import json
import socket
from collections.abc import AsyncIterable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from anyio import create_task_group, sleep_forever

from dialler.api.kinds import error_of
from dialler.errors import DiallerError, TelephonyError

if TYPE_CHECKING:
    import h11

OnLine = Callable[[dict[str, Any]], None]

_READ_BYTES = 65536
_LINE_BYTES_MAX = 16 << 20


class Answer:
    """Takes an answer apart into its lines, as they come."""

    def __init__(self, on_line: OnLine) -> None:
        self._on_line = on_line
        self._rest = b""
        self._error: DiallerError | TelephonyError | None = None
        self.status = 0

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the body. Raises DiallerError for a line without end."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > _LINE_BYTES_MAX:
            raise DiallerError("the answer to the upload has a line without end")
        if self.status == 200:
            for line in lines:
                self._tell(line)
        else:
            self._rest = b"\n".join([*lines, self._rest])

    def close(self) -> None:
        """Take the end of the body. Raises what the API said went wrong."""
        if self.status != 200:
            try:
                document = json.loads(self._rest)
            except ValueError:
                raise DiallerError(f"the upload was answered with {self.status or 'nothing'}") from None
            raise error_of(document)
        self._tell(self._rest)
        if self._error is not None:
            raise self._error

    def _tell(self, line: bytes) -> None:
        if not line.strip():
            return
        document = json.loads(line)
        if "error" in document:  # Too late for a status: the answer had begun.
            self._error = error_of(document)
        else:
            self._on_line(document)


async def upload_here(
    app: Any, target: str, headers: Mapping[str, str], chunks: AsyncIterable[bytes], on_line: OnLine
) -> None:
    """Call an ASGI application in this process."""
    from starlette.requests import ClientDisconnect

    parts = urlsplit(target)
    body = aiter(chunks)
    answer = Answer(on_line)
    is_sent = False
    failure: Exception | None = None

    async def receive() -> dict[str, Any]:
        nonlocal is_sent
        if is_sent:
            await sleep_forever()
        chunk = await anext(body, None)
        is_sent = chunk is None
        return {"type": "http.request", "body": chunk or b"", "more_body": not is_sent}

    async def send(message: Mapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            answer.status = message["status"]
        elif message["type"] == "http.response.body":
            nonlocal failure
            try:
                answer.feed(message.get("body", b""))
            except Exception as error:  # Ours, not the application's: to that we are a client who went away.
                failure = error
                raise ClientDisconnect from error

    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": unquote(parts.path),
        "raw_path": parts.path.encode(),
        "query_string": parts.query.encode(),
        "root_path": "",
        "headers": [(key.lower().encode(), value.encode()) for key, value in headers.items()],
        "client": None,
        "server": None,
    }
    await app(scope, receive, send)
    if failure is not None:
        raise failure
    answer.close()


async def upload_to_socket(
    path: Path, target: str, headers: Mapping[str, str], chunks: AsyncIterable[bytes], on_line: OnLine
) -> None:
    """Call the daemon that listens at `path`."""
    import h11

    # Not a stream of asyncio's or anyio's: when sending fails they forget what has arrived. A daemon that refuses an
    # upload answers and closes while we still send, and its answer is all that matters then.
    with socket.socket(socket.AF_UNIX) as sock:
        sock.setblocking(False)
        try:
            await asyncio.get_running_loop().sock_connect(sock, str(path))
        except OSError as error:
            raise DiallerError(f"{path}: {error.strerror or error}") from error
        answer = Answer(on_line)
        connection = h11.Connection(h11.CLIENT)
        sent_headers = {"host": "dialler", "transfer-encoding": "chunked", "connection": "close", **headers}
        request = h11.Request(method="POST", target=target, headers=list(sent_headers.items()))
        async with create_task_group() as both:
            both.start_soon(_send, sock, connection, request, chunks)
            await _receive(sock, connection, answer)
            both.cancel_scope.cancel()
        answer.close()


async def _send(
    sock: socket.socket, connection: "h11.Connection", request: "h11.Request", chunks: AsyncIterable[bytes]
) -> None:
    import h11

    async def send(event: h11.Event) -> None:
        await asyncio.get_running_loop().sock_sendall(sock, connection.send(event) or b"")

    try:
        await send(request)
        async for chunk in chunks:
            await send(h11.Data(data=chunk))
        await send(h11.EndOfMessage())
    except OSError:
        return  # It wants no more of us; what it has to say about that is in its answer.


async def _receive(sock: socket.socket, connection: "h11.Connection", answer: Answer) -> None:
    import h11

    while True:
        try:
            event = connection.next_event()
        except h11.RemoteProtocolError as error:
            raise DiallerError(f"the daemon broke off in the middle of its answer: {error}") from error
        if event is h11.NEED_DATA:
            try:
                connection.receive_data(await asyncio.get_running_loop().sock_recv(sock, _READ_BYTES))
            except OSError as error:
                raise DiallerError("the daemon broke off in the middle of its answer") from error
        elif isinstance(event, h11.Response):
            answer.status = event.status_code
        elif isinstance(event, h11.Data):
            answer.feed(bytes(event.data))
        elif isinstance(event, h11.EndOfMessage | h11.ConnectionClosed):
            return
