"""Another order reaches the leads in the background, while the dialling goes on, also across a crash."""

from dataclasses import replace

import anyio
import pytest

from dialler.app.virtual_time import run_virtually
from dialler.domain.campaign import Desired
from dialler.domain.strategy import LeadOrder, Strategy, StrategySettings
from dialler.engine import replanning
from dialler.events import ListReplanned
from dialler.ports import Records
from tests.support.call_centre import QUICK, TRUNK, CallCentre, call_centre


@pytest.mark.parametrize("killed", [False, True])
def test_after_another_order_calls_go_by_it_and_sessions_note_the_version(
    killed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replanning, "BATCH", 40)
    run_virtually(_reordered, killed)


async def _reordered(killed: bool) -> None:
    trunk = replace(TRUNK, channels=500, calls_per_second=5.0)
    async with call_centre(replace(QUICK, trunks=(trunk,)), seed=3) as centre:
        await centre.campaign(lists={"list": (100, 400)})
        await centre.start()
        await anyio.sleep(5)
        before = await centre.sessions()
        assert before
        assert [each.lead_id for each in before] == sorted(each.lead_id for each in before)
        assert {(each.pick["strategy"], each.pick["strategy_version"]) for each in before} == {("standard", 1)}
        await _make_newest(centre)
        if killed:
            await centre.kill()
            half = (await centre.lists())["list"]
            assert half.replan_after is not None
            await centre.start()
        await anyio.sleep(5)
        assert (await centre.lists())["list"].replan_after is None
        seen = len(await centre.sessions())
        await anyio.sleep(20)
        after = (await centre.sessions())[seen + 10 :]  # Ten may have been on their way.
        ids = [each.lead_id for each in after]
        assert len(ids) > 20
        assert ids == sorted(ids, reverse=True)
        assert {each.pick["strategy_version"] for each in after} == {2}
        assert [event.leads for event in centre.told(ListReplanned)] == [400]
        await centre.change(Desired.DRAINING)
        await centre.drained()
        await centre.assert_accounted()


async def _make_newest(centre: CallCentre) -> Strategy:
    def work(records: Records) -> Strategy:
        [standard] = records.strategies()
        return records.set_strategy(
            replace(standard, settings=StrategySettings(order=LeadOrder.NEWEST)), centre.clock.now()
        )

    made = await centre.records(work)
    await centre.engine.follow()
    return made
