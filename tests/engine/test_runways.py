"""A list that will run dry is told of before agents fall idle, once, and by how long it lasts."""

from dataclasses import replace
from datetime import timedelta

import anyio

from dialler.app.virtual_time import run_virtually
from dialler.domain.runway import runway
from dialler.events import ListDry, ListRunsDry
from telephony.simulated import Fate
from tests.support.call_centre import QUICK, TRUNK, CallCentre, call_centre, people

SLOW = replace(QUICK, trunks=(replace(TRUNK, channels=500, calls_per_second=1.0),))


def test_nobody_is_called_and_no_end_can_be_told() -> None:
    assert runway(100, 0) is None
    assert runway(100, 200) == timedelta(minutes=30)
    assert runway(0, 200) == timedelta(0)


def test_it_is_told_before_the_list_is_dry_once_and_again_when_it_was_filled_up() -> None:
    run_virtually(_runs_dry)


async def _runs_dry() -> None:
    async with call_centre(SLOW, seed=1, fates=lambda number: Fate.NO_ANSWER) as centre:
        centre.options = replace(centre.options, runway_min=timedelta(minutes=2))
        await centre.campaign(lists={"small": (100, 600)})
        await centre.start()
        await centre.until(lambda: bool(centre.told(ListRunsDry)))
        [told] = centre.told(ListRunsDry)
        assert not [event for event in centre.told(ListDry) if event.at <= told.at]
        assert (told.campaign, told.list) == ("spring", "small")
        # A call a second: what is left lasts as many seconds as there are leads, to some per cent.
        assert 0 < told.dialable <= 130
        assert abs(told.runway_s - told.dialable) < 20
        assert 0 < runways(centre)["small"] < 120
        await centre.until(lambda: bool(centre.told(ListDry)))
        dry_at = centre.told(ListDry)[0].at
        assert (dry_at - told.at).total_seconds() > 60
        assert len(centre.told(ListRunsDry)) == 1
        await centre.add("small", people(1000, first=10_000))
        await centre.engine.follow()
        await anyio.sleep(60)
        assert runways(centre)["small"] > 240
        await centre.until(lambda: len(centre.told(ListRunsDry)) == 2)


def runways(centre: CallCentre) -> dict[str, float]:
    return dict(centre.engine.report().campaigns[0].runways_s)


def test_a_list_that_is_only_shut_is_not_told_of() -> None:
    run_virtually(_shut)


async def _shut() -> None:
    async with call_centre(SLOW, seed=2, fates=lambda number: Fate.NO_ANSWER) as centre:
        await centre.campaign(lists={"large": (100, 9000)})
        await centre.change_list_quietly("large", ends_at=centre.clock.now() + timedelta(minutes=10))
        await centre.start()
        await anyio.sleep(3600)
        assert centre.told(ListDry)
        assert centre.told(ListRunsDry) == []
