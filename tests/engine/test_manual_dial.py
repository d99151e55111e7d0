"""A call that an agent asks for: it is his alone, and it passes the same gates as any other."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import anyio
import pytest

from dialler.domain.caller_id import CallerId, PoolSettings
from dialler.domain.calling_hours import parse_hours
from dialler.domain.campaign import Desired, Wrap
from dialler.domain.lead import LeadState
from dialler.domain.outcome import Outcome
from dialler.domain.session import MANUAL, Session, SessionStatus
from dialler.engine.aftermath import wrap_up
from dialler.engine.windows import Windows
from dialler.errors import Conflict, NotFound, NotSent, StoreError
from dialler.events import AgentMoved
from dialler.ports import AuditFilter, DncEntry, ManualCall, Records, Trunk
from telephony.events import DIRECT_REASON, WRAP_UP_REASON, AgentState, HangupBy
from telephony.simulated import AgentGroup, Fate, Spread
from tests.support.call_centre import (
    AGENTLESS,
    QUEUE,
    QUICK,
    START,
    TRUNK,
    WITH_AGENTS,
    CallCentre,
    call_centre,
    people,
)

PROGRESSIVE = replace(WITH_AGENTS, pacing="progressive", pacing_settings={})
ONE_AGENT = replace(QUICK, agents=(AgentGroup(number=1, queues=(QUEUE,)),), pickup_s=Spread(0.5))
AGENT = "SIM/agent-001"


def always(fate: Fate) -> dict[str, Any]:
    return {"fates": lambda _: fate}


async def paused(centre: CallCentre, settings: Any = PROGRESSIVE, **campaign: Any) -> None:
    """Start an engine with a paused campaign of two leads: nothing but what an agent asks for is dialled."""
    await centre.campaign(settings=settings, lists={"list": (100, 2)}, desired=Desired.PAUSED, **campaign)
    await centre.start()
    await centre.until(lambda: bool(centre.engine.floor.board.agents(None)))


async def dial(centre: CallCentre, lead_id: int = 1, *, agent: str = AGENT) -> Session:
    lead = await centre.records(lambda records: records.lead(lead_id))
    wanted = ManualCall(agent=agent, campaign_id=lead.campaign_id, find=lambda records: lead_id, by="ann")
    return await centre.engine.dial(wanted)


async def refused(centre: CallCentre, lead_id: int = 1, *, agent: str = AGENT) -> str:
    """Return why a call is refused; then nothing must have been done."""
    before = await centre.records(lambda records: (records.lead(lead_id), records.open_sessions()))
    with pytest.raises(Conflict) as error:
        await dial(centre, lead_id, agent=agent)
    assert await centre.records(lambda records: (records.lead(lead_id), records.open_sessions())) == before
    assert not centre.engine.floor.board.held
    centre.assert_no_channel_leaks()
    return str(error.value)


async def ended(centre: CallCentre, session: Session) -> Session:
    await centre.until(lambda: session.session_id not in centre.engine.floor.board.calls)
    await centre.engine.floor.outbox.flush()
    return await centre.records(lambda records: records.session(session.session_id))


async def test_it_is_joined_to_the_agent_who_asked_also_in_a_pause_and_to_nobody_else() -> None:
    plan = replace(QUICK, agents=(AgentGroup(number=3, queues=(QUEUE,)),))
    async with call_centre(plan, **always(Fate.ANSWERED)) as centre:
        await paused(centre)
        centre.network.set_agent("SIM/agent-002", AgentState.PAUSED)
        session = await dial(centre, agent="SIM/agent-002")
        assert (session.dial_mode, session.for_agent, session.accepted_at) == (MANUAL, "SIM/agent-002", START)
        assert (session.status, session.attempt_no) == (SessionStatus.NEW, 1)
        done = await ended(centre, session)
        assert (done.outcome, done.agent, done.evidence.hangup_by) == (
            Outcome.CONNECTED,
            "SIM/agent-002",
            HangupBy.CUSTOMER,
        )
        [(_, origination)] = centre.telephony.originated.values()
        assert (origination.agent, origination.queue) == ("SIM/agent-002", None)
        [entry] = (await centre.records(lambda records: records.audit(AuditFilter(what="agent.dial")))).items
        assert (entry.who, entry.lead_id, entry.details["after"]["agent"]) == ("ann", 1, "SIM/agent-002")  # type: ignore[index]
        await centre.assert_accounted()


async def test_an_agent_without_a_queue_of_the_campaign_and_a_campaign_without_agents_will_do() -> None:
    async with call_centre(ONE_AGENT, **always(Fate.ANSWERED_LONG)) as centre:
        await paused(centre, AGENTLESS)
        session = await dial(centre)
        tracked = centre.engine.floor.board.calls[session.session_id]
        await centre.until(lambda: tracked.call.connected_at is not None)
        assert tracked.call.agent == AGENT


def add_dnc(records: Records) -> None:
    number = records.lead(1).numbers[0].number
    records.add_dnc([DncEntry(number=number, campaign_id=None, reason="asked", added_at=START, added_by="ann")])


def shut_window(records: Records) -> None:
    campaign = records.campaign_named("spring")
    shut = replace(campaign.settings, hours=parse_hours("mon-sun 02:00-03:00"))
    records.set_campaign(replace(campaign, settings=shut))


def had_its_attempts(records: Records) -> None:
    records.set_lead(replace(records.lead(1), attempts=6, attempts_counted=6))


def stop(records: Records) -> None:
    records.set_campaign(replace(records.campaign_named("spring"), desired=Desired.STOPPED))


def rests(records: Records) -> None:
    records.set_lead(replace(records.lead(1), state=LeadState.RESTING, due_at=START + timedelta(hours=3)))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (add_dnc, "do_not_call: 1 of 1 usable on a list"),
        (shut_window, "window: 10:00 in America/Chicago"),
        (had_its_attempts, "attempts: 6 counted (rule: 6 in all)"),
        (stop, "campaign: stopped (rule: running or paused)"),
        (rests, "opens 2026-06-02 18:00:00 UTC"),
    ],
)
async def test_a_gate_that_is_shut_refuses_it_in_words_and_nothing_is_done(
    change: Callable[[Records], None], said: str
) -> None:
    async with call_centre(ONE_AGENT) as centre:
        await paused(centre)
        await centre.records(change)
        assert said in await refused(centre)
        assert not centre.telephony.originated


async def test_a_list_that_is_off_does_not_stop_a_call_by_hand() -> None:
    async with call_centre(ONE_AGENT, **always(Fate.BUSY)) as centre:
        await paused(centre)
        await centre.change_list("list", to_dial=False)
        assert (await ended(centre, await dial(centre))).outcome is Outcome.BUSY


async def test_a_number_that_is_being_called_for_another_lead_is_not_rung_twice() -> None:
    plan = replace(QUICK, agents=(AgentGroup(number=2, queues=(QUEUE,)),))
    async with call_centre(plan, **always(Fate.NO_ANSWER)) as centre:
        await paused(centre)
        first = await centre.records(lambda records: records.lead(1))
        [twin] = await centre.add("list", [replace(next(iter(people(1))), numbers=first.numbers)])
        await dial(centre)
        with pytest.raises(Conflict, match="line: in a call"):
            await dial(centre, twin, agent="SIM/agent-002")
        assert "SIM/agent-002" not in centre.engine.floor.board.held


async def test_an_agent_who_can_not_take_it_is_not_called() -> None:
    async with call_centre(ONE_AGENT, **always(Fate.ANSWERED_LONG)) as centre:
        await paused(centre)
        with pytest.raises(NotFound, match="no agent 'kim' in the exchange's queues; there are SIM/agent-001"):
            await dial(centre, agent="kim")
        session = await dial(centre)
        with pytest.raises(Conflict, match=f"held for another call already, session {session.session_id}"):
            await dial(centre, 2)
        await centre.until(lambda: centre.engine.floor.board.state_of(QUEUE, AGENT) is AgentState.TALKING)
        await centre.network.hang_up(session.session_id)
        await ended(centre, session)
        centre.network.set_agent(AGENT, AgentState.AWAY)
        await centre.until(lambda: centre.engine.floor.board.state_of(QUEUE, AGENT) is AgentState.AWAY)
        assert "agent SIM/agent-001 is away" in await refused(centre, 2)


async def test_a_person_whose_agent_does_not_pick_up_hears_the_message_in_time() -> None:
    agents = (AgentGroup(number=1, queues=(QUEUE,), picks_up=False), AgentGroup(number=1, queues=(QUEUE,)))
    async with call_centre(replace(QUICK, agents=agents), **always(Fate.ANSWERED_LONG)) as centre:
        await paused(centre)
        done = await ended(centre, await dial(centre))
        assert (done.outcome, done.agent) == (Outcome.ABANDONED, None)
        assert done.answered_at is not None
        assert len(centre.telephony.diverted) == 1, "the other agent, who was free all the while, has not got it"


async def test_who_is_held_is_not_ready_for_the_dialler_until_his_call_is_over() -> None:
    async with call_centre(ONE_AGENT, **always(Fate.NO_ANSWER)) as centre:
        await paused(centre)
        session = await dial(centre)
        await centre.change(Desired.RUNNING)
        facts = centre.engine.floor.facts(centre.engine.floor.campaigns[1])
        assert (facts.agents_ready, facts.calls_unanswered) == (0, 0)
        [report] = centre.engine.report().campaigns
        assert (report.agents_ready, report.calls_by_state["direct"]) == (0, 1)
        await anyio.sleep(5)
        assert list(centre.telephony.originated) == [session.session_id]
        await ended(centre, session)
        await centre.until(lambda: len(centre.telephony.originated) == 2)


async def test_a_stop_takes_it_back_while_it_rings() -> None:
    async with call_centre(ONE_AGENT, **always(Fate.NO_ANSWER)) as centre:
        await paused(centre)
        session = await dial(centre)
        await anyio.sleep(5)
        await centre.change(Desired.STOPPED)
        assert (await ended(centre, session)).outcome is Outcome.CANCELLED
        assert not centre.engine.floor.board.held


async def test_without_a_free_channel_it_is_refused_and_a_token_is_waited_for() -> None:
    slow = Trunk(name="a", server="pbx", calls_per_second=0.25, channels=1)
    agents = (AgentGroup(number=2, queues=(QUEUE,)),)
    async with call_centre(replace(ONE_AGENT, trunks=(slow,), agents=agents), **always(Fate.BUSY)) as centre:
        await paused(centre)
        session = await dial(centre)
        with pytest.raises(Conflict, match="no channel is free on a"):
            await dial(centre, 2, agent="SIM/agent-002")
        await ended(centre, session)
        asked_at = centre.clock.now()
        second = await dial(centre, 2)
        assert second.created_at > asked_at
        assert second.created_at - session.created_at > timedelta(seconds=3), "the trunk's rate holds for it as well"


async def test_a_trunk_on_another_exchange_than_the_agents_is_not_used() -> None:
    far = Trunk(name="far", server="far", calls_per_second=20.0, channels=30)
    plan = replace(ONE_AGENT, trunks=(far, TRUNK), agents=(AgentGroup(number=1, queues=(QUEUE,), server="pbx"),))
    async with call_centre(plan, **always(Fate.BUSY)) as centre:
        await paused(centre)
        assert (await dial(centre)).trunk == "a"
    async with call_centre(plan, **always(Fate.BUSY)) as centre:
        await paused(centre, replace(PROGRESSIVE, trunks=("far",)))
        assert "no trunk in use on pbx, where the agent is" in await refused(centre)


async def test_records_that_fail_let_the_agent_and_the_channel_go() -> None:
    async with call_centre(ONE_AGENT) as centre:
        await paused(centre)
        centre.store.failing = "the disk is full"
        with pytest.raises(StoreError):
            await dial(centre)
        centre.store.failing = None
        assert not centre.engine.floor.board.held
        centre.assert_no_channel_leaks()
        assert not centre.telephony.originated
        assert (await dial(centre)).lead_id == 1


async def test_it_is_taken_up_again_after_a_crash_and_still_is_his() -> None:
    async with call_centre(ONE_AGENT, **always(Fate.ANSWERED_LONG)) as centre:
        await paused(centre)
        session = await dial(centre)
        await centre.until(lambda: bool(centre.telephony.calls_up()))
        await centre.kill()
        await centre.start()
        assert centre.engine.floor.board.held == {AGENT: session.session_id}
        await centre.until(lambda: centre.engine.floor.board.state_of(QUEUE, AGENT) is AgentState.TALKING)
        assert (await centre.network.hang_up(session.session_id)) is True
        assert (await ended(centre, session)).agent == AGENT
        assert not centre.engine.floor.board.held
        await centre.assert_accounted()


WITHOUT_WORK = replace(ONE_AGENT, wrap_up_s=Spread(0.0))


async def settled(centre: CallCentre) -> None:
    """Wait until the exchange has done what it was asked for."""
    await anyio.sleep(0.1)


def pause_of(centre: CallCentre, agent: str = AGENT) -> str | None:
    """Return why the exchange keeps calls of the queue from an agent; None: it does not."""
    return centre.network._calls.desk.agents[agent].queues[QUEUE]


async def test_the_exchange_keeps_calls_of_queues_from_who_is_held_and_no_longer() -> None:
    async with call_centre(WITHOUT_WORK, **always(Fate.ANSWERED)) as centre:
        await paused(centre)
        session = await dial(centre)
        await settled(centre)
        assert pause_of(centre) == DIRECT_REASON
        await ended(centre, session)
        await settled(centre)
        assert pause_of(centre) is None
        assert centre.engine.floor.board.state_of(QUEUE, AGENT) is AgentState.READY


async def test_who_has_paused_himself_stays_paused_after_his_call() -> None:
    async with call_centre(WITHOUT_WORK, **always(Fate.ANSWERED)) as centre:
        await paused(centre)
        await centre.network.set_paused(AGENT, True, reason="lunch")
        await centre.until(lambda: centre.engine.floor.board.state_of(QUEUE, AGENT) is AgentState.PAUSED)
        await ended(centre, await dial(centre))
        await settled(centre)
        assert pause_of(centre) == "lunch"
        assert centre.telephony.pauses == []
        # And one who does so while he is held.
        await centre.network.set_paused(AGENT, False)
        await settled(centre)
        session = await dial(centre, 2)
        await settled(centre)
        await centre.network.set_paused(AGENT, True, reason="home")
        await ended(centre, session)
        await settled(centre)
        assert pause_of(centre) == "home"


async def test_a_refused_call_leaves_nobody_paused() -> None:
    async with call_centre(WITHOUT_WORK) as centre:
        await paused(centre)
        await centre.records(had_its_attempts)
        await refused(centre)
        await settled(centre)
        assert pause_of(centre) is None


async def test_a_pause_that_outlived_its_call_ends_when_the_engine_or_the_link_is_back() -> None:
    async with call_centre(WITHOUT_WORK, **always(Fate.ANSWERED)) as centre:
        await paused(centre)
        session = await dial(centre)
        await settled(centre)
        await centre.kill()
        await centre.at(centre.clock.now() + timedelta(minutes=5))
        assert pause_of(centre) == DIRECT_REASON, "nobody was there to end it"
        await centre.start()
        await ended(centre, session)
        await settled(centre)
        assert pause_of(centre) is None
        second = await dial(centre, 2)
        await settled(centre)
        centre.network.cut_link("pbx")
        await anyio.sleep(30)
        assert pause_of(centre) == DIRECT_REASON
        centre.network.restore_link("pbx")
        await ended(centre, second)
        await settled(centre)
        assert pause_of(centre) is None


async def test_an_exchange_that_can_not_be_asked_is_asked_again_when_its_link_is_back() -> None:
    async with call_centre(WITHOUT_WORK, **always(Fate.ANSWERED_LONG)) as centre:
        await paused(centre)

        def refuse(agent: str) -> None:
            raise NotSent("too much to do")

        centre.telephony.pausing = refuse
        await dial(centre)
        await settled(centre)
        assert pause_of(centre) is None
        centre.telephony.pausing = lambda agent: None
        centre.network.cut_link("pbx")
        centre.network.restore_link("pbx")
        await settled(centre)
        assert pause_of(centre) == DIRECT_REASON


def states_told(centre: CallCentre) -> list[AgentState]:
    return [AgentState(event.state) for event in centre.told(AgentMoved)]


@pytest.mark.parametrize("gives_code", [True, False])
async def test_the_pause_of_a_direct_talk_becomes_that_of_the_work_after_it(gives_code: bool) -> None:
    async with call_centre(WITHOUT_WORK, **always(Fate.ANSWERED)) as centre:
        await paused(centre, replace(PROGRESSIVE, wrap=Wrap.REQUIRED, wrap_deadline_s=30))
        session = await dial(centre)
        await settled(centre)
        assert pause_of(centre) == DIRECT_REASON
        told_before = len(states_told(centre))
        done = await ended(centre, session)
        assert (done.status, done.agent) == (SessionStatus.PROCESSING, AGENT)
        await anyio.sleep(20)
        assert pause_of(centre) == WRAP_UP_REASON
        assert AgentState.READY not in states_told(centre)[told_before:], "a queue could have rung him"
        assert None not in [reason for _, reason in centre.telephony.pauses]
        if gives_code:
            now = centre.clock.now()
            await centre.records(
                lambda records: wrap_up(records, done, "SALE", note=None, by="kim", now=now, windows=Windows())
            )
            await centre.engine.follow()
            await anyio.sleep(1)
        else:
            await anyio.sleep(12)
        assert pause_of(centre) is None
        assert states_told(centre)[-1] is AgentState.READY
        assert states_told(centre)[told_before:].count(AgentState.READY) == 1
        assert [reason for _, reason in centre.telephony.pauses] == [DIRECT_REASON, WRAP_UP_REASON, None]


async def test_without_work_after_it_a_direct_talk_leaves_its_agent_ready_at_once() -> None:
    async with call_centre(WITHOUT_WORK, **always(Fate.ANSWERED)) as centre:
        await paused(centre, replace(PROGRESSIVE, wrap=Wrap.NONE, wrap_up_s=0))
        await ended(centre, await dial(centre))
        await settled(centre)
        assert pause_of(centre) is None
        assert states_told(centre)[-1] is AgentState.READY
        assert [reason for _, reason in centre.telephony.pauses] == [DIRECT_REASON, None]


async def test_it_shows_a_number_of_the_campaigns_pool_and_uses_it_up() -> None:
    def fill(records: Records) -> None:
        pool = records.add_caller_id_pool("us", PoolSettings(calls_per_day_max=1), START)
        elsewhere = CallerId(number="+13125550101", trunks=("elsewhere",))
        records.add_caller_ids(pool.pool_id, [elsewhere, CallerId(number="+13125550102")])

    async with call_centre(ONE_AGENT, **always(Fate.BUSY)) as centre:
        await centre.records(fill)
        await paused(centre, replace(PROGRESSIVE, caller_ids=("+18005550100",), caller_id_pool="us"))
        session = await dial(centre)
        assert (session.caller_id, session.caller_id_day) == ("+13125550102", START.date())
        await ended(centre, session)
        [(_, origination)] = centre.telephony.originated.values()
        assert origination.caller_id == "+13125550102"
        assert "caller_id: " in await refused(centre, 2)
