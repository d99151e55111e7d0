"""The hopper: the best leads first, a bounded stock, and no look at the records that is not needed."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from dialler.domain.calling_hours import parse_hours
from dialler.domain.campaign import Campaign, CampaignSettings, LeadList
from dialler.domain.lead import LeadState, NewLead, PhoneNumber, WindowKey
from dialler.domain.rank import rank_of
from dialler.domain.strategy import LeadOrder, StrategySettings
from dialler.engine.hopper import Hopper
from dialler.engine.windows import Windows
from dialler.ports import Records
from dialler.stores.memory import MemoryStore

NOW = datetime(2026, 6, 2, 15, tzinfo=UTC)  # 11:00 in New York, 8:00 in Los Angeles, 5:00 in Honolulu
HOURS = parse_hours("mon-sun 08:00-21:00")
NEW_YORK, HONOLULU = WindowKey(("America/New_York",)), WindowKey(("Pacific/Honolulu",))
HONOLULU_OPENS = datetime(2026, 6, 2, 18, tzinfo=UTC)


def leads(n: int, key: WindowKey = NEW_YORK, **more: Any) -> list[NewLead]:
    return [NewLead(numbers=(PhoneNumber("+12125550100"),), window_key=key, **more) for _ in range(n)]


class Counted:
    """Records that count the refills."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self.refills = 0

    def __getattr__(self, name: str) -> object:
        self.refills += name == "buckets"
        return getattr(self._records, name)


STANDARD_RULES = StrategySettings()


class Room:
    """A hopper and the one list it holds, inside one transaction."""

    def __init__(self, records: Records, *, level: int, rules: StrategySettings = STANDARD_RULES) -> None:
        self.records = records
        self.campaign: Campaign = records.add_campaign("spring", CampaignSettings(hours=HOURS), NOW)
        strategy = records.add_strategy("own", rules, NOW)
        self.list: LeadList = records.add_list(self.campaign.campaign_id, "list", NOW, strategy_id=strategy.strategy_id)
        self.hopper = Hopper(Windows(), level=level)
        self.counted = Counted(records)

    def add(self, new: list[NewLead]) -> Sequence[int]:
        return self.records.add_leads(self.list.list_id, new, NOW)

    def take(self, now: datetime = NOW) -> int | None:
        """Take a lead as a call would."""
        lead_id = self.hopper.take(self.counted, self.campaign, self.list, now)  # type: ignore[arg-type]
        if lead_id is not None:
            self.records.set_lead(replace(self.records.lead(lead_id), state=LeadState.IN_CALL))
        return lead_id

    def take_all(self, now: datetime = NOW) -> list[int]:
        taken: list[int] = []
        while (lead_id := self.take(now)) is not None:
            taken.append(lead_id)
        return taken

    def rest(self, lead_id: int, until: datetime) -> None:
        lead = replace(self.records.lead(lead_id), state=LeadState.RESTING, due_at=until)
        self.records.set_lead(lead)
        self.hopper.expect(self.list.list_id, until)


@pytest.fixture
async def store() -> MemoryStore:
    return MemoryStore()


@pytest.mark.parametrize(
    "rules",
    [
        StrategySettings(order=LeadOrder.OLDEST),
        StrategySettings(order=LeadOrder.NEWEST),
        StrategySettings(order=LeadOrder.RANDOM, seed=7),
        StrategySettings(order=LeadOrder.FEWEST_ATTEMPTS),
        StrategySettings(order=LeadOrder.FIELD, field="worth", descending=True),
    ],
)
async def test_leads_come_by_priority_then_by_the_lists_order_whatever_the_bucket(
    store: MemoryStore, rules: StrategySettings
) -> None:
    chance = Random(5)

    def work(records: Records) -> None:
        room = Room(records, level=10, rules=rules)
        for _ in range(60):
            key = chance.choice([NEW_YORK, WindowKey(("America/Chicago",))])
            [lead_id] = room.add(
                leads(1, key, priority=chance.choice([0, 5]), data={"worth": str(chance.randrange(1000))})
            )
            attempts = chance.randrange(4)
            records.set_lead(replace(records.lead(lead_id), attempts=attempts, attempts_counted=attempts))

        def place(lead_id: int) -> tuple[int, int, int]:
            lead = records.lead(lead_id)
            by = {
                LeadOrder.OLDEST: lead_id,
                LeadOrder.NEWEST: -lead_id,
                LeadOrder.RANDOM: rank_of(rules, lead_id=lead_id, attempts=0, data={}),
                LeadOrder.FEWEST_ATTEMPTS: lead.attempts,
                LeadOrder.FIELD: -int(lead.data["worth"]),
            }
            return -lead.priority, by[rules.order], lead_id

        best = sorted(range(1, 61), key=place)
        assert room.take_all() == best

    await store.write(work)


async def test_the_stock_is_bounded_and_refilled_when_half_of_it_is_used(store: MemoryStore) -> None:
    def work(records: Records) -> None:
        room = Room(records, level=10)
        room.add(leads(100))
        for _ in range(60):
            assert room.take() is not None
            assert room.hopper.levels()[room.list.list_id] <= 10
        assert room.counted.refills == 10, "one for each six: ten in stock, until less than five are"
        assert sum(refill.added for refill in room.hopper.told()) >= 60
        assert room.hopper.told() == []

    await store.write(work)


async def test_a_short_list_is_not_refilled_at_each_call(store: MemoryStore) -> None:
    def work(records: Records) -> None:
        room = Room(records, level=100)
        room.add(leads(30))
        room.take_all()
        assert room.counted.refills <= 8

    await store.write(work)


async def test_an_urgent_lead_that_came_meanwhile_is_taken_after_half_of_the_stock_at_the_latest(
    store: MemoryStore,
) -> None:
    def work(records: Records) -> None:
        room = Room(records, level=10)
        room.add(leads(50))
        room.take()
        [urgent] = room.add(leads(1, priority=9))
        assert urgent in [room.take() for _ in range(6)]
        [told] = room.add(leads(1, priority=9))
        room.hopper.stale = True  # as `follow` says of leads that were imported
        assert room.take() == told

    await store.write(work)


async def test_a_shut_zone_gives_no_lead_and_one_that_opens_gives_its_leads_though_there_is_stock(
    store: MemoryStore,
) -> None:
    def work(records: Records) -> None:
        room = Room(records, level=10)
        room.add(leads(50))
        [urgent] = room.add(leads(1, HONOLULU, priority=9))
        assert urgent not in [room.take() for _ in range(20)]
        assert urgent not in [room.take(HONOLULU_OPENS - timedelta(seconds=1))]
        assert room.take(HONOLULU_OPENS) == urgent

    await store.write(work)


async def test_a_zone_that_shuts_takes_its_leads_out_of_the_stock(store: MemoryStore) -> None:
    def work(records: Records) -> None:
        room = Room(records, level=10)
        room.add(leads(5))
        late = room.add(leads(5, HONOLULU))
        assert room.take(HONOLULU_OPENS) == 1
        new_york_shuts = datetime(2026, 6, 3, 1, tzinfo=UTC)
        assert room.take_all(new_york_shuts) == list(late)

    await store.write(work)


async def test_a_dry_list_costs_nothing_until_somebody_may_be_there(store: MemoryStore) -> None:
    def work(records: Records) -> None:
        room = Room(records, level=10)
        [first] = room.add(leads(1))
        room.add(leads(1, HONOLULU))
        list_id = room.list.list_id
        assert room.take_all() == [first]
        assert room.hopper.is_dry(list_id, NOW)
        assert room.hopper.next_at(list_id, NOW) == HONOLULU_OPENS
        refills = room.counted.refills
        for minute in range(100):
            assert room.take(NOW + timedelta(minutes=minute)) is None
        assert room.counted.refills == refills
        # The lead comes back from its call sooner than that.
        due_at = NOW + timedelta(hours=2)
        room.rest(first, due_at)
        assert room.hopper.next_at(list_id, NOW) == due_at
        assert room.take(due_at - timedelta(microseconds=1)) is None
        assert not room.hopper.is_dry(list_id, due_at)
        assert room.hopper.next_at(list_id, due_at) is None, "it is not dry any more"
        assert room.take(due_at) == first

    await store.write(work)


async def test_a_lead_that_comes_back_matters_only_to_a_list_that_would_sleep_longer(store: MemoryStore) -> None:
    def work(records: Records) -> None:
        room = Room(records, level=10)
        list_id, hopper = room.list.list_id, room.hopper
        assert not hopper.expect(list_id, NOW), "nothing is known of it yet: it will be looked at anyway"
        assert room.take() is None
        later, sooner = NOW + timedelta(hours=2), NOW + timedelta(hours=1)
        assert [hopper.expect(list_id, at) for at in (later, sooner, later)] == [True, True, False]
        room.add(leads(3))
        assert room.take(sooner) is not None
        assert not hopper.expect(list_id, NOW), "it has somebody"

    await store.write(work)


def test_a_hopper_holds_at_least_one_lead() -> None:
    with pytest.raises(ValueError, match="level must be 1 or more, got 0"):
        Hopper(Windows(), level=0)


async def test_a_list_outside_its_dates_has_nobody_and_only_its_start_is_waited_for(store: MemoryStore) -> None:
    start, end = NOW + timedelta(minutes=5), NOW + timedelta(minutes=10)

    def work(records: Records) -> None:
        room = Room(records, level=4)
        room.list = replace(room.list, starts_at=start, ends_at=end)
        first, second, third = room.add(leads(3))
        assert room.take() is None
        assert room.hopper.next_at(room.list.list_id, NOW) == start
        assert room.take(start) == first
        room.rest(first, NOW + timedelta(days=1))
        assert room.take(end - timedelta(seconds=1)) == second
        assert room.take(end) is None, "the third one is in stock, and stays where it is"
        assert room.hopper.next_at(room.list.list_id, end) is None
        assert records.lead(third).state is LeadState.READY
        # One that is dry before its end waits for a rest or a window, not for the end.
        room.hopper.stale = True
        assert room.take(end - timedelta(seconds=1)) == third
        assert room.take(end - timedelta(seconds=1)) is None
        assert room.hopper.next_at(room.list.list_id, end - timedelta(seconds=1)) != end

    await store.write(work)
