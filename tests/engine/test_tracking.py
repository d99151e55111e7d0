"""Following calls through events that come late, twice, in disorder, or never."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import anyio
import pytest

from dialler.domain.lead import CompletedReason, LeadState
from dialler.domain.outcome import Outcome
from dialler.domain.session import Session, SessionStatus
from dialler.engine.tracking import LONG_CALL_LOOK
from dialler.errors import LinkLost
from dialler.events import AgentMoved, CallIllegal, CallOverdue, CallUnknown, SessionAdopted, SessionClosed, TrunkRested
from dialler.stores.records import SqlRecords
from telephony.events import (
    AgentState,
    Answered,
    Bridged,
    Classified,
    DialEnded,
    Dialling,
    HungUp,
    OptedOut,
    OriginateEnded,
    Queued,
    Ringing,
)
from telephony.port import LiveCall, LiveState
from tests.support.call_centre import AGENTLESS, QUEUE, WITH_AGENTS, call_centre
from tests.support.hand_exchange import SERVER, HandExchange
from tests.support.placed_calls import calls_placed, the_session


async def test_a_call_is_followed_from_intent_to_verdict() -> None:
    async with calls_placed(1, with_agents=True) as (centre, hand, [call_id]):
        assert (await the_session(centre)).status is SessionStatus.PROCESSING
        hand.say(Dialling, call_id)
        await anyio.sleep(1)
        hand.say(Ringing, call_id)
        await anyio.sleep(5)
        hand.say(Answered, call_id)
        hand.say(Queued, call_id, queue=QUEUE)
        await anyio.sleep(1)
        hand.say(Bridged, call_id, agent="agent-0")
        hand.move_agent("agent-0", AgentState.TALKING, queue=QUEUE)
        await anyio.sleep(0.1)
        assert (await the_session(centre)).agent == "agent-0", "written while it talks: a crash must not forget it"
        report = centre.engine.report().campaigns[0]
        assert (report.calls_unanswered, report.calls_waiting, report.calls_talking) == (0, 0, 1)
        assert (report.agents_ready, report.agents_busy) == (0, 1)
        await anyio.sleep(60)
        hand.say(HungUp, call_id, cause=16)
        await centre.until(lambda: bool(centre.told(SessionClosed)))
        session = await the_session(centre)
        assert (session.outcome, session.status) == (Outcome.CONNECTED, SessionStatus.COMPLETE)
        [closed] = centre.told(SessionClosed)
        assert closed.answered and closed.ring_s == pytest.approx(5) and closed.talk_s == pytest.approx(60.1)
        lead = await centre.records(lambda records: records.lead(session.lead_id))
        assert (lead.state, lead.completed_reason) == (LeadState.COMPLETED, CompletedReason.ANSWERED)
        await centre.assert_accounted()


async def test_states_that_are_passed_before_they_could_be_written_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[tuple[str, SessionStatus]] = []
    set_sessions = SqlRecords.set_sessions

    def noting(self: SqlRecords, sessions: Sequence[Session]) -> None:
        written.extend((session.session_id, session.status) for session in sessions)
        set_sessions(self, sessions)

    async with calls_placed(3) as (centre, hand, [one, two, three]):
        await centre.engine.floor.outbox.flush()
        monkeypatch.setattr(SqlRecords, "set_sessions", noting)
        centre.store.before_s = 1
        for call_id in (one, two, three):
            hand.say(Answered, call_id)
        await anyio.sleep(0.1)
        hand.say(HungUp, one, cause=16)
        hand.say(HungUp, three, cause=16)
        await centre.engine.floor.outbox.flush()
        assert written == [
            (two, SessionStatus.PROCESSING),
            (one, SessionStatus.COMPLETE),
            (three, SessionStatus.COMPLETE),
        ]
        centre.store.before_s = 0
        for session in await centre.sessions():
            assert session.answered_at is not None, "what came before the end is written with it"
        hand.say(HungUp, two, cause=16)
        await centre.drained()
        await centre.assert_accounted()


async def test_events_of_ended_and_of_unknown_calls_are_told_and_change_nothing() -> None:
    async with calls_placed(1) as (centre, hand, [call_id]):
        hand.say(HungUp, call_id, cause=17)
        hand.say(HungUp, call_id, cause=16)
        hand.say(OriginateEnded, call_id, success=False, reason=5)  # A hint that trails the end is nothing strange.
        hand.say(Ringing, "someone-elses")
        await centre.until(lambda: bool(centre.told(CallUnknown)))
        assert [event.call_id for event in centre.told(CallUnknown)] == ["someone-elses"]
        assert [(event.event, event.state) for event in centre.told(CallIllegal)] == [("HungUp", "ended")]
        assert (await the_session(centre)).outcome is Outcome.BUSY
        assert len(centre.told(SessionClosed)) == 1
        await centre.assert_accounted()


async def test_events_that_come_twice_and_in_disorder_tell_the_same_story() -> None:
    async with calls_placed(1, with_agents=True) as (centre, hand, [call_id]):
        hand.say(Classified, call_id, status="HUMAN", cause="HUMAN-800-800")
        await anyio.sleep(0.1)
        assert centre.engine.report().campaigns[0].calls_waiting == 1, "who was classified has answered"
        for kind in (Bridged, Answered, Ringing, Dialling, Bridged):
            hand.say(kind, call_id, **({"agent": "agent-0"} if kind is Bridged else {}))
        hand.say(HungUp, call_id, cause=16)
        await centre.until(lambda: bool(centre.told(SessionClosed)))
        session = await the_session(centre)
        assert (session.outcome, session.agent) == (Outcome.CONNECTED, "agent-0")
        assert centre.told(CallIllegal) == []


async def test_an_event_may_overtake_the_answer_to_its_originate() -> None:
    hand = HandExchange()
    async with call_centre(hand=hand) as centre:

        def leaves(origination: object) -> None:
            [call_id] = centre.telephony.originated
            for kind in (Dialling, Ringing):
                hand.say(kind, call_id)
            hand.say(HungUp, call_id, cause=19)

        centre.telephony.leaving = leaves
        await centre.campaign(settings=replace(AGENTLESS, rest_min_s=7200), lists={"list": (100, 1)})
        await centre.start()
        await centre.until(lambda: bool(centre.told(SessionClosed)))
        session = await the_session(centre)
        assert (session.outcome, session.status) == (Outcome.NO_ANSWER, SessionStatus.EXPIRED)
        await centre.assert_accounted()


@pytest.mark.parametrize(
    ("hint", "outcome"),
    [
        ((OriginateEnded, {"success": False, "reason": 3}), Outcome.NO_ANSWER),
        ((OriginateEnded, {"success": False, "reason": 5}), Outcome.BUSY),
        ((DialEnded, {"dial_status": "BUSY"}), Outcome.BUSY),
        (None, Outcome.FAILED),
    ],
)
async def test_an_end_without_a_cause_waits_a_moment_for_the_hint_that_trails_it(
    hint: tuple[Callable[..., object], dict[str, object]] | None, outcome: Outcome
) -> None:
    async with calls_placed(1) as (centre, hand, [call_id]):
        hand.say(Dialling, call_id)
        hand.say(HungUp, call_id, cause=0)
        await anyio.sleep(0.3)
        assert centre.told(SessionClosed) == []
        if hint is not None:
            hand.say(hint[0], call_id, **hint[1])  # type: ignore[arg-type]
        await centre.until(lambda: bool(centre.told(SessionClosed)), within=timedelta(seconds=2))
        assert (await the_session(centre)).outcome is outcome


async def test_an_opt_out_puts_the_number_on_the_do_not_call_list() -> None:
    async with calls_placed(1) as (centre, hand, [call_id]):
        hand.say(Answered, call_id)
        hand.say(OptedOut, call_id)
        hand.say(HungUp, call_id, cause=16)
        await centre.until(lambda: bool(centre.told(SessionClosed)))
        session = await the_session(centre)
        assert (session.outcome, session.status) == (Outcome.OPTED_OUT, SessionStatus.REJECTED)
        assert await centre.records(lambda records: records.dnc_hits(99, [session.number])) == {session.number}


async def test_an_agent_in_two_queues_is_as_busy_as_the_busier_says_and_unknown_while_the_link_is_down() -> None:
    async with call_centre(hand=HandExchange()) as centre:
        await centre.campaign(settings=WITH_AGENTS, lists={"list": (100, 0)})
        await centre.start()
        centre.hand.move_agent("kim", AgentState.READY, queue=QUEUE)
        centre.hand.move_agent("kim", AgentState.TALKING, queue="support")
        centre.hand.move_agent("lou", AgentState.READY, queue=QUEUE)
        await centre.until(lambda: len(centre.told(AgentMoved)) == 3)
        assert centre.engine.report().agents == {"kim": "talking", "lou": "ready"}
        centre.hand.link_down()
        await anyio.sleep(0.1)
        assert centre.engine.report().agents == {}
        assert centre.engine.report().campaigns[0].agents_ready == 0


# What never reports


async def test_a_call_that_never_reports_is_asked_for_after_ring_time_and_grace_and_then_lost() -> None:
    async with calls_placed(3) as (centre, hand, _):
        placed_at = centre.clock.now()
        await centre.until(lambda: len(centre.told(SessionClosed)) == 3)
        waited = centre.clock.now() - placed_at
        assert timedelta(seconds=26.5) < waited < timedelta(seconds=28), "20 s of ringing, 7 s of grace"
        assert {event.outcome for event in centre.told(SessionClosed)} == {Outcome.LOST}
        assert len(centre.told(CallOverdue)) == 3
        assert hand.asked == 1 + 1, "once when the link came up, once for all three"
        assert hand.hung_up == []
        await centre.engine.floor.outbox.flush()
        for session in await centre.assert_accounted():
            assert session.counts_attempt
            lead = await centre.records(lambda records, lead_id=session.lead_id: records.lead(lead_id))
            assert lead.due_at is not None


async def test_a_call_that_still_rings_after_its_time_is_ended() -> None:
    async with calls_placed(1) as (centre, hand, [call_id]):
        hand.live = [LiveCall(call_id=call_id, server=SERVER, state=LiveState.RINGING, age=timedelta(seconds=27))]
        await centre.until(lambda: bool(hand.hung_up))
        assert hand.hung_up == [call_id]
        hand.say(HungUp, call_id, cause=16)
        await centre.until(lambda: bool(centre.told(SessionClosed)))
        session = await the_session(centre)
        assert session.outcome is Outcome.NO_ANSWER, "it had its full time: that is no CANCELLED"


async def test_an_answered_call_may_last_and_is_asked_for_now_and_then() -> None:
    async with calls_placed(1) as (centre, hand, [call_id]):
        hand.say(Answered, call_id)
        hand.live = [LiveCall(call_id=call_id, server=SERVER, state=LiveState.UP, age=timedelta(seconds=27))]
        await anyio.sleep(60)
        assert hand.asked == 1, "its ring time matters no more"
        await anyio.sleep(4 * 3600)
        assert centre.told(SessionClosed) == [] and hand.hung_up == []
        assert 3 <= hand.asked <= 6
        hand.live = []
        await anyio.sleep(LONG_CALL_LOOK.total_seconds() + 1)
        assert [event.outcome for event in centre.told(SessionClosed)] == [Outcome.PLAYED]
        assert centre.told(CallOverdue) == []


async def test_while_the_exchange_can_not_be_asked_nothing_is_lost() -> None:
    async with calls_placed(2) as (centre, hand, [first, second]):
        hand.link_down()
        await anyio.sleep(600)
        assert centre.told(SessionClosed) == []
        assert centre.engine.report().trunks[0].channels_used == 2
        hand.live = [LiveCall(call_id=second, server=SERVER, state=LiveState.UP, age=timedelta(seconds=600))]
        hand.link_up()
        await centre.until(lambda: bool(centre.told(SessionClosed)), within=timedelta(seconds=2))
        assert [(event.session_id, event.outcome) for event in centre.told(SessionClosed)] == [(first, Outcome.LOST)]
        assert [event.session_id for event in centre.told(SessionAdopted)] == [second]


async def test_an_exchange_that_was_restarted_has_no_calls_and_nobody_waits_for_them() -> None:
    async with calls_placed(3, with_agents=True) as (centre, hand, [rings, waits, talks]):
        hand.say(Ringing, rings)
        hand.say(Answered, waits)
        hand.say(Bridged, talks, agent="agent-0")
        await anyio.sleep(0.1)
        hand.link_down()
        hand.link_up(restarted=True)
        await centre.until(lambda: len(centre.told(SessionClosed)) == 3, within=timedelta(seconds=1))
        outcomes = {event.session_id: event.outcome for event in centre.told(SessionClosed)}
        assert outcomes == {rings: Outcome.LOST, waits: Outcome.LOST, talks: Outcome.CONNECTED}


async def test_what_was_asked_before_a_link_broke_again_says_nothing_about_the_time_after() -> None:
    async with calls_placed(2) as (centre, hand, [first, second]):
        for call_id in (first, second):
            hand.say(Answered, call_id)
        await anyio.sleep(0.1)
        hand.link_down()
        hand.live = [LiveCall(call_id=first, server=SERVER, state=LiveState.UP, age=timedelta(seconds=1))]
        hand.answering = anyio.Event()
        hand.link_up()
        await anyio.sleep(1)
        # While it is still being answered the link breaks, the exchange is restarted, and the link comes up again.
        asked, slow = hand.asked, hand.answering
        hand.answering = None
        hand.live = []
        hand.link_down()
        await anyio.sleep(0.1)
        hand.link_up(restarted=True)
        await anyio.sleep(0.1)
        slow.set()
        await centre.until(lambda: len(centre.told(SessionClosed)) == 2, within=timedelta(seconds=2))
        assert hand.asked == asked + 1
        assert centre.told(SessionAdopted) == [], "the first answer was of calls that are gone"
        assert centre.engine.floor.reconciled == {SERVER}


async def test_a_call_that_ends_while_the_exchange_is_asked_for_it_is_not_taken_up_again() -> None:
    async with calls_placed(1) as (centre, hand, [call_id]):
        hand.say(Dialling, call_id)
        await anyio.sleep(0.1)
        hand.live = [LiveCall(call_id=call_id, server=SERVER, state=LiveState.DIALLING, age=timedelta(seconds=1))]
        hand.answering = anyio.Event()
        hand.link_down()
        hand.link_up()
        await anyio.sleep(0.1)
        hand.say(HungUp, call_id, cause=0)  # Without a cause: its hint is still awaited when the answer comes.
        hand.answering.set()
        await centre.until(lambda: bool(centre.told(SessionClosed)), within=timedelta(seconds=2))
        assert centre.told(SessionAdopted) == []
        assert (await the_session(centre)).outcome is Outcome.FAILED


async def test_a_call_that_ends_while_it_is_asked_for_on_its_deadline_is_not_taken_up_again() -> None:
    async with calls_placed(1) as (centre, hand, [call_id]):
        hand.live = [LiveCall(call_id=call_id, server=SERVER, state=LiveState.RINGING, age=timedelta(seconds=27))]
        hand.answering = anyio.Event()
        await centre.until(lambda: hand.asked == 2)
        hand.say(HungUp, call_id, cause=0)
        hand.answering.set()
        await centre.until(lambda: bool(centre.told(SessionClosed)), within=timedelta(seconds=2))
        assert (await the_session(centre)).outcome is Outcome.FAILED
        assert hand.hung_up == []


async def test_an_end_that_was_reported_before_the_answer_counts_before_it() -> None:
    async with calls_placed(1) as (centre, hand, [call_id]):
        hand.answering = anyio.Event()
        await centre.until(lambda: hand.asked == 2)  # Overdue, and being asked for.
        # In one go, as they lie in the socket: the end behind much else, then the answer that knows the call no more.
        for _ in range(50):
            hand.say(Ringing, call_id)
        hand.say(HungUp, call_id, cause=19)
        hand.answering.set()
        await centre.until(lambda: bool(centre.told(SessionClosed)))
        assert (await the_session(centre)).outcome is Outcome.NO_ANSWER


async def test_an_exchange_that_does_not_tell_its_calls_at_first_is_asked_again_before_calls_are_placed() -> None:
    async with call_centre(hand=HandExchange()) as centre:
        hand, tries, first_at = centre.hand, list[datetime](), centre.clock.now()

        async def fails(server: str) -> list[LiveCall]:
            tries.append(centre.clock.now())
            if len(tries) <= 3:
                raise LinkLost("no answer in time")
            return []

        hand.live_calls = fails  # type: ignore[method-assign]
        await centre.campaign(lists={"list": (100, 1)})
        await centre.start()
        await centre.until(lambda: bool(hand.placed))
        assert tries == [pytest.approx(first_at + timedelta(seconds=at), abs=timedelta(seconds=0.1)) for at in range(4)]


async def test_an_exchange_that_does_not_tell_its_calls_is_asked_again() -> None:
    async with calls_placed(1) as (centre, hand, _):
        tries = 0

        async def fails(server: str) -> list[LiveCall]:
            nonlocal tries
            tries += 1
            if tries <= 3:
                raise LinkLost("no answer in time")
            return []

        hand.live_calls = fails  # type: ignore[method-assign]
        await centre.until(lambda: tries == 1)
        first_at = centre.clock.now()
        await centre.until(lambda: bool(centre.told(SessionClosed)))
        assert tries == 4
        assert centre.clock.now() - first_at > timedelta(seconds=2.5), "a second between tries"
        assert (await the_session(centre)).outcome is Outcome.LOST


async def test_failures_of_a_trunk_in_a_row_give_it_a_rest_and_its_leads_are_not_used_up() -> None:
    async with call_centre(hand=HandExchange()) as centre:
        hand = centre.hand

        def fails(origination: object) -> None:
            hand.say(HungUp, list(centre.telephony.originated)[-1], cause=34)

        centre.telephony.leaving = fails
        await centre.campaign(lists={"list": (100, 200)})
        await centre.start()
        await centre.until(lambda: bool(centre.told(TrunkRested)))
        [rested] = centre.told(TrunkRested)
        assert rested.reason == "CONGESTION in a row, the last with cause 34"
        limits = centre.engine.report().campaigns[0].limits
        assert limits == [f"trunk a rests until {rested.until.isoformat(timespec='seconds')} after failures in a row"]
        placed = len(hand.placed)
        await anyio.sleep(4)
        assert len(hand.placed) == placed
        await centre.until(lambda: len(centre.told(TrunkRested)) == 2, within=timedelta(seconds=5))
        again = centre.told(TrunkRested)[1]
        assert again.until - again.at == timedelta(seconds=10), "twice as long each time"
