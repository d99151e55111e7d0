"""Campaigns, lists and numbers that must not be called, on every store."""

from dataclasses import replace
from datetime import timedelta

import pytest

from dialler.domain.calling_hours import CallingHours, Interval
from dialler.domain.campaign import Campaign, CampaignSettings, Desired, Wrap
from dialler.domain.lead import LeadState
from dialler.domain.outcome import Outcome
from dialler.domain.session import SessionStatus
from dialler.errors import Conflict, NotFound
from dialler.ports import LeadFilter, Records
from dialler.stores.open import AnyStore
from tests.support.stores import (
    HOSTILE,
    NOW,
    add_campaign_and_list,
    list_of_leads,
    new_leads,
    new_session,
)


async def test_a_campaign_comes_back_as_it_was_written(store: AnyStore) -> None:
    settings = CampaignSettings(
        timezone="Europe/Berlin",
        hours=CallingHours(
            week=((Interval(540, 720), Interval(780, 1080)),) * 5 + ((Interval(1320, 120),), ()),
            holidays="lead",
            holiday_intervals=(Interval(600, 660),),
        ),
        pacing="ratio",
        pacing_settings={"ratio": 1.25},
        trunks=("b", "a"),
        queue="sales",
        caller_ids=("+4930999",),
        wrap=Wrap.REQUIRED,
        weighting=False,
        rest_min_s=0,
    )
    added = await store.write(lambda records: records.add_campaign(HOSTILE, settings, NOW))
    assert added == Campaign(campaign_id=added.campaign_id, name=HOSTILE, created_at=NOW, settings=settings)
    changed = replace(added, name="Autumn", desired=Desired.RUNNING, version=2, settings=CampaignSettings())
    await store.write(lambda records: records.set_campaign(changed))
    assert await store.read(lambda records: records.campaign(added.campaign_id)) == changed
    assert await store.read(lambda records: records.campaign_named("Autumn")) == changed
    assert await store.read(lambda records: records.campaigns()) == [changed]


async def test_a_list_comes_back_as_it_was_written(store: AnyStore) -> None:
    def work(records: Records) -> None:
        campaign = records.add_campaign("Spring", CampaignSettings(), NOW)
        added = records.add_list(campaign.campaign_id, "A", NOW, weight=70, to_dial=False)
        assert (added.weight, added.to_dial, added.strategy) == (70, False, None)
        changed = replace(
            added,
            name="B",
            weight=1,
            to_dial=True,
            strategy=records.strategies()[0],
            starts_at=NOW,
            ends_at=NOW + timedelta(days=1),
            lead_days=30,
        )
        records.set_list(changed)
        assert records.lead_list(added.list_id) == changed
        assert records.list_named(campaign.campaign_id, "B") == changed
        assert records.lists() == records.lists(campaign.campaign_id) == [changed]
        assert records.lists(campaign.campaign_id + 1) == []

    await store.write(work)


async def test_a_change_that_is_undone_is_not_seen_again(store: AnyStore) -> None:
    campaign, lead_list = await store.write(add_campaign_and_list)

    def change(records: Records) -> None:
        settings = replace(campaign.settings, attempts_max=9)
        records.set_campaign(replace(campaign, settings=settings, desired=Desired.RUNNING))
        records.set_list(replace(lead_list, weight=7))
        assert records.campaign(campaign.campaign_id).settings.attempts_max == 9
        assert records.lead_list(lead_list.list_id).weight == 7
        raise NotFound("changed my mind")

    with pytest.raises(NotFound, match="my mind"):
        await store.write(change)
    assert await store.write(lambda records: records.campaign(campaign.campaign_id)) == campaign
    assert await store.read(lambda records: records.lead_list(lead_list.list_id)) == lead_list


async def test_a_name_is_taken_once(store: AnyStore) -> None:
    def work(records: Records) -> None:
        campaign, lead_list = add_campaign_and_list(records)
        other = records.add_campaign("Autumn", CampaignSettings(), NOW)
        second = records.add_list(campaign.campaign_id, "B", NOW)
        for refused in (
            lambda: records.add_campaign("Spring", CampaignSettings(), NOW),
            lambda: records.set_campaign(replace(other, name="Spring")),
            lambda: records.add_list(campaign.campaign_id, "A", NOW),
            lambda: records.set_list(replace(second, name="A")),
        ):
            with pytest.raises(Conflict, match="already"):
                refused()
        # The same name in another campaign is another list; and the work goes on after a refusal.
        assert records.add_list(other.campaign_id, "A", NOW).list_id != lead_list.list_id

    await store.write(work)


async def test_what_is_not_there_is_not_found(store: AnyStore) -> None:
    lead_list, (lead,) = await list_of_leads(store, 1)
    campaign = await store.read(lambda records: records.campaign(lead_list.campaign_id))

    def work(records: Records) -> None:
        for missing in (
            lambda: records.campaign(99),
            lambda: records.campaign_named("nobody"),
            lambda: records.set_campaign(replace(campaign, campaign_id=99, name="x")),
            lambda: records.lead_list(99),
            lambda: records.list_named(campaign.campaign_id, "nobody"),
            lambda: records.set_list(replace(lead_list, list_id=99, name="x")),
            lambda: records.add_list(99, "x", NOW),
            lambda: records.delete_list(99),
            lambda: records.add_leads(99, new_leads(1), NOW),
            lambda: records.lead(99),
            lambda: records.set_lead(replace(lead, lead_id=99)),
            lambda: records.session("nobody"),
            lambda: records.set_session(new_session(lead, "nobody")),
        ):
            with pytest.raises(NotFound):
                missing()
        assert records.lead_by_key(lead_list.list_id, "nobody") is None
        assert records.round_state("campaign:99") is None

    await store.write(work)


async def test_a_list_is_deleted_only_when_it_is_not_dialled_and_its_sessions_stay(store: AnyStore) -> None:
    lead_list, (lead, other) = await list_of_leads(store, 2)

    def open_a_session(records: Records) -> None:
        with pytest.raises(Conflict, match="to dial"):
            records.delete_list(lead_list.list_id)
        records.set_list(replace(lead_list, to_dial=False))
        records.add_session(new_session(lead, "s1"))
        records.set_lead(replace(lead, state=LeadState.IN_CALL))
        with pytest.raises(Conflict, match="in a call"):
            records.delete_list(lead_list.list_id)

    def close_it_and_delete(records: Records) -> None:
        records.set_session(replace(records.session("s1"), status=SessionStatus.EXPIRED, outcome=Outcome.LOST))
        records.set_lead(lead)
        records.delete_list(lead_list.list_id)

    await store.write(open_a_session)
    await store.write(close_it_and_delete)

    def look(records: Records) -> None:
        assert records.lists() == []
        assert records.leads(LeadFilter()) == []
        assert records.buckets([lead_list.list_id]) == []
        assert records.numbers_known(lead.campaign_id, [other.numbers[0].number]) == frozenset()
        assert records.session("s1").list == "A"

    await store.read(look)
    # Neither id is ever used again.
    again = await store.write(lambda records: records.add_list(lead.campaign_id, "A", NOW))
    ids = await store.write(lambda records: records.add_leads(again.list_id, new_leads(1), NOW))
    assert again.list_id > lead_list.list_id
    assert ids[0] > other.lead_id


async def test_a_round_robin_keeps_its_state(store: AnyStore) -> None:
    await store.write(lambda records: records.save_round_state("trunk:a", {"1": 5, "2": -3}))
    await store.write(lambda records: records.save_round_state("trunk:a", {"1": 7}))
    assert await store.read(lambda records: records.round_state("trunk:a")) == {"1": 7}
