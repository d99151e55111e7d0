"""What every implementation of `WakeBus` does: in the process, on Valkey, on the operating system's Redis."""

from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass

import anyio
import pytest

from dialler.engine.local_wakes import LocalWakes
from dialler.ports import WakeBus
from dialler.stores.redis.wakes import RedisWakes
from tests.support.redis_servers import RedisServer, redis_server
from tests.support.sharing import LIMITS


class Heard:
    """Counts what one engine hears."""

    def __init__(self, bus: WakeBus, *topics: str) -> None:
        self.bus = bus
        self.counts: Counter[str] = Counter()
        self._changed = anyio.Event()
        for topic in topics:
            bus.listen(topic, lambda topic=topic: self._note(topic))  # type: ignore[misc]

    def _note(self, topic: str) -> None:
        self.counts[topic] += 1
        self._changed.set()

    async def until(self, condition: Callable[[Counter[str]], bool]) -> None:
        with anyio.fail_after(10):
            while not condition(self.counts):
                self._changed = anyio.Event()
                await self._changed.wait()


@dataclass
class Pair:
    ann: Heard
    bob: Heard
    server: RedisServer | None


@pytest.fixture(params=LIMITS)
async def pair(request: pytest.FixtureRequest) -> AsyncIterator[Pair]:
    async with AsyncExitStack() as stack:
        server = None
        if request.param == "local":
            first = LocalWakes()
            ends: list[WakeBus] = [first, first.another()]
        else:
            server = stack.enter_context(redis_server(request.param))
            remote = [RedisWakes(server.url), RedisWakes(server.url)]
            for each in remote:
                stack.push_async_callback(each.aclose)
            ends = [*remote]
        async with anyio.create_task_group() as tasks:
            heard = [Heard(bus, "follow", "trunk:a") for bus in ends]
            for bus in ends:
                await tasks.start(bus.run)
            for each in heard:
                each.counts.clear()
            yield Pair(heard[0], heard[1], server)
            tasks.cancel_scope.cancel()


async def test_the_others_hear_a_topic_and_nobody_hears_himself(pair: Pair) -> None:
    pair.ann.bus.publish("follow")
    await pair.bob.until(lambda counts: counts["follow"] == 1)
    pair.bob.bus.publish("trunk:a")
    await pair.ann.until(lambda counts: counts["trunk:a"] == 1)
    assert pair.ann.counts == {"trunk:a": 1} and pair.bob.counts == {"follow": 1}


async def test_a_topic_that_nobody_listens_to_is_lost(pair: Pair) -> None:
    pair.ann.bus.publish("trunk:other")
    pair.ann.bus.publish("follow")
    await pair.bob.until(lambda counts: counts["follow"] == 1)
    assert pair.bob.counts == {"follow": 1}


@pytest.mark.parametrize("how", ["killed", "held up"])
async def test_who_could_not_hear_for_a_while_is_called_for_all_topics(pair: Pair, how: str) -> None:
    if pair.server is None:
        return  # In the process nothing is ever missed.
    if how == "killed":
        pair.server.kill()
        pair.ann.bus.publish("follow")
        pair.server.start()
    else:
        pair.server.hold_up()
        # It is asked after a second of silence, and given up after another one.
        with anyio.move_on_after(2.5):
            await pair.bob.until(lambda counts: counts["follow"] > 0)
        pair.server.go_on()
    await pair.bob.until(lambda counts: counts["follow"] >= 1 and counts["trunk:a"] >= 1)
    await pair.ann.until(lambda counts: counts["follow"] >= 1 and counts["trunk:a"] >= 1)
    pair.bob.counts.clear()
    pair.ann.bus.publish("follow")
    await pair.bob.until(lambda counts: counts["follow"] >= 1)
