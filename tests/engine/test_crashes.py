"""Promise 2: kill the engine at any instant, cut the link, restart the exchange: at most once, and nothing leaks."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from functools import partial
from random import Random

import anyio
import pytest

from dialler.app.virtual_time import run_virtually
from dialler.domain.outcome import Outcome
from dialler.domain.session import SessionStatus
from dialler.engine.floor import EngineOptions
from dialler.events import SessionAdopted, SessionClosed, SessionOpened
from telephony.errors import LinkLost
from telephony.port import LiveState
from telephony.simulated import Fate
from tests.support.call_centre import AGENTLESS, QUICK, WITH_AGENTS, CallCentre, call_centre


@pytest.mark.parametrize("seed", range(24))
def test_no_crash_at_any_instant_rings_twice_leaks_a_channel_or_loses_an_attempt(seed: int) -> None:
    run_virtually(_day_of_crashes, seed)


async def _day_of_crashes(seed: int) -> None:
    chance = Random(f"crashes {seed}")
    async with call_centre(replace(QUICK, ack_s=chance.choice([0.0, 0.02, 0.5])), seed=seed) as centre:
        # A crash may come before a commit, after it and before its caller knows, and while an Originate is on its way.
        centre.store.before_s, centre.store.after_s = chance.choice([0.0, 0.03]), chance.choice([0.0, 0.03])
        centre.telephony.slow_s = chance.choice([0.0, 0.1])
        settings = chance.choice([AGENTLESS, WITH_AGENTS])
        await centre.campaign(settings=settings, lists={"big": (100, 60), "small": (30, 25)})
        await centre.start()
        for _ in range(4):
            await anyio.sleep(chance.uniform(0.0, 12.0))
            trouble = chance.choice(["kill", "kill", "cut", "restart", "restart while dead", "cut while dead"])
            await _make(trouble, centre, chance.uniform(0.0, 30.0))
        await centre.drained()
        sessions = await centre.assert_accounted()
    attempts = Counter((session.lead_id, session.attempt_no) for session in sessions)
    assert set(attempts.values()) == {1}, seed
    for session in sessions:
        placed = session.session_id in centre.telephony.originated
        assert session.outcome is not None
        if not placed:  # Nobody rang: it was taken back before, or nobody can say.
            assert session.outcome in (Outcome.CANCELLED, Outcome.LOST), session
        if session.outcome is Outcome.LOST:
            assert session.status is SessionStatus.EXPIRED and session.counts_attempt


async def _make(trouble: str, centre: CallCentre, for_s: float) -> None:
    """Make trouble for some seconds."""
    match trouble:
        case "cut":
            centre.network.cut_link("pbx")
            await anyio.sleep(for_s)
            centre.network.restore_link("pbx")
        case "restart":
            centre.network.restart("pbx")
        case _:
            await centre.kill()
            if trouble == "restart while dead":
                centre.network.restart("pbx")
            if trouble == "cut while dead":
                centre.network.cut_link("pbx")
            await anyio.sleep(for_s)
            await centre.start()
            if trouble == "cut while dead":
                await anyio.sleep(for_s)
                centre.network.restore_link("pbx")


async def test_calls_that_are_up_after_a_crash_are_adopted_and_followed_to_their_end() -> None:
    async with call_centre(replace(QUICK, answer_rate=(1.0,)), fates=lambda number: Fate.ANSWERED_LONG) as centre:
        await centre.campaign(settings=WITH_AGENTS, lists={"list": (100, 10)})
        await centre.start()
        await centre.until(lambda: centre.engine.report().campaigns[0].calls_talking == 10)
        await centre.kill()
        await anyio.sleep(300)
        await centre.start()
        assert centre.engine.report().trunks[0].channels_used == 10, "held until known to be over"
        await centre.until(lambda: len(centre.told(SessionAdopted)) == 10)
        assert {event.state for event in centre.told(SessionAdopted)} == {LiveState.BRIDGED}
        assert centre.engine.report().campaigns[0].calls_talking == 10
        await centre.until(lambda: len(centre.told(SessionClosed)) == 10)
        await centre.drained()
        sessions = await centre.assert_accounted()
        assert {(session.outcome, session.agent is not None) for session in sessions} == {(Outcome.CONNECTED, True)}


async def test_calls_that_are_gone_after_a_crash_are_lost_but_not_before_ring_time_and_grace() -> None:
    options = EngineOptions(verdict_grace=timedelta(seconds=7))
    async with call_centre(options=options, fates=lambda number: Fate.NO_ANSWER) as centre:
        await centre.campaign(lists={"list": (100, 5)})
        await centre.start()
        await centre.until(lambda: len(centre.telephony.originated) == 5)
        await centre.kill()
        centre.network.restart("pbx")
        # The new process is not told of the restart, as if the exchange's answer were the first it ever had.
        centre.network._links["pbx"].restarted = False
        await anyio.sleep(1)
        await centre.start()
        await centre.until(lambda: len(centre.told(SessionClosed)) == 5)
        await centre.engine.floor.outbox.flush()
        for session in await centre.assert_accounted():
            assert (session.outcome, session.status) == (Outcome.LOST, SessionStatus.EXPIRED)
            assert session.ended_at is not None
            waited = session.ended_at - session.created_at
            assert timedelta(seconds=27) <= waited < timedelta(seconds=28), "ring time 20 s and grace 7 s"


async def test_a_call_that_nobody_can_say_was_placed_is_found_or_lost_and_never_placed_again() -> None:
    def answer_is_lost(origination: object) -> None:
        raise LinkLost("no answer in time")

    async with call_centre() as centre:
        await centre.campaign(lists={"list": (100, 3)})
        centre.telephony.leaving = answer_is_lost
        await centre.start()
        await centre.until(lambda: len(centre.told(SessionClosed)) == 3)
        await centre.engine.floor.outbox.flush()
        sessions = await centre.assert_accounted()
        assert {session.outcome for session in sessions} == {Outcome.LOST}
        assert len(centre.telephony.originated) == 3


async def test_an_engine_that_crashes_again_and_again_keeps_the_shares_of_lists_and_of_campaigns() -> None:
    async with call_centre(seed=3) as centre:
        await centre.campaign("big", replace(AGENTLESS, weight=300), lists={"gold": (70, 300), "silver": (30, 300)})
        await centre.campaign("small", lists={"bronze": (1, 300)})
        for _ in range(20):
            await centre.start()
            enough = len(centre.told(SessionOpened)) + 5
            await centre.until(partial(lambda enough: len(centre.told(SessionOpened)) >= enough, enough))
            await centre.kill()
        sessions = await centre.sessions()
        assert len(sessions) >= 100
        counts = Counter(session.list for session in sessions)
        assert abs(counts["gold"] / 70 - counts["silver"] / 30) <= 1 / 70 + 1 / 30
        big = counts["gold"] + counts["silver"]
        assert abs(big / 300 - counts["bronze"] / 100) <= 1 / 300 + 1 / 100
