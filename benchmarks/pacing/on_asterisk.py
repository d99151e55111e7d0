"""A campaign through the whole engine on a real Asterisk, with a team of agents and a fake carrier."""

import signal
import statistics
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import Final

import anyio

from benchmarks.figure import Unavailable
from benchmarks.pacing.comparison import ABANDON_SAMPLE, Result
from benchmarks.pacing.scenario import Scenario, answering
from benchmarks.records import sqlite_url
from dialler.stores.open import open_store
from dialler.stores.upgrade import upgrade
from tests.support.asterisk_team import TeamAsterisk
from tests.support.exchanges import ExchangeUnavailable
from tests.support.team_floor import TeamFloor, team_floor, team_settings

BLOCK_S: Final = 60.0
"""Utilisation is taken by the minute too: how that varies says how much chance is in the whole."""


def real_scenario(*, agents: int, rate: float, talk_s: float, wrap_s: float, seconds: float) -> Scenario:
    """Return a scenario with only what a real Asterisk is given here: whoever answers is a person, agents pick up at
    once and are all alike, and the engine keeps them from calls after each talk, always as long.

    Of the campaign's two seconds 0.2 are the engine's margin: the message has to have begun by then.
    """
    return Scenario(
        name=f"{agents} agents, {rate:g}, {talk_s:g} s",
        agents=agents,
        answer_rates=answering(rate),
        talk_mean_s=talk_s,
        wrap_mean_s=wrap_s,
        wrap_cv=0.0,
        machine_share=0.0,
        detects=False,
        patience_s=1.8,
        connect_s=0.0,
        break_each_s=1e9,
        agent_sigma=0.0,
        log_in_s=1.0,
        hours=seconds / 3600,
    )


def on_asterisk(scenario: Scenario, seed: int, tell: Callable[[str], None]) -> tuple[Result, bool]:
    """Return what came of the scenario, and whether an interrupt ended it early. `tell` hears of it every minute.

    `seed` is that of the numbers, and so of their fates; talks and time are real.

    Raises Unavailable where there is no Asterisk.
    """
    with tempfile.TemporaryDirectory(prefix="bench-") as made:
        url = sqlite_url(Path(made))
        upgrade(url)
        try:
            asterisk = TeamAsterisk(scenario)
        except ExchangeUnavailable as error:
            raise Unavailable(str(error)) from error
        return anyio.run(_run, asterisk, url, seed, tell)


async def _run(asterisk: TeamAsterisk, url: str, seed: int, tell: Callable[[str], None]) -> tuple[Result, bool]:
    scenario, store = asterisk.scenario, open_store(url, write=True)
    settings = team_settings(scenario, abandon_sample_min=ABANDON_SAMPLE)
    async with _interruptible() as wait, team_floor(asterisk, settings=settings, store=store, seed=seed) as floor:
        await floor.log_in()
        began_s = floor.clock.monotonic()
        marks = [floor.times.counted(began_s)]
        seconds, interrupted = 0.0, False
        while seconds < scenario.ends_s and not interrupted:
            interrupted = await wait(min(BLOCK_S, scenario.ends_s - seconds))
            now_s = floor.clock.monotonic()
            marks.append(floor.times.counted(now_s))
            seconds = now_s - began_s
            result = _result(floor, seconds, marks)
            rates = f"utilisation {result.utilisation:.3f}, {result.abandoned} of {result.answered} abandoned"
            tell(f"{seconds:.0f} s: {rates}, {result.calls} calls")
        await floor.drained()
    return result, interrupted


def _result(floor: TeamFloor, seconds: float, marks: Sequence[tuple[float, float]]) -> Result:
    blocks = [_utilisation(*both) for both in pairwise(marks)]
    waits_s = list(floor.message_after_s)
    return Result(
        where="",
        runs=1,
        seconds=seconds,
        utilisation=_utilisation(marks[0], marks[-1]),
        utilisation_sd=statistics.stdev(blocks) / len(blocks) ** 0.5 if len(blocks) > 1 else None,
        answered=len(floor.joined_after_s) + len(waits_s),
        abandoned=len(waits_s),
        calls=len(floor.opened_at_s),
        messages_after_s=waits_s,
        overlooked=floor.overlooked,
    )


def _utilisation(first: tuple[float, float], last: tuple[float, float]) -> float:
    talk_s, idle_s = last[0] - first[0], last[1] - first[1]
    return talk_s / (talk_s + idle_s) if talk_s else 0.0


@asynccontextmanager
async def _interruptible() -> AsyncIterator[Callable[[float], Awaitable[bool]]]:
    """Give a wait of some seconds that an interrupt ends, and that tells whether there was one."""
    interrupted = anyio.Event()

    async def listen() -> None:
        with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            async for _ in signals:
                interrupted.set()

    async def wait(seconds: float) -> bool:
        with anyio.move_on_after(seconds):
            await interrupted.wait()
        return interrupted.is_set()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(listen)
        yield wait
        tasks.cancel_scope.cancel()
