"""The way to the API: the daemon's socket, or the same application in this process."""

import getpass
import math
import sys
from collections.abc import AsyncIterable, AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote

from dialler.api.kinds import error_of
from dialler.api.probe import answers
from dialler.cli.options import Reading, Writing
from dialler.cli.upload import upload_here, upload_to_socket
from dialler.errors import DiallerError, StoreError, StoreLocked, UsageError

if TYPE_CHECKING:
    import httpx

    from dialler.settings import Settings

Document = dict[str, Any]
Upload = Callable[[str, Mapping[str, str], AsyncIterable[bytes], Callable[[Document], None]], Any]

_LONGEST_ANSWER_S = 600  # a check of ten million leads
_PAGE_MAX = 1000
_SIZED = ("/audit", "/successes")
"""Where `size` says how long a page is, as of searches."""


class Connection:
    """A way to the API that is open now."""

    def __init__(self, client: "httpx.AsyncClient", upload: Upload) -> None:
        self._client = client
        self._upload = upload

    async def get(self, path: str, **params: object) -> Document:
        """Return an answer; parameters that are None are left out. Raises what the API said went wrong."""
        return await self._ask("GET", path, params=params)

    async def portion(self, path: str, **params: object) -> tuple[bytes, int | None]:
        """Return a portion of an export as it is, and where the next one begins, None at the end."""
        answer = await self._request("GET", path, params=params)
        if answer.is_error:
            self._document(answer)
        after = answer.headers.get("dialler-next")
        return answer.content, int(after) if after else None

    async def put(self, path: str, body: object) -> Document:
        """As `post`, for what is set as a whole."""
        return await self._ask("PUT", path, body=body)

    async def post(self, path: str, body: object = None, **params: object) -> Document:
        """As `get`, but changes something."""
        return await self._ask("POST", path, body=body, params=params)

    async def patch(self, path: str, body: object, **params: object) -> Document:
        """As `post`, for changes of what is there."""
        return await self._ask("PATCH", path, body=body, params=params)

    async def delete(self, path: str, **params: object) -> Document:
        """As `post`, for what is to go."""
        return await self._ask("DELETE", path, params=params)

    async def pages(self, path: str, *, limit: int, after: int | str | None = None, **params: object) -> Document:
        """Return up to `limit` items, however many pages they take; 0 for all there are."""
        items: list[Document] = []
        while True:
            room = limit - len(items) if limit else _PAGE_MAX
            size = min(room, _PAGE_MAX)
            by_size = path in _SIZED or _is_search(params)
            answer = await self.get(path, **params, after=after, **{"size" if by_size else "limit": size})
            items += answer["items"]
            after = answer["next"]
            if after is None or (limit and len(items) >= limit):
                return {"items": items, "next": after}

    async def upload(
        self, path: str, params: Mapping[str, Any], chunks: AsyncIterable[bytes], on_line: Callable[[Document], None]
    ) -> None:
        """Send a body in chunks and hand each line of the answer over as it comes; memory stays bounded."""
        query = str(_params(params))
        await self._upload(f"{path}?{query}", _headers(), chunks, on_line)

    async def download(self, path: str, write: Callable[[bytes], object]) -> None:
        """Hand a body that is no JSON over as it comes. Raises as `get`."""
        import httpx

        try:
            async with self._client.stream("GET", path) as answer:
                if answer.is_error:
                    await answer.aread()
                    raise error_of(answer.json())
                async for chunk in answer.aiter_bytes():
                    write(chunk)
        except httpx.TransportError as error:
            raise DiallerError(f"the daemon broke off while it answered: {error or type(error).__name__}") from error

    async def _ask(
        self, method: str, path: str, *, body: object = None, params: Mapping[str, object] | None = None
    ) -> Document:
        return self._document(await self._request(method, path, body=body, params=params))

    async def _request(
        self, method: str, path: str, *, body: object = None, params: Mapping[str, object] | None = None
    ) -> "httpx.Response":
        import httpx

        _check_finite(body)
        try:
            return await self._client.request(method, path, json=body, params=_params(params or {}))
        except httpx.TransportError as error:
            raise DiallerError(f"the daemon broke off while it was asked: {error or type(error).__name__}") from error

    @staticmethod
    def _document(answer: "httpx.Response") -> Document:
        try:
            document = answer.json()
        except ValueError:
            raise DiallerError(f"the daemon answered {answer.status_code} with no JSON") from None
        if answer.is_error:
            raise error_of(document)
        return cast(Document, document)


def _check_finite(body: object, key: str = "") -> None:
    """Raise UsageError for a number that JSON has no word for: `nan` and `inf` are numbers to a command line."""
    if isinstance(body, float) and not math.isfinite(body):
        raise UsageError(f"{key}: expected a number, got {body}")
    if isinstance(body, Mapping):
        for name, value in body.items():
            _check_finite(value, str(name))


def _is_search(params: Mapping[str, object]) -> bool:
    return any(params.get(name) is not None for name in ("filter", "saved", "group"))


def segment(name: str) -> str:
    """Return a name as a part of a path."""
    return quote(name, safe="")


def load(config: Path | None) -> "Settings":
    """Return the settings that a command works with. Raises SettingsError."""
    from dialler.settings import find_settings, load_settings

    return load_settings(find_settings(config))


@asynccontextmanager
async def connected(options: Reading | Writing) -> AsyncIterator[Connection]:
    """Open the way to the API: the daemon's if one answers, else our own on the same records.

    A command that writes then holds the records. Raises StoreLocked, naming the holder, once `wait` is over.
    """
    settings = load(options.config)
    write = isinstance(options, Writing)
    if daemon_answers(settings):
        async with _daemon(settings) as connection:
            yield connection
        return
    # Before the records are held: on a busy machine all this takes seconds to load, and others wait.
    import httpx

    from dialler.api.routes import make_api
    from dialler.app.desk import open_desk

    opened = open_desk(settings, write=write, wait=options.wait, command=" ".join(["dialler", *sys.argv[1:3]]))
    try:
        desk = await opened.__aenter__()
    except StoreLocked:
        # A daemon that was still starting may answer by now.
        if not daemon_answers(settings):
            raise
        async with _daemon(settings) as connection:
            yield connection
        return
    try:
        app = make_api(desk)
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=True)
        async with httpx.AsyncClient(transport=transport, base_url="http://dialler", headers=_headers()) as client:

            async def upload(*said: Any) -> None:
                await upload_here(app, *said)

            yield Connection(client, upload)
    finally:
        await opened.__aexit__(None, None, None)


def daemon_answers(settings: "Settings") -> bool:
    """Tell whether a daemon listens on the settings' socket. Raises DiallerError where we may not ask it."""
    try:
        return answers(settings.api.socket)
    except PermissionError:
        raise DiallerError(f"{settings.api.socket}: a daemon is there, but this user may not ask it") from None
    except OSError as error:
        raise StoreError(f"{settings.api.socket}: {error.strerror or error}") from error


@asynccontextmanager
async def _daemon(settings: "Settings") -> AsyncIterator[Connection]:
    import httpx

    path = settings.api.socket
    transport = httpx.AsyncHTTPTransport(uds=str(path))
    timeout = httpx.Timeout(_LONGEST_ANSWER_S, connect=5)

    async def upload(*said: Any) -> None:
        await upload_to_socket(path, *said)

    async with httpx.AsyncClient(
        transport=transport, base_url="http://dialler", timeout=timeout, headers=_headers()
    ) as client:
        yield Connection(client, upload)


def _headers() -> dict[str, str]:
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = "unknown"
    return {"x-dialler-who": user.encode("ascii", "replace").decode()}


def _params(params: Mapping[str, object]) -> "httpx.QueryParams":
    import httpx

    given = {key: value for key, value in params.items() if value is not None and value != ()}
    return httpx.QueryParams(cast(Any, given))
