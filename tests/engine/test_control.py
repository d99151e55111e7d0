"""Promise 3: stop means stop. And drains, pauses, and the daemon's own two-phase stop."""

from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

import anyio
import pytest

from dialler.app.virtual_time import run_virtually
from dialler.domain.campaign import CampaignSettings, Desired
from dialler.domain.lead import PhoneNumber
from dialler.domain.outcome import Outcome
from dialler.domain.session import SessionStatus
from dialler.engine.floor import EngineOptions
from dialler.errors import Refused
from dialler.events import (
    CampaignBlocked,
    CampaignFollowed,
    EngineStopped,
    EngineStopping,
    SessionClosed,
    SessionOpened,
)
from telephony.events import Dialling
from telephony.simulated import Fate
from tests.support.call_centre import AGENTLESS, QUEUE, QUICK, TRUNK, WITH_AGENTS, CallCentre, call_centre, people
from tests.support.hand_exchange import HandExchange


@pytest.mark.parametrize("seed", range(10))
def test_once_a_stop_pause_or_drain_is_followed_no_originate_leaves(seed: int) -> None:
    run_virtually(_stopped_at_some_instant, seed)


async def _stopped_at_some_instant(seed: int) -> None:
    chance = Random(f"stops {seed}")
    trunk = replace(TRUNK, channels=500)  # No pauses for want of channels.
    async with call_centre(replace(QUICK, trunks=(trunk,), ack_s=0.2), seed=seed) as centre:
        # Commits and Originates are slow, so that the order comes while there are some of each under way.
        centre.store.before_s = centre.store.after_s = chance.uniform(0.0, 0.1)
        centre.telephony.slow_s = chance.uniform(0.0, 0.3)
        await centre.campaign(lists={"list": (100, 50)})
        await centre.campaign("other", lists={"others": (100, 60)})
        await centre.start()
        await anyio.sleep(chance.uniform(0.5, 3.0))
        desired = chance.choice([Desired.STOPPED, Desired.PAUSED, Desired.DRAINING])
        await centre.change(desired)
        left = _left_for("spring", centre)
        assert left, seed
        others = len(_left_for("other", centre))
        await anyio.sleep(60)
        assert _left_for("spring", centre) == left, (seed, desired)
        assert len(_left_for("other", centre)) > others, "the other campaign goes on"
        await centre.drained()
        await centre.assert_accounted()


def _left_for(campaign: str, centre: CallCentre) -> list[str]:
    ids = {event.session_id for event in centre.told(SessionOpened) if event.campaign == campaign}
    return [call_id for call_id in centre.telephony.originated if call_id in ids]


async def test_a_stop_takes_back_calls_that_nobody_has_answered_and_lets_the_others_talk() -> None:
    def fate(number: str) -> Fate:
        return Fate.ANSWERED_LONG if int(number[-1]) < 5 else Fate.NO_ANSWER

    async with call_centre(fates=fate) as centre:
        await centre.campaign(settings=WITH_AGENTS, lists={"list": (100, 10)})
        await centre.start()
        await centre.until(lambda: centre.engine.report().campaigns[0].calls_talking == 5)
        await centre.change(Desired.STOPPED)
        await centre.until(lambda: len(centre.told(SessionClosed)) == 5, within=timedelta(seconds=5))
        report = centre.engine.report().campaigns[0]
        assert (report.actual, report.calls_unanswered, report.calls_talking) == ("stopped", 0, 5)
        await centre.engine.floor.outbox.flush()
        sessions = await centre.assert_accounted(open_sessions=5)
        taken_back = [session for session in sessions if not session.status.is_open]
        assert {(session.outcome, session.status) for session in taken_back} == {
            (Outcome.CANCELLED, SessionStatus.EXPIRED)
        }
        assert all(session.counts_attempt for session in taken_back), "they rang"


async def test_a_pause_lets_telephones_ring_on_and_a_start_goes_on() -> None:
    async with call_centre(fates=lambda number: Fate.NO_ANSWER) as centre:
        await centre.campaign(lists={"list": (100, 200)})
        await centre.start()
        await centre.until(lambda: centre.engine.report().campaigns[0].calls_unanswered == 30)
        await centre.change(Desired.PAUSED)
        await centre.until(lambda: len(centre.told(SessionClosed)) == 30)
        assert {event.outcome for event in centre.told(SessionClosed)} == {Outcome.NO_ANSWER}
        assert centre.telephony.hung_up == []
        assert centre.engine.report().campaigns[0].actual == "paused"
        await centre.change(Desired.RUNNING)
        await centre.until(lambda: len(centre.telephony.originated) > 30, within=timedelta(seconds=1))


async def test_a_drain_places_no_new_calls_and_ends_in_stopped_once_its_last_session_is_closed() -> None:
    async with call_centre() as centre:
        await centre.campaign(settings=WITH_AGENTS)
        await centre.start()
        await centre.until(lambda: centre.engine.report().campaigns[0].calls_talking > 3)
        await centre.change(Desired.DRAINING)
        placed = len(centre.telephony.originated)
        assert centre.engine.report().campaigns[0].actual == "draining"
        stopped = ("spring", Desired.STOPPED)
        await centre.until(lambda: stopped in [(e.campaign, e.desired) for e in centre.told(CampaignFollowed)])
        assert (await centre.records(lambda records: records.campaign_named("spring"))).desired is Desired.STOPPED
        await centre.assert_accounted()
        assert len(centre.telephony.originated) == placed


async def test_a_drain_ends_though_another_campaign_keeps_the_records_busy_all_the_time() -> None:
    async with call_centre() as centre:
        centre.store.before_s = centre.store.after_s = 0.5  # Longer than the pauses between the ends of calls.
        await centre.campaign(settings=WITH_AGENTS, lists={"list": (100, 20)})
        await centre.campaign("busy", lists={"others": (100, 2000)})
        await centre.start()
        await centre.until(lambda: len(centre.told(SessionClosed)) > 10)
        await centre.drained("spring")
        assert centre.engine.report().campaigns[1].actual == "running"


async def test_a_drain_of_a_campaign_without_calls_is_over_at_once_also_after_a_restart() -> None:
    async with call_centre() as centre:
        await centre.campaign(desired=Desired.DRAINING)
        await centre.start()
        await centre.until(lambda: centre.engine.report().campaigns[0].actual == "stopped", within=timedelta(seconds=1))
        assert centre.telephony.originated == {}


async def test_a_stop_while_the_link_is_down_takes_back_what_rings_once_it_is_up_again() -> None:
    async with call_centre(fates=lambda number: Fate.NO_ANSWER) as centre:
        await centre.campaign(settings=replace(AGENTLESS, ring_timeout_s=120), lists={"list": (100, 8)})
        await centre.start()
        await centre.until(lambda: len(centre.telephony.originated) == 8)
        await anyio.sleep(3)
        centre.network.cut_link("pbx")
        await centre.change(Desired.STOPPED)
        assert await centre.records(lambda records: len(records.open_sessions())) == 8
        centre.network.restore_link("pbx")
        await centre.until(lambda: len(centre.told(SessionClosed)) == 8, within=timedelta(seconds=2))
        assert {event.outcome for event in centre.told(SessionClosed)} == {Outcome.CANCELLED}


async def test_a_stop_while_no_engine_ran_takes_back_what_rings_once_one_starts() -> None:
    async with call_centre(fates=lambda number: Fate.NO_ANSWER) as centre:
        await centre.campaign(settings=replace(AGENTLESS, ring_timeout_s=120), lists={"list": (100, 8)})
        await centre.start()
        await centre.until(lambda: len(centre.telephony.originated) == 8)
        await anyio.sleep(3)
        await centre.kill()
        await centre.records(
            lambda records: records.set_campaign(replace(records.campaign_named("spring"), desired=Desired.STOPPED))
        )
        await centre.start()
        await centre.until(lambda: len(centre.told(SessionClosed)) == 8, within=timedelta(seconds=2))
        assert {event.outcome for event in centre.told(SessionClosed)} == {Outcome.CANCELLED}


async def test_a_call_whose_channel_comes_only_after_the_stop_is_taken_back_when_it_does() -> None:
    async with call_centre(hand=HandExchange()) as centre:
        hand = centre.hand
        hand.knows_calls = False
        await centre.campaign(lists={"list": (100, 1)})
        await centre.start()
        await centre.until(lambda: len(hand.placed) == 1)
        [call_id] = centre.telephony.originated
        await centre.change(Desired.STOPPED)
        hand.knows_calls = True
        asked = len(hand.hung_up)
        hand.say(Dialling, call_id)
        await anyio.sleep(0.1)
        assert hand.hung_up[asked:] == [call_id]


# The daemon's own stop


@pytest.mark.parametrize("seed", range(6))
def test_once_the_engine_is_told_to_stop_no_originate_leaves(seed: int) -> None:
    run_virtually(_engine_stopped_at_some_instant, seed)


async def _engine_stopped_at_some_instant(seed: int) -> None:
    chance = Random(f"two phases {seed}")
    trunk = replace(TRUNK, channels=500)
    async with call_centre(replace(QUICK, trunks=(trunk,), ack_s=0.2), seed=seed) as centre:
        centre.store.before_s = centre.store.after_s = chance.uniform(0.0, 0.1)
        centre.telephony.slow_s = chance.uniform(0.0, 0.3)
        await centre.campaign(lists={"list": (100, 60)})
        await centre.start()
        await anyio.sleep(chance.uniform(0.5, 2.0))
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(centre.engine.stop)
            await centre.until(lambda: bool(centre.told(EngineStopping)))  # The first phase is over.
            left = len(centre.telephony.originated)
            assert left, seed
        await centre.over()
        assert len(centre.telephony.originated) == left, seed


async def test_the_engine_stops_in_two_phases_and_waits_for_live_calls() -> None:
    async with call_centre(options=EngineOptions(drain_timeout=timedelta(minutes=10))) as centre:
        centre.telephony.slow_s = centre.store.before_s = 0.1
        await centre.campaign(settings=WITH_AGENTS)
        await centre.start()
        await centre.until(lambda: len(centre.told(SessionClosed)) > 10)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(centre.engine.stop)
            await anyio.sleep(1)
            placed = len(centre.telephony.originated)
            assert centre.engine.report().campaigns[0].actual == "blocked"
            assert centre.engine.report().campaigns[0].limits[0] == "the engine is stopping"
        await centre.over()
        assert len(centre.telephony.originated) == placed
        [stopped] = centre.told(EngineStopped)
        assert stopped.live_calls == 0
        await centre.assert_accounted()


@pytest.mark.parametrize("drain_s", [0, 5])
async def test_calls_that_outlive_the_drain_timeout_are_left_to_the_next_engine(drain_s: int) -> None:
    options = EngineOptions(drain_timeout=timedelta(seconds=drain_s))
    async with call_centre(options=options, fates=lambda number: Fate.ANSWERED_LONG) as centre:
        await centre.campaign(settings=WITH_AGENTS, lists={"list": (100, 4)})
        await centre.start()
        await centre.until(lambda: centre.engine.report().campaigns[0].calls_talking == 4)
        before = centre.clock.now()
        await centre.engine.stop()
        await centre.over()
        assert centre.clock.now() - before < timedelta(seconds=drain_s + 1)
        assert centre.told(EngineStopped)[-1].live_calls == 4
        assert len(centre.telephony.calls_up()) == 4
        await centre.start()
        await centre.until(lambda: centre.engine.report().campaigns[0].calls_talking == 4)
        await centre.drained()
        await centre.assert_accounted()


async def test_what_has_ended_is_durable_when_the_engine_has_stopped_even_with_no_time_to_drain() -> None:
    options = EngineOptions(drain_timeout=timedelta(0))
    async with call_centre(options=options, fates=lambda number: Fate.BUSY) as centre:
        centre.store.before_s = 0.3
        await centre.campaign(lists={"list": (100, 5)})
        await centre.start()
        await centre.until(lambda: len(centre.told(SessionClosed)) == 5)
        await centre.engine.stop()
        await centre.over()
        assert {session.outcome for session in await centre.assert_accounted()} == {Outcome.BUSY}


async def test_a_stop_of_the_engine_and_a_supervisor_who_waits_at_the_same_time_both_end() -> None:
    async with call_centre(fates=lambda number: Fate.BUSY) as centre:
        centre.telephony.slow_s = 2.0
        await centre.campaign(lists={"list": (100, 1)})
        await centre.start()
        await centre.until(lambda: bool(centre.told(SessionOpened)))
        with anyio.fail_after(60):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(centre.change, Desired.PAUSED)
                await anyio.sleep(0.5)
                tasks.start_soon(centre.engine.stop)


# What blocks a campaign


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        (replace(AGENTLESS, pacing="no-such"), "pacing: no pacing strategy 'no-such'; there are"),
        (replace(WITH_AGENTS, queue=None), "pacing ratio needs agents, and the campaign has no queue"),
        (replace(WITH_AGENTS, pacing_settings={"ratio": 99.0}), "pacing: pacing strategy 'ratio': ratio must be"),
    ],
)
async def test_a_campaign_whose_settings_can_not_work_is_blocked_until_they_are_mended(
    settings: CampaignSettings, reason: str
) -> None:
    async with call_centre() as centre:
        await centre.campaign(settings=settings)
        await centre.start()
        await centre.engine.follow()
        report = centre.engine.report().campaigns[0]
        assert report.actual == "blocked" and report.limits[0].startswith(reason)
        assert len(centre.told(CampaignBlocked)) == 1, "told once, however often it is followed"
        mended: dict[str, Any] = {"pacing": "agentless", "message": "acme/news", "pacing_settings": {}, "queue": QUEUE}
        await centre.change(**mended)
        await centre.until(lambda: len(centre.telephony.originated) > 0, within=timedelta(seconds=2))


async def test_an_exchange_that_can_not_carry_the_call_blocks_the_campaign_until_somebody_tries_again() -> None:
    async with call_centre(hand=HandExchange()) as centre:
        centre.hand.refusing = Refused("Extension does not exist.", configuration=True)
        await centre.campaign()
        await centre.start()
        await centre.until(lambda: bool(centre.told(CampaignBlocked)))
        await anyio.sleep(600)
        placed = len(centre.hand.placed)
        assert placed < 20, "it does not use up the leads"
        assert centre.engine.report().campaigns[0].limits[0] == "Extension does not exist."
        sessions = await centre.assert_accounted()
        assert {(session.outcome, session.evidence.error) for session in sessions} <= {
            (Outcome.FAILED, "Extension does not exist."),
            (Outcome.CANCELLED, None),
        }
        centre.hand.refusing = None
        await centre.engine.follow()
        await centre.until(lambda: len(centre.hand.placed) > placed, within=timedelta(seconds=2))


async def test_a_number_that_can_not_be_sent_fails_its_call_and_nothing_else() -> None:
    async with call_centre(fates=lambda number: Fate.BUSY) as centre:
        await centre.campaign(lists={"list": (100, 3)})
        [lead] = people(1, priority=1)
        await centre.add("list", [replace(lead, numbers=(PhoneNumber("+1312\r\nAction: Command"),))])
        await centre.start()
        await centre.until(lambda: len(centre.told(SessionClosed)) == 4)
        sessions = await centre.sessions()
        assert [session.outcome for session in sessions[:4]] == [Outcome.FAILED] + [Outcome.BUSY] * 3
