"""Change-sets, and the pace at which lists are called, on every store."""

from dataclasses import replace
from datetime import datetime, timedelta
from random import Random

import pytest

from dialler.domain.change_set import CampaignLists, ChangeSet, state_of
from dialler.domain.ids import uuid7
from dialler.domain.lead import Lead, LeadState
from dialler.domain.outcome import Outcome
from dialler.domain.session import SessionStatus
from dialler.errors import Conflict, NotFound
from dialler.ports import Records
from dialler.stores.open import AnyStore
from tests.support.stores import NOW, add_campaign_and_list, list_of_leads, new_session

CHANCE = Random(4)


def add_attempts(records: Records, lead: Lead, at: datetime, n: int) -> None:
    """Add `n` attempts that are over, a second apart, the first at `at`."""
    for nth in range(n):
        made_at = at + timedelta(seconds=nth)
        records.add_session(
            new_session(
                lead,
                uuid7(made_at, CHANCE),
                created_at=made_at,
                status=SessionStatus.EXPIRED,
                outcome=Outcome.NO_ANSWER,
            )
        )


async def test_the_last_change_set_comes_back_as_it_was_written(store: AnyStore) -> None:
    def work(records: Records) -> None:
        campaign, lead_list = add_campaign_and_list(records)
        assert records.last_change_set(campaign.campaign_id) is None
        records.add_change_set(
            campaign.campaign_id,
            before=CampaignLists(weighting=True, lists={}),
            after=CampaignLists(weighting=False, lists={}),
            who="ann",
            now=NOW,
        )
        dated = replace(lead_list, starts_at=NOW, ends_at=NOW + timedelta(days=1), lead_days=3, strategy=None)
        before, after = (
            CampaignLists(weighting=True, lists={each.list_id: state_of(each)}) for each in (lead_list, dated)
        )
        made = records.add_change_set(campaign.campaign_id, before=before, after=after, who="bob", now=NOW)
        assert made == ChangeSet(
            change_set_id=made.change_set_id,
            campaign_id=campaign.campaign_id,
            at=NOW,
            who="bob",
            before=before,
            after=after,
        )
        assert records.last_change_set(campaign.campaign_id) == made
        assert records.last_change_set(campaign.campaign_id + 1) is None
        records.set_undone(made.change_set_id, NOW)
        assert records.last_change_set(campaign.campaign_id) == replace(made, undone_at=NOW)
        with pytest.raises(NotFound):
            records.set_undone(99, NOW)

    await store.write(work)


async def test_lists_that_swap_their_names_are_written_together(store: AnyStore) -> None:
    def work(records: Records) -> None:
        campaign, one = add_campaign_and_list(records)
        other = records.add_list(campaign.campaign_id, "B", NOW)
        swapped = [replace(one, name="B"), replace(other, name="A", weight=5)]
        records.set_lists(swapped)
        assert records.lists() == swapped

    await store.write(work)

    def taken(records: Records) -> None:
        [one, _] = records.lists()
        records.set_lists([replace(one, name="A")])

    with pytest.raises(Conflict, match="already"):
        await store.write(taken)
    assert [each.name for each in await store.read(lambda records: records.lists())] == ["B", "A"]


async def test_attempts_are_counted_by_list_since_a_moment(store: AnyStore) -> None:
    lead_list, [lead] = await list_of_leads(store, 1)

    def work(records: Records) -> None:
        other = records.add_list(lead_list.campaign_id, "B", NOW)
        ids = [lead_list.list_id, other.list_id]
        assert records.attempts_since(ids, NOW) == dict.fromkeys(ids, 0)
        add_attempts(records, lead, NOW - timedelta(hours=2), 3)
        assert records.attempts_since(ids, NOW - timedelta(hours=1)) == dict.fromkeys(ids, 0)
        add_attempts(records, lead, NOW - timedelta(minutes=59), 4)
        add_attempts(records, replace(lead, list_id=other.list_id), NOW - timedelta(minutes=1), 1)
        assert records.attempts_since(ids, NOW - timedelta(hours=1)) == {ids[0]: 4, ids[1]: 1}
        assert records.attempts_since([ids[0]], NOW - timedelta(hours=3)) == {ids[0]: 7}
        assert records.lead(lead.lead_id).state is LeadState.READY

    await store.write(work)
