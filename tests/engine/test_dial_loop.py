"""The dial loop: what wakes it, what it does without, caller ids, windows that shut on the way."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import ClassVar

import anyio
import pytest

from dialler.domain.calling_hours import parse_hours
from dialler.domain.lead import LeadState
from dialler.domain.outcome import Outcome
from dialler.engine.dial import DialLoop
from dialler.engine.floor import EngineOptions
from dialler.errors import NotSent
from dialler.events import CampaignBlocked, HopperRefilled, ListDry, SessionClosed, SessionOpened
from dialler.ports import LeadFilter, PacingDecision, PacingFacts
from strategies.registry import BUILT_IN
from telephony.events import AgentState
from telephony.port import Trunk
from telephony.simulated import AgentGroup, Fate
from tests.support.call_centre import AGENTLESS, QUEUE, QUICK, TRUNK, WITH_AGENTS, call_centre, people
from tests.support.hand_exchange import HandExchange


@pytest.fixture
def passes(monkeypatch: pytest.MonkeyPatch) -> list[datetime]:
    """The instants of all passes of dial loops."""
    made: list[datetime] = []
    run_once = DialLoop.run_once

    async def counted(self: DialLoop, calls: anyio.abc.TaskGroup) -> tuple[float | None, datetime | None]:
        made.append(self._floor.clock.now())
        assert len(made) < 20_000, "the loop spins"
        return await run_once(self, calls)

    monkeypatch.setattr(DialLoop, "run_once", counted)
    return made


@asynccontextmanager
async def quiet(passes: list[datetime], *, most: int, minutes: int = 60) -> AsyncIterator[None]:
    """Check that in the time after the block no more than `most` passes are made."""
    yield
    await anyio.sleep(5)
    before = len(passes)
    await anyio.sleep(minutes * 60)
    assert len(passes) - before <= most, passes[before : before + 5]


async def test_without_leads_the_loop_sleeps(passes: list[datetime]) -> None:
    async with call_centre() as centre:
        await centre.campaign(lists={"empty": (100, 0)})
        # Once an hour the loop looks by itself, what is wanted is read anew, and an empty list is asked twice.
        async with quiet(passes, most=3):
            await centre.start()


async def test_while_all_agents_are_busy_the_loop_sleeps_also_when_a_dry_list_would_have_somebody(
    passes: list[datetime],
) -> None:
    async with call_centre(fates=lambda number: Fate.ANSWERED_LONG) as centre:
        # The second list is dry until its lead has rested, in the middle of the hour; nobody is free to talk then.
        # A limit of abandoned calls that it is over would have it look again every five minutes.
        settings = replace(WITH_AGENTS, abandon_periods=())
        await centre.campaign(settings=settings, lists={"list": (100, 100), "later": (100, 1)})
        await centre.records(
            lambda records: records.set_lead(
                replace(records.lead(101), state=LeadState.RESTING, due_at=centre.clock.now() + timedelta(minutes=30))
            )
        )
        async with quiet(passes, most=3, minutes=45):
            await centre.start()
            await centre.until(lambda: centre.engine.report().campaigns[0].agents_busy == 10)
            await anyio.sleep(60)


async def test_while_the_link_is_down_the_loop_sleeps(passes: list[datetime]) -> None:
    async with call_centre() as centre:
        await centre.campaign()
        async with quiet(passes, most=2):
            await centre.start()
            await centre.until(lambda: len(centre.telephony.originated) > 10)
            centre.network.cut_link("pbx")
            await anyio.sleep(60)
        centre.network.restore_link("pbx")
        placed = len(centre.telephony.originated)
        await centre.until(lambda: len(centre.telephony.originated) > placed, within=timedelta(seconds=1))


async def test_a_campaign_that_the_records_stopped_and_the_engine_was_not_told_of_does_not_make_it_spin(
    passes: list[datetime],
) -> None:
    async with call_centre() as centre:
        await centre.campaign()
        async with quiet(passes, most=10):
            await centre.start()
            await centre.until(lambda: len(centre.telephony.originated) > 10)
            await centre.records(
                lambda records: [
                    records.set_campaign(replace(c, desired=c.desired.STOPPED)) for c in records.campaigns()
                ]
            )
            await anyio.sleep(60)


async def test_a_day_of_calls_costs_a_few_passes_for_each_call(passes: list[datetime]) -> None:
    async with call_centre() as centre:
        await centre.campaign(settings=WITH_AGENTS, lists={"list": (100, 200)})
        await centre.start()
        await centre.until(lambda: len(centre.told(SessionClosed)) >= 200)
        assert len(passes) < 200 * 12


async def test_calls_leave_at_the_trunks_rate_and_never_above_its_channels() -> None:
    trunks = (
        Trunk(name="slow", server="pbx", calls_per_second=2.0, channels=50),
        Trunk(name="narrow", server="pbx", calls_per_second=50.0, channels=7),
    )
    async with call_centre(replace(QUICK, trunks=trunks, ack_s=0.0)) as centre:
        await centre.campaign()
        most: dict[str, int] = {}

        def look(_: object) -> None:
            for trunk in centre.engine.report().trunks:
                most[trunk.name] = max(most.get(trunk.name, 0), trunk.channels_used)

        centre.telephony.leaving = look
        await centre.start()
        await centre.until(lambda: len(centre.telephony.originated) > 100)
        assert most["narrow"] == 7
        slow = [at for at, origination in centre.telephony.originated.values() if origination.trunk == "slow"]
        for first, at in enumerate(slow):
            later = [other for other in slow[first:] if other < at + timedelta(seconds=10)]
            assert len(later) <= 2 * 10 + 1 + 1, "the rate, the burst of one, and the jitter"
        span_s = (slow[-1] - slow[0]).total_seconds()
        assert len(slow) >= span_s * 2 * 0.9, "and the rate is used"


async def test_caller_ids_are_taken_in_turn_and_none_is_skipped() -> None:
    async with call_centre(fates=lambda number: Fate.BUSY) as centre:
        ids = ("+13125550101", "+13125550102", "+13125550103")
        await centre.campaign(settings=replace(AGENTLESS, caller_ids=ids), lists={"list": (100, 3), "small": (50, 1)})
        await centre.start()
        await centre.until(lambda: len(centre.told(SessionClosed)) >= 4)  # Slots were left over: the lists ran dry.
        await centre.add("list", people(6, first=900))
        await centre.engine.follow()
        await centre.until(lambda: len(centre.told(SessionClosed)) >= 10)
        sessions = (await centre.sessions())[:10]
        assert [session.caller_id for session in sessions] == [ids[at % 3] for at in range(10)]
        placed = [origination.caller_id for _, origination in centre.telephony.originated.values()]
        assert placed[:10] == [session.caller_id for session in sessions]


async def test_an_intent_whose_window_shuts_before_it_leaves_is_withdrawn() -> None:
    shuts_at = datetime(2026, 6, 2, 16, tzinfo=UTC)  # 11:00 in Chicago
    async with call_centre(start=shuts_at - timedelta(seconds=2)) as centre:
        settings = replace(AGENTLESS, hours=parse_hours("mon-sun 09:00-11:00"))
        await centre.campaign(settings=settings, lists={"list": (100, 50)})
        centre.store.after_s = 0.7
        await centre.start()
        await centre.at(shuts_at + timedelta(seconds=10))
        sessions = await centre.sessions()
        assert all(session.created_at < shuts_at for session in sessions)
        assert all(at < shuts_at for at, _ in centre.telephony.originated.values())
        withdrawn = [session for session in sessions if session.session_id not in centre.telephony.originated]
        assert withdrawn
        assert {(session.outcome, session.counts_attempt) for session in withdrawn} == {(Outcome.CANCELLED, False)}
        leads = await centre.records(lambda records: [records.lead(session.lead_id) for session in withdrawn])
        assert {lead.state for lead in leads} <= {LeadState.READY, LeadState.RESTING}, "they are called tomorrow"


async def test_an_exchange_that_can_not_keep_up_gets_a_rest_and_no_lead_is_used_up() -> None:
    async with call_centre(hand=HandExchange()) as centre:
        centre.hand.refusing = NotSent("too many events wait")
        await centre.campaign(lists={"list": (100, 5)})
        await centre.start()
        await anyio.sleep(10)
        assert 5 <= len(centre.hand.placed) <= 11 * 10, "a burst, then a rest of a second"
        leads = await centre.records(lambda records: records.leads(LeadFilter()))
        assert {lead.attempts_counted for lead in leads} == {0}
        centre.hand.refusing = None
        placed = len(centre.hand.placed)
        await centre.until(lambda: len(centre.hand.placed) >= placed + 5, within=timedelta(seconds=3))


async def test_two_campaigns_share_a_trunk_by_weight_and_neither_starves() -> None:
    async with call_centre(fates=lambda number: Fate.BUSY) as centre:
        await centre.campaign("heavy", replace(AGENTLESS, weight=300), lists={"a": (100, 1000)})
        await centre.campaign("light", replace(AGENTLESS, weight=100), lists={"b": (100, 1000)})
        await centre.start()
        await centre.until(lambda: len(centre.telephony.originated) >= 200)
        turns = [session.campaign for session in (await centre.sessions())[:200]]
        for prefix in range(1, 201):
            heavy = turns[:prefix].count("heavy")
            assert abs(heavy / 300 - (prefix - heavy) / 100) <= 1 / 300 + 1 / 100 + 1e-9, prefix


async def test_a_strategy_that_fails_blocks_its_campaign_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    @dataclass
    class Broken:
        name: ClassVar[str] = "broken"
        needs_agents: ClassVar[bool] = False
        wants_scene: ClassVar[bool] = False

        def decide(self, facts: PacingFacts) -> PacingDecision:
            raise ZeroDivisionError("no agents, no ratio")

    monkeypatch.setitem(BUILT_IN, "broken", Broken)
    async with call_centre() as centre:
        await centre.campaign(settings=replace(AGENTLESS, pacing="broken"))
        await centre.campaign("sound", lists={"others": (100, 20)})
        await centre.start()
        await centre.until(lambda: len(centre.told(SessionClosed)) >= 10)
        [blocked] = centre.told(CampaignBlocked)
        assert blocked.reason == "pacing broken failed: ZeroDivisionError('no agents, no ratio')"
        assert centre.engine.report().campaigns[0].actual == "blocked"


async def test_stateful_pacing_keeps_its_state_when_something_else_is_edited() -> None:
    async with call_centre() as centre:
        await centre.campaign()
        await centre.start()
        pacing = centre.engine.floor.campaigns[1].pacing
        await centre.engine.follow()
        await centre.change_list("list", weight=7)
        assert centre.engine.floor.campaigns[1].pacing is pacing
        await centre.change(pacing_settings={"channels_max": 3.0})
        assert centre.engine.floor.campaigns[1].pacing is not pacing


async def test_a_campaign_with_nobody_to_call_leaves_a_slow_trunk_to_the_others() -> None:
    async with call_centre(replace(QUICK, trunks=(replace(TRUNK, calls_per_second=2.0, channels=60),))) as centre:
        await centre.campaign("open")
        await centre.campaign("shut", replace(AGENTLESS, hours=parse_hours("mon-sun 03:00-03:10")))
        await centre.start()
        await anyio.sleep(20)
        assert {opened.campaign for opened in centre.told(SessionOpened)} == {"open"}
        assert len(centre.told(SessionOpened)) >= 39


async def test_agents_of_other_queues_do_not_count() -> None:
    plan = replace(QUICK, agents=(AgentGroup(number=4, queues=(QUEUE,)), AgentGroup(number=9, queues=("support",))))
    async with call_centre(plan) as centre:
        await centre.campaign(settings=WITH_AGENTS, lists={"list": (100, 0)})
        await centre.campaign("message", lists={"others": (100, 0)})
        await centre.start()
        await centre.until(lambda: len(centre.engine.report().agents) == 13)
        ready = [campaign.agents_ready for campaign in centre.engine.report().campaigns]
        assert ready == [4, 0]


async def test_an_agent_who_gets_free_gets_a_call_at_once() -> None:
    async with call_centre(replace(QUICK, agents=(AgentGroup(number=1, queues=(QUEUE,)),))) as centre:
        centre.network.set_agent("SIM/agent-001", AgentState.PAUSED)
        await centre.campaign(settings=WITH_AGENTS)
        await centre.start()
        await anyio.sleep(100)
        assert centre.telephony.originated == {}
        assert centre.engine.report().campaigns[0].limits == ["no agent is free (0 busy)"]
        centre.network.set_agent("SIM/agent-001", AgentState.READY)
        await centre.until(lambda: len(centre.telephony.originated) == 2, within=timedelta(seconds=1))


async def test_lists_that_run_dry_and_refills_are_told_once() -> None:
    async with call_centre(fates=lambda number: Fate.BUSY) as centre:
        centre.options = EngineOptions(hopper_level=4)
        await centre.campaign(lists={"list": (100, 10)})
        await centre.start()
        await centre.until(lambda: len(centre.told(SessionClosed)) == 10)
        await anyio.sleep(5)
        [dry] = centre.told(ListDry)
        assert (dry.campaign, dry.list) == ("spring", "list")
        refills = centre.told(HopperRefilled)
        assert sum(refill.added for refill in refills) == 10
        assert max(refill.hopper_level for refill in refills) == 4
        report = centre.engine.report().campaigns[0]
        assert report.next_at is not None
        assert timedelta(minutes=9) < report.next_at - centre.clock.now() <= timedelta(minutes=10), "busy: 10 min"


@pytest.mark.parametrize(
    ("is_promised", "earliest", "latest"),
    [(False, 51, 51), (True, 1, 20)],
    ids=["as soon as half of the stock of 100 is used", "as soon as its callback is due"],
)
async def test_a_lead_of_high_priority_and_a_callback_do_not_wait_for_the_whole_stock(
    is_promised: bool, earliest: int, latest: int
) -> None:
    async with call_centre(fates=lambda number: Fate.BUSY) as centre:
        await centre.campaign(settings=replace(AGENTLESS, pacing_settings={"channels_max": 1.0}))
        await centre.start()
        [resting] = await centre.add("list", people(1, first=5_000_000, priority=9))
        due_at = centre.clock.now() + timedelta(seconds=2)
        await centre.records(
            lambda records: records.set_lead(
                replace(
                    records.lead(resting),
                    state=LeadState.RESTING,
                    due_at=due_at,
                    callback_at=due_at if is_promised else None,
                )
            )
        )
        await centre.until(lambda: any(event.lead_id == resting for event in centre.told(SessionClosed)))
        before = [event.lead_id for event in centre.told(SessionClosed)].index(resting)
        assert earliest <= before <= latest
