"""Leads on every store."""

from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from datetime import date, timedelta
from typing import Any

import pytest

from dialler.domain.evolve import evolve
from dialler.domain.lead import CompletedReason, Lead, LeadState, NewLead, NumberStatus, PhoneNumber
from dialler.domain.outcome import Outcome
from dialler.errors import Conflict, NotFound
from dialler.ports import LeadFilter, Records
from dialler.stores.open import AnyStore
from tests.support.stores import (
    BERLIN,
    HOSTILE,
    NOW,
    TEXAS,
    add_campaign_and_list,
    list_of_leads,
    new_lead,
    new_leads,
    new_session,
)


async def test_a_lead_comes_back_as_it_was_written(store: AnyStore) -> None:
    _, lead_list = await store.write(add_campaign_and_list)
    given = replace(
        new_lead(key=TEXAS),
        numbers=(PhoneNumber("+12025550123", "(202) 555-0123"), PhoneNumber("+12025550124", "", NumberStatus.FAX)),
        name=HOSTILE,
        customer_key="k-1",
        external_lead_id="e-1",
        timezone_source="rule",
        timezone_given="Central",
        postcode="73301",
        priority=-5,
        data={"colour": HOSTILE, "": ""},
        expires_at=NOW + timedelta(days=1, microseconds=1),
    )
    (lead_id,) = await store.write(lambda records: records.add_leads(lead_list.list_id, [given], NOW))
    lead = await store.read(lambda records: records.lead(lead_id))
    expected: dict[str, Any] = {
        **{one.name: getattr(given, one.name) for one in fields(given)},
        "numbers": given.numbers,
        "lead_id": lead_id,
        "list_id": lead_list.list_id,
        "campaign_id": lead_list.campaign_id,
        "created_at": NOW,
    }
    assert lead == Lead(**expected)
    changed = replace(
        lead,
        state=LeadState.COMPLETED,
        completed_reason=CompletedReason.WRAP,
        attempts=3,
        attempts_counted=2,
        attempts_on_day=1,
        attempts_day=date(2026, 11, 2),
        outcome_run=2,
        last_attempt_at=NOW,
        last_outcome=Outcome.CONNECTED,
        last_contacted_at=NOW + timedelta(microseconds=1),
        wrap_code="SALE",
        callback_at=NOW,
        callback_agent="ann",
        callback_expires_at=NOW + timedelta(days=1),
        name="Ann",
        numbers=(PhoneNumber("+12025550125"),),
        window_key=BERLIN,
        customer_key="k-2",
        data={},
        expires_at=None,
    )
    await store.write(lambda records: records.set_lead(changed))
    assert await store.read(lambda records: records.lead(lead_id)) == changed
    assert await store.read(lambda records: records.lead_by_key(lead_list.list_id, "k-2")) == changed
    assert await store.read(lambda records: records.lead_by_key(lead_list.list_id, "k-1")) is None
    known = await store.read(
        lambda records: records.numbers_known(lead_list.campaign_id, ["+12025550123", "+12025550125"])
    )
    assert known == {"+12025550125"}


async def test_leads_are_read_and_changed_together(store: AnyStore) -> None:
    lead_list, leads = await list_of_leads(store, 5)
    a, b, c, d, e = leads
    bucket = (lead_list.list_id, (await store.read(lambda r: r.buckets([lead_list.list_id])))[0].key_id)

    def work(records: Records) -> None:
        asked = [e.lead_id, a.lead_id, 999, a.lead_id]
        assert records.leads_with(asked, to_change=True) == {a.lead_id: a, e.lead_id: e}
        assert records.leads_with([]) == {}
        records.set_leads([])
        records.set_leads(
            [
                replace(a, state=LeadState.RESTING, due_at=NOW),
                replace(b, state=LeadState.RESTING, due_at=NOW + timedelta(hours=1)),
                replace(c, window_key=TEXAS, priority=3),
                replace(d, state=LeadState.COMPLETED, completed_reason=CompletedReason.DNC),
            ]
        )
        assert records.wake_rested(bucket, NOW, limit=9) == 1
        # It is ready by now, whatever was known of it when it was written.
        records.set_lead(replace(a, state=LeadState.IN_CALL))
        records.add_session(new_session(a, "s"))

    await store.write(work)
    buckets = await store.read(lambda records: records.buckets([lead_list.list_id]))
    assert {(each.key, state): n for each in buckets for state, n in each.counts.items() if n} == {
        (BERLIN, LeadState.IN_CALL): 1,
        (BERLIN, LeadState.RESTING): 1,
        (BERLIN, LeadState.COMPLETED): 1,
        (BERLIN, LeadState.READY): 1,
        (TEXAS, LeadState.READY): 1,
    }
    with pytest.raises(NotFound, match="999"):
        await store.write(lambda r: r.set_leads([replace(b, priority=8), replace(b, lead_id=999)]))
    assert (await store.read(lambda records: records.lead(b.lead_id))).priority == 0


def setting(leads: Sequence[Lead]) -> Callable[[Records], None]:
    return lambda records: records.set_leads(leads)


async def test_leads_are_as_they_were_set_last_whatever_else_was_set_with_them(store: AnyStore) -> None:
    _, (a, b) = await list_of_leads(store, 2)
    called = replace(a, state=LeadState.IN_CALL)
    tried = replace(called, state=LeadState.RESTING, due_at=NOW, attempts=1, last_outcome=Outcome.BUSY)
    again = replace(tried, state=LeadState.IN_CALL, due_at=None)
    rests = replace(b, state=LeadState.RESTING, due_at=NOW)
    for together, a_now, b_now in (
        ([called, rests], called, rests),
        ([tried, replace(rests, due_at=None, state=LeadState.READY), rests], tried, rests),
        ([again, tried, again], again, rests),
        ([replace(b, state=LeadState.IN_CALL)], again, replace(b, state=LeadState.IN_CALL)),
        ([b, replace(again, state=LeadState.READY)], replace(again, state=LeadState.READY), b),
    ):
        await store.write(setting(together))
        found = await store.read(lambda records: records.leads_with([a.lead_id, b.lead_id]))
        assert found == {a.lead_id: a_now, b.lead_id: b_now}


async def test_leads_are_found_by_many_customer_keys_at_once(store: AnyStore) -> None:
    lead_list, _ = await list_of_leads(store, 2)

    def work(records: Records) -> None:
        other = records.add_list(lead_list.campaign_id, "B", NOW)
        records.add_leads(other.list_id, [new_lead(customer_key="k1")], NOW)
        ids = records.add_leads(lead_list.list_id, [new_lead(customer_key=f"k{n}") for n in range(600)], NOW)
        assert records.leads_by_key(lead_list.list_id, []) == {}
        asked = ["nobody", *(f"k{n}" for n in range(599, -1, -1)), "k0"]
        found = records.leads_by_key(lead_list.list_id, asked, to_change=True)
        assert {key: lead.lead_id for key, lead in found.items()} == {f"k{n}": ids[n] for n in range(600)}
        records.set_leads([replace(lead, name="Ann") for lead in found.values()])
        assert {lead.name for lead in records.leads_by_key(lead_list.list_id, asked).values()} == {"Ann"}

    await store.write(work)


@pytest.mark.parametrize("count", [1, 2, 55, 56, 57, 111, 112, 113, 300])
async def test_each_of_many_leads_added_at_once_is_there_with_all_its_numbers(store: AnyStore, count: int) -> None:
    campaign, lead_list = await store.write(add_campaign_and_list)
    given = [
        replace(
            new_lead(f"+4930{n:07}"),
            name=f"lead {n} {HOSTILE}",
            numbers=tuple(PhoneNumber(f"+4930{n:06}{at}", f"0 30 {n}") for at in range(1 + n % 3)),
        )
        for n in range(count)
    ]
    ids = await store.write(lambda records: records.add_leads(lead_list.list_id, given, NOW))
    numbers = [phone.number for lead in given for phone in lead.numbers]

    def look(records: Records) -> None:
        found = records.leads_with(ids)
        assert [(found[one].name, found[one].numbers) for one in ids] == [(one.name, one.numbers) for one in given]
        assert records.numbers_known(campaign.campaign_id, numbers) == set(numbers)
        assert records.numbers_in_list(lead_list.list_id, numbers) == set(numbers)

    await store.read(look)


async def test_many_leads_are_streamed_in_and_get_ids_in_order(store: AnyStore) -> None:
    _, lead_list = await store.write(add_campaign_and_list)
    first = await store.write(lambda records: records.add_leads(lead_list.list_id, new_leads(4_500), NOW))
    second = await store.write(lambda records: records.add_leads(lead_list.list_id, new_leads(3), NOW))
    assert (len(first), len(second)) == (4_500, 3)
    assert list(second) == [first[-1] + 1, first[-1] + 2, first[-1] + 3]
    assert list(first) == sorted(first)
    last = await store.read(lambda records: records.lead(first[4_499]))
    assert last.numbers[0].number == "+49300004499"
    assert await store.write(lambda records: list(records.add_leads(lead_list.list_id, [], NOW))) == []


async def test_a_customer_key_is_taken_once_in_a_list_and_a_refusal_adds_nothing(store: AnyStore) -> None:
    _, lead_list = await store.write(add_campaign_and_list)
    list_id = lead_list.list_id

    def work(records: Records) -> None:
        records.add_leads(list_id, [new_lead(customer_key="k"), new_lead(), new_lead()], NOW)
        for leads in (
            [new_lead(key=TEXAS), new_lead(customer_key="k")],
            [*new_leads(3_000, key=TEXAS), new_lead(customer_key="k")],
            [new_lead(customer_key="new"), new_lead(customer_key="new")],
        ):
            with pytest.raises(Conflict, match=r"'k'|'new'"):
                records.add_leads(list_id, leads, NOW)
        other = records.add_list(lead_list.campaign_id, "B", NOW)
        records.add_leads(other.list_id, [new_lead(customer_key="k")], NOW)
        second = records.leads(LeadFilter(list_id=list_id))[1]
        with pytest.raises(Conflict, match="'k'"):
            records.set_lead(replace(second, customer_key="k"))

    await store.write(work)
    assert len(await store.read(lambda records: records.leads(LeadFilter(list_id=list_id)))) == 3
    (bucket,) = await store.read(lambda records: records.buckets([list_id]))
    assert (bucket.key, bucket.counts[LeadState.READY]) == (BERLIN, 3)


async def test_leads_are_found_by_each_filter_in_pages(store: AnyStore) -> None:
    def load(records: Records) -> list[list[int]]:
        campaign, one = add_campaign_and_list(records)
        two = records.add_list(campaign.campaign_id, "B", NOW)
        _, far = add_campaign_and_list(records, "Autumn")
        ids = [list(records.add_leads(one.list_id, new_leads(3, external_lead_id="e"), NOW))]
        ids.append(list(records.add_leads(two.list_id, [new_lead(customer_key="k"), *new_leads(2)], NOW)))
        ids.append(list(records.add_leads(far.list_id, new_leads(2), NOW)))
        ids.append(list(records.add_leads(one.list_id, new_leads(1), NOW)))
        lead = records.lead(ids[1][2])
        records.set_lead(replace(lead, state=LeadState.RESTING, due_at=NOW))
        return ids

    one, two, far, late = await store.write(load)
    first_list, campaign_id = await store.read(lambda r: (r.lead(one[0]).list_id, r.lead(one[0]).campaign_id))
    second_list = await store.read(lambda r: r.lead(two[0]).list_id)
    for which, expected in (
        (LeadFilter(), one + two + far + late),
        (LeadFilter(campaign_id=campaign_id), one + two + late),
        (LeadFilter(list_id=first_list), one + late),
        (LeadFilter(list_id=first_list, campaign_id=campaign_id + 1), []),
        (LeadFilter(state=LeadState.RESTING), [two[2]]),
        (LeadFilter(campaign_id=campaign_id, state=LeadState.READY), one + two[:2] + late),
        (LeadFilter(number="+49300000001"), [one[1], two[2], far[1]]),
        (LeadFilter(number="+49300000001", campaign_id=campaign_id), [one[1], two[2]]),
        (LeadFilter(number="+49300000001", state=LeadState.RESTING), [two[2]]),
        (LeadFilter(customer_key="k"), [two[0]]),
        (LeadFilter(customer_key="k", list_id=second_list), [two[0]]),
        (LeadFilter(customer_key="k", list_id=first_list), []),
        (LeadFilter(external_lead_id="e"), one),
        (LeadFilter(number="+1"), []),
    ):
        found: list[int] = []
        while page := await store.read(lambda r, w=which, f=found: r.leads(w, after=f[-1] if f else 0, limit=2)):
            assert len(page) <= 2
            found.extend(lead.lead_id for lead in page)
        assert found == expected, which


async def test_numbers_are_known_by_campaign(store: AnyStore) -> None:
    lead_list, _ = await list_of_leads(store, 3)
    asked = [f"+4930{i:07}" for i in range(1_200)]
    known = await store.read(lambda records: records.numbers_known(lead_list.campaign_id, asked))
    assert known == set(asked[:3])
    assert await store.read(lambda records: records.numbers_known(lead_list.campaign_id + 1, asked)) == frozenset()


async def test_ready_leads_go_by_priority_and_then_by_the_lists_order(store: AnyStore) -> None:
    _, lead_list = await store.write(add_campaign_and_list)
    leads = [new_lead(f"+49{i}", priority=priority) for i, priority in enumerate((0, 5, 0, -1, 5))]
    leads.append(new_lead("+49", TEXAS, priority=9))

    def work(records: Records) -> None:
        a, b, c, d, e, far = records.add_leads(lead_list.list_id, leads, NOW)
        berlin, texas = sorted(records.buckets([lead_list.list_id]), key=lambda one: one.key.country)
        assert (berlin.key, texas.key) == (BERLIN, TEXAS)
        bucket = (berlin.list_id, berlin.key_id)
        oldest = [(5, b, b), (5, e, e), (0, a, a), (0, c, c), (-1, d, d)]
        assert records.ready_ranks(bucket, limit=9) == oldest
        assert records.ready_ranks(bucket, limit=2) == oldest[:2]
        records.set_lead(replace(records.lead(b), state=LeadState.COMPLETED, completed_reason=CompletedReason.DNC))
        assert records.ready_ranks(bucket, limit=1) == [(5, e, e)]
        assert records.ready_ranks((texas.list_id, texas.key_id), limit=9) == [(9, far, far)]

    await store.write(work)


async def test_rested_leads_wake_when_they_are_due_longest_due_first(store: AnyStore) -> None:
    lead_list, leads = await list_of_leads(store, 4)
    (bucket,) = await store.read(lambda records: records.buckets([lead_list.list_id]))
    place = (bucket.list_id, bucket.key_id)

    def work(records: Records) -> None:
        assert records.next_due_at(place) is None
        for lead, minutes in zip(leads, (3, 1, 2, 60), strict=True):
            due_at = NOW + timedelta(minutes=minutes)
            records.set_lead(replace(lead, state=LeadState.RESTING, due_at=due_at))
        assert records.next_due_at(place) == NOW + timedelta(minutes=1)
        assert records.wake_rested(place, NOW, limit=9) == 0
        assert records.wake_rested(place, NOW + timedelta(minutes=3), limit=2) == 2
        assert [lead_id for _, _, lead_id in records.ready_ranks(place, limit=9)] == [
            leads[1].lead_id,
            leads[2].lead_id,
        ]
        assert records.lead(leads[1].lead_id).due_at is None
        assert records.next_due_at(place) == NOW + timedelta(minutes=3)
        assert records.wake_rested(place, NOW + timedelta(minutes=3), limit=9) == 1  # to the microsecond
        (now,) = records.buckets([lead_list.list_id])
        assert now.counts == {
            LeadState.READY: 3,
            LeadState.RESTING: 1,
            LeadState.IN_CALL: 0,
            LeadState.COMPLETED: 0,
        }

    await store.write(work)


async def test_the_first_ready_leads_whose_numbers_begin_alike_rest_in_one_step(store: AnyStore) -> None:
    _, lead_list = await store.write(add_campaign_and_list)
    until = NOW + timedelta(hours=9)

    def work(records: Records) -> None:
        both = NewLead(numbers=(PhoneNumber("+13125550108"), PhoneNumber("+12125550108")), window_key=TEXAS)
        given = [*(new_lead(f"+1312555010{at}", TEXAS) for at in range(5)), both, new_lead("+12125550100", TEXAS)]
        ids = records.add_leads(lead_list.list_id, [*given, new_lead("+13125550109", BERLIN)], NOW)
        records.set_lead(replace(records.lead(ids[0]), state=LeadState.IN_CALL))
        records.add_session(new_session(records.lead(ids[0]), "s"))
        known = records.leads_with(ids, to_change=True)
        place = next((each.list_id, each.key_id) for each in records.buckets([lead_list.list_id]) if each.key == TEXAS)
        assert records.rest_alike(place, "+1312", until, limit=2) == 2
        assert records.rest_alike(place, "+1312", until, limit=9) == 2
        assert records.rest_alike(place, "+1312", until, limit=9) == 0
        resting = [lead_id for lead_id in ids if records.lead(lead_id).state is LeadState.RESTING]
        assert resting == list(ids[1:5])
        assert {records.lead(lead_id).due_at for lead_id in resting} == {until}
        # It rests by now, whatever was known of it when it was written.
        records.set_lead(evolve(known[ids[1]], state=LeadState.COMPLETED, completed_reason=CompletedReason.DNC))
        assert records.ready_ranks(place, limit=9) == [(0, ids[5], ids[5]), (0, ids[6], ids[6])]

    await store.write(work)


async def test_a_lead_whose_zone_changes_moves_to_another_bucket(store: AnyStore) -> None:
    lead_list, (lead, _) = await list_of_leads(store, 2)
    await store.write(lambda records: records.set_lead(replace(lead, window_key=TEXAS)))
    buckets = await store.read(lambda records: records.buckets([lead_list.list_id]))
    assert {bucket.key: bucket.counts[LeadState.READY] for bucket in buckets} == {BERLIN: 1, TEXAS: 1}
