"""Caller-id pools on every store: what is in them, how they are used, and what their calls count as."""

from collections import Counter
from dataclasses import asdict, replace
from datetime import date, timedelta

import pytest

from dialler.domain.caller_id import CallerId, CallerIdPool, CallerIdUse, PoolSettings, WhenNone
from dialler.domain.caller_id_rate import COUNTED, NONE, CallerIdCounts, added, counts_of
from dialler.domain.evolve import evolve
from dialler.domain.outcome import Outcome
from dialler.domain.session import STATUS_OF, Session
from dialler.errors import Conflict, NotFound
from dialler.ports import Records
from dialler.stores.open import AnyStore
from tests.support.stores import NOW, add_campaign_and_list, list_of_leads, new_session

DAY = date(2026, 11, 2)
FULL = CallerId(
    number="+13125550100",
    areas=("+1312", "US-IL"),
    trunks=("a", "b"),
    calls_per_day_max=7,
    rest_s=3,
    off_reason="spam, says the carrier",
    off_until=NOW + timedelta(days=1, microseconds=1),
)
PLAIN = CallerId(number="+12025550100")
SETTINGS = PoolSettings(
    timezone="America/Chicago",
    when_none=WhenNone.ANY,
    calls_per_day_max=100,
    rest_s=20,
    rest_low_s=86_400,
)


async def pool_of(store: AnyStore, *numbers: CallerId, name: str = "us") -> CallerIdPool:
    def work(records: Records) -> CallerIdPool:
        pool = records.add_caller_id_pool(name, SETTINGS, NOW)
        records.add_caller_ids(pool.pool_id, numbers)
        return pool

    return await store.write(work)


async def test_a_pool_is_found_as_it_was_made_and_changed(store: AnyStore) -> None:
    pool = await pool_of(store, FULL, PLAIN)
    assert (pool.name, pool.settings, pool.created_at) == ("us", SETTINGS, NOW)
    assert await store.read(lambda records: records.caller_ids(pool.pool_id)) == [PLAIN, FULL]
    changed = replace(pool, name="usa", settings=PoolSettings())
    await store.write(lambda records: records.set_caller_id_pool(changed))
    found = await store.read(lambda records: records.caller_id_pool("usa"))
    assert found == replace(changed, revision=found.revision)
    assert found.revision > pool.revision
    assert await store.read(lambda records: records.caller_id_pools()) == [found]
    off = replace(PLAIN, off_reason="ported away")
    await store.write(lambda records: records.set_caller_ids(pool.pool_id, [off]))
    assert await store.read(lambda records: records.caller_ids(pool.pool_id)) == [off, FULL]


async def test_names_and_numbers_are_taken_once_and_what_is_missing_is_named(store: AnyStore) -> None:
    pool = await pool_of(store, PLAIN)
    other = await pool_of(store, name="other")
    for work, error, says in (
        (lambda records: records.add_caller_id_pool("us", SETTINGS, NOW), Conflict, "'us' already"),
        (lambda records: records.set_caller_id_pool(replace(other, name="us")), Conflict, "'us' already"),
        (lambda records: records.set_caller_id_pool(replace(other, pool_id=99, name="new")), NotFound, "99"),
        (lambda records: records.caller_id_pool("x"), NotFound, "no caller-id pool 'x'"),
        (lambda records: records.delete_caller_id_pool(99), NotFound, "99"),
        (lambda records: records.add_caller_ids(other.pool_id, [FULL, PLAIN]), Conflict, r"\+12025550100 .* 'us'"),
        (lambda records: records.set_caller_ids(other.pool_id, [PLAIN]), NotFound, r"\+12025550100"),
        (lambda records: records.remove_caller_ids(pool.pool_id, [PLAIN.number, "+1"]), NotFound, r"\+1 "),
    ):
        with pytest.raises(error, match=says):
            await store.write(work)
    assert await store.read(lambda records: records.pools_of_caller_ids([PLAIN.number, FULL.number])) == {
        PLAIN.number: "us"
    }


async def test_a_pool_that_a_campaign_names_is_not_deleted(store: AnyStore) -> None:
    pool = await pool_of(store, PLAIN)
    campaign, _ = await store.write(add_campaign_and_list)
    named = replace(campaign, settings=replace(campaign.settings, caller_id_pool="us"))
    await store.write(lambda records: records.set_campaign(named))
    assert (await store.read(lambda records: records.campaign(campaign.campaign_id))).settings.caller_id_pool == "us"
    with pytest.raises(Conflict, match=f"that of campaign '{campaign.name}'"):
        await store.write(lambda records: records.delete_caller_id_pool(pool.pool_id))
    await store.write(lambda records: records.set_campaign(campaign))
    await store.write(lambda records: records.delete_caller_id_pool(pool.pool_id))
    assert await store.read(lambda records: records.caller_id_pools()) == []
    again = await pool_of(store, PLAIN)
    assert again.pool_id != pool.pool_id


async def test_how_a_number_is_used_is_kept_and_stays_with_it_when_it_leaves_its_pool(store: AnyStore) -> None:
    pool = await pool_of(store, PLAIN, FULL)
    use = CallerIdUse(last_at=NOW, day=DAY, on_day=3, turn=8)
    assert await store.read(lambda records: records.caller_id_uses(pool.pool_id)) == {}
    revision = await store.write(lambda records: records.set_caller_id_uses(pool.pool_id, {PLAIN.number: use}))
    assert (await store.read(lambda records: records.caller_id_pool("us"))).revision == revision > pool.revision
    assert await store.read(lambda records: records.caller_id_uses(pool.pool_id)) == {PLAIN.number: use}
    other = await pool_of(store, name="other")

    def move(records: Records) -> None:
        records.remove_caller_ids(pool.pool_id, [PLAIN.number])
        records.add_caller_ids(other.pool_id, [PLAIN])

    await store.write(move)
    # Its calls of the day and its rest go on; among the other pool's numbers it is a new one.
    assert await store.read(lambda records: records.caller_id_uses(other.pool_id)) == {
        PLAIN.number: replace(use, turn=0)
    }
    assert await store.read(lambda records: records.caller_id_uses(pool.pool_id)) == {}


def ended(session: Session, outcome: Outcome, answered: bool, talk_s: float) -> Session:
    at = NOW + timedelta(seconds=20)
    return evolve(
        session,
        outcome=outcome,
        status=STATUS_OF[outcome],
        answered_at=at if answered else None,
        ended_at=at + timedelta(seconds=talk_s),
    )


async def test_calls_count_by_caller_id_and_day_when_they_begin_and_when_they_end(store: AnyStore) -> None:
    pool = await pool_of(store, PLAIN, FULL)
    _, leads = await list_of_leads(store, 3)

    def days(records: Records, since: date = DAY) -> dict[tuple[str, date], CallerIdCounts]:
        return dict(records.caller_id_days(pool.pool_id, since=since))

    shown = [(PLAIN.number, DAY), (PLAIN.number, DAY), ("+19995550100", None)]
    sessions = [
        evolve(new_session(lead, f"s{lead.lead_id}"), caller_id=number, caller_id_day=day)
        for lead, (number, day) in zip(leads, shown, strict=True)
    ]
    first, second, third = await store.write(lambda records: records.add_sessions(sessions))
    assert await store.read(lambda records: records.session(first.session_id)) == first
    assert await store.read(days) == {(PLAIN.number, DAY): CallerIdCounts(calls=2)}
    done = [ended(first, Outcome.CONNECTED, True, 5.9), ended(second, Outcome.BLOCKED, False, 0)]
    await store.write(lambda records: records.set_sessions([*done, ended(third, Outcome.PLAYED, True, 60)]))
    expected = CallerIdCounts(calls=2, tried=2, answered=1, persons=1, connected=1, short=1, blocked=1)
    assert await store.read(days) == {(PLAIN.number, DAY): expected}
    await store.write(lambda records: records.set_sessions([evolve(done[0], wrap_code="SALE")]))
    assert await store.read(days) == {(PLAIN.number, DAY): expected}
    assert await store.read(lambda records: days(records, DAY + timedelta(days=1))) == {}


async def test_an_offer_that_is_accepted_takes_its_caller_id_then(store: AnyStore) -> None:
    pool = await pool_of(store, PLAIN)
    _, leads = await list_of_leads(store, 2)

    def calls(records: Records) -> CallerIdCounts | None:
        return records.caller_id_days(pool.pool_id, since=DAY).get((PLAIN.number, DAY))

    offers = [new_session(lead, f"s{lead.lead_id}") for lead in leads]
    first, second = await store.write(lambda records: records.add_sessions(offers))
    assert await store.read(calls) is None
    first, second = (evolve(each, caller_id=PLAIN.number, caller_id_day=DAY) for each in (first, second))
    await store.write(lambda records: records.set_session(first))
    assert await store.read(lambda records: records.session(first.session_id)) == first
    assert await store.read(calls) == CallerIdCounts(calls=1)
    await store.write(lambda records: records.set_session(first))
    assert await store.read(calls) == CallerIdCounts(calls=1)
    # Accepted and over in one batch of changes.
    await store.write(lambda records: records.set_session(ended(second, Outcome.NO_ANSWER, False, 0)))
    await store.write(lambda records: records.set_session(ended(first, Outcome.NO_ANSWER, False, 0)))
    assert await store.read(calls) == CallerIdCounts(calls=2, tried=2)


@pytest.mark.parametrize("outcome", Outcome)
async def test_the_check_counts_rows_as_the_ledger_does(store: AnyStore, outcome: Outcome) -> None:
    pool = await pool_of(store, PLAIN)
    _, leads = await list_of_leads(store, 4)
    whole = [
        ended(
            evolve(new_session(lead, f"s{at}"), caller_id=PLAIN.number, caller_id_day=DAY), outcome, at % 2 == 0, talk_s
        )
        for at, (lead, talk_s) in enumerate(zip(leads, (0, 5, 6, 7), strict=True))
    ]
    await store.write(lambda records: records.add_sessions(whole))
    found = await store.read(lambda records: records.caller_id_days(pool.pool_id, since=DAY))
    assert found == {(PLAIN.number, DAY): added(map(counts_of, whole))}
    # `store` compares with the rows at the end of each test. That it does, and would see a difference:
    await store.write(lambda records: records._in.run("UPDATE caller_id_days SET calls = calls + 1"))  # type: ignore[attr-defined]
    (problem,) = await store.read(lambda records: records.check())
    assert problem.what == f"caller id {PLAIN.number}, day 2026-11-02, calls: counted 5, there are 4"
    await store.write(lambda records: records._in.run("UPDATE caller_id_days SET calls = calls - 1"))  # type: ignore[attr-defined]


def test_a_sum_of_counts_adds_each_of_them() -> None:
    one = CallerIdCounts(**{name: at for at, name in enumerate(COUNTED, 1)})
    assert Counter(asdict(added([one, one, NONE]))) == Counter({name: 2 * n for name, n in asdict(one).items()})
