"""What the engine measures of itself while it works."""

from datetime import timedelta

import anyio
import pytest

from telephony.events import Ringing
from tests.support.call_centre import QUICK, call_centre
from tests.support.hand_exchange import HandExchange


async def test_the_lag_of_an_event_is_from_its_arrival_to_its_being_taken_in() -> None:
    async with call_centre(hand=HandExchange()) as centre:
        await centre.campaign(lists={"list": (100, 1)})
        await centre.start()
        lags: list[float] = []
        centre.engine.floor.on_event_lag.append(lags.append)
        await centre.until(lambda: len(centre.hand.placed) == 1)
        now = centre.clock.now
        centre.hand.now = lambda: now() - timedelta(seconds=0.75)  # It waited for so long to be read.
        centre.hand.say(Ringing, centre.hand.placed[0].call_id)
        await anyio.sleep(0.01)
        assert lags == [pytest.approx(0.75, abs=0.001)]


async def test_the_report_has_the_tokens_that_trunks_have_left() -> None:
    async with call_centre() as centre:
        await centre.start()
        await anyio.sleep(1)
        assert [trunk.tokens for trunk in centre.engine.report().trunks] == [2]  # A tenth of a second's worth of 20.
        await centre.campaign(lists={"list": (100, 50)})
        await centre.engine.follow()
        await centre.until(lambda: bool(centre.telephony.originated))
        assert [trunk.tokens for trunk in centre.engine.report().trunks] == [0]
        assert centre.engine.report().events_dropped == 0
        assert QUICK.trunks[0].calls_per_second == 20
