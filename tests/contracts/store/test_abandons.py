"""The abandon ledger on every store: whatever happens to sessions, it is what counting them gives."""

from collections import Counter
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dialler.domain.abandon import MACHINE_CODES, SLOT, AbandonCounts, Counted, entry_of, slot_of
from dialler.domain.evolve import evolve
from dialler.domain.lead import Lead, LeadState
from dialler.domain.outcome import Outcome
from dialler.domain.session import Session, SessionStatus
from dialler.ports import Records, SessionFilter
from dialler.stores.open import AnyStore
from tests.support.stores import NOW, add_campaign_and_list, list_of_leads, new_leads, new_session

EXPIRED = {"status": SessionStatus.EXPIRED, "ended_at": NOW}


async def test_a_session_counts_when_it_ends_and_changes_its_count_with_its_wrap_code(store: AnyStore) -> None:
    _, leads = await list_of_leads(store, 2)
    slot = slot_of(NOW)

    def counts(records: Records, since: int = slot) -> dict[int, AbandonCounts]:
        return dict(records.abandon_counts(leads[0].campaign_id, since=since))

    first, second = await store.write(
        lambda records: records.add_sessions([new_session(lead, f"s{lead.lead_id}") for lead in leads])
    )
    assert await store.read(counts) == {}
    talked = evolve(first, outcome=Outcome.CONNECTED, status=SessionStatus.PROCESSING, ended_at=NOW)
    await store.write(lambda records: records.set_session(talked))
    assert await store.read(counts) == {slot: AbandonCounts(passed=1)}
    wrapped = evolve(talked, status=SessionStatus.EXPIRED, wrap_code="ANSWER_MACHINE")
    await store.write(lambda records: records.set_session(wrapped))
    assert await store.read(counts) == {slot: AbandonCounts(passed_machine=1)}
    await store.write(lambda records: records.set_session(evolve(wrapped, wrap_code="SALE")))
    assert await store.read(counts) == {slot: AbandonCounts(passed=1)}
    late = NOW + SLOT
    abandoned = evolve(second, outcome=Outcome.ABANDONED, status=SessionStatus.EXPIRED, ended_at=late)
    await store.write(lambda records: records.set_sessions([abandoned]))
    assert await store.read(lambda records: counts(records, slot + 1)) == {slot + 1: AbandonCounts(abandoned=1)}
    assert await store.read(lambda records: records.abandon_counts(99, since=0)) == {}


async def test_a_work_sees_what_it_counted_itself_and_what_is_undone_counts_nowhere(store: AnyStore) -> None:
    _, (lead,) = await list_of_leads(store, 1)

    def work(records: Records, fails: bool) -> AbandonCounts:
        session = records.add_session(new_session(lead, "s"))
        records.set_session(evolve(session, outcome=Outcome.ABANDONED, **EXPIRED))
        seen = records.abandon_counts(lead.campaign_id, since=0)
        if fails:
            raise RuntimeError
        return seen[slot_of(NOW)]

    with pytest.raises(RuntimeError):
        await store.write(lambda records: work(records, True))
    assert await store.read(lambda records: records.abandon_counts(lead.campaign_id, since=0)) == {}
    assert await store.write(lambda records: work(records, False)) == AbandonCounts(abandoned=1)


async def test_a_session_of_every_kind_is_counted_as_the_check_counts_its_row(store: AnyStore) -> None:
    """The rule is written twice, for values and in SQL; `check`, which the fixture runs, compares the two."""
    kinds = [
        (outcome, wrap_code, dial_mode)
        for outcome in Outcome
        for wrap_code in (None, "SALE", *MACHINE_CODES)
        for dial_mode in ("ratio", "agentless")
    ]
    _, leads = await list_of_leads(store, len(kinds))

    def work(records: Records) -> list[Session]:
        sessions = []
        for lead, (outcome, wrap_code, dial_mode) in zip(leads, kinds, strict=True):
            session = records.add_session(new_session(lead, f"s{lead.lead_id}", dial_mode=dial_mode))
            sessions.append(evolve(session, outcome=outcome, wrap_code=wrap_code, **EXPIRED))
        records.set_sessions(sessions)
        return sessions

    sessions = await store.write(work)
    assert await store.read(lambda records: records.check()) == []
    found = await store.read(lambda records: records.abandon_counts(leads[0].campaign_id, since=0))
    assert found == {slot_of(NOW): _counted(sessions)}


_names = count()
Step = tuple[int, Outcome | None, str | None, int, bool]
step = st.tuples(
    st.integers(0, 5),  # which lead
    st.sampled_from([*Outcome, None]),
    st.sampled_from([None, "SALE", "ANSWER_MACHINE"]),
    st.integers(0, 90),  # minutes later
    st.booleans(),  # the work fails
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(works=st.lists(st.lists(step, min_size=1, max_size=6), max_size=6))
async def test_the_ledger_is_what_counting_the_sessions_gives(store: AnyStore, works: list[list[Step]]) -> None:
    """Each example has a campaign of its own, in the same records."""
    name = f"campaign {next(_names)}"
    leads = await store.write(lambda records: _six_leads(records, name))
    campaign_id = leads[0].campaign_id

    def work(records: Records, steps: list[Step]) -> None:
        for at, outcome, wrap_code, minutes, fails in steps:
            last = [*records.sessions(SessionFilter(lead_id=leads[at].lead_id), limit=1)]
            if not last:
                last = [records.add_session(new_session(leads[at], f"s{next(_names)}"))]
                records.set_lead(replace(records.lead(leads[at].lead_id), state=LeadState.IN_CALL))
            if outcome is not None:
                ended_at = NOW + timedelta(minutes=minutes)
                told = {"outcome": outcome, "wrap_code": wrap_code, "ended_at": ended_at}
                records.set_session(evolve(last[0], status=SessionStatus.EXPIRED, **told))
                records.set_lead(replace(records.lead(leads[at].lead_id), state=LeadState.READY))
            if fails:
                raise _Undone

    for steps in works:
        with suppress(_Undone):
            await store.write(partial(work, steps=steps))
    found = await store.read(lambda records: records.abandon_counts(campaign_id, since=0))
    which = SessionFilter(campaign_id=campaign_id)
    by_slot: dict[int, list[Session]] = {}
    for session in await store.read(lambda records: records.sessions(which, limit=1_000)):
        if (entry := entry_of(session)) is not None:
            by_slot.setdefault(entry[0], []).append(session)
    assert found == {slot: _counted(each) for slot, each in by_slot.items()}


def _six_leads(records: Records, name: str) -> list[Lead]:
    _, lead_list = add_campaign_and_list(records, name)
    return [records.lead(each) for each in records.add_leads(lead_list.list_id, new_leads(6), NOW)]


class _Undone(Exception):
    pass


def _counted(sessions: list[Session]) -> AbandonCounts:
    kinds: Counter[Counted] = Counter(entry[1] for session in sessions if (entry := entry_of(session)) is not None)
    return AbandonCounts(**{kind.value: n for kind, n in kinds.items()})
