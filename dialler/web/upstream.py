"""Asks the daemon, over its unix socket."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from enum import StrEnum
from pathlib import Path
from typing import Final

import anyio
import httpx
from pydantic import ValidationError

from dialler.web.answers import Status

ANSWER_S: Final = 5.0
ANSWER_BYTES_MAX: Final = 16 << 20
"""Far above the status of a thousand lists."""


class Trouble(StrEnum):
    """Why there is no answer."""

    ABSENT = "absent"
    """Nobody listens on the socket."""

    DENIED = "denied"
    """This process may not use it."""

    SILENT = "silent"
    """Somebody does, and gave no answer in time, or broke off."""

    STRANGE = "strange"
    """What came is not what a daemon of this version answers."""


class Unanswered(Exception):
    """The daemon gave no answer that can be shown."""

    def __init__(self, trouble: Trouble, said: str) -> None:
        super().__init__(said)
        self.trouble = trouble


class Upstream:
    """The daemon, as far as the board needs it."""

    def __init__(self, client: httpx.AsyncClient, *, where: str) -> None:
        """`where` is how people call the place that `client` asks at."""
        self._client = client
        self._where = where

    async def status(self) -> Status:
        """Return what it does now. Raises Unanswered, after `ANSWER_S` at the latest."""
        try:
            with anyio.fail_after(ANSWER_S):
                code, body = await self._get("/status")
        except TimeoutError:
            raise Unanswered(Trouble.SILENT, f"the daemon gave no answer within {ANSWER_S:g} s") from None
        except httpx.ConnectError as error:
            if any(isinstance(each, PermissionError) for each in _causes(error)):
                raise Unanswered(Trouble.DENIED, f"this process may not use {self._where}") from error
            raise Unanswered(Trouble.ABSENT, f"no daemon answers on {self._where}") from error
        except httpx.HTTPError as error:
            said = f"the daemon broke off while it was asked: {error or type(error).__name__}"
            raise Unanswered(Trouble.SILENT, said) from error
        if code != httpx.codes.OK:
            raise Unanswered(Trouble.STRANGE, f"the daemon answered {code}: {_reason(body)}")
        try:
            return Status.model_validate_json(body)
        except ValidationError as error:
            said = f"the daemon's answer is not one that this version understands ({error.error_count()} differences)"
            raise Unanswered(Trouble.STRANGE, said) from error

    async def _get(self, path: str) -> tuple[int, bytes]:
        body = bytearray()
        async with self._client.stream("GET", path) as answer:
            async for chunk in answer.aiter_raw():
                body += chunk
                if len(body) > ANSWER_BYTES_MAX:
                    raise Unanswered(Trouble.STRANGE, f"the daemon's answer has more than {ANSWER_BYTES_MAX >> 20} MiB")
            return answer.status_code, bytes(body)


@asynccontextmanager
async def upstream_at(path: Path) -> AsyncIterator[Upstream]:
    """Give the daemon whose socket is at `path`, whether one is there or not."""
    transport = httpx.AsyncHTTPTransport(uds=str(path))
    headers = {"x-dialler-who": "web", "accept-encoding": "identity"}
    # Not a proxy from the environment, nor its time limits: `status` has its own.
    async with httpx.AsyncClient(
        transport=transport, base_url="http://dialler", headers=headers, timeout=None, trust_env=False
    ) as client:
        yield Upstream(client, where=str(path))


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__


def _reason(body: bytes) -> str:
    """Return the reason in an error's document, short and on one line."""
    try:
        said = json.loads(body)["error"]
    except (ValueError, KeyError, TypeError):
        return "with no reason"
    return " ".join(str(said).split())[:300]
