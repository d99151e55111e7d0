"""Sleeping until something happens, or until an instant."""

from datetime import UTC, datetime, timedelta

import anyio
import pytest

from dialler.clock import LoopClock
from dialler.engine.wake import SAFETY_WAKE_S, Wake

NOW = datetime(2026, 6, 2, 15, tzinfo=UTC)


@pytest.fixture
async def clock() -> LoopClock:
    return LoopClock(NOW, anyio.current_time)


async def slept_s(clock: LoopClock, wake: Wake, until: datetime | None = None, **pause: float) -> float:
    before = clock.now()
    await wake.wait(until, **pause)
    return (clock.now() - before).total_seconds()


async def test_it_sleeps_until_the_earliest_of_an_instant_a_pause_and_an_hour(clock: LoopClock) -> None:
    wake = Wake(clock)
    assert await slept_s(clock, wake) == pytest.approx(SAFETY_WAKE_S)
    now = clock.now()
    assert await slept_s(clock, wake, now + timedelta(seconds=30), seconds=40.0) == pytest.approx(30)
    now = clock.now()
    assert await slept_s(clock, wake, now + timedelta(seconds=30), seconds=20.0) == pytest.approx(20)
    assert await slept_s(clock, wake, clock.now() - timedelta(seconds=1)) == 0


async def test_it_is_never_early_for_an_instant(clock: LoopClock) -> None:
    wake = Wake(clock)
    for microseconds in (1, 499, 500, 1_000, 333_333):
        at = clock.now() + timedelta(microseconds=microseconds)
        await wake.wait(at)
        assert clock.now() >= at


async def test_a_call_wakes_everybody_and_one_while_nobody_sleeps_ends_the_next_sleep(clock: LoopClock) -> None:
    wake, woken = Wake(clock), list[float]()

    async def sleep() -> None:
        woken.append(await slept_s(clock, wake))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(sleep)
        tasks.start_soon(sleep)
        await anyio.sleep(5)
        wake.call()
    assert woken == [pytest.approx(5), pytest.approx(5)]
    wake.call()
    wake.call()
    assert await slept_s(clock, wake) == 0
    assert await slept_s(clock, wake, seconds=7.0) == pytest.approx(7), "once"


async def test_a_sleeper_is_disturbed_only_for_an_instant_he_would_oversleep(clock: LoopClock) -> None:
    wake = Wake(clock)
    async with anyio.create_task_group() as tasks:

        async def sleep() -> None:
            assert await slept_s(clock, wake, NOW + timedelta(seconds=60)) == pytest.approx(10)

        tasks.start_soon(sleep)
        await anyio.sleep(5)
        wake.call_by(NOW + timedelta(seconds=61))
        await anyio.sleep(5)
        wake.call_by(NOW + timedelta(seconds=59))
    wake.call_by(NOW + timedelta(days=9))
    assert await slept_s(clock, wake) == 0, "nobody slept: who knows until when he would"
