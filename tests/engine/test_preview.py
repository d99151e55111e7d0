"""Preview dialling: an agent is offered a lead, and nothing is dialled before he accepts it."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import anyio
import pytest

from dialler.domain.campaign import Desired
from dialler.domain.evolve import evolve
from dialler.domain.lead import LeadState
from dialler.domain.outcome import Outcome
from dialler.domain.session import Session, SessionStatus
from dialler.errors import Conflict, NotFound
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
    assert (lead.attempts_counted, lead.last_outcome) == (0, None)
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
        accepted = await centre.engine.accept(AGENT, "ann")
        assert (accepted.session_id, accepted.accepted_at) == (session.session_id, centre.clock.now())
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
