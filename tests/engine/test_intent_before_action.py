"""Promises 1 and 2: an intent is durable before its Originate leaves, and nothing is rung twice."""

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

from dialler.domain.lead import PhoneNumber
from dialler.domain.outcome import Outcome
from dialler.engine.put_aside import LINE_REST
from dialler.events import LeadRefused, SessionClosed
from telephony.simulated import Fate
from tests.support.call_centre import AGENTLESS, QUICK, call_centre, people


async def test_each_originate_follows_a_durable_intent_and_each_attempt_has_its_session() -> None:
    async with call_centre() as centre:  # WatchedNetwork looks at the records at each Originate.
        centre.store.before_s = centre.store.after_s = 0.05
        await centre.campaign()
        await centre.start()
        await centre.until(lambda: len(centre.told(SessionClosed)) >= 100)
        await centre.drained()
        sessions = await centre.assert_accounted()
        assert {session.session_id for session in sessions if session.sent_at} == set(centre.telephony.originated)
        assert len({session.lead_id for session in sessions}) >= 100


async def test_a_number_that_several_leads_share_is_never_rung_twice_at_once() -> None:
    async with call_centre(replace(QUICK, answer_rate=(0.0,)), fates=lambda number: Fate.NO_ANSWER) as centre:
        settings = replace(AGENTLESS, ring_timeout_s=150)  # It rings longer than those who wait for it rest.
        await centre.campaign(settings=settings, lists={"list": (100, 0), "other": (50, 0)})
        [twin] = people(1)
        await centre.add("list", [twin, twin])
        await centre.add("other", [replace(twin, numbers=(*twin.numbers, PhoneNumber("+13129999999")))])
        started_at = centre.clock.now()
        await centre.start()
        await centre.until(lambda: len(centre.told(SessionClosed)) >= 3)
        sessions = await centre.assert_accounted()
        assert [session.number for session in sessions] == [twin.numbers[0].number] * 3
        assert {event.gate for event in centre.told(LeadRefused)} == {"line"}
        for earlier, later in pairwise(sessions):
            assert earlier.ended_at is not None and later.created_at > earlier.ended_at
            assert later.created_at - started_at >= LINE_REST
        assert sessions[-1].created_at - started_at < timedelta(minutes=10)


async def test_a_lead_that_was_tried_comes_back_when_its_rest_is_over_though_its_list_had_run_dry() -> None:
    async with call_centre(fates=lambda number: Fate.BUSY) as centre:
        await centre.campaign(lists={"list": (100, 3)})
        await centre.start()
        await centre.until(lambda: len(centre.told(SessionClosed)) >= 6)
        sessions = await centre.sessions()
        assert [session.outcome for session in sessions[:6]] == [Outcome.BUSY] * 6
        first, second = (next(s for s in sessions if s.lead_id == 1 and s.attempt_no == n) for n in (1, 2))
        assert first.ended_at is not None
        rest = second.created_at - first.ended_at
        assert timedelta(minutes=10) <= rest < timedelta(minutes=10, seconds=2)
