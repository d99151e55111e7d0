"""Other rules reach the leads in the background, while the dialling goes on, also across a crash."""

from dataclasses import replace
from datetime import datetime, timedelta

import anyio
import pytest

from dialler.app.virtual_time import run_virtually
from dialler.domain.campaign import Desired
from dialler.domain.lead import LeadState
from dialler.domain.outcome import Outcome
from dialler.domain.redial import RedialRule, RedialRules
from dialler.domain.strategy import LeadOrder, Strategy, StrategySettings
from dialler.engine import replanning
from dialler.events import ListReplanned
from dialler.ports import Records
from telephony.simulated import Unanswered
from tests.support.call_centre import AGENTLESS, QUICK, TRUNK, CallCentre, call_centre


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


NOBODY = replace(QUICK, answer_rate=(0.0,), unanswered=Unanswered(busy=0, rejected=0, congestion=0, unreachable=0))
MINUTE = timedelta(minutes=1)


def resting(rest: timedelta, most: int | None = None) -> StrategySettings:
    """Return a strategy by which leads that do not answer rest so long."""
    return StrategySettings(
        redial=RedialRules({Outcome.NO_ANSWER: RedialRule(rests=(rest,), in_a_row_max=most)}),
        attempts_max=100,
        attempts_per_day_max=100,
    )


@pytest.mark.parametrize("batches", ["as ever", "across a crash", "never"])
def test_nobody_is_called_by_the_rules_before(batches: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where a lead's batch has not come yet: then it is planned as it is picked."""
    monkeypatch.setattr(replanning, "BATCH", 7)
    run_virtually(_longer, batches, monkeypatch)


async def _longer(batches: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with call_centre(NOBODY, seed=5) as centre:
        await centre.campaign(lists={"list": (100, 60)})
        await _set_rules(centre, resting(4 * MINUTE))
        await centre.start()
        # Some rest, some may be called again, some are in their second call.
        await anyio.sleep(280)
        early = await centre.sessions()
        assert {each.attempt_no for each in early} == {1, 2}
        if batches == "never":
            monkeypatch.setattr(replanning.Replanning, "run_once", _nothing)
        changed_at = centre.clock.now()
        await _set_rules(centre, resting(60 * MINUTE))
        await centre.engine.follow()
        if batches == "across a crash":
            await anyio.sleep(0.025)
            await centre.kill()
            assert (await centre.lists())["list"].replan_after not in (None, 0)
            await centre.start()
        await centre.at(changed_at + timedelta(hours=3))
        await centre.change(Desired.DRAINING)
        await centre.drained()
        sessions = await centre.assert_accounted()
        assert len(sessions) >= len(early) + 60
        ended: dict[int, datetime] = {}
        for each in sessions:
            if each.created_at > changed_at and each.lead_id in ended:
                assert each.created_at >= ended[each.lead_id] + 60 * MINUTE
            assert each.ended_at is not None
            ended[each.lead_id] = each.ended_at
        assert ((await centre.lists())["list"].replan_after is None) == (batches != "never")
        if batches == "as ever":
            assert [event.leads for event in centre.told(ListReplanned)] == [60, 60]


def test_a_raised_cap_brings_exhausted_leads_back_at_once() -> None:
    run_virtually(_raised)


async def _raised() -> None:
    async with call_centre(NOBODY, seed=5) as centre:
        await centre.campaign(settings=replace(AGENTLESS, attempts_max=1), lists={"list": (100, 40)})
        await centre.start()
        await centre.at(centre.clock.now() + timedelta(hours=5))
        counts = await centre.records(lambda records: records.lead_totals())
        assert {state: n for (_, state), n in counts.items() if n} == {LeadState.COMPLETED: 40}
        changed_at = centre.clock.now()
        await centre.change(attempts_max=2)
        await anyio.sleep(60)
        sessions = await centre.sessions()
        assert [each.attempt_no for each in sessions if each.created_at >= changed_at] == [2] * 40
        await centre.change(Desired.DRAINING)
        await centre.drained()
        await centre.assert_accounted()


async def _nothing(_: object) -> bool:
    return False


async def _set_rules(centre: CallCentre, settings: StrategySettings) -> None:
    def work(records: Records) -> None:
        [standard] = records.strategies()
        records.set_strategy(replace(standard, settings=settings), centre.clock.now())

    await centre.records(work)
