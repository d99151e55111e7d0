"""Questions to the server: one at a time, each with a time-out, and without any retry of their own."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

import anyio
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, RedisError

from dialler.errors import DiallerError

TIMEOUT_S: Final = 0.25
"""After so long without an answer the server is away."""

SCRIPT: Final = Path(__file__).with_name("limits.lua").read_text(encoding="utf-8")
Document = dict[str, Any]


class Away(DiallerError):
    """The server gave no answer, or none that is of use; the text says why, without secrets."""


class Line(Protocol):
    """The way to the server, as `RedisLimits` needs it."""

    async def time(self) -> float:
        """Return the server's clock, in seconds. Raises Away."""

    async def ask(self, keys: Sequence[str], question: Document, times: Mapping[str, float]) -> Document:
        """Ask the script; return its answer. Raises Away."""


class RedisLine:
    """A line to one server."""

    def __init__(self, url: str, *, script: str = SCRIPT) -> None:
        self._redis = client(url)
        self._script = script
        self._sha = hashlib.sha1(script.encode(), usedforsecurity=False).hexdigest()

    async def time(self) -> float:
        seconds, micros = await self._do("TIME")
        return int(seconds) + int(micros) / 1e6

    async def ask(self, keys: Sequence[str], question: Document, times: Mapping[str, float]) -> Document:
        words = [len(keys), *keys, json.dumps(question), json.dumps(times)]
        try:
            text = await self._do("EVALSHA", self._sha, *words)
        except NoScriptError:
            # The server was started anew. It gets to know that together with the script, so that nobody can come
            # in between who finds the script and takes the data for whole.
            words[-2] = json.dumps({**question, "anew": True})
            text = await self._do("EVAL", self._script, *words)
        answer: Document = json.loads(text)
        return answer

    async def _do(self, *words: object) -> Any:
        try:
            with anyio.fail_after(TIMEOUT_S):
                return await self._redis.execute_command(*words)  # type: ignore[no-untyped-call]
        except NoScriptError:
            raise
        except TimeoutError:
            raise Away(f"no answer within {TIMEOUT_S * 1000:.0f} ms") from None
        except (RedisError, OSError) as error:
            raise Away(reason_of(error)) from error

    async def aclose(self) -> None:
        """Close all connections."""
        with anyio.CancelScope(shield=True), anyio.move_on_after(TIMEOUT_S):
            await self._redis.aclose()


def client(url: str, *, timeout_s: float = TIMEOUT_S) -> Redis:
    """Return a client that gives up soon and tries nothing twice: what to do about a failure is said elsewhere."""
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=4,
        timeout=timeout_s,
        socket_timeout=timeout_s,
        socket_connect_timeout=timeout_s,
        retry=Retry(NoBackoff(), 0),
        protocol=2,
        decode_responses=True,
    )
    return Redis.from_pool(pool)


def reason_of(error: Exception) -> str:
    """Return an error in one line of words."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
