"""Calls that ended while nobody listened: closed by what the exchange tells afterwards, as if it had been heard."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialler.app.virtual_time import run_virtually
from dialler.domain.campaign import CampaignSettings, Desired, Wrap
from dialler.domain.outcome import Outcome
from dialler.domain.session import Session, SessionStatus
from dialler.errors import NotSent
from dialler.events import (
    CallAbandoned,
    CallNotDiverted,
    MessageStarted,
    SessionAdopted,
    SessionCaughtUp,
    SessionClosed,
)
from dialler.ports import DncFilter
from telephony.events import (
    AgentState,
    Answered,
    Bridged,
    CallEvent,
    Classified,
    HangupBy,
    HarbourStarted,
    HungUp,
    OptedOut,
    Queued,
    Ringing,
)
from telephony.simulated import AgentGroup, NetworkPlan, Spread
from tests.support.call_centre import AGENTLESS, QUEUE, QUICK, WITH_AGENTS, CallCentre, call_centre
from tests.support.hand_exchange import HandExchange
from tests.support.placed_calls import calls_placed, the_session

GAP_S = 60.0


def write_down(hand: HandExchange, call_id: str, *stages: tuple[float, type[CallEvent], Mapping[str, Any]]) -> None:
    """Let the exchange know what became of a call, by the seconds from now."""
    now = hand.now()
    hand.ended[call_id] = [
        kind(call_id=call_id, at=now + timedelta(seconds=after_s), **facts) for after_s, kind, facts in stages
    ]


def gone(after_s: float, by: HangupBy | None = HangupBy.CUSTOMER) -> tuple[float, type[CallEvent], Mapping[str, Any]]:
    return after_s, HungUp, {"cause": 16, "by": by}


ANSWER: tuple[float, type[CallEvent], Mapping[str, Any]] = (3.0, Answered, {})
QUEUED: tuple[float, type[CallEvent], Mapping[str, Any]] = (3.0, Queued, {"queue": QUEUE})


async def lose_link(hand: HandExchange, centre: CallCentre) -> None:
    """Break the link for GAP_S."""
    hand.link_down()
    await anyio.sleep(GAP_S)
    hand.link_up()
    await centre.until(lambda: bool(centre.engine.floor.reconciled), within=timedelta(seconds=5))


async def opted_out(centre: CallCentre) -> list[str]:
    entries = await centre.records(lambda records: records.dnc_entries(DncFilter(), limit=1_000))
    return sorted(entry.number for entry in entries)


@pytest.mark.parametrize(
    ("story", "outcome", "abandoned"),
    [
        ([ANSWER, QUEUED, gone(4.0)], Outcome.ABANDONED_SHORT, 0),
        ([ANSWER, QUEUED, gone(9.0)], Outcome.ABANDONED, 1),
        ([ANSWER, QUEUED, (11.0, HarbourStarted, {}), gone(15.0, HangupBy.SYSTEM)], Outcome.ABANDONED, 1),
        ([ANSWER, QUEUED, (4.0, Bridged, {"agent": "agent-0"}), gone(40.0, None)], Outcome.CONNECTED, 0),
        ([ANSWER, (4.0, Classified, {"status": "MACHINE", "cause": "LONGGREETING"}), gone(4.0)], Outcome.MACHINE, 0),
        ([ANSWER, QUEUED, (11.0, HarbourStarted, {}), (12.0, OptedOut, {}), gone(12.0)], Outcome.OPTED_OUT, 0),
    ],
)
@pytest.mark.parametrize("heard", [0, 1, 2])
async def test_a_call_has_the_outcome_that_it_would_have_had(
    story: list[tuple[float, type[CallEvent], Mapping[str, Any]]], outcome: Outcome, abandoned: int, heard: int
) -> None:
    """`heard`: how many of its events came before the link broke, and are written down as well."""
    async with calls_placed(1, with_agents=True) as (centre, hand, [call_id]):
        began = hand.now()
        hand.say(Ringing, call_id)
        if heard:
            await anyio.sleep(3.0)
        for _, kind, facts in story[:heard]:
            hand.say(kind, call_id, **facts)
        await anyio.sleep(0.01)
        write_down(hand, call_id, *((after_s - 3.0 * bool(heard), kind, facts) for after_s, kind, facts in story))
        await lose_link(hand, centre)
        await centre.until(lambda: bool(centre.told(SessionClosed)), within=timedelta(seconds=1))
        session = await the_session(centre)
        assert session.outcome is outcome
        assert session.answered_at is not None and session.ended_at is not None
        assert abs(session.answered_at - began - timedelta(seconds=3)) < timedelta(seconds=0.1)
        assert abs(session.ended_at - began - timedelta(seconds=story[-1][0])) < timedelta(seconds=0.1)
        assert session.agent == ("agent-0" if outcome is Outcome.CONNECTED else None)
        assert len(centre.told(CallAbandoned)) == abandoned + (outcome is Outcome.OPTED_OUT)
        assert [event.session_id for event in centre.told(SessionCaughtUp)] == [call_id]
        assert await opted_out(centre) == ([session.number] if outcome is Outcome.OPTED_OUT else [])
        assert hand.diverted == [] and centre.told(CallNotDiverted) == [], "it is over: there is nobody to take away"
        assert centre.engine.floor.board.calls == {}
        assert centre.engine.report().trunks[0].channels_used == 0


async def test_what_was_heard_of_an_agent_stands_and_agents_of_now_are_left_alone() -> None:
    async with calls_placed(1, with_agents=True) as (centre, hand, [call_id]):
        hand.say(Answered, call_id)
        hand.say(Bridged, call_id, agent="agent-0")
        joined = hand.now()
        await anyio.sleep(1.0)
        write_down(hand, call_id, (-1.5, Answered, {}), (-1.2, Bridged, {"agent": ""}), gone(20.0))
        hand.link_down()
        await anyio.sleep(GAP_S)
        hand.link_up()
        hand.move_agent("agent-0", AgentState.READY, queue=QUEUE)
        await centre.until(lambda: bool(centre.told(SessionClosed)), within=timedelta(seconds=5))
        session = await the_session(centre)
        assert (session.agent, session.connected_at) == ("agent-0", joined)
        assert centre.engine.report().agents == {"agent-0": "ready"}


async def test_a_talk_that_needs_its_wrap_code_waits_for_it_until_its_deadline() -> None:
    async with calls_placed(1, with_agents=True, wrap=Wrap.REQUIRED) as (centre, hand, [call_id]):
        write_down(hand, call_id, ANSWER, QUEUED, (4.0, Bridged, {"agent": "agent-0"}), gone(10.0))
        await lose_link(hand, centre)
        await anyio.sleep(1.0)
        session = await the_session(centre)
        assert (session.outcome, session.status) == (Outcome.CONNECTED, SessionStatus.PROCESSING)
        await centre.until(lambda: bool(centre.told(SessionClosed)))
        assert (await the_session(centre)).status is SessionStatus.EXPIRED


async def test_where_the_exchange_can_not_be_asked_it_is_asked_again_and_nothing_is_lost_meanwhile() -> None:
    async with calls_placed(2, with_agents=True) as (centre, hand, [first, second]):
        for call_id in (first, second):
            hand.say(Answered, call_id)
            hand.say(Queued, call_id, queue=QUEUE)
        await anyio.sleep(0.1)
        write_down(hand, first, (-0.1, Answered, {}), (-0.1, Queued, {"queue": QUEUE}), gone(9.0))
        known, hand.ended = hand.ended, _Broken()
        hand.link_down()
        await anyio.sleep(GAP_S)
        hand.link_up()
        await anyio.sleep(3.0)
        assert centre.told(SessionClosed) == []
        hand.ended = known
        await centre.until(lambda: len(centre.told(SessionClosed)) == 2, within=timedelta(seconds=3))
        outcomes = {event.session_id: event.outcome for event in centre.told(SessionClosed)}
        assert outcomes == {first: Outcome.ABANDONED, second: Outcome.LOST}


class _Broken(dict[str, Sequence[CallEvent]]):
    def __contains__(self, _: object) -> bool:
        raise NotSent("the exchange does not keep up")


PATIENT = replace(QUICK, answer_rate=(0.9,), patience_s=Spread(3.0, 0.8), message_s=20.0, optout_rate=0.3)
"""People wait for less than the exchange itself would have them wait; so it never takes them to the message."""

NOBODY = replace(
    PATIENT, optout_rate=0.0, agents=(AgentGroup(number=10, queues=(QUEUE,), picks_up=False),), patience_s=Spread(6.0)
)
CALLS = 10
SETTINGS: dict[str, tuple[NetworkPlan, CampaignSettings]] = {
    "a message": (PATIENT, AGENTLESS),
    "an agent for everybody": (PATIENT, replace(WITH_AGENTS, pacing_settings={"ratio": 1.0})),
    # Who leaves in the last fifth of the patience finds the dialler with its mind made up, if it listens.
    "nobody picks up, who waits": (NOBODY, replace(WITH_AGENTS, pacing_settings={"ratio": 1.0})),
    "nobody picks up, who leaves": (
        replace(NOBODY, patience_s=Spread(1.5)),
        replace(WITH_AGENTS, pacing_settings={"ratio": 1.0}),
    ),
}


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    kind=st.sampled_from([*SETTINGS]),
    gap=st.sampled_from(["cut", "dead", "cut, then dead"]),
    after_s=st.floats(0.0, 40.0),
)
def test_whatever_ends_in_a_gap_ends_as_it_would_have_without_one(
    seed: int, kind: str, gap: str, after_s: float
) -> None:
    heard = run_virtually(_day, seed, kind, None, after_s)
    assert run_virtually(_day, seed, kind, gap, after_s) == heard


async def _day(seed: int, kind: str, gap: str | None, after_s: float) -> Mapping[str, object]:
    """Place CALLS calls at once, listen to them or not, and return what the records say of them."""
    plan, campaign = SETTINGS[kind]
    async with call_centre(plan, seed=seed) as centre:
        await centre.campaign(settings=campaign, lists={"list": (100, CALLS)})
        await centre.start()
        await centre.until(lambda: len(centre.telephony.originated) == CALLS)
        await centre.change(Desired.DRAINING)  # No second attempts.
        await anyio.sleep(after_s)
        if gap is not None:
            await _stay_away(centre, gap)
        floor = centre.engine.floor
        await centre.until(lambda: bool(floor.reconciled) and not floor.board.calls)
        await centre.engine.floor.outbox.flush()
        sessions = await centre.assert_accounted()
        assert gap is None or not centre.told(SessionAdopted), "all calls are over after the gap"
        [campaign_id] = {session.campaign_id for session in sessions}
        counts = await centre.records(lambda records: records.abandon_counts(campaign_id, since=0))
        answered = [session for session in sessions if session.answered_at is not None]
        return {
            "ends": {session.number: _end_of(session, kind) for session in answered},
            "opted out": await opted_out(centre),
            "ledger": counts,
            "messages": len(centre.told(MessageStarted)) if kind == "a message" else None,
        }


async def _stay_away(centre: CallCentre, gap: str) -> None:
    if "cut" in gap:
        centre.network.cut_link("pbx")
    if "dead" in gap:
        await centre.kill()
    await anyio.sleep(600)
    if "dead" in gap:
        await centre.start()
    if "cut" in gap:
        centre.network.restore_link("pbx")


def _end_of(session: Session, kind: str) -> object:
    """Return what a gap must not change: where nobody picks up, the message comes only where somebody listens."""
    assert session.answered_at is not None and session.ended_at is not None
    if "nobody" in kind:
        return session.outcome, session.answered_at
    return session.outcome, session.answered_at, session.connected_at, session.ended_at, session.agent
