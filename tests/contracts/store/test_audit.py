"""What every store remembers of who changed what."""

from collections.abc import Sequence
from datetime import timedelta
from random import Random

import pytest

from dialler.ports import AuditEntry, AuditFilter, Records
from dialler.stores import audit
from dialler.stores.open import AnyStore
from tests.support.stores import NOW

WHATS = ("lead.edit", "lead.add", "list.set", "campaign.start", "leading", "lead.import.é")
WHOS = ("socket:ann", "token:ann", "socket:bob", "engine")
MINUTE = timedelta(minutes=1)
ENTRIES = 300


def fill(records: Records) -> None:
    """Write entries, a minute apart but for a clock that is now and then half an hour slow."""
    dice = Random(3)
    for at in range(ENTRIES):
        slow = timedelta(minutes=30) if at % 17 == 0 else timedelta(0)
        lead_id = dice.choice((None, 1, 2, 3))
        records.add_audit(NOW + at * MINUTE - slow, dice.choice(WHOS), dice.choice(WHATS), {"n": at}, lead_id=lead_id)


def matches(entry: AuditEntry, which: AuditFilter) -> bool:
    return (
        (which.what is None or entry.what.startswith(which.what))
        and (which.who is None or which.who in (entry.who, entry.who.partition(":")[2]))
        and (which.lead_id is None or entry.lead_id == which.lead_id)
        and (which.since is None or entry.at >= which.since)
        and (which.until is None or entry.at < which.until)
    )


async def walked(store: AnyStore, which: AuditFilter, limit: int, newest_first: bool) -> Sequence[AuditEntry]:
    """Return all pages, one after the other."""
    found: list[AuditEntry] = []
    after: int | None = None
    while True:
        page = await store.read(
            lambda records, after=after: records.audit(  # type: ignore[misc]
                which, after=after, limit=limit, newest_first=newest_first
            )
        )
        assert len(page.items) <= limit
        assert page.next is None or page.is_partial or len(page.items) == limit
        found += page.items
        if page.next is None:
            return found
        after = page.next


@pytest.mark.parametrize(
    "which",
    [
        AuditFilter(),
        AuditFilter(what="lead."),
        AuditFilter(what="lead.import.é"),
        AuditFilter(what="LEAD"),
        AuditFilter(who="ann"),
        AuditFilter(who="socket:ann"),
        AuditFilter(who="engine", what="lead"),
        AuditFilter(lead_id=2),
        AuditFilter(lead_id=2, who="bob", since=NOW + 50 * MINUTE),
        AuditFilter(lead_id=9),
        AuditFilter(since=NOW + 100 * MINUTE),
        AuditFilter(until=NOW + 100 * MINUTE),
        AuditFilter(since=NOW + 100 * MINUTE, until=NOW + 130 * MINUTE),
        AuditFilter(since=NOW + timedelta(days=9)),
    ],
    ids=str,
)
async def test_pages_give_each_entry_that_matches_once_and_in_order(
    store: AnyStore, which: AuditFilter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "SPAN", 16)
    monkeypatch.setattr(audit, "LOOK_MAX", 40)
    await store.write(fill)
    everything = await walked(store, AuditFilter(), 1000, False)
    assert [entry.details["n"] for entry in everything] == list(range(ENTRIES))
    expected = [entry for entry in everything if matches(entry, which)]
    for limit in (1, 7, 1000):
        assert await walked(store, which, limit, False) == expected
        assert await walked(store, which, limit, True) == expected[::-1]


async def test_a_request_looks_at_a_bounded_part_of_the_audit(store: AnyStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "SPAN", 16)
    monkeypatch.setattr(audit, "LOOK_MAX", 40)
    await store.write(fill)
    nobody = await store.read(lambda records: records.audit(AuditFilter(who="zoe")))
    assert (nobody.items, nobody.is_partial, nobody.looked_at) == ([], True, 48)
    late = AuditFilter(who="zoe", since=NOW + ENTRIES * MINUTE + timedelta(hours=2))
    assert (await store.read(lambda records: records.audit(late))).looked_at == 0


async def test_many_leads_are_noted_at_once_each_with_its_own(store: AnyStore) -> None:
    empty = await store.read(lambda records: records.audit(AuditFilter()))
    assert (empty.items, empty.next) == ([], None)
    details = {7: {"before": {"list": "a"}}, 3: {"before": {"list": "b"}}}
    await store.write(lambda records: records.add_audits(NOW, "ann", "lead.move", details))
    found = (await store.read(lambda records: records.audit(AuditFilter()))).items
    assert [(entry.lead_id, entry.details) for entry in found] == [(7, details[7]), (3, details[3])]
    assert {(entry.at, entry.who, entry.what) for entry in found} == {(NOW, "ann", "lead.move")}
