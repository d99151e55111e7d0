"""Deleting leads, moving them, and erasing people, on every store."""

from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dialler.domain.changes import differences, lead_told
from dialler.domain.lead import CompletedReason, LeadState, NumberStatus
from dialler.domain.outcome import Outcome
from dialler.domain.session import Evidence, SessionStatus
from dialler.engine.search_upkeep import index_leads
from dialler.errors import Conflict, NotFound
from dialler.ports import AuditFilter, DncEntry, IndexWork, LeadFilter, Records
from dialler.stores import erasure, search_index
from dialler.stores.memory import MemoryStore
from dialler.stores.open import AnyStore
from dialler.stores.search_index import BLOCK, SearchIndex, unpack
from tests.support.stores import NOW, TEXAS, list_of_leads, new_lead, new_session


async def test_a_deleted_lead_is_gone_with_its_numbers_and_its_sessions_stay(store: AnyStore) -> None:
    lead_list, (first, second, third) = await list_of_leads(store, 3)

    def work(records: Records) -> None:
        session = records.add_session(new_session(first, "s-1"))
        ended = replace(session, status=SessionStatus.EXPIRED, outcome=Outcome.BUSY, ended_at=NOW)
        records.set_session(ended)
        records.delete_leads([first.lead_id, second.lead_id, first.lead_id])

    await store.write(work)
    left = await store.read(lambda records: records.leads(LeadFilter(list_id=lead_list.list_id)))
    assert [lead.lead_id for lead in left] == [third.lead_id]
    numbers = [lead.numbers[0].number for lead in (first, second, third)]
    known = await store.read(lambda records: records.numbers_known(lead_list.campaign_id, numbers))
    assert known == {numbers[2]}
    assert (await store.read(lambda records: records.session("s-1"))).number == numbers[0]


async def test_of_leads_of_which_one_is_in_a_call_or_unknown_none_is_deleted(store: AnyStore) -> None:
    _, leads = await list_of_leads(store, 2)

    def call(records: Records) -> None:
        records.set_lead(replace(leads[1], state=LeadState.IN_CALL))
        records.add_session(new_session(leads[1], "s-1"))

    await store.write(call)
    with pytest.raises(Conflict, match=f"lead {leads[1].lead_id} is in a call"):
        await store.write(lambda records: records.delete_leads([lead.lead_id for lead in leads]))
    with pytest.raises(NotFound):
        await store.write(lambda records: records.delete_leads([leads[0].lead_id, 999]))
    with pytest.raises(Conflict):
        await store.write(lambda records: records.erase_lead(leads[1].lead_id))
    assert len(await store.read(lambda records: records.leads(LeadFilter()))) == 2


async def test_a_lead_moves_to_another_list_of_its_campaign_with_all_it_has(store: AnyStore) -> None:
    lead_list, (lead, _) = await list_of_leads(store, 2)
    changed = replace(lead, attempts=3, customer_key="k")

    def work(records: Records) -> int:
        target = records.add_list(lead_list.campaign_id, "B", NOW)
        records.set_lead(changed)
        records.set_lead(replace(changed, list_id=target.list_id))
        return target.list_id

    target_id = await store.write(work)
    assert await store.read(lambda records: records.lead(lead.lead_id)) == replace(changed, list_id=target_id)
    totals = await store.read(lambda records: records.lead_totals())
    assert {key: n for key, n in totals.items() if n} == {
        (lead_list.list_id, LeadState.READY): 1,
        (target_id, LeadState.READY): 1,
    }


async def test_a_lead_does_not_move_to_another_campaign_or_onto_a_taken_key(store: AnyStore) -> None:
    lead_list, (lead,) = await list_of_leads(store, 1, customer_key="k")

    def others(records: Records) -> tuple[int, int]:
        target = records.add_list(lead_list.campaign_id, "B", NOW)
        records.add_leads(target.list_id, [new_lead("+4930999", customer_key="k")], NOW)
        campaign = records.add_campaign("Autumn", records.campaign(lead_list.campaign_id).settings, NOW)
        return target.list_id, records.add_list(campaign.campaign_id, "C", NOW).list_id

    taken, foreign = await store.write(others)
    for list_id, error in [(taken, Conflict), (foreign, Conflict), (999, NotFound)]:
        with pytest.raises(error):
            await store.write(lambda records, list_id=list_id: records.set_lead(replace(lead, list_id=list_id)))
    assert (await store.read(lambda records: records.lead(lead.lead_id))).list_id == lead_list.list_id


async def test_an_erased_person_is_nowhere_and_what_the_law_asks_for_stays(store: AnyStore) -> None:
    lead_list, (lead,) = await list_of_leads(
        store, 1, key=TEXAS, name="Ann", customer_key="k", external_lead_id="e", postcode="73301", data={"iban": "DE1"}
    )
    number = lead.numbers[0].number

    def past(records: Records) -> None:
        session = new_session(
            lead,
            "s-1",
            name="Ann",
            customer_key="k",
            external_lead_id="e",
            timezone="America/Chicago",
            details={"iban": "DE1"},
        )
        records.add_session(session)
        ended = replace(session, status=SessionStatus.COMPLETE, outcome=Outcome.CONNECTED, ended_at=NOW)
        records.set_session(replace(ended, counts_attempt=True, wrap_code="SALE", wrap_note="Ann said yes"))
        records.set_lead(
            replace(lead, attempts=1, callback_at=NOW + timedelta(days=1), state=LeadState.RESTING, due_at=NOW)
        )
        records.add_dnc([DncEntry(number=number, campaign_id=None, reason="Ann asked", added_at=NOW)])
        records.add_dnc([DncEntry(number=number, campaign_id=None, merchant="Acme", reason="too", added_at=NOW)])
        records.add_audit(NOW, "bob", "lead.edit", {"before": {"name": "Ann"}}, lead_id=lead.lead_id)

    await store.write(past)
    assert await store.write(lambda records: records.erase_lead(lead.lead_id)) == 1
    erased = await store.read(lambda records: records.lead(lead.lead_id))
    session = await store.read(lambda records: records.session("s-1"))
    everything = repr((erased, session)) + repr(
        await store.read(lambda records: records._in.rows("SELECT * FROM audit"))  # type: ignore[attr-defined]
        + await store.read(lambda records: records._in.rows("SELECT * FROM dnc"))  # type: ignore[attr-defined]
        + await store.read(lambda records: records._in.rows("SELECT * FROM lead_numbers"))  # type: ignore[attr-defined]
    )
    kept = await store.read(lambda records: records.dnc_of(number))
    assert [entry.merchant for entry in kept] == [None, "Acme"]
    for secret in ("Ann", number, number[1:], "DE1", "73301", "'k'", "'e'"):
        assert secret not in everything, secret
    assert (erased.state, erased.completed_reason) == (LeadState.COMPLETED, CompletedReason.MANUAL)
    assert (erased.attempts, erased.callback_at, erased.numbers[0].status) == (1, None, NumberStatus.BAD)
    assert (session.outcome, session.wrap_code, session.ended_at) == (Outcome.CONNECTED, "SALE", NOW)
    assert erased.numbers[0].number == session.number
    # The same number, loaded again, is known to the caps and to the do-not-call list.
    attempts = await store.read(lambda records: records.number_attempts(lead_list.campaign_id, [number]))
    assert attempts[number].counted == 1
    assert await store.read(lambda records: records.dnc_hits(lead_list.campaign_id, [number, "+490"])) == {number}
    assert await store.write(lambda records: records.erase_lead(lead.lead_id)) == 1, "twice is once"
    assert await store.write(lambda records: records.remove_dnc(number, None))
    assert await store.read(lambda records: records.dnc_hits(lead_list.campaign_id, [number])) == frozenset()


async def test_what_the_exchange_and_the_gates_said_of_a_person_is_wiped(store: AnyStore) -> None:
    lead_list, _ = await list_of_leads(store, 1)
    person = new_lead("+13105550123", TEXAS, name="Ann O'Hara", customer_key="key-77", external_lead_id="30")
    [lead_id] = await store.write(lambda records: records.add_leads(lead_list.list_id, [person], NOW))
    lead = await store.read(lambda records: records.lead(lead_id))
    gate = {"name": "do_not_call", "passed": True, "value": "", "rule": "one or more is not", "earliest": None}
    pick = {"gates": [{**gate, "value": "+13105550123 is not listed"}, {**gate, "value": "30 of 100"}]}
    error = "PJSIP/0013105550123@carrier for ann o'hara (key-77): 30 s over; annoying"

    def past(records: Records) -> None:
        session = records.add_session(new_session(lead, "s-1", pick=pick))
        evidence = Evidence(cause=30, error=error)
        records.set_session(
            replace(session, status=SessionStatus.FAILED, outcome=Outcome.FAILED, evidence=evidence, ended_at=NOW)
        )

    await store.write(past)
    await store.write(lambda records: records.erase_lead(lead_id))
    session = await store.read(lambda records: records.session("s-1"))
    assert session.evidence == Evidence(
        cause=30, error="PJSIP/00(erased)@carrier for (erased) ((erased)): 30 s over; annoying"
    )
    assert session.pick == {"gates": [{**gate, "value": "(erased) is not listed"}, {**gate, "value": "30 of 100"}]}


async def test_numbers_go_from_what_was_done_to_no_lead_step_by_step(
    store: AnyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erasure, "SPAN", 2)

    def past(records: Records) -> None:
        records.add_audit(NOW, "ann", "dnc.add", {"after": {"numbers": ["+13105550123", "+13105550124"], "added": 2}})
        records.add_audit(NOW, "ann", "lead.import.fix", {"before": {"Tel": "310 555-0123"}, "after": {"Tel": "1"}})
        records.add_audit(NOW, "ann", "list.set", {"before": {"name": "310 555-0123"}})
        records.add_audit(NOW, "ann", "lead.edit", {"before": {"name": "+13105550123"}}, lead_id=9)
        records.add_audit(NOW, "ann", "dnc.remove", {"number": "+13105550123", "before": {"reason": "13105550123 x"}})

    await store.write(past)
    steps, after = list[int | None](), 0
    while True:
        step = await store.write(
            lambda records, after=after: records.forget_numbers(  # type: ignore[misc]
                ["+13105550123", "(310) 555 0123"], after=after
            )
        )
        steps.append(step)
        if step is None:
            break
        after = step
    assert steps == [2, 4, 6, None]
    found = await store.read(lambda records: records.audit(AuditFilter(), newest_first=False))
    assert [entry.details for entry in found.items] == [
        {"after": {"numbers": ["(erased)", "+13105550124"], "added": 2}},
        {"before": {"Tel": "(erased)"}, "after": {"Tel": "1"}},
        {"before": {"name": "310 555-0123"}},
        {"before": {"name": "+13105550123"}},
        {"number": "(erased)", "before": {"reason": "13105550123 x"}},
    ]
    assert await store.write(lambda records: records.forget_numbers(["+1"], after=99)) is None


def in_index(records: Records, lead_id: int) -> set[str]:
    """Return the pieces under which a lead stands in the index of texts."""
    block, place = divmod(lead_id, search_index.BLOCK)
    rows = records._in.rows("SELECT gram, leads FROM search_grams WHERE block = ?", (block,))  # type: ignore[attr-defined]
    return {gram for gram, leads in rows if unpack(bytes(leads)) >> place & 1}


STEPS = st.lists(st.sampled_from(("edit", "look", "keep", "erase")), max_size=12)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS, names=st.lists(st.text("abcdé ", min_size=1, max_size=8), min_size=12, max_size=12))
async def test_no_piece_of_any_earlier_text_is_left_of_who_was_erased(
    steps: list[str], names: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is edited, and whenever the index is kept up beside that."""
    monkeypatch.setattr(search_index, "BLOCK", 4)
    monkeypatch.setattr(search_index, "_BITMAP", 1)
    async with MemoryStore() as store:
        _, leads = await list_of_leads(store, 9, name="Annabel")
        lead_id = leads[4].lead_id
        looked: list[IndexWork] = []

        def edit(records: Records, name: str) -> None:
            before = records.lead(lead_id)
            after = replace(before, name=name, data={"f": name[:2]})
            records.set_lead(after)
            details = differences(lead_told(before), lead_told(after))
            records.add_audit(NOW, "ann", "lead.edit", details, lead_id=lead_id)

        for step, name in zip([*steps, "erase"], [*names, ""], strict=False):
            if step == "edit":
                await store.write(partial(edit, name=name))
            elif step == "look" and (work := await store.read(lambda records: records.search_work())):
                looked.append(work)
            elif step == "keep":
                for work in looked:
                    await store.write(lambda records, work=work: records.keep_search_work(work))  # type: ignore[misc]
            elif step == "erase":
                await store.write(lambda records: records.erase_lead(lead_id))
                break
        for work in looked:
            await store.write(lambda records, work=work: records.keep_search_work(work))  # type: ignore[misc]
        await index_leads(store)
        now = await store.read(lambda records: records.lead(lead_id))
        assert await store.read(lambda records: in_index(records, lead_id)) == search_index.pieces_of_lead(now)
        assert await store.read(lambda records: in_index(records, leads[5].lead_id)) >= {"ann"}


async def test_an_erased_person_leaves_the_index_of_texts(store: AnyStore) -> None:
    _, leads = await list_of_leads(store, BLOCK + 1, name="Annabel")
    await index_leads(store)

    def grams(records: Records, gram: str) -> list[int]:
        index = SearchIndex(records._in)  # type: ignore[attr-defined]
        return list(index.having([gram], 0, leads[-1].lead_id))

    first = leads[0].lead_id
    assert first in await store.read(lambda records: grams(records, "ann"))
    await store.write(lambda records: records.erase_lead(first))
    found = await store.read(lambda records: grams(records, "ann"))
    assert first not in found and leads[1].lead_id in found
