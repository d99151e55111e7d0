"""A list is dialled between its start and its end, and its leads until they expire: to the second."""

from dataclasses import replace
from datetime import timedelta

import anyio
import pytest

from dialler.app.virtual_time import run_virtually
from dialler.domain.campaign import Desired
from dialler.engine.outlook import outlook
from telephony.simulated import Fate
from tests.support.call_centre import QUICK, TRUNK, CallCentre, call_centre, people

SLOW = replace(QUICK, trunks=(replace(TRUNK, channels=500, calls_per_second=2.0),))


def test_no_call_before_the_start_nor_after_the_end_and_both_are_used_to_the_second() -> None:
    run_virtually(_between)


async def _between() -> None:
    async with call_centre(SLOW, seed=1, fates=lambda number: Fate.NO_ANSWER) as centre:
        await centre.campaign(lists={"dated": (100, 200), "always": (100, 20)})
        start = centre.clock.now() + timedelta(minutes=30)
        end = start + timedelta(seconds=40)
        await centre.change_list_quietly("dated", starts_at=start, ends_at=end)
        await centre.start()
        await anyio.sleep(60)
        [waiting] = [each for each in await _outlooks(centre) if each.lead_list.name == "dated"]
        assert (waiting.ready_open, waiting.ready_shut, waiting.next_open) == (0, 200, start)
        await anyio.sleep(3600)
        dated = [each for each in await centre.sessions() if each.list == "dated"]
        assert all(start <= each.created_at < end for each in dated)
        assert all(each.sent_at is None or each.sent_at < end for each in dated)
        assert dated[0].created_at < start + timedelta(seconds=1), "it begins by itself, without anybody's doing"
        assert end - dated[-1].created_at < timedelta(seconds=2)
        assert 60 < len(dated) < 100
        await _end(centre)


async def _outlooks(centre: CallCentre) -> list:  # type: ignore[type-arg]
    campaign = (await centre.records(lambda records: records.campaigns()))[0]
    return await centre.records(lambda records: outlook(records, campaign, centre.clock.now()))


async def _end(centre: CallCentre) -> None:
    await centre.change(Desired.DRAINING)
    await centre.drained()
    await centre.assert_accounted()


@pytest.mark.parametrize("by", ["lead", "list"])
def test_an_intent_whose_lead_or_list_has_ended_meanwhile_does_not_leave(by: str) -> None:
    run_virtually(_late, by)


async def _late(by: str) -> None:
    async with call_centre(SLOW, seed=2, fates=lambda number: Fate.NO_ANSWER) as centre:
        await centre.campaign(lists={"list": (100, 0)})
        end = centre.clock.now() + timedelta(seconds=20)
        if by == "list":
            await centre.change_list_quietly("list", ends_at=end)
            await centre.add("list", people(100))
        else:
            await centre.add("list", (replace(each, expires_at=end) for each in people(100)))
        centre.store.after_s = 5.0  # From the commit to the hand-over: in it the end comes.
        await centre.start()
        await anyio.sleep(120)
        sessions = await centre.sessions()
        assert sessions
        assert all(each.sent_at is None or each.sent_at < end for each in sessions)
        assert any(each.sent_at is None for each in sessions), "the end came between an intent and its Originate"
        centre.store.after_s = 0.0
        await _end(centre)
