"""Preview dialling: an agent is offered a lead, and nothing is dialled before he accepts it."""

from dataclasses import replace
from datetime import UTC, date, timedelta
from functools import partial
from typing import Any

import anyio
import pytest

from dialler.domain.caller_id import CallerId, PoolSettings
from dialler.domain.campaign import Desired, PreviewThen
from dialler.domain.evolve import evolve
from dialler.domain.lead import LeadState, PhoneNumber
from dialler.domain.outcome import Outcome
from dialler.domain.session import Session, SessionStatus
from dialler.domain.strategy import NumberOrder, StrategySettings
from dialler.engine.offers import _write
from dialler.errors import Conflict, NotFound, Shortage
from dialler.ports import AuditFilter, DncEntry, Records
from telephony.events import AgentState
from telephony.simulated import AgentGroup, Fate, Spread
from tests.support.call_centre import QUEUE, QUICK, START, WITH_AGENTS, CallCentre, call_centre

PREVIEW = replace(WITH_AGENTS, pacing="preview", pacing_settings={}, rest_min_s=1800)
ONE_AGENT = replace(QUICK, agents=(AgentGroup(number=1, queues=(QUEUE,)),), pickup_s=Spread(0.5))
AGENT = "SIM/agent-001"


def always(fate: Fate) -> dict[str, Any]:
    return {"fates": lambda _: fate}


async def offered(centre: CallCentre, leads: int = 2, settings: Any = PREVIEW) -> Session:
    """Start an engine with a preview campaign; return what the agent is offered."""
    await centre.campaign(settings=settings, lists={"list": (100, leads)})
    await centre.start()
    await centre.until(lambda: AGENT in centre.engine._offers._open)
    session = centre.engine.offer(AGENT).session
    account = await centre.engine._accounts.take()
    assert not any(account.unaccounted.values()), account.unaccounted
    assert not centre.telephony.originated
    return session


async def closed(centre: CallCentre, session: Session) -> Session:
    """Return the session of an offer that was not accepted: it was never rung, and is no attempt."""
    await centre.until(lambda: session.session_id not in centre.engine.floor.board.offers)
    await centre.engine.floor.outbox.flush()
    found = await centre.records(lambda records: records.session(session.session_id))
    assert (found.status, found.outcome, found.counts_attempt) == (SessionStatus.EXPIRED, Outcome.CANCELLED, False)
    assert found.sent_at is None and session.session_id not in centre.telephony.originated
    lead = await centre.records(lambda records: records.lead(session.lead_id))
    assert (lead.attempts, lead.attempts_counted, lead.last_outcome, lead.last_attempt_at) == (0, 0, None, None)
    return found


async def set_campaign(centre: CallCentre, **changes: Any) -> None:
    def change(records: Records) -> None:
        campaign = records.campaign(1)
        if desired := changes.get("desired"):
            campaign = replace(campaign, desired=desired)
        else:
            campaign = replace(campaign, settings=replace(campaign.settings, **changes))
        records.set_campaign(campaign)

    await centre.records(change)
    await centre.engine.follow()


async def test_nothing_is_dialled_until_it_is_accepted_then_it_is_his() -> None:
    async with call_centre(ONE_AGENT, **always(Fate.ANSWERED)) as centre:
        session = await offered(centre)
        await anyio.sleep(30)
        assert not centre.telephony.originated
        [shown] = centre.engine.agents.report()
        assert (shown.state, shown.since) == ("reserved", session.created_at)
        assert "no agent is free (0 busy, 1 reserved)" in centre.engine.report().campaigns[0].limits
        assert shown.talk is not None and (shown.talk.session_id, shown.talk.state) == (session.session_id, "reserved")
        accepted = await centre.engine.accept(AGENT, "ann")
        assert (accepted.session_id, accepted.accepted_at) == (session.session_id, centre.clock.now())
        states, calls = [], []
        while not states or states[-1] != "talking":
            report = centre.engine.report()
            states.append(report.agents[AGENT])
            [spring] = report.campaigns
            calls.append((spring.calls_unanswered, spring.calls_waiting, spring.calls_talking))
            await anyio.sleep(0.1)
        assert list(dict.fromkeys(states)) == ["reserved", "ringing", "talking"]
        assert list(dict.fromkeys(calls)) == [(1, 0, 0), (0, 1, 0), (0, 0, 1)]
        await centre.until(lambda: session.session_id not in centre.engine.floor.board.calls)
        await centre.engine.floor.outbox.flush()
        found = await centre.records(lambda records: records.session(session.session_id))
        assert (found.outcome, found.agent, found.dial_mode) == (Outcome.CONNECTED, AGENT, "preview")
        audit = await centre.records(lambda records: records.audit(AuditFilter(what="agent.accept")))
        assert [each.who for each in audit.items] == ["ann"]


async def test_one_who_is_skipped_rests_and_the_next_one_is_offered() -> None:
    async with call_centre(ONE_AGENT) as centre:
        session = await offered(centre)
        await centre.engine.skip(AGENT, "called yesterday", "ann")
        found = await closed(centre, session)
        assert found.evidence.error == "not accepted: called yesterday"
        lead = await centre.records(lambda records: records.lead(session.lead_id))
        assert lead.state is LeadState.RESTING and lead.due_at is not None
        assert lead.due_at >= START + timedelta(seconds=PREVIEW.rest_min_s)
        await centre.until(lambda: AGENT in centre.engine._offers._open)
        assert centre.engine.offer(AGENT).session.lead_id != session.lead_id


async def test_the_call_after_a_skip_is_the_leads_first_attempt_and_goes_to_the_number_that_was_offered() -> None:
    settings = replace(PREVIEW, rest_min_s=60, attempts_max=1)
    async with call_centre(ONE_AGENT, **always(Fate.ANSWERED)) as centre:

        def rotate(records: Records) -> None:
            strategy = records.add_strategy("in turn", StrategySettings(numbers=NumberOrder.ROTATE), START)
            records.set_list(replace(records.lead_list(1), strategy=strategy))
            second = PhoneNumber("+13125550199")
            lead = records.lead(session.lead_id)
            records.set_lead(evolve(lead, numbers=(*lead.numbers, second)))

        session = await offered(centre, leads=1, settings=settings)
        await centre.records(rotate)
        await centre.engine.follow()
        await centre.engine.skip(AGENT, "not now", "ann")
        await centre.until(lambda: AGENT in centre.engine._offers._open)
        again = centre.engine.offer(AGENT).session
        assert (again.attempt_no, again.number) == (1, session.number)
        await centre.engine.accept(AGENT, "ann")
        await centre.until(lambda: again.session_id not in centre.engine.floor.board.calls)
        await centre.engine.floor.outbox.flush()
        lead = await centre.records(lambda records: records.lead(session.lead_id))
        assert (lead.attempts, lead.attempts_counted, lead.last_outcome) == (1, 1, Outcome.CONNECTED)
        skip = (await centre.records(lambda records: records.audit(AuditFilter(what="agent.skip")))).items
        assert [(each.who, each.lead_id, each.details["after"]["reason"]) for each in skip] == [
            ("ann", session.lead_id, "not now")
        ]


async def test_an_end_that_is_written_twice_leaves_the_leads_next_call_alone() -> None:
    async with call_centre(ONE_AGENT, **always(Fate.ANSWERED_LONG)) as centre:
        session = await offered(centre, leads=1, settings=replace(PREVIEW, rest_min_s=60))
        closed_first = await centre.engine.skip(AGENT, "not now", "ann")
        await centre.until(lambda: AGENT in centre.engine._offers._open)
        write = partial(_write, floor=centre.engine.floor, session=closed_first, reason="not now", rests=True, by="ann")
        await centre.records(write)
        lead = await centre.records(lambda records: records.lead(session.lead_id))
        assert lead.state is LeadState.IN_CALL
        assert len((await centre.records(lambda records: records.audit(AuditFilter(what="agent.skip")))).items) == 1


async def test_one_that_nobody_answers_is_skipped() -> None:
    async with call_centre(ONE_AGENT) as centre:
        session = await offered(centre, leads=1, settings=replace(PREVIEW, preview_s=20))
        await anyio.sleep(19)
        assert centre.engine.offer(AGENT).session == session
        await anyio.sleep(2)
        assert (await closed(centre, session)).evidence.error == "not accepted: no answer"
        with pytest.raises(NotFound, match="has no offer"):
            await centre.engine.accept(AGENT, "ann")


@pytest.mark.parametrize(
    "change", [{"desired": Desired.STOPPED}, {"desired": Desired.PAUSED}, {"pacing": "progressive"}], ids=str
)
async def test_a_campaign_that_makes_no_offers_any_more_takes_them_back(change: dict[str, Any]) -> None:
    async with call_centre(ONE_AGENT) as centre:
        session = await offered(centre)
        await set_campaign(centre, **change)
        found = await closed(centre, session)
        assert found.evidence.error == "not accepted: the campaign makes no offers any more"
        assert not centre.engine.floor.board.held
        account = await centre.engine._accounts.take()
        assert not any(account.unaccounted.values()), account.unaccounted


async def test_an_agent_who_is_gone_loses_it() -> None:
    async with call_centre(ONE_AGENT) as centre:
        session = await offered(centre)
        centre.network.set_agent(AGENT, AgentState.AWAY)
        await closed(centre, session)
        assert not centre.engine.floor.board.held


async def test_a_gate_that_shut_meanwhile_refuses_and_closes_it() -> None:
    async with call_centre(ONE_AGENT) as centre:
        session = await offered(centre, leads=1)
        entry = DncEntry(number=session.number, campaign_id=None, reason="asked", added_at=START, added_by="ann")
        await centre.records(lambda records: records.add_dnc([entry]))
        with pytest.raises(Conflict, match="can't be called now: do_not_call"):
            await centre.engine.accept(AGENT, "ann")
        await closed(centre, session)
        centre.assert_no_channel_leaks()


async def test_a_restart_takes_back_what_was_not_accepted() -> None:
    async with call_centre(ONE_AGENT) as centre:
        session = await offered(centre, leads=1)
        await centre.kill()
        await centre.start()
        await closed(centre, session)
        await centre.until(lambda: AGENT in centre.engine._offers._open)  # He is asked anew.
        account = await centre.engine._accounts.take()
        assert not any(account.unaccounted.values()), account.unaccounted


async def test_a_restart_takes_up_what_was_accepted() -> None:
    async with call_centre(ONE_AGENT, **always(Fate.ANSWERED_LONG)) as centre:
        session = await offered(centre)
        await centre.engine.accept(AGENT, "ann")
        await centre.until(lambda: bool(centre.telephony.calls_up()))
        await centre.kill()
        await centre.start()
        assert centre.engine.floor.board.held == {AGENT: session.session_id}
        assert session.session_id in centre.engine.floor.board.calls


async def test_an_abandoned_call_is_still_known_after_a_skip() -> None:
    async with call_centre(ONE_AGENT) as centre:
        session = await offered(centre, leads=1)
        await centre.records(
            lambda records: records.set_lead(evolve(records.lead(session.lead_id), last_outcome=Outcome.ABANDONED))
        )
        await centre.engine.skip(AGENT, "later", "ann")
        lead = await centre.records(lambda records: records.lead(session.lead_id))
        assert (lead.state, lead.last_outcome) == (LeadState.RESTING, Outcome.ABANDONED)


async def test_an_engine_that_stops_takes_them_back() -> None:
    async with call_centre(ONE_AGENT) as centre:
        session = await offered(centre)
        await centre.engine.stop()
        await closed(centre, session)


async def test_one_whose_time_is_over_is_dialled_where_the_campaign_wants_it() -> None:
    settings = replace(PREVIEW, preview_s=20, preview_then=PreviewThen.DIAL)
    async with call_centre(ONE_AGENT, **always(Fate.ANSWERED)) as centre:
        session = await offered(centre, leads=1, settings=settings)
        await anyio.sleep(19)
        assert not centre.telephony.originated
        await anyio.sleep(2)
        assert [*centre.telephony.originated] == [session.session_id]
        await centre.until(lambda: session.session_id not in centre.engine.floor.board.calls)
        await centre.engine.floor.outbox.flush()
        found = await centre.records(lambda records: records.session(session.session_id))
        assert (found.outcome, found.agent, found.accepted_at is not None) == (Outcome.CONNECTED, AGENT, True)
        audit = await centre.records(lambda records: records.audit(AuditFilter(what="agent.accept")))
        assert [each.who for each in audit.items] == ["engine"]


async def test_one_whose_time_is_over_is_not_dialled_through_a_shut_gate() -> None:
    settings = replace(PREVIEW, preview_s=20, preview_then=PreviewThen.DIAL)
    async with call_centre(ONE_AGENT) as centre:
        session = await offered(centre, leads=1, settings=settings)
        entry = DncEntry(number=session.number, campaign_id=None, reason="asked", added_at=START, added_by="ann")
        await centre.records(lambda records: records.add_dnc([entry]))
        await anyio.sleep(21)
        assert "do_not_call" in ((await closed(centre, session)).evidence.error or "")


@pytest.mark.parametrize("then", list(PreviewThen))
async def test_an_offer_for_which_no_channel_is_free_stays_and_is_called_once_one_is(then: PreviewThen) -> None:
    settings = replace(PREVIEW, preview_s=20, preview_then=then)
    async with call_centre(ONE_AGENT, **always(Fate.ANSWERED)) as centre:
        session = await offered(centre, leads=1, settings=settings)
        trunks = centre.engine.floor.trunks
        for number in range(n := trunks.channels_free("a")):
            trunks.hold("a", f"another call {number}", launched=False)
        if then is PreviewThen.SKIP:
            await anyio.sleep(18)
            with pytest.raises(Shortage, match="no channel is free on a: try again"):
                await centre.engine.accept(AGENT, "ann")
            await anyio.sleep(4)  # He has a while to try again, though his time would be over.
        else:
            await anyio.sleep(60)
        assert centre.engine.offer(AGENT).session == session and not centre.telephony.originated
        for number in range(n):
            trunks.release("a", f"another call {number}")
        if then is PreviewThen.SKIP:
            await centre.engine.accept(AGENT, "ann")
        await anyio.sleep(6)
        assert [*centre.telephony.originated] == [session.session_id]


async def test_an_offer_takes_a_number_of_the_pool_when_it_is_accepted_and_none_when_it_is_skipped() -> None:
    now = START.replace(tzinfo=UTC)

    def fill(records: Records) -> None:
        pool = records.add_caller_id_pool("us", PoolSettings(calls_per_day_max=1), now)
        records.add_caller_ids(pool.pool_id, [CallerId(number="+13125550101")])

    def shown(records: Records) -> int:
        pool = records.caller_id_pool("us")
        return sum(each.calls for each in records.caller_id_days(pool.pool_id, since=date(2026, 1, 1)).values())

    async with call_centre(ONE_AGENT, **always(Fate.ANSWERED)) as centre:
        await centre.records(fill)
        await offered(centre, leads=5, settings=replace(PREVIEW, caller_id_pool="us"))
        for _ in range(2):
            await centre.engine.skip(AGENT, "later", "ann")
            await centre.until(lambda: AGENT in centre.engine._offers._open)
        assert await centre.records(shown) == 0
        accepted = await centre.engine.accept(AGENT, "ann")
        assert accepted.caller_id == "+13125550101" and accepted.caller_id_day is not None
        assert await centre.records(shown) == 1
        await anyio.sleep(60)
        assert centre.telephony.originated[accepted.session_id][1].caller_id == "+13125550101"
        with pytest.raises(NotFound, match="has no offer"):
            centre.engine.offer(AGENT)  # The pool is used up for today.
        await centre.engine.floor.outbox.flush()
        assert await centre.records(lambda records: records.check()) == []
