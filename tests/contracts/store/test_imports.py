"""Imports in stages on every store."""

from collections.abc import Sequence
from dataclasses import replace

import orjson
import pytest

from dialler.domain.import_block import ImportBlock
from dialler.domain.lead_import import ImportStage, ImportTemplate, LeadImport
from dialler.errors import Conflict, NotFound
from dialler.ports import Records
from dialler.stores.open import AnyStore
from tests.support.stores import HOSTILE, NOW, add_campaign_and_list, list_of_leads


def new_import(records: Records, **fields: object) -> LeadImport:
    campaign, lead_list = add_campaign_and_list(records, f"C{len(records.campaigns())}")
    given = {"import_id": 0, "campaign_id": campaign.campaign_id, "list_id": lead_list.list_id, "list_name": "A"}
    return records.add_import(LeadImport(**{**given, "created_at": NOW, "created_by": "ann", **fields}))  # type: ignore[arg-type]


def block(last: int, status: str = "ss", **fields: object) -> ImportBlock:
    rows = [(last - len(status) + at, "", [HOSTILE, str(at)]) for at in range(1, len(status) + 1)]
    return ImportBlock(last=last, status=status, cells=orjson.dumps(rows), **fields)  # type: ignore[arg-type]


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


async def test_blocks_come_in_order_whole_or_in_part_and_of_their_own_import(store: AnyStore) -> None:
    made = await store.write(new_import)
    other = await store.write(new_import)
    blocks = [
        block(2),
        block(
            4,
            "vk",
            plan="ne",
            fixed={0: {"1": HOSTILE}},
            problems={1: [["skipped_new", HOSTILE]]},
            leads=b'[["a"],null]',
        ),
        block(9, "xd"),
    ]
    await store.write(lambda records: records.add_import_blocks(made.import_id, blocks))
    await store.write(lambda records: records.add_import_blocks(other.import_id, [block(4)]))

    def ask(records: Records) -> list[Sequence[ImportBlock]]:
        read = records.import_blocks
        return [
            read(made.import_id, limit=9),
            read(made.import_id),
            read(made.import_id, after=1),
            read(made.import_id, after=2, limit=1, cells=False, leads=False),
            read(made.import_id, marked=True, limit=9, cells=False),
            read(made.import_id, after=9),
            read(other.import_id, limit=9),
        ]

    assert await store.read(ask) == [
        blocks,
        blocks[:1],
        blocks[:1],
        [replace(blocks[1], cells=b"", leads=b"")],
        [replace(one, cells=b"") for one in blocks[1:]],
        [],
        [block(4)],
    ]
    with pytest.raises(Conflict):
        await store.write(lambda records: records.add_import_blocks(made.import_id, [block(4)]))


async def test_a_block_changes_but_its_cells_and_leads_that_are_not_given_stay(store: AnyStore) -> None:
    made = await store.write(new_import)
    await store.write(lambda records: records.add_import_blocks(made.import_id, [block(2), block(4)]))

    async def set_and_read(new: ImportBlock) -> ImportBlock:
        await store.write(lambda records: records.set_import_block(made.import_id, new))
        (found,) = await store.read(lambda records: records.import_blocks(made.import_id, after=2))
        return found

    checked = block(4, "vx", problems={1: [["columns", "it has 1"]]}, leads=b"[[1],null]")
    assert await set_and_read(replace(checked, cells=b"other")) == checked
    assert await set_and_read(replace(checked, status="ir", leads=b"")) == replace(checked, status="ir")
    again = replace(checked, leads=b"[null,null]", problems={}, plan="--")
    assert await set_and_read(again) == again
    await store.write(lambda records: records.set_import_block(made.import_id, block(77, "xx", leads=b"[1,2]")))
    assert await store.read(lambda records: records.import_blocks(made.import_id, after=4, limit=9)) == []


async def test_blocks_are_deleted_in_portions_and_can_be_there_again(store: AnyStore) -> None:
    made = await store.write(new_import)
    blocks = [block(last, "vv", leads=b"[[1],[2]]") for last in (2, 4, 6, 8)]

    def delete(records: Records) -> list[int]:
        records.add_import_blocks(made.import_id, blocks)
        gone = [
            records.delete_import_blocks(made.import_id, after=after, limit=limit) for after, limit in ((3, 1), (0, 2))
        ]
        records.add_import_blocks(made.import_id, [block(4)])
        left = [one.last for one in records.import_blocks(made.import_id, limit=9)]
        (new,) = records.import_blocks(made.import_id)
        assert new.leads == b""
        return [*gone, *left, records.delete_import_blocks(made.import_id, limit=9)]

    assert await store.write(delete) == [1, 2, 4, 8, 2]


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
