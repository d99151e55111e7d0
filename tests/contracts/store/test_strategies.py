"""Dialler strategies, their versions, and leads that get new places, on every store."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from dialler.domain.campaign import Desired
from dialler.domain.lead import LeadState
from dialler.domain.outcome import Outcome
from dialler.domain.redial import RedialRule, RedialRules
from dialler.domain.strategy import LeadOrder, NumberOrder, Strategy, StrategySettings
from dialler.errors import Conflict, NotFound
from dialler.ports import Records
from dialler.stores.open import AnyStore
from tests.support.stores import HOSTILE, NOW, add_campaign_and_list, list_of_leads, new_lead, new_leads, new_session

NEWEST = StrategySettings(order=LeadOrder.NEWEST)


async def test_the_standard_strategy_is_there_and_lists_to_dial_have_it(store: AnyStore) -> None:
    def work(records: Records) -> None:
        campaign, lead_list = add_campaign_and_list(records)
        [standard] = records.strategies()
        assert (standard.name, standard.version, standard.settings) == ("standard", 1, StrategySettings())
        assert lead_list.strategy == standard
        assert records.add_list(campaign.campaign_id, "off", NOW, to_dial=False).strategy is None
        assert [each.version for each in records.strategy_versions(standard.strategy_id)] == [1]

    await store.write(work)


async def test_each_change_of_settings_is_a_version_and_all_of_them_are_kept(store: AnyStore) -> None:
    def work(records: Records) -> None:
        made = records.add_strategy(HOSTILE, NEWEST, NOW)
        assert made == Strategy(strategy_id=made.strategy_id, name=HOSTILE, version=1, created_at=NOW, settings=NEWEST)
        later = NOW + timedelta(hours=1)
        capped = replace(NEWEST, attempts_max=3)
        changed = records.set_strategy(replace(made, settings=capped), later)
        assert (changed.version, changed.settings, changed.created_at) == (2, capped, NOW)
        renamed = records.set_strategy(replace(changed, name="b"), later)
        assert (renamed.version, renamed.name) == (2, "b")
        assert records.strategy(made.strategy_id) == renamed
        assert [(each.version, each.at, each.settings) for each in records.strategy_versions(made.strategy_id)] == [
            (1, NOW, NEWEST),
            (2, later, capped),
        ]
        records.delete_strategy(made.strategy_id)
        for gone in (records.strategy, records.strategy_versions, records.delete_strategy):
            with pytest.raises(NotFound):
                gone(made.strategy_id)

    await store.write(work)


async def test_names_are_taken_once_and_a_strategy_in_use_stays(store: AnyStore) -> None:
    def prepare(records: Records) -> Strategy:
        _, lead_list = add_campaign_and_list(records)
        made = records.add_strategy("a", NEWEST, NOW)
        records.set_list(replace(lead_list, strategy=made))
        return made

    made = await store.write(prepare)
    for refused in (
        lambda records: records.add_strategy("a", NEWEST, NOW),
        lambda records: records.set_strategy(replace(made, name="standard"), NOW),
    ):
        with pytest.raises(Conflict, match="already"):
            await store.write(refused)
    with pytest.raises(Conflict, match="'A' of campaign 'Spring'"):
        await store.write(lambda records: records.delete_strategy(made.strategy_id))
    assert await store.read(lambda records: records.strategy(made.strategy_id)) == made


def order_of(records: Records, list_id: int) -> Sequence[int]:
    [bucket] = records.buckets([list_id])
    return [lead_id for _, _, lead_id in records.ready_ranks((list_id, bucket.key_id), limit=100)]


async def test_leads_get_new_places_in_batches_by_id_whatever_their_state(store: AnyStore) -> None:
    lead_list, leads = await list_of_leads(store, 10)
    ids = [lead.lead_id for lead in leads]

    def switch(records: Records) -> None:
        for lead, state in zip(leads, [LeadState.RESTING, LeadState.COMPLETED], strict=False):
            due_at = NOW if state is LeadState.RESTING else None
            records.set_lead(replace(lead, state=state, due_at=due_at))
        newest = records.add_strategy("newest", NEWEST, NOW)
        records.set_list(replace(lead_list, strategy=newest))
        assert records.lead_list(lead_list.list_id).replan_after == 0
        # One that is loaded meanwhile has its place at once.
        assert order_of(records, lead_list.list_id) == ids[2:]
        [new] = records.add_leads(lead_list.list_id, [new_lead()], NOW)
        assert order_of(records, lead_list.list_id) == [new, *ids[2:]]

    await store.write(switch)
    looked_at = [await store.write(lambda records: records.replan(lead_list.list_id, limit=4)) for _ in range(3)]
    assert list(map(len, looked_at)) == [4, 4, 3]

    def look(records: Records) -> None:
        done = records.lead_list(lead_list.list_id)
        assert (done.replan_after, done.replanned) == (None, 11)
        assert records.replan(lead_list.list_id, limit=4) == ()
        records.set_lead(replace(records.lead(ids[0]), state=LeadState.READY, due_at=None))
        back = replace(records.lead(ids[1]), state=LeadState.READY, completed_reason=None)
        records.set_lead(back)
        assert order_of(records, lead_list.list_id) == [ids[-1] + 1, *reversed(ids)]

    await store.write(look)


async def test_a_lead_that_is_not_replanned_yet_is_only_in_its_old_place(store: AnyStore) -> None:
    lead_list, leads = await list_of_leads(store, 10)

    def work(records: Records) -> None:
        newest = records.add_strategy("newest", NEWEST, NOW)
        records.set_list(replace(lead_list, strategy=newest))
        for _ in range(3):
            records.replan(lead_list.list_id, limit=3)
            assert sorted(order_of(records, lead_list.list_id)) == [lead.lead_id for lead in leads]
        # Another change begins anew.
        oldest = records.set_strategy(replace(newest, settings=StrategySettings()), NOW)
        now = records.lead_list(lead_list.list_id)
        assert (now.replan_after, now.replanned, now.strategy) == (0, 0, oldest)
        while len(records.replan(lead_list.list_id, limit=3)) == 3:
            pass
        assert order_of(records, lead_list.list_id) == [lead.lead_id for lead in leads]

    await store.write(work)


async def test_other_redial_rules_or_caps_replan_and_nothing_else_does(store: AnyStore) -> None:
    lead_list, _ = await list_of_leads(store, 3)
    campaign_id, list_id = lead_list.campaign_id, lead_list.list_id

    def work(records: Records) -> None:
        def is_to_be_replanned() -> bool:
            found = records.lead_list(list_id).replan_after == 0
            while records.replan(list_id, limit=9):
                pass
            return found

        def has_caps(**caps: int) -> bool:
            campaign = records.campaign(campaign_id)
            records.set_campaign(replace(campaign, settings=replace(campaign.settings, **caps)))
            return is_to_be_replanned()

        own = records.add_strategy("own", StrategySettings(attempts_max=2), NOW)
        records.set_list(replace(lead_list, strategy=own))
        assert is_to_be_replanned()
        rests = RedialRules({Outcome.BUSY: RedialRule(rests=(timedelta(hours=1),))})
        for change, is_planning in (
            ({"attempts_max": 3}, True),
            ({"redial": rests}, True),
            ({"rest_min_s": 60}, True),
            ({"numbers": NumberOrder.ROTATE}, False),
        ):
            own = records.set_strategy(replace(own, settings=replace(own.settings, **change)), NOW)
            assert is_to_be_replanned() == is_planning
        records.set_list(replace(records.lead_list(list_id), name="B", weight=7))
        records.set_campaign(replace(records.campaign(campaign_id), desired=Desired.RUNNING))
        assert not is_to_be_replanned()
        # The strategy's own caps stand in the place of the campaign's.
        assert [has_caps(attempts_per_day_max=9), has_caps(attempts_max=9), has_caps(weight=9)] == [True, False, False]
        assert [has_caps(abandoned_rest_s=60), has_caps(abandoned_rest_s=60)] == [True, False]

    await store.write(work)


async def test_a_place_follows_what_it_rests_on(store: AnyStore) -> None:
    lead_list, leads = await list_of_leads(store, 3)
    a, b, c = [lead.lead_id for lead in leads]

    def work(records: Records) -> None:
        fewest = records.add_strategy("fewest", StrategySettings(order=LeadOrder.FEWEST_ATTEMPTS), NOW)
        records.set_list(replace(lead_list, strategy=fewest))
        records.replan(lead_list.list_id, limit=9)
        records.set_leads([replace(leads[0], attempts=2), replace(leads[1], attempts=1)])
        assert order_of(records, lead_list.list_id) == [c, b, a]
        by_worth = StrategySettings(order=LeadOrder.FIELD, field="worth", descending=True)
        records.set_strategy(replace(fewest, settings=by_worth), NOW)
        records.replan(lead_list.list_id, limit=9)
        records.set_lead(replace(records.lead(b), data={"worth": "9"}))
        records.set_lead(replace(records.lead(c), data={"worth": "10"}))
        assert order_of(records, lead_list.list_id) == [c, b, a]

    await store.write(work)


async def test_leads_expire_by_the_lists_days_where_they_do_not_say(store: AnyStore) -> None:
    lead_list, _ = await list_of_leads(store, 1)

    def work(records: Records) -> None:
        records.set_list(replace(lead_list, lead_days=30))
        own = NOW + timedelta(days=1)
        ids = records.add_leads(lead_list.list_id, [*new_leads(1), new_lead(expires_at=own)], NOW)
        assert [records.lead(each).expires_at for each in ids] == [NOW + timedelta(days=30), own]

    await store.write(work)


async def test_the_schema_keeps_a_list_that_is_to_dial_or_has_live_calls(store: AnyStore) -> None:
    lead_list, [lead] = await list_of_leads(store, 1)
    delete = "DELETE FROM lists WHERE list_id = ?"

    def run(records: Records) -> None:
        records._in.run(delete, (lead_list.list_id,))  # type: ignore[attr-defined]

    with pytest.raises(Conflict, match="to dial or has live calls"):
        await store.write(run)

    def call(records: Records) -> None:
        records.set_list(replace(lead_list, to_dial=False))
        records.add_session(new_session(lead, "s"))
        records.set_lead(replace(lead, state=LeadState.IN_CALL))

    await store.write(call)
    with pytest.raises(Conflict, match="to dial or has live calls"):
        await store.write(run)
    assert await store.read(lambda records: records.lists()) != []
