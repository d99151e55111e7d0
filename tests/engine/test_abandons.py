"""The abandon ledger of a running engine, and what a campaign may still do over its limit."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from random import Random
from typing import ClassVar

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialler.app.virtual_time import run_virtually
from dialler.domain.abandon import LOOK_BACK, SLOT, AbandonCounts, entry_of, period_rates, slot_begins, slot_of
from dialler.domain.campaign import AbandonOver, AbandonPeriod, CampaignSettings, Wrap
from dialler.domain.evolve import evolve
from dialler.domain.outcome import Outcome
from dialler.domain.session import Session, SessionStatus
from dialler.engine.abandons import Ledger, capped, over_limit
from dialler.engine.aftermath import wrap_up
from dialler.engine.windows import Windows
from dialler.events import SessionClosed, SessionOpened
from dialler.ports import PacingDecision, PacingFacts, Records
from strategies.registry import BUILT_IN
from telephony.events import AgentState, Answered, Bridged, HungUp, Queued
from telephony.simulated import AgentGroup
from tests.support.call_centre import QUEUE, QUICK, START, WITH_AGENTS, CallCentre, call_centre
from tests.support.hand_exchange import HandExchange
from tests.support.values import a_session

EAGER = replace(WITH_AGENTS, pacing_settings={"ratio": 5.0})
FACTS = PacingFacts(
    agents_ready=3,
    agents_busy=2,
    calls_unanswered=1,
    calls_waiting=0,
    calls_talking=2,
    channels_free=9,
    tokens=9,
)

moved = st.tuples(st.just("end"), st.sampled_from([*Outcome]), st.integers(0, 3_000))
works = st.lists(st.one_of(moved, st.tuples(st.just("load")), st.tuples(st.just("write"), st.integers(1, 5))))


@given(works=works)
def test_the_ledger_is_what_the_records_hold_and_the_ends_on_their_way_whenever_it_is_read_anew(
    works: list[tuple[str, ...]],
) -> None:
    ledger, settings = Ledger(), CampaignSettings()
    outbox: deque[Session | None] = deque()
    ended: dict[int, AbandonCounts] = {}
    durable: dict[int, AbandonCounts] = {}
    for work in works:
        match work:
            case ("end", outcome, minutes):
                session = a_session(outcome=outcome, ended_at=START - timedelta(minutes=int(minutes)))
                ledger.note(session)
                _count(ended, session)
                outbox.append(session)
            case ("load",):
                outbox.append(None)
            case ("write", n):
                # A batch: first all of it becomes durable, in order, then each is told.
                batch = [outbox.popleft() for _ in range(min(int(n), len(outbox)))]
                told = [_count(durable, each) if each is not None else dict(durable) for each in batch]
                for each, counts in zip(batch, told, strict=True):
                    if each is None:
                        assert counts is not None
                        ledger.load(counts)
                    else:
                        ledger.written(each)
        assert list(ledger.rates(settings, START)) == list(period_rates(ended, settings, START))


def _count(counts: dict[int, AbandonCounts], session: Session) -> None:
    if (entry := entry_of(session)) is not None:
        counts[entry[0]] = counts.get(entry[0], AbandonCounts()).plus(entry[1])


def test_what_is_older_than_a_period_counts_in_it_no_longer() -> None:
    ledger, settings = Ledger(), CampaignSettings()
    ledger.note(a_session(outcome=Outcome.ABANDONED, ended_at=START))

    def periods_at(later: timedelta) -> list[str]:
        return [rate.period.value for rate in ledger.rates(settings, START + later) if rate.answered]

    assert periods_at(timedelta(0)) == ["30m", "24h", "month", "30d"]
    assert periods_at(timedelta(minutes=30)) == ["24h", "month", "30d"]
    assert periods_at(timedelta(hours=24)) == ["month", "30d"]
    assert periods_at(timedelta(days=29)) == ["30d"]
    assert periods_at(timedelta(days=30)) == []


def test_memory_is_bounded_by_the_slots_of_the_longest_period() -> None:
    ledger, settings = Ledger(), CampaignSettings()
    for slot in range(12_000):
        at = START + slot * SLOT
        ledger.note(a_session(outcome=Outcome.CONNECTED, ended_at=at))
        if slot % 50 == 0:
            ledger.rates(settings, at)
    assert len(ledger._slots) <= LOOK_BACK // SLOT + 60


@given(
    steps=st.lists(st.tuples(st.sampled_from([*Outcome]), st.integers(0, 20_000), st.booleans()), max_size=30),
    zone=st.sampled_from(["Etc/UTC", "America/Chicago", "Australia/Lord_Howe"]),
)
def test_as_time_goes_on_it_is_what_all_ends_so_far_give(steps: list[tuple[Outcome, int, bool]], zone: str) -> None:
    ledger, now, ended = Ledger(), START, dict[int, AbandonCounts]()
    for outcome, minutes, is_zone_changed in steps:
        # Weeks pass, or a moment; an end may be told of late, and the campaign's zone may change.
        now += timedelta(minutes=minutes if minutes > 15_000 else minutes / 100)
        session = a_session(outcome=outcome, ended_at=now - timedelta(minutes=minutes % 90))
        ledger.note(session)
        _count(ended, session)
        settings = CampaignSettings(timezone="Pacific/Apia" if is_zone_changed else zone)
        assert list(ledger.rates(settings, now)) == list(period_rates(ended, settings, now))


@pytest.mark.parametrize(
    ("over", "decided", "calls"),
    [
        (AbandonOver.PROGRESSIVE, 7, 2),  # three are ready, and one call is on its way to them
        (AbandonOver.PROGRESSIVE, 1, 1),
        (AbandonOver.STOP, 7, 0),
    ],
)
def test_over_its_limit_a_campaign_gets_one_call_for_each_free_agent_or_none(
    over: AbandonOver, decided: int, calls: int
) -> None:
    settings = CampaignSettings(abandon_over=over)
    rate = over_limit(period_rates({slot_of(START): AbandonCounts(abandoned=9, passed=91)}, settings, START))
    assert rate is not None and rate.period is AbandonPeriod.DAY, "of the half hour chance explains a part"
    decision = capped(PacingDecision(calls=decided, reason="ratio"), FACTS, rate, settings)
    assert decision.calls == calls
    assert decision.reason.startswith(
        "over the abandon limit (9 of 100 abandoned in the last 24 hours: 9.0%, where 3.0% is the limit): "
    )
    assert decision.reason.endswith("; ratio")


def test_only_periods_for_which_the_limit_holds_hold_a_campaign_back() -> None:
    settings = CampaignSettings(abandon_periods=(AbandonPeriod.HALF_HOUR,))
    yesterday = {slot_of(START - timedelta(days=1, hours=1)): AbandonCounts(abandoned=90, passed=10)}
    assert over_limit(period_rates(yesterday, settings, START)) is None
    assert over_limit(period_rates(yesterday, CampaignSettings(), START)) is not None


async def abandoned_before(centre: CallCentre, n: int, ago: timedelta = timedelta(0)) -> None:
    """Put abandoned calls into the records, as an engine of before has left them."""

    def work(records: Records) -> None:
        [campaign] = records.campaigns()
        for at in range(n):
            session = a_session(
                session_id=f"before {at}", lead_id=900 + at, campaign_id=campaign.campaign_id, dial_mode="ratio"
            )
            told = {"outcome": Outcome.ABANDONED, "ended_at": centre.clock.now() - ago}
            records.set_session(evolve(records.add_session(session), status=SessionStatus.EXPIRED, **told))

    await centre.records(work)


async def test_the_limit_holds_right_after_a_start_and_says_so() -> None:
    async with call_centre(hand=HandExchange()) as centre:
        await centre.campaign(settings=EAGER)
        await abandoned_before(centre, 4, timedelta(days=1))
        await centre.start()
        for agent in ("kim", "lee"):
            centre.hand.move_agent(agent, AgentState.READY, queue=QUEUE)
        await anyio.sleep(15)
        assert len(centre.hand.placed) == 2, "ten without the limit"
        report = centre.engine.report().campaigns[0]
        said = "over the abandon limit (4 of 4 abandoned in this month: 100.0%, where 3.0% is the limit)"
        assert report.pacing is not None and report.pacing.reason.startswith(said)
        assert any(limit.startswith(said) for limit in report.limits)


async def test_a_campaign_that_stops_over_its_limit_goes_on_by_itself_once_the_period_has_moved_on() -> None:
    async with call_centre(hand=HandExchange()) as centre:
        periods = (AbandonPeriod.HALF_HOUR,)
        await centre.campaign(settings=replace(EAGER, abandon_over=AbandonOver.STOP, abandon_periods=periods))
        await abandoned_before(centre, 7)
        began = centre.clock.now()
        await centre.start()
        centre.hand.move_agent("kim", AgentState.READY, queue=QUEUE)
        await anyio.sleep(60)
        assert centre.hand.placed == []
        await centre.until(lambda: len(centre.hand.placed) == 5)
        first = centre.told(SessionOpened)[0].at
        assert first - slot_begins(slot_of(began) + 6) < timedelta(seconds=5)


async def test_a_changed_limit_holds_at_once() -> None:
    async with call_centre(hand=HandExchange()) as centre:
        await centre.campaign(settings=EAGER)
        await abandoned_before(centre, 4)
        await centre.start()
        centre.hand.move_agent("kim", AgentState.READY, queue=QUEUE)
        await centre.until(lambda: len(centre.hand.placed) == 1)
        await anyio.sleep(1)
        await centre.change(abandon_limit=0.05)
        await centre.until(lambda: len(centre.hand.placed) == 5, within=timedelta(seconds=2))


async def test_a_campaign_without_agents_abandons_nobody_and_has_no_limit() -> None:
    async with call_centre() as centre:
        await centre.campaign()
        await abandoned_before(centre, 50)
        await centre.start()
        await centre.until(lambda: len(centre.told(SessionClosed)) > 20)
        assert centre.engine.report().campaigns[0].abandon_rates == ()


@dataclass(frozen=True, slots=True)
class Curious:
    """Keeps what it is told."""

    name: ClassVar[str] = "curious"
    needs_agents: ClassVar[bool] = True
    wants_scene: ClassVar[bool] = False
    seen: list[PacingFacts] = field(default_factory=list)

    def decide(self, facts: PacingFacts) -> PacingDecision:
        self.seen.append(facts)
        return PacingDecision(calls=0, reason="looks")


async def test_strategies_are_told_the_periods_for_which_the_limit_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    curious = Curious()
    monkeypatch.setitem(BUILT_IN, "curious", lambda: curious)  # type: ignore[arg-type]
    async with call_centre() as centre:
        held = (AbandonPeriod.DAY, AbandonPeriod.MONTH)
        settings = replace(WITH_AGENTS, pacing="curious", pacing_settings={}, abandon_periods=held)
        await centre.campaign(settings=settings)
        await abandoned_before(centre, 2)
        await centre.start()
        await centre.until(lambda: bool(curious.seen))
        periods = [(each.name, each.answered, each.abandoned, each.limit) for each in curious.seen[-1].periods]
        assert periods == [("24h", 2.0, 2.0, 0.03), ("month", 2.0, 2.0, 0.03)]
        assert [each.allowed for each in curious.seen[-1].periods] == pytest.approx([3.0, 3.0])


async def test_a_talk_counts_at_its_end_and_not_when_it_is_wrapped_up() -> None:
    async with call_centre(hand=HandExchange()) as centre:
        await centre.campaign(settings=replace(WITH_AGENTS, wrap=Wrap.REQUIRED, wrap_deadline_s=3600))
        await centre.start()
        hand = centre.hand
        hand.move_agent("kim", AgentState.READY, queue=QUEUE)
        await centre.until(lambda: len(hand.placed) == 2)
        talk, abandoned = (placed.call_id for placed in hand.placed)
        hand.say(Answered, talk)
        hand.say(Answered, abandoned)
        hand.say(Queued, abandoned, queue=QUEUE)
        hand.say(Bridged, talk, agent="kim")
        await anyio.sleep(5)
        hand.say(HungUp, abandoned, cause=16)
        hand.say(HungUp, talk, cause=16)
        await anyio.sleep(1)
        assert [event.outcome for event in centre.told(SessionClosed)] == [Outcome.ABANDONED]
        assert [rate.rate for rate in centre.engine.report().campaigns[0].abandon_rates] == [0.5] * 4


async def test_an_agent_who_says_it_was_a_machine_changes_the_estimate_of_a_running_engine() -> None:
    async with call_centre() as centre:
        await centre.campaign(settings=replace(WITH_AGENTS, abandon_estimate=True, wrap=Wrap.NONE))
        await abandoned_before(centre, 4)
        await centre.start()
        await centre.until(lambda: _connected(centre) >= 3)
        sessions = [each for each in await centre.sessions() if each.outcome is Outcome.CONNECTED]
        wrap = partial(wrap_up, code="ANSWER_MACHINE", note=None, by="kim", now=centre.clock.now(), windows=Windows())
        await centre.records(lambda records: [wrap(records, each) for each in sessions[:2]])
        await centre.engine.follow()
        await centre.engine.floor.outbox.flush()
        await _check_against_records(centre)
        [rate] = {each.counts.passed_machine for each in centre.engine.report().campaigns[0].abandon_rates}
        assert rate == 2


def _connected(centre: CallCentre) -> int:
    return sum(event.outcome is Outcome.CONNECTED for event in centre.told(SessionClosed))


async def _check_against_records(centre: CallCentre) -> Mapping[int, AbandonCounts]:
    """Check that the engine's rates are those of the records, and these those of the sessions."""
    await centre.engine.floor.outbox.flush()
    [running] = centre.engine.floor.campaigns.values()
    campaign_id = running.campaign.campaign_id
    stored = await centre.records(lambda records: records.abandon_counts(campaign_id, since=0))
    counted: dict[int, AbandonCounts] = {}
    for session in await centre.sessions():
        _count(counted, session)
    assert stored == counted
    now, settings = centre.clock.now(), running.campaign.settings
    assert list(running.abandon_rates(now)) == list(period_rates(stored, settings, now))
    return stored


@pytest.mark.parametrize("seed", range(8))
def test_whatever_crashes_and_restarts_the_engines_ledger_is_what_the_sessions_say(seed: int) -> None:
    run_virtually(_day_of_restarts, seed)


async def _day_of_restarts(seed: int) -> None:
    chance = Random(f"ledger {seed}")
    plan = replace(QUICK, agents=(AgentGroup(number=2, queues=(QUEUE,)),), answer_rate=(0.8,))
    async with call_centre(plan, seed=seed) as centre:
        centre.store.before_s, centre.store.after_s = chance.choice([0.0, 0.03]), chance.choice([0.0, 0.03])
        await centre.campaign(settings=EAGER)
        await centre.start()
        for _ in range(5):
            await anyio.sleep(chance.uniform(5.0, 120.0))
            await centre.kill()
            await anyio.sleep(chance.uniform(0.0, 30.0))
            await centre.start()
            await centre.engine.follow()
            await _check_against_records(centre)
        await centre.drained()
        stored = await _check_against_records(centre)
        assert sum(counts.abandoned for counts in stored.values()) > 0
        await centre.assert_accounted()


async def test_a_ratio_that_abandons_is_held_near_the_limit_from_there_on() -> None:
    plan = replace(QUICK, agents=(AgentGroup(number=4, queues=(QUEUE,)),), answer_rate=(0.5,))

    async def abandoned(settings: CampaignSettings) -> Sequence[int]:
        async with call_centre(plan) as centre:
            await centre.campaign(settings=settings, lists={"list": (100, 1_000)})
            await centre.start()
            await centre.at(centre.clock.now() + timedelta(minutes=30))
            day = centre.engine.report().campaigns[0].abandon_rates[1]
            assert day.period is AbandonPeriod.DAY
            return day.counts.abandoned, day.counts.passed

    free, _ = await abandoned(replace(EAGER, abandon_periods=()))
    held, passed = await abandoned(EAGER)
    # Over it no call is placed without an agent for it; those that were under way may still be abandoned.
    assert held <= 0.03 * (held + passed) + 20
    assert free > 5 * held
