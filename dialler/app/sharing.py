"""What an engine shares with others, as the settings ask for it."""

import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from dialler.clock import Clock
from dialler.events import Journal
from dialler.ports import Trunk, TrunkLimits, WakeBus
from dialler.settings import RedisSettings
from dialler.stores.redis.limits import RedisLimits, Sharing
from dialler.stores.redis.line import RedisLine
from dialler.stores.redis.wakes import RedisWakes


@asynccontextmanager
async def sharing(
    settings: RedisSettings | None, trunks: Sequence[Trunk], *, clock: Clock, journal: Journal, chance: random.Random
) -> AsyncIterator[tuple[TrunkLimits | None, WakeBus | None]]:
    """Yield shared limits and wake-ups, not yet in touch; None for an engine that shares nothing."""
    if settings is None:
        yield None, None
        return
    line, wakes = RedisLine(settings.url), RedisWakes(settings.url, prefix=settings.prefix)
    shared = Sharing(
        engine=settings.engine_name,
        engines_max=settings.engines_max,
        prefix=settings.prefix,
        absent_s=settings.absent_s,
    )
    try:
        yield RedisLimits(trunks, line, shared, wakes=wakes, clock=clock, journal=journal, chance=chance), wakes
    finally:
        await line.aclose()
        await wakes.aclose()
