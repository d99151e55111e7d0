"""Engines that share a trunk through a real server, which is killed, held up and started anew while they dial."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import anyio
import pytest

from dialler.engine.engine import Engine
from dialler.events import LimitsAway, LimitsBack, SessionOpened
from dialler.stores.redis.limits import Sharing
from dialler.stores.redis.wakes import RedisWakes
from telephony.port import Trunk
from telephony.simulated import Fate, Spread
from tests.support.call_centre import QUICK, CallCentre, call_centre
from tests.support.redis_servers import KINDS, RedisServer, redis_server
from tests.support.sharing import CutLine, Sharer

pytestmark = pytest.mark.slow

CHANNELS = 10
TRUNK = Trunk(name="a", server="pbx", calls_per_second=60.0, channels=CHANNELS)
BUSY = replace(QUICK, trunks=(TRUNK,), ack_s=0.005, post_dial_s=Spread(0.15, 0.3), talk_s=Spread(0.2))
"""Calls that last about a quarter of a second, so that each is soon replaced."""

TWO = Sharing(engine="", engines_max=2, settle_s=0.5, absent_after_s=0.8, heartbeat_s=0.2)


@pytest.fixture(params=KINDS)
def server(request: pytest.FixtureRequest) -> Iterator[RedisServer]:
    with redis_server(request.param) as running:
        yield running


@dataclass
class Site:
    """One installation: its records, its engine, and its line to what is shared."""

    centre: CallCentre
    line: CutLine
    most: int = 0
    """The most channels it had at once, since this was last set to 0."""

    @property
    def engine(self) -> Engine:
        return self.centre.engine

    @property
    def used(self) -> int:
        return self.engine.floor.trunks.channels_used("a")

    @property
    def placed(self) -> int:
        return len(self.centre.telephony.originated)


class Carrier:
    """Both installations, and the carrier's eye on the sum of their calls."""

    def __init__(self, sites: list[Site]) -> None:
        self.sites = sites
        self.most = 0
        for site in sites:
            site.centre.journal.subscribe(self._look)

    def _look(self, event: object) -> None:
        if isinstance(event, SessionOpened):
            self.most = max(self.most, sum(site.used for site in self.sites))
            for site in self.sites:
                site.most = max(site.most, site.used)

    async def until(self, condition: Callable[[], bool]) -> None:
        await self.sites[0].centre.until(condition, within=timedelta(seconds=15))

    async def dial_on(self, n: int = 40) -> None:
        """Wait until each has placed `n` more calls."""
        before = [site.placed for site in self.sites]
        for site in self.sites:
            site.most = 0
        await self.until(lambda: all(site.placed >= was + n for site, was in zip(self.sites, before, strict=True)))


@asynccontextmanager
async def carrier(server: RedisServer) -> AsyncIterator[Carrier]:
    """Run two installations that dial all they may on one trunk."""
    async with AsyncExitStack() as stack:
        sites = []
        for seed, name in enumerate(("ann", "bob"), start=1):
            centre = await stack.enter_async_context(call_centre(BUSY, seed=seed, fates=lambda number: Fate.BUSY))
            wakes = RedisWakes(server.url)
            stack.push_async_callback(wakes.aclose)
            sharer = Sharer(server.url, name, TRUNK, TWO, clock=centre.clock, wakes=wakes, journal=centre.journal)
            stack.push_async_callback(sharer.line.aclose)
            shares: dict[str, Any] = {"limits": sharer.limits, "wakes": wakes}
            centre.shares = lambda shares=shares: shares  # type: ignore[misc]
            await centre.campaign(lists={"list": (100, 4000)})
            sites.append(Site(centre, sharer.line))
        made = Carrier(sites)
        for site in sites:
            await site.centre.start()
        yield made
        assert made.most <= CHANNELS


async def test_two_engines_share_a_trunks_channels_and_use_all_of_them(server: RedisServer) -> None:
    async with carrier(server) as both:
        await both.dial_on(100)
        assert CHANNELS - 1 <= both.most <= CHANNELS
        report = both.sites[0].engine.report()
        assert report.shared_limits is True
        assert not any("Redis" in line for line in report.campaigns[0].limits)


async def test_a_server_that_is_killed_leaves_each_engine_half_and_they_share_again_when_it_is_back(
    server: RedisServer,
) -> None:
    async with carrier(server) as both:
        await both.dial_on()
        server.kill()
        await both.until(lambda: all(site.centre.told(LimitsAway) for site in both.sites))
        for site in both.sites:
            report = site.engine.report()
            assert report.shared_limits is False
            assert any("Redis is away: at most 1/2 of each trunk" in line for line in report.campaigns[0].limits)
        await both.dial_on(10)
        await both.dial_on(30)
        assert all(site.most <= CHANNELS // 2 for site in both.sites)
        server.start()
        await both.until(lambda: all(site.centre.told(LimitsBack) for site in both.sites))
        await both.dial_on(60)
        assert all(site.engine.report().shared_limits for site in both.sites)


async def test_a_server_that_does_not_answer_stalls_no_engine(server: RedisServer) -> None:
    async with carrier(server) as both:
        await both.dial_on()
        server.hold_up()
        try:
            await both.until(lambda: all(site.centre.told(LimitsAway) for site in both.sites))
            with anyio.fail_after(2):
                await both.sites[0].engine.dial_pass()
            await both.dial_on(10)
            await both.dial_on(30)
            assert all(site.most <= CHANNELS // 2 for site in both.sites)
        finally:
            server.go_on()
        await both.until(lambda: all(site.centre.told(LimitsBack) for site in both.sites))
        await both.dial_on()


async def test_an_engine_that_is_cut_off_and_one_that_is_not_stay_within_the_caps_together(server: RedisServer) -> None:
    async with carrier(server) as both:
        await both.dial_on()
        ann, bob = both.sites
        bob.line.is_cut = True
        await both.until(lambda: bool(bob.centre.told(LimitsAway)))
        await both.dial_on(10)
        await both.dial_on(40)
        assert bob.most <= CHANNELS // 2
        assert ann.engine.report().shared_limits and not bob.engine.report().shared_limits
        bob.line.is_cut = False
        await both.until(lambda: bool(bob.centre.told(LimitsBack)))
        await both.dial_on()


async def test_an_engine_that_stops_leaves_the_trunk_to_the_other_at_once(server: RedisServer) -> None:
    async with carrier(server) as both:
        await both.dial_on()
        ann, bob = both.sites
        await bob.engine.stop()
        await bob.centre.kill()  # A daemon ends its engine as soon as it has stopped.
        ann.most = 0
        await both.until(lambda: ann.most == CHANNELS)
        assert not ann.centre.told(LimitsAway)


async def test_an_engine_that_is_killed_and_started_again_goes_on_within_the_caps(server: RedisServer) -> None:
    async with carrier(server) as both:
        await both.dial_on()
        bob = both.sites[1]
        await bob.centre.kill()
        sharer = Sharer(server.url, "bob", TRUNK, TWO, clock=bob.centre.clock, wakes=None, journal=bob.centre.journal)
        bob.centre.shares = lambda: {"limits": sharer.limits}
        await bob.centre.start()
        await both.dial_on()
        await sharer.line.aclose()
