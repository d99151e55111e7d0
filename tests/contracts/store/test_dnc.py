"""What every store does with numbers that must not be called."""

from collections.abc import Sequence
from dataclasses import replace

from dialler.domain.campaign import CampaignSettings
from dialler.ports import DncEntry, DncFilter, Records
from dialler.stores.open import AnyStore
from tests.support.stores import NOW


async def test_a_number_not_to_be_called_is_hit_in_its_campaign_or_everywhere(store: AnyStore) -> None:
    def entry(number: str, campaign_id: int | None) -> DncEntry:
        return DncEntry(number=number, campaign_id=campaign_id, reason="asked", added_at=NOW)

    def work(records: Records) -> None:
        assert records.add_dnc([entry("+1", None), entry("+2", 7), entry("+1", None)]) == 2
        assert records.add_dnc([entry("+1", None), entry("+1", 7), entry("+3", 8)]) == 2
        assert records.add_dnc(entry(f"+9{i}", None) for i in range(4_500)) == 4_500
        assert records.add_dnc([]) == 0
        assert records.dnc_hits(7, ["+1", "+2", "+3", "+4"]) == {"+1", "+2"}
        assert records.dnc_hits(8, ["+1", "+2", "+3", "+4"]) == {"+1", "+3"}
        assert records.dnc_hits(7, []) == frozenset()
        assert records.remove_dnc("+1", None)
        assert not records.remove_dnc("+1", None)
        assert records.dnc_hits(8, ["+1"]) == frozenset()
        assert records.dnc_hits(7, ["+1"]) == {"+1"}

    await store.write(work)


def of(number: str, campaign_id: int | None = None, merchant: str | None = None) -> DncEntry:
    return DncEntry(
        number=number, campaign_id=campaign_id, merchant=merchant, reason="asked", added_at=NOW, added_by="ann"
    )


async def test_an_entry_of_a_merchant_holds_for_its_campaigns_and_goes_along_when_one_changes_hands(
    store: AnyStore,
) -> None:
    def work(records: Records) -> None:
        acme, also, other, none = (
            records.add_campaign(name, CampaignSettings(merchant=merchant), NOW)
            for name, merchant in (("a", "Acme"), ("b", "Acme"), ("c", "Other"), ("d", ""))
        )

        def hit() -> list[str]:
            return [one.name for one in (acme, also, other, none) if records.dnc_hits(one.campaign_id, ["+1", "+2"])]

        assert records.add_dnc([of("+1", merchant="Acme"), of("+2", campaign_id=none.campaign_id)]) == 2
        assert hit() == ["a", "b", "d"]
        records.set_campaign(replace(also, settings=replace(also.settings, merchant="Other")))
        assert hit() == ["a", "d"]
        assert not records.remove_dnc("+1", None)
        assert not records.remove_dnc("+1", None, "Other")
        assert records.remove_dnc("+1", None, "Acme")
        assert hit() == ["d"]

    await store.write(work)


async def test_entries_are_found_by_number_and_scope_page_by_page(store: AnyStore) -> None:
    entries = [
        of("+12025550101"),
        of("+12025550101", campaign_id=7),
        of("+12025550101", merchant="Acme"),
        of("+12025550102", merchant="Acme"),
        of("+120255501"),
        of("+441632960001", merchant="Acme"),
        of("+441632960001", merchant="Ännchen & Söhne"),
    ]

    def pages(records: Records, which: DncFilter) -> Sequence[DncEntry]:
        found: list[DncEntry] = []
        after = None
        while page := records.dnc_entries(which, after=after, limit=2):
            found += page
            after = (page[-1].number, page[-1].campaign_id or 0, page[-1].merchant or "")
        return found

    def order(entry: DncEntry) -> tuple[str, int, str]:
        return entry.number, entry.campaign_id or 0, entry.merchant or ""

    def look(records: Records) -> None:
        for which, expected in (
            (DncFilter(), entries),
            (DncFilter(everywhere=True), [entries[0], entries[4]]),
            (DncFilter(campaign_id=7), [entries[1]]),
            (DncFilter(merchant="Acme"), [entries[2], entries[3], entries[5]]),
            (DncFilter(digits="120255501"), entries[:5]),
            (DncFilter(digits="+1202555010"), entries[:4]),
            (DncFilter(digits="44", merchant="Acme"), [entries[5]]),
            (DncFilter(digits="9"), []),
        ):
            assert pages(records, which) == sorted(expected, key=order), which
        assert records.dnc_of("+12025550101") == sorted(entries[:3], key=order)

    assert await store.write(lambda records: records.add_dnc(entries)) == len(entries)
    await store.read(look)
