"""Whose turn and who: refused leads, lists that run dry, and what becomes of both."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from dialler.clock import FixedClock
from dialler.domain.calling_hours import parse_hours
from dialler.domain.campaign import Campaign, CampaignSettings, Desired, LeadList
from dialler.domain.lead import CompletedReason, Lead, LeadState, NewLead, NumberStatus, PhoneNumber, WindowKey
from dialler.domain.outcome import Outcome
from dialler.engine.hopper import Hopper
from dialler.engine.intent import Intents, Order, Outcomes
from dialler.engine.opening import Slot
from dialler.engine.picking import REFUSED_MAX
from dialler.engine.put_aside import LINE_REST
from dialler.engine.windows import Windows
from dialler.ports import DncEntry, LeadFilter, Records
from dialler.stores.memory import MemoryStore

NOW = datetime(2026, 6, 2, 15, tzinfo=UTC)  # 11:00 in New York
NEW_YORK = WindowKey(("America/New_York",))
OPTIONS = CampaignSettings(hours=parse_hours("mon-sun 08:00-21:00"), attempts_max=3, attempts_per_day_max=2)


class Bench:
    """A running campaign, and intents for it, inside one transaction."""

    def __init__(self, records: Records, *weights: int) -> None:
        self.records = records
        self.clock = FixedClock(NOW)
        stopped = records.add_campaign("spring", OPTIONS, NOW)
        self.campaign: Campaign = replace(stopped, desired=Desired.RUNNING)
        records.set_campaign(self.campaign)
        self.lists: list[LeadList] = [
            records.add_list(self.campaign.campaign_id, f"list {at}", NOW, weight=weight)
            for at, weight in enumerate(weights or (100,))
        ]
        self.windows = Windows()
        self.hopper = Hopper(self.windows, level=100)
        self._intents = Intents(self.windows, self.clock, Random(1))
        self._numbers = 0

    def add(self, n: int, lead_list: LeadList | None = None, **fields: Any) -> Sequence[int]:
        numbers = [f"+1212{self._numbers + at:07}" for at in range(n)]
        self._numbers += n
        new = [NewLead(numbers=(PhoneNumber(number),), window_key=NEW_YORK, **fields) for number in numbers]
        return self.records.add_leads((lead_list or self.lists[0]).list_id, new, NOW)

    def commit(self, slots: int = 1, in_call: set[str] | None = None) -> Outcomes:
        slot = Slot(trunk="a", server="pbx", caller_id=None)
        order = Order(campaign_id=self.campaign.campaign_id, slots=[slot] * slots, dial_mode="ratio", reason="a test")
        return self._intents.commit(self.records, order, self.hopper, set() if in_call is None else in_call)

    def block(self, lead_ids: Sequence[int]) -> None:
        """Put the numbers of leads on the do-not-call list."""
        numbers = [self.records.lead(lead_id).numbers[0].number for lead_id in lead_ids]
        self.records.add_dnc([DncEntry(number=number, campaign_id=None, reason="", added_at=NOW) for number in numbers])

    def leads(self) -> Sequence[Lead]:
        return self.records.leads(LeadFilter(), limit=100_000)


@pytest.fixture
async def store() -> MemoryStore:
    return MemoryStore()


async def test_an_intent_holds_its_lead_and_says_how_it_was_chosen(store: MemoryStore) -> None:
    def work(records: Records) -> None:
        bench = Bench(records)
        [lead_id] = bench.add(1, name="Ada", customer_key="k-1", data={"merchant": "Acme"})
        in_call: set[str] = set()
        [intent] = bench.commit(in_call=in_call).intents
        session = intent.session
        assert records.session(session.session_id) == session
        assert (session.seq, session.lead_id, session.attempt_no) == (1, lead_id, 1)
        assert (session.name, session.customer_key, session.timezone) == ("Ada", "k-1", "America/New_York")
        assert session.local_time == "2026-06-02T11:00:00-04:00"
        assert session.details == {"merchant": "Acme"}, "as the lead was then"
        assert session.pick["pacing"] == "a test" and session.pick["weight"] == 100
        assert records.lead(lead_id).state is LeadState.IN_CALL
        assert intent.valid_until == datetime(2026, 6, 3, 1, tzinfo=UTC), "21:00 in New York"
        assert in_call == {session.number}
        assert bench.commit().intents == []

    await store.write(work)


async def test_a_refused_lead_is_replaced_by_the_next_of_its_list_in_the_same_slot(store: MemoryStore) -> None:
    def work(records: Records) -> None:
        bench = Bench(records, 70, 30)
        gold, silver = bench.lists
        refused = [*bench.add(40, gold), *bench.add(3, silver)]
        bench.block(refused)
        bench.add(100, gold)
        bench.add(100, silver)
        done = bench.commit(50)
        assert Counter(intent.session.list_id for intent in done.intents) == {gold.list_id: 35, silver.list_id: 15}
        assert sorted(lead.lead_id for _, lead, _ in done.refused) == refused
        assert {gate for _, _, gate in done.refused} == {"do_not_call"}
        assert done.dry == []

    await store.write(work)


async def test_a_stock_filled_up_during_an_order_brings_nobody_twice(store: MemoryStore) -> None:
    def work(records: Records) -> None:
        bench = Bench(records)  # which keeps 100 leads in stock, and fills them up when half are left
        ids = bench.add(300)
        bench.block(ids[60:70])
        done = bench.commit(180)
        called = [intent.session.lead_id for intent in done.intents]
        assert called == [*ids[:60], *ids[70:190]]
        assert [lead.lead_id for _, lead, _ in done.refused] == list(ids[60:70])
        assert [intent.session.seq for intent in done.intents] == list(range(1, 181))

    await store.write(work)


async def test_an_order_tells_the_rounds_of_its_turns_as_lists_run_dry_and_return(store: MemoryStore) -> None:
    def work(records: Records) -> None:
        bench = Bench(records, 70, 30)
        gold, silver = (each.list_id for each in bench.lists)
        bench.add(40, bench.lists[0])
        bench.add(3, bench.lists[1])
        done = bench.commit(20)
        place = next(at for at, (_, weights) in enumerate(done.rounds) if weights == {gold: 70})
        assert done.rounds == [(0, {gold: 70, silver: 30}), (done.rounds[place][0], {gold: 70})]
        before = [intent.session.list_id for intent in done.intents[: done.rounds[place][0]]]
        assert before.count(silver) == 3 and len(done.intents) == 20
        assert (done.is_fresh, done.is_carried) == (True, False)
        bench.add(10, bench.lists[1])
        bench.hopper.stale = True
        again = bench.commit(1)
        assert again.rounds == [(0, {gold: 70, silver: 30})]
        assert (again.is_fresh, again.is_carried) == (False, False)

    await store.write(work)


async def test_leads_of_one_order_that_share_a_number_are_not_called_at_once(store: MemoryStore) -> None:
    def work(records: Records) -> None:
        bench = Bench(records)
        (first,) = bench.add(1)
        bench._numbers = 0
        second, third = bench.add(2)
        assert [intent.session.lead_id for intent in bench.commit(3).intents] == [first, third]
        assert records.lead(second).due_at == NOW + LINE_REST

    await store.write(work)


async def test_an_order_that_goes_on_with_a_turn_says_so(store: MemoryStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dialler.engine.picking.REFUSED_MAX", 3)

    def work(records: Records) -> None:
        bench = Bench(records)
        bench.block(bench.add(4))
        bench.add(1)
        first, second = bench.commit(), bench.commit()
        assert (first.is_unfinished, first.is_carried, len(first.intents)) == (True, False, 0)
        assert (second.is_unfinished, second.is_carried, len(second.intents)) == (False, True, 1)

    await store.write(work)


async def test_only_a_list_with_nobody_left_loses_its_slot(store: MemoryStore) -> None:
    def work(records: Records) -> None:
        bench = Bench(records, 100, 100)
        first, second = bench.lists
        bench.block(bench.add(5, first))
        bench.add(2, first)
        bench.add(50, second)
        done = bench.commit(10)
        assert Counter(intent.session.list_id for intent in done.intents) == {first.list_id: 2, second.list_id: 8}
        assert done.dry == [first]
        assert bench.commit(1).dry == [], "told once"

    await store.write(work)


async def test_a_long_do_not_call_list_does_not_hold_up_the_records_and_the_turn_goes_on(store: MemoryStore) -> None:
    def work(records: Records) -> None:
        bench = Bench(records, 50, 100)
        blocked, other = bench.lists
        bench.block(bench.add(2 * REFUSED_MAX + 20, blocked))
        bench.add(4, blocked)
        bench.add(50, other)
        done = [bench.commit(6) for _ in range(3)]
        assert [len(each.refused) for each in done] == [REFUSED_MAX, REFUSED_MAX, 20]
        assert [each.is_unfinished for each in done] == [True, True, False]
        # The slot waited for its list, as if none had been refused.
        turns = [intent.session.list_id for each in done for intent in each.intents]
        assert len(turns) >= 6
        for prefix in range(1, len(turns) + 1):
            counts = Counter(turns[:prefix])
            error = abs(counts[blocked.list_id] / 50 - counts[other.list_id] / 100)
            assert error <= 1 / 50 + 1 / 100, turns[:prefix]

    await store.write(work)


async def test_leads_that_were_deleted_or_taken_since_they_came_into_the_hopper_are_passed_over(
    store: MemoryStore,
) -> None:
    def work(records: Records) -> None:
        bench = Bench(records)
        ids = bench.add(5)
        [first] = bench.commit().intents
        assert first.session.lead_id == ids[0]
        taken = replace(records.lead(ids[1]), state=LeadState.COMPLETED, completed_reason=CompletedReason.MANUAL)
        records.set_lead(taken)
        records._in.run("DELETE FROM leads WHERE lead_id = ?", (ids[2],))  # type: ignore[attr-defined]
        done = bench.commit(2)
        assert [intent.session.lead_id for intent in done.intents] == list(ids[3:])
        assert [(lead.lead_id, gate) for _, lead, gate in done.refused] == [(ids[1], "state")]
        assert records.lead(ids[1]) == taken, "it was somebody's doing"

    await store.write(work)


@pytest.mark.parametrize(
    ("fields", "gate", "state", "reason", "rest"),
    [
        ({"expires_at": NOW}, "expiry", LeadState.COMPLETED, CompletedReason.EXPIRED, None),
        ({"attempts_counted": 3}, "attempts", LeadState.COMPLETED, CompletedReason.EXHAUSTED, None),
        (
            {"attempts_on_day": 2, "attempts_day": NOW.date()},
            "attempts_per_day",
            LeadState.RESTING,
            None,
            timedelta(hours=21),  # 8:00 tomorrow
        ),
        (
            {"last_attempt_at": NOW - timedelta(minutes=10), "last_outcome": Outcome.BUSY},
            "rest",
            LeadState.RESTING,
            None,
            timedelta(minutes=20),
        ),
        (
            # Brought back by hand.
            {"last_attempt_at": NOW - timedelta(hours=1), "last_outcome": Outcome.ABANDONED},
            "abandoned",
            LeadState.RESTING,
            None,
            timedelta(hours=71),
        ),
        (
            {"numbers": (PhoneNumber("+12125550100", status=NumberStatus.BAD),)},
            "number",
            LeadState.COMPLETED,
            CompletedReason.UNWORKABLE,
            None,
        ),
    ],
)
async def test_a_lead_that_does_not_pass_goes_where_it_is_not_picked_again_at_once(
    store: MemoryStore,
    fields: dict[str, object],
    gate: str,
    state: LeadState,
    reason: CompletedReason | None,
    rest: timedelta | None,
) -> None:
    def work(records: Records) -> None:
        bench = Bench(records)
        [lead_id] = bench.add(1)
        records.set_lead(replace(records.lead(lead_id), **fields))  # type: ignore[arg-type]
        done = bench.commit()
        assert [(lead.lead_id, gate) for _, lead, gate in done.refused] == [(lead_id, gate)]
        lead = records.lead(lead_id)
        assert (lead.state, lead.completed_reason) == (state, reason)
        assert lead.due_at == (None if rest is None else NOW + rest)
        assert records.check() == []

    await store.write(work)


async def test_a_number_in_a_call_makes_its_lead_wait_a_minute_and_no_longer(store: MemoryStore) -> None:
    def work(records: Records) -> None:
        bench = Bench(records)
        [lead_id] = bench.add(1)
        in_call = {records.lead(lead_id).numbers[0].number}
        done = bench.commit(in_call=in_call)
        assert [gate for _, _, gate in done.refused] == ["line"]
        assert records.lead(lead_id).due_at == NOW + LINE_REST
        bench.clock.at = NOW + LINE_REST
        assert [intent.session.lead_id for intent in bench.commit().intents] == [lead_id]

    await store.write(work)


async def test_a_campaign_that_was_stopped_meanwhile_gives_no_intent(store: MemoryStore) -> None:
    def work(records: Records) -> None:
        bench = Bench(records)
        bench.add(5)
        records.set_campaign(replace(bench.campaign, desired=Desired.PAUSED))
        done = bench.commit(3)
        assert (done.intents, done.refused, done.is_unfinished) == ([], [], False)

    await store.write(work)


async def test_a_list_that_is_not_to_dial_is_left_alone(store: MemoryStore) -> None:
    def work(records: Records) -> None:
        bench = Bench(records, 100, 100)
        off, on = bench.lists
        bench.add(5, off)
        bench.add(2, on)
        records.set_list(replace(off, to_dial=False))
        done = bench.commit(5)
        assert [intent.session.list_id for intent in done.intents] == [on.list_id] * 2
        assert {lead.state for lead in bench.leads() if lead.list_id == off.list_id} == {LeadState.READY}

    await store.write(work)
