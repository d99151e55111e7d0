"""Finding leads and sessions on every store: what is found is what matches, whatever index leads there."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from operator import attrgetter
from typing import Any

import pytest

from dialler.domain.campaign import CampaignSettings
from dialler.domain.filter import Filter, matches
from dialler.domain.filter_fields import LEAD_FIELDS, SESSION_FIELDS, lead_value, session_value
from dialler.domain.filter_text import read_filter
from dialler.domain.lead import CompletedReason, Lead, LeadState, NewLead, PhoneNumber
from dialler.domain.outcome import Outcome
from dialler.domain.session import Session, SessionStatus
from dialler.errors import NotFound
from dialler.ports import Found, IndexWork, LeadFilter, Records, SessionFilter
from dialler.stores import search, search_index
from dialler.stores.open import AnyStore
from tests.support.stores import BERLIN, HOSTILE, NOW, TEXAS, new_session

LEADS = 200
NAMES = ("Mercy General", "St. Mary", "Kreisklinik Straße", "Acme", "Ha", HOSTILE)
DAY = timedelta(days=1)

LEAD_FILTERS = [
    "id = 17",
    "id contains 17",
    "id > 150 and id <= 160",
    "id in (3, 900, 5)",
    "name = x",
    "name contains mercy",
    "name contains STRASSE and list = gold",
    "name contains ha",
    'name = "st. mary"',
    "number = +4930000017",
    "number contains 00017",
    "number contains 17",
    "customer_key = k-43",
    "customer_key = K-43",
    "customer_key contains k-4",
    "customer_key is empty",
    "external_lead_id = e3",
    "campaign = spring",
    "campaign = autumn and completed",
    "list = gold",
    "list = GOLD and state = ready",
    "list contains o and not state = ready",
    "list in (gold, tin) and completed",
    "state in (ready, resting)",
    "completed",
    "not completed",
    "completed_reason = wrap",
    "attempts >= 3",
    "attempts = 0",
    "last_attempt >= 2026-11-20 and last_attempt < 2026-11-22",
    "last_attempt = 2026-11-20",
    "last_attempt is empty",
    "last_contacted >= 2026-11-05",
    "last_contacted < 2026-11-03 or last_contacted > 2026-11-27",
    "last_outcome = BUSY",
    "last_outcome in (FAX, MACHINE)",
    "last_outcome != BUSY",
    "wrap_code = sale",
    "wrap_code is not empty and attempts > 1",
    "agent = PJSIP/7001",
    "agent is empty and attempts > 3",
    "session = s-17",
    "region = TX",
    "zone = America/Denver and attempts < 2",
    "country = DE and list = tin",
    "zone contains Chicago",
    "priority = 5",
    "priority = 0",
    "priority > 4",
    "created >= 2026-11-04 and created < 2026-11-06",
    "created <= 2026-11-01",
    "text contains acme",
    "text contains k-43 or text = zenith and list = gold",
    'data.merchant = "acme"',
    "data.merchant contains cm",
    'data."Provider ID" = 42',
    "data.state = TX",
    "data.state != TX and completed",
    "data.state is empty",
    "data.other = x",
    "list = gold and name contains general or id = 3",
    "not (list = gold or completed) and last_outcome = BUSY",
    "list = gold and state = ready or state = completed",
    "not list = gold and not attempts = 1",
    "name contains mercy and name contains general and data.state = CA and not completed",
]

SESSION_FILTERS = [
    "id = s-17",
    "seq > 20 and seq < 30",
    "lead = 17",
    "campaign = spring",
    "list = gold and status = complete",
    "list contains i",
    "status in (new, processing)",
    "status = expired and outcome = BUSY",
    "outcome = CONNECTED",
    "number = +4930000017",
    "number contains 0017",
    "agent = PJSIP/7001 and wrap_code = SALE",
    "wrap_code is empty",
    "external_lead_id = e3",
    "customer_key = k-43",
    "name contains mary",
    "created >= 2026-11-03 and created < 2026-11-05",
    "created < 2026-11-02",
    "created = 2026-11-04",
    "connected is not empty and not wrap_code = SALE",
    "workflow = ratio",
    'data.merchant = "Acme"',
    "data.state = TX or attempt > 1",
]


def fill(records: Records) -> None:
    """Two campaigns with lists gold and tin, LEADS leads that differ in everything, and sessions of many."""
    lists = []
    for name in ("spring", "autumn"):
        campaign = records.add_campaign(name, CampaignSettings(), NOW)
        lists += [records.add_list(campaign.campaign_id, each, NOW) for each in ("gold", "tin")]
    begin = datetime(2026, 11, 1, 12, tzinfo=UTC)
    for nth in range(1, LEADS + 1):
        lead_list = lists[nth // 4 % 4]
        records.add_leads(lead_list.list_id, [_lead(nth)], begin + nth * DAY / 20)
    for nth in range(1, LEADS + 1, 2):
        lead = _progress(records.lead(nth), nth, begin)
        records.set_lead(replace(lead, state=LeadState.IN_CALL) if nth % 41 == 0 else lead)
        session = records.add_session(
            new_session(
                lead,
                f"s-{nth}",
                campaign=records.campaign(lead.campaign_id).name,
                list=records.lead_list(lead.list_id).name,
                created_at=begin + nth * DAY / 30,
                name=lead.name,
                customer_key=lead.customer_key,
                external_lead_id=lead.external_lead_id,
                dial_mode="ratio" if nth % 4 == 1 else "",
                details=lead.data,
            )
        )
        if nth % 41:
            is_talk = nth % 7 == 0
            records.set_session(
                replace(
                    session,
                    status=SessionStatus.COMPLETE if is_talk else SessionStatus.EXPIRED,
                    outcome=Outcome.CONNECTED if is_talk else lead.last_outcome,
                    agent=f"PJSIP/700{nth // 2 % 3}" if is_talk else None,
                    connected_at=begin if is_talk else None,
                    wrap_code="SALE" if nth % 21 == 0 else None,
                )
            )


def _lead(nth: int) -> NewLead:
    data = {"merchant": "Acme" if nth % 5 else "Zenith", "Provider ID": str(nth)}
    if nth % 4:
        data["state"] = "TX" if nth % 3 else "CA"
    return NewLead(
        numbers=(PhoneNumber(f"+4930{nth:06}"), PhoneNumber(f"+4940{nth % 7:06}")),
        window_key=TEXAS if nth % 5 else BERLIN,
        name=NAMES[nth % len(NAMES)],
        customer_key=f"k-{nth}" if nth % 6 else None,
        external_lead_id=f"e{nth % 9}" if nth % 2 else None,
        priority=nth % 11 // 2,
        data=data,
    )


def _progress(lead: Lead, nth: int, begin: datetime) -> Lead:
    outcomes = [Outcome.BUSY, Outcome.NO_ANSWER, Outcome.FAX]
    is_over = nth % 5 == 0
    return replace(
        lead,
        state=LeadState.COMPLETED if is_over else LeadState.READY,
        completed_reason=list(CompletedReason)[nth % 3] if is_over else None,
        attempts=nth % 6,
        last_attempt_at=begin + nth * DAY / 7,
        last_outcome=outcomes[nth // 2 % 3],
        last_contacted_at=begin + nth * DAY / 7 if nth % 3 == 0 else None,
        wrap_code="SALE" if nth % 15 == 0 else None,
    )


def expected(records: Records, wanted: Filter, *, sessions: bool = False) -> list[int]:
    """Return what a filter finds by looking at everything."""
    campaigns = {each.campaign_id: each.name for each in records.campaigns()}
    lists = {each.list_id: each.name for each in records.lists()}

    def of_lead(lead: Lead) -> Callable[[str], object]:
        mine = [each for each in everything if each.lead_id == lead.lead_id]
        more: dict[str, object] = {
            "campaign": campaigns[lead.campaign_id],
            "list": lists[lead.list_id],
            "agent": tuple(each.agent for each in mine),
            "session": tuple(each.session_id for each in mine),
        }
        return lambda name: more[name] if name in more else lead_value(lead, name)

    def of_session(session: Session) -> Callable[[str], object]:
        more = {"campaign": campaigns[session.campaign_id], "list": lists.get(session.list_id, session.list)}
        return lambda name: more[name] if name in more else session_value(session, name)

    everything = records.sessions(SessionFilter(), limit=10_000)
    if sessions:
        return [session.seq for session in everything if matches(wanted, of_session(session))]
    leads = records.leads(LeadFilter(), limit=10_000)
    return [lead.lead_id for lead in leads if matches(wanted, of_lead(lead))]


def pages(find: Callable[[Any], Found[Any]], key: Callable[[Any], int]) -> Iterator[int]:
    """Yield all that a search finds, page by page."""
    after = None
    while True:
        found = find(after)
        yield from (key(item) for item in found.items)
        if found.next is None:
            return
        assert found.is_partial or found.items, found
        after = found.next


def check_leads(records: Records, texts: Sequence[str]) -> None:
    for text in texts:
        wanted = read_filter(text, LEAD_FIELDS, UTC)
        find = partial(records.find_leads, wanted, limit=7)
        found = pages(lambda after, find=find: find(after=after or 0), attrgetter("lead_id"))
        assert list(found) == expected(records, wanted), text


async def index_all(store: AnyStore) -> int:
    """Index leads until nothing is left to do; return how often there was something."""
    times = 0
    while (work := await store.read(lambda records: records.search_work())) is not None:
        await store.write(lambda records, work=work: records.keep_search_work(work))
        times += 1
    return times


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_index, "BLOCK", 32)
    monkeypatch.setattr(search_index, "_BITMAP", 4)
    monkeypatch.setattr(search_index, "_READ_AHEAD", 2)


async def test_leads_are_found_by_each_criterion_indexed_or_not(store: AnyStore, small_blocks: None) -> None:
    await store.write(fill)
    await store.read(lambda records: check_leads(records, LEAD_FILTERS))
    assert await index_all(store) == (LEADS + 1) // 32
    await store.read(lambda records: check_leads(records, LEAD_FILTERS))


async def test_sessions_are_found_by_each_criterion_newest_or_oldest_first(store: AnyStore) -> None:
    await store.write(fill)

    def check(records: Records) -> None:
        for text in SESSION_FILTERS:
            wanted = read_filter(text, SESSION_FIELDS, UTC)
            newest = expected(records, wanted, sessions=True)
            for first in (True, False):
                find = partial(records.find_sessions, wanted, limit=7, newest_first=first)
                found = pages(lambda after, find=find: find(after=after), attrgetter("seq"))
                assert list(found) == (newest if first else newest[::-1]), (text, first)

    await store.read(check)


async def test_each_filter_finds_something_and_leaves_something(store: AnyStore) -> None:
    """Else the tests above would compare nothing with nothing."""
    await store.write(fill)

    def check(records: Records) -> None:
        nothing = {"id in (3, 900, 5)", "name = x", "customer_key = K-43", "data.other = x"}
        for text in set(LEAD_FILTERS) - nothing:
            assert 0 < len(expected(records, read_filter(text, LEAD_FIELDS, UTC))) < LEADS, text
        for text in SESSION_FILTERS:
            assert expected(records, read_filter(text, SESSION_FIELDS, UTC), sessions=True), text

    await store.read(check)


async def test_a_search_that_looked_at_enough_says_so_and_goes_on(
    store: AnyStore, monkeypatch: pytest.MonkeyPatch, small_blocks: None
) -> None:
    monkeypatch.setattr(search, "LOOK_MAX", 20)
    monkeypatch.setattr(search, "WALK_MAX", 20)
    monkeypatch.setattr(search, "DECIDE_MAX", 10)
    monkeypatch.setattr(search, "_SPAN_MAX", 8)
    await store.write(fill)
    await index_all(store)
    wanted = read_filter("data.state is empty and name contains zzz", LEAD_FIELDS, UTC)
    walk = read_filter("attempts = 99", LEAD_FIELDS, UTC)
    found = await store.read(lambda records: records.find_leads(walk))
    assert (found.items, found.is_partial) == ([], True) and found.next is not None and found.looked_at <= 300
    assert (await store.read(lambda records: records.find_leads(wanted))).looked_at < 100
    await store.read(lambda records: check_leads(records, LEAD_FILTERS))


async def test_an_edited_lead_is_found_by_its_new_text_at_once_and_no_more_by_the_old(
    store: AnyStore, small_blocks: None
) -> None:
    await store.write(fill)
    await index_all(store)
    new_text = read_filter("name contains quicksilver or data.state = QQ", LEAD_FIELDS, UTC)
    old_text = read_filter("name contains mercy and id = 6", LEAD_FIELDS, UTC)
    assert (await store.read(lambda records: records.find_leads(old_text))).items
    await store.write(lambda records: records.set_lead(replace(records.lead(6), name="Quicksilver")))
    for _ in range(2):
        found = await store.read(lambda records: records.find_leads(new_text))
        assert [lead.lead_id for lead in found.items] == [6]
        assert not (await store.read(lambda records: records.find_leads(old_text))).items
        await index_all(store)


async def test_an_edit_while_its_block_is_indexed_is_not_lost(store: AnyStore, small_blocks: None) -> None:
    await store.write(fill)
    work = await store.read(lambda records: records.search_work())
    assert isinstance(work, IndexWork)
    await store.write(lambda records: records.set_lead(replace(records.lead(6), name="Quicksilver")))
    await store.write(lambda records: records.keep_search_work(work))
    pending = None
    while pending is None or not pending.settled:
        pending = await store.read(lambda records: records.search_work())
        if not pending.settled:
            await store.write(lambda records, work=pending: records.keep_search_work(work))
    await store.write(lambda records: records.set_lead(replace(records.lead(6), name="Argent vif")))
    await store.write(lambda records: records.keep_search_work(pending))
    wanted = read_filter("name contains argent", LEAD_FIELDS, UTC)
    for _ in range(2):
        assert [lead.lead_id for lead in (await store.read(lambda records: records.find_leads(wanted))).items] == [6]
        await index_all(store)


async def test_a_name_that_nothing_has_is_an_error(store: AnyStore) -> None:
    await store.write(fill)
    for text, there in (("list = silver", "gold"), ("campaign = winter", "spring")):
        wanted = read_filter(text, LEAD_FIELDS, UTC)
        with pytest.raises(NotFound, match=there):
            await store.read(lambda records, wanted=wanted: records.find_leads(wanted))


async def test_sessions_of_a_list_that_is_gone_are_found_by_its_name(store: AnyStore) -> None:
    await store.write(fill)
    wanted = read_filter("list = gold", SESSION_FIELDS, UTC)

    def seqs(records: Records) -> list[int]:
        return [session.seq for session in records.find_sessions(wanted, limit=1000).items]

    before = await store.read(seqs)

    def delete(records: Records) -> None:
        for each in records.open_sessions():
            records.set_session(replace(each, status=SessionStatus.EXPIRED, outcome=Outcome.LOST))
            records.set_lead(replace(records.lead(each.lead_id), state=LeadState.READY))
        gold = records.list_named(records.campaign_named("spring").campaign_id, "gold")
        records.set_list(replace(gold, to_dial=False))
        records.delete_list(gold.list_id)

    await store.write(delete)
    assert before and await store.read(seqs) == before


async def test_filters_and_columns_are_kept_for_each_user(store: AnyStore) -> None:
    def work(records: Records) -> None:
        assert records.save_filter("ann", "leads", "gold", "list = gold", NOW)
        assert not records.save_filter("ann", "leads", "gold", "list = gold and completed", NOW)
        assert records.save_filter("bob", "leads", "gold", HOSTILE, NOW)
        records.set_view_columns("ann", "leads", ["name", "lead_id"])

    await store.write(work)

    def look(records: Records) -> None:
        assert [(each.name, each.text) for each in records.saved_filters("ann")] == [
            ("gold", "list = gold and completed")
        ]
        assert [each.text for each in records.saved_filters("bob", "leads")] == [HOSTILE]
        assert records.saved_filters("ann", "sessions") == []
        assert records.view_columns("ann", "leads") == ("name", "lead_id")
        assert records.view_columns("bob", "leads") is None

    await store.read(look)
    await store.write(lambda records: records.delete_filter("ann", "leads", "gold"))
    with pytest.raises(NotFound, match="gold"):
        await store.write(lambda records: records.delete_filter("ann", "leads", "gold"))
    await store.write(lambda records: records.set_view_columns("ann", "leads", None))
    assert await store.read(lambda records: records.view_columns("ann", "leads")) is None
