"""Engines' limits on a real server, with a line that can be cut and, if wanted, with time in the test's hands."""

import random
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

import anyio
from redis.asyncio import Redis

from dialler.clock import Clock, SystemClock
from dialler.engine.local_limits import LocalLimits
from dialler.engine.local_wakes import LocalWakes
from dialler.events import Journal
from dialler.ports import TrunkLimits, WakeBus
from dialler.stores.redis.limits import RedisLimits, Sharing
from dialler.stores.redis.line import SCRIPT, Away, Document, RedisLine
from telephony.port import Trunk
from tests.support.redis_servers import KINDS, redis_server

LIMITS: Final = ("local", *KINDS)
ALONE: Final = Sharing(engine="ann", engines_max=1, settle_s=0.0)
"""One engine has all of it, and at once."""

TEST_CLOCK: Final = "test-clock"


@asynccontextmanager
async def opened_limits(kind: str, trunks: Sequence[Trunk], sharing: Sharing = ALONE) -> AsyncIterator[TrunkLimits]:
    """Yield limits of that kind, in touch with their server."""
    clock, chance = SystemClock(), random.Random(1)
    async with AsyncExitStack() as stack:
        limits: TrunkLimits
        if kind == "local":
            limits = LocalLimits(trunks, clock, chance)
        else:
            server = stack.enter_context(redis_server(kind))
            line = RedisLine(server.url)
            stack.push_async_callback(line.aclose)
            limits = RedisLimits(
                trunks, line, sharing, wakes=LocalWakes(), clock=clock, journal=Journal(), chance=chance
            )
        async with anyio.create_task_group() as tasks:
            await tasks.start(limits.run, lambda: None)
            yield limits
            tasks.cancel_scope.cancel()


class HandClock:
    """Time of engines and server, moved by hand."""

    def __init__(self) -> None:
        self.seconds = 1_790_000_000.0

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.seconds, UTC)

    def monotonic(self) -> float:
        return self.seconds - 1_700_000_000.0


class CutLine(RedisLine):
    """A line that can be cut, lose answers, and deliver what was given up long ago."""

    def __init__(self, url: str, clock: HandClock | None = None) -> None:
        """With `clock` the server goes by it, too."""
        source = "redis.call('TIME')"
        assert source in SCRIPT
        super().__init__(
            url, script=SCRIPT.replace(source, f"redis.call('LRANGE', '{TEST_CLOCK}', 0, 1)") if clock else SCRIPT
        )
        self._hand = clock
        self.is_cut = False
        self.loses_answer = False
        self.late: list[tuple[Sequence[str], Document, Mapping[str, float]]] = []
        """Questions that were given up, and may yet arrive."""

    async def time(self) -> float:
        if self.is_cut:
            raise Away("cut")
        return self._hand.seconds if self._hand else await super().time()

    async def ask(self, keys: Sequence[str], question: Document, times: Mapping[str, float]) -> Document:
        if self.is_cut:
            self.late.append((keys, question, times))
            raise Away("cut")
        await self._set_clock()
        answer = await super().ask(keys, question, times)
        if self.loses_answer:
            raise Away("no answer")
        return answer

    async def deliver_late(self) -> None:
        """Let arrive what was given up."""
        late, self.late = self.late, []
        await self._set_clock()
        for keys, question, times in late:
            await super().ask(keys, question, times)

    async def _set_clock(self) -> None:
        if self._hand is not None:
            seconds, micros = divmod(round(self._hand.seconds * 1e6), 1_000_000)
            await self._redis.delete(TEST_CLOCK)
            await self._redis.rpush(TEST_CLOCK, seconds, micros)


class Sharer:
    """One engine on a shared trunk "a": its limits, and the calls it has up."""

    def __init__(
        self,
        url: str,
        name: str,
        trunk: Trunk,
        sharing: Sharing,
        *,
        clock: Clock,
        hand: HandClock | None = None,
        wakes: WakeBus | None = None,
        journal: Journal | None = None,
    ) -> None:
        self.name = name
        self.line = CutLine(url, hand)
        self.calls: list[str] = []
        self._made = 0
        self._of = (trunk, replace(sharing, engine=name), clock, wakes, journal or Journal())
        self.limits = self._new_limits()

    def _new_limits(self) -> RedisLimits:
        trunk, sharing, clock, wakes, journal = self._of
        return RedisLimits(
            [trunk],
            self.line,
            sharing,
            wakes=wakes or LocalWakes(),
            clock=clock,
            journal=journal,
            chance=random.Random(self.name),
        )

    @property
    def up(self) -> int:
        """How many calls it has up."""
        return len(self.calls)

    async def dial(self, n: int) -> int:
        """Place up to `n` calls; return how many."""
        granted = (await self.limits.reserve({"a": n}))["a"]
        for _ in range(granted):
            self._made += 1
            self.calls.append(f"{self.name}-{self._made}")
            self.limits.hold("a", self.calls[-1], reserved=True)
        assert self.limits.channels_used("a") == len(self.calls)
        return granted

    def end(self, n: int) -> None:
        """Let up to `n` calls end."""
        for _ in range(min(n, len(self.calls))):
            self.limits.release("a", self.calls.pop(0))

    def crash(self) -> None:
        """End the engine and start it anew; its calls go on, and are adopted."""
        self.limits = self._new_limits()
        for call in self.calls:
            self.limits.hold("a", call, reserved=False)


async def forget_everything(url: str) -> None:
    """Leave the server as it is after a start without data."""
    client = Redis.from_url(url)
    await client.flushall()
    await client.script_flush()
    await client.aclose()
