"""Imports in stages on every store."""

from dataclasses import replace

import pytest

from dialler.domain.lead_import import ImportRow, ImportStage, ImportTemplate, LeadImport, RowStatus
from dialler.errors import Conflict, NotFound
from dialler.ports import Records
from dialler.stores.open import AnyStore
from tests.support.stores import HOSTILE, NOW, add_campaign_and_list, list_of_leads


def new_import(records: Records, **fields: object) -> LeadImport:
    campaign, lead_list = add_campaign_and_list(records, f"C{len(records.campaigns())}")
    given = {"import_id": 0, "campaign_id": campaign.campaign_id, "list_id": lead_list.list_id, "list_name": "A"}
    return records.add_import(LeadImport(**{**given, "created_at": NOW, "created_by": "ann", **fields}))  # type: ignore[arg-type]


def row(number: int, **fields: object) -> ImportRow:
    return ImportRow(row=number, cells=f'["{number}"]', **fields)  # type: ignore[arg-type]


async def test_an_import_is_read_as_it_was_written(store: AnyStore) -> None:
    made = await store.write(new_import)
    assert await store.read(lambda records: records.lead_import(made.import_id)) == made
    changed = replace(
        made,
        list_id=None,
        list_name=HOSTILE,
        stage=ImportStage.RUN,
        cursor=7,
        revision=2,
        sha256="ab",
        file={"name": HOSTILE},
        mapping={"fields": [["number", "Phone"]]},
        options={"import_new": True},
        counts={"valid": 3},
        review={"a": 1},
        report={"rows": 3},
    )
    await store.write(lambda records: records.set_import(changed))
    assert await store.write(lambda records: records.lead_import(made.import_id, to_change=True)) == changed


async def test_imports_come_in_pages_newest_first_and_by_the_files_hash(store: AnyStore) -> None:
    ids = [
        (await store.write(lambda records, sha=sha: new_import(records, sha256=sha))).import_id  # type: ignore[misc]
        for sha in ("a", "b", "a", "")
    ]

    def ask(records: Records) -> list[list[int]]:
        campaign = records.lead_import(ids[1]).campaign_id
        found = (
            records.imports(limit=3),
            records.imports(before=ids[1], limit=3),
            records.imports(campaign_id=campaign, limit=3),
            records.imports_of("a"),
            records.imports_of(""),
        )
        return [[one.import_id for one in some] for some in found]

    assert await store.read(ask) == [ids[:0:-1], ids[:1], [ids[1]], [ids[0], ids[2]], []]


async def test_rows_come_in_pages_by_number_and_by_status(store: AnyStore) -> None:
    made = await store.write(new_import)
    other = await store.write(new_import)
    odd = [row(n, status=RowStatus.INVALID if n % 3 else RowStatus.VALID, unreadable="nul") for n in range(1, 2501)]
    await store.write(lambda records: records.add_import_rows(made.import_id, odd))
    await store.write(lambda records: records.add_import_rows(other.import_id, [row(5)]))

    def pages(records: Records) -> list[list[int]]:
        def ask(**which: object) -> list[int]:
            return [one.row for one in records.import_rows(made.import_id, **which)]  # type: ignore[arg-type]

        return [
            ask(limit=2),
            ask(after=2, limit=2),
            ask(after=2, limit=2, statuses=[RowStatus.INVALID]),
            ask(statuses=[RowStatus.VALID, RowStatus.INVALID], limit=3),
            ask(rows=[3, 4, 9999]),
            ask(rows=[3, 4], statuses=[RowStatus.VALID]),
            ask(after=2500),
        ]

    assert await store.read(pages) == [[1, 2], [3, 4], [4, 5], [1, 2, 3], [3, 4], [3], []]
    assert (await store.read(lambda records: records.import_rows(made.import_id, limit=2))) == odd[:2]
    with pytest.raises(Conflict):
        await store.write(lambda records: records.add_import_rows(made.import_id, [row(5)]))


async def test_rows_are_changed_and_deleted_in_portions_and_the_gone_stay_gone(store: AnyStore) -> None:
    made = await store.write(new_import)
    await store.write(lambda records: records.add_import_rows(made.import_id, map(row, range(1, 11))))
    changed = row(
        2, status=RowStatus.IMPORTED, fixed='{"0":"x"}', problems='[["a","b"]]', lead='{"name":"x"}', plan="new"
    )
    await store.write(lambda records: records.set_import_rows(made.import_id, [changed, row(99)]))
    assert await store.read(lambda records: records.import_rows(made.import_id, rows=[2, 99])) == [changed]

    def delete(records: Records) -> list[list[int]]:
        delete = records.delete_import_rows
        return [
            [one.row for one in gone]
            for gone in (
                delete(made.import_id, statuses=[RowStatus.IMPORTED]),
                delete(made.import_id, rows=[2, 3]),
                delete(made.import_id, limit=4),
                delete(made.import_id),
                delete(made.import_id),
            )
        ]

    assert await store.write(delete) == [[2], [3], [1, 4, 5, 6], [7, 8, 9, 10], []]


async def test_what_is_not_there_is_not_found(store: AnyStore) -> None:
    made = await store.write(new_import)
    for work in (
        lambda records: records.lead_import(99),
        lambda records: records.set_import(replace(made, import_id=99)),
        lambda records: records.import_template("x"),
    ):
        with pytest.raises(NotFound):
            await store.write(work)


async def test_templates_have_versions_and_are_found_by_header(store: AnyStore) -> None:
    def save(records: Records) -> list[int]:
        new = ImportTemplate(
            name="crm", version=0, header_sha256="h", mapping={"a": 1}, created_at=NOW, created_by="ann"
        )
        other = replace(new, name="other", header_sha256="g")
        later = replace(new, mapping={"a": 2})
        return [records.add_import_template(one).version for one in (new, later, other)]

    assert await store.write(save) == [1, 2, 1]

    def ask(records: Records) -> list[object]:
        return [
            [(one.name, one.version, one.mapping) for one in records.import_templates()],
            [one.name for one in records.import_templates("h")],
            records.import_template("crm").version,
            records.import_template("crm", 1).mapping,
        ]

    assert await store.read(ask) == [[("crm", 2, {"a": 2}), ("other", 1, {"a": 1})], ["crm"], 2, {"a": 1}]
    with pytest.raises(NotFound, match="version 7"):
        await store.read(lambda records: records.import_template("crm", 7))


async def test_numbers_are_known_by_list(store: AnyStore) -> None:
    lead_list, _ = await list_of_leads(store, 2)
    other = lead_list.list_id + 1
    known = (await store.read(lambda records: records.leads_with([1, 2]))).values()
    numbers = [lead.numbers[0].number for lead in known]
    assert await store.read(lambda records: records.numbers_in_list(lead_list.list_id, numbers)) == frozenset(numbers)
    assert await store.read(lambda records: records.numbers_in_list(other, numbers)) == frozenset()
