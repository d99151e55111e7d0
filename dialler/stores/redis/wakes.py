"""Wake-ups between engines, by publish and subscribe. What is said while somebody is away is lost to him."""

import logging
import random
from collections.abc import Callable
from typing import Final

import anyio
from anyio import TASK_STATUS_IGNORED
from anyio.abc import TaskStatus
from redis.asyncio.client import PubSub
from redis.exceptions import RedisError

from dialler.stores.redis.line import TIMEOUT_S, client, reason_of

QUIET_S: Final = 1.0
"""After so long without a word the server is asked whether it is still there."""

RETRY_S: Final = 1.0
_log = logging.getLogger("dialler.limits")


class RedisWakes:
    """A `WakeBus` over one channel of the server; each message is its sender and a topic."""

    def __init__(self, url: str, *, prefix: str = "dialler") -> None:
        self._redis = client(url)
        self._channel = f"{{{prefix}}}:wakes"
        self._sender = f"{random.SystemRandom().getrandbits(64):016x}"
        self._listeners: dict[str, list[Callable[[], None]]] = {}
        self._pending: dict[str, None] = {}
        self._stir = anyio.Event()
        self._tried = anyio.Event()

    def listen(self, topic: str, listener: Callable[[], None]) -> None:
        self._listeners.setdefault(topic, []).append(listener)

    def publish(self, topic: str) -> None:
        self._pending[topic] = None
        self._stir.set()

    async def run(self, *, task_status: TaskStatus[None] = TASK_STATUS_IGNORED) -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._send)
            tasks.start_soon(self._hear_always)
            await self._tried.wait()
            task_status.started()

    async def _hear_always(self) -> None:
        while True:
            try:
                await self._hear()
            except (RedisError, OSError, TimeoutError) as error:
                _log.debug("no wake-ups from other engines", extra={"reason": reason_of(error)})
            self._tried.set()
            await anyio.sleep(RETRY_S)

    async def _hear(self) -> None:
        """Listen until the connection is lost. Raises RedisError, OSError, TimeoutError."""
        hears = self._redis.pubsub()
        try:
            with anyio.fail_after(TIMEOUT_S):
                await hears.subscribe(self._channel)
            is_asked = False
            while True:
                message = await hears.get_message(timeout=QUIET_S)
                if message is None:
                    if is_asked:
                        raise TimeoutError("no answer")
                    await self._ask(hears)
                is_asked = message is None
                if message is not None and message["type"] == "subscribe":
                    self._call_all()
                    self._tried.set()
                elif message is not None and message["type"] == "message":
                    self._call(str(message["data"]))
        finally:
            with anyio.CancelScope(shield=True), anyio.move_on_after(TIMEOUT_S):
                await hears.aclose()  # type: ignore[no-untyped-call]

    @staticmethod
    async def _ask(hears: PubSub) -> None:
        with anyio.fail_after(TIMEOUT_S):
            await hears.ping()

    def _call(self, message: str) -> None:
        sender, _, topic = message.partition(" ")
        if sender != self._sender:
            for listener in self._listeners.get(topic, ()):
                listener()

    def _call_all(self) -> None:
        """Something may have been missed, so each may be meant."""
        for listeners in self._listeners.values():
            for listener in listeners:
                listener()

    async def _send(self) -> None:
        while True:
            await self._stir.wait()
            self._stir = anyio.Event()
            topics, self._pending = self._pending, {}
            try:
                with anyio.fail_after(TIMEOUT_S):
                    for topic in topics:
                        await self._redis.publish(self._channel, f"{self._sender} {topic}")
            except (RedisError, OSError, TimeoutError) as error:
                _log.debug("a wake-up was lost", extra={"reason": reason_of(error)})

    async def aclose(self) -> None:
        """Close all connections."""
        with anyio.CancelScope(shield=True), anyio.move_on_after(TIMEOUT_S):
            await self._redis.aclose()
