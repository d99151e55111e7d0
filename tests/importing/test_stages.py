"""Imports in stages: whatever the file, and wherever it is killed, each row ends in exactly one way."""

import csv
import io
from collections import Counter
from collections.abc import AsyncIterator
from functools import partial
from typing import Any, TypeVar

import openpyxl
import orjson
import pytest
from anyio import run
from hypothesis import given, settings
from hypothesis import strategies as st

from dialler.clock import FixedClock
from dialler.domain.lead import NewLead, PhoneNumber, WindowKey
from dialler.domain.lead_import import ImportStage, LeadImport, RowStatus
from dialler.errors import Conflict, ImportRefused, NotFound
from dialler.importing.mapping import Mapping
from dialler.importing.stages import checking, filing, workers
from dialler.importing.stages.checking import check_import, mapped
from dialler.importing.stages.filing import looks_like_header, take_file
from dialler.importing.stages.fixing import drop_rows, fix_row
from dialler.importing.stages.plain_lead import FIELDS as LEAD_FIELDS
from dialler.importing.stages.reviewing import review_import
from dialler.importing.stages.row_check import CheckSpec, ToCheck
from dialler.importing.stages.row_pages import rows_after
from dialler.importing.stages.running import cancel_import, run_import
from dialler.importing.stages.workers import checkers
from dialler.importing.stages.write_behind import write_behind
from dialler.ports import LeadFilter, Records
from dialler.stores.memory import MemoryStore
from tests.support.mortal import Killed, MortalStore
from tests.support.stores import NOW, add_campaign_and_list

T = TypeVar("T")
CLOCK = FixedClock(NOW)
FIELDS = Mapping(fields=(("number", "Phone"), ("customer_key", "Key"), ("name", "Name")))


async def in_chunks(data: bytes, size: int = 7) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


async def new_import(store: MemoryStore) -> int:
    def work(records: Records) -> int:
        campaign, lead_list = add_campaign_and_list(records)
        new = LeadImport(
            import_id=0,
            campaign_id=campaign.campaign_id,
            list_id=lead_list.list_id,
            list_name="A",
            created_at=NOW,
            created_by="ann",
        )
        return records.add_import(new).import_id

    return await store.write(work)


async def go_on(store: MemoryStore, import_id: int, data: bytes, **wanted: bool) -> LeadImport:
    """Do what is next until the import is done, as `dialler import resume` and its user do."""
    while True:
        one = await store.read(lambda records: records.lead_import(import_id))
        if one.stage is ImportStage.FILE:
            await take_file(in_chunks(data), store=store, import_id=import_id, name="x.csv", has_header=True)
        elif one.stage is ImportStage.MAPPING:
            await store.write(lambda records: mapped(records, import_id, FIELDS, region="US", header=None))
        elif one.stage is ImportStage.CHECK:
            await check_import(store=store, import_id=import_id)
        elif one.stage is ImportStage.REVIEW:
            await review_import(store=store, import_id=import_id, clock=CLOCK, **wanted)  # type: ignore[arg-type]
        else:
            return (await run_import(store=store, import_id=import_id, clock=CLOCK, who="ann"))[0]


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filing, "ROWS_AT_ONCE", 3)


numbers = st.sampled_from(["202-555-0123", "(415) 555-0188", "+4930123456", "123", "", "2125550199", "call me"])
keys = st.sampled_from(["", "a", "b", "c", "d"])
names = st.text("aé\"', ;\n\r\t|", max_size=6)
rows = st.lists(st.tuples(numbers, keys, names), min_size=1, max_size=14)


@settings(max_examples=150, deadline=None)
@given(
    first=rows,
    second=rows,
    kills=st.lists(st.tuples(st.integers(0, 12), st.booleans()), max_size=6),
    import_new=st.booleans(),
    update_existing=st.booleans(),
)
def test_each_row_ends_in_one_way_and_none_is_loaded_twice_wherever_it_is_killed(
    first: list[tuple[str, str, str]],
    second: list[tuple[str, str, str]],
    kills: list[tuple[int, bool]],
    import_new: bool,
    update_existing: bool,
) -> None:
    wanted = {"import_new": import_new or not update_existing, "update_existing": update_existing}

    async def work() -> None:
        async with MortalStore() as store:
            import_id = await new_import(store)
            await go_on(store, import_id, as_csv(first), import_new=True, update_existing=False)
            lists = await store.read(lambda records: records.lists())
            before = await store.read(lambda records: records.leads(LeadFilter(list_id=lists[0].list_id)))
            again = await store.write(
                lambda records: (
                    records.add_import(
                        LeadImport(
                            import_id=0,
                            campaign_id=lists[0].campaign_id,
                            list_id=lists[0].list_id,
                            list_name="A",
                            created_at=NOW,
                            created_by="ann",
                        )
                    ).import_id
                )
            )
            data = as_csv(second)
            for writes, is_durable in kills:
                store.writes_left, store.is_durable = writes, is_durable
                try:
                    await go_on(store, again, data, **wanted)
                except Killed:
                    continue
            store.writes_left = None
            done = await go_on(store, again, data, **wanted)
            after = await store.read(lambda records: records.leads(LeadFilter(list_id=lists[0].list_id)))
            report: Any = done.report
            ends = Counter({key: report[key] for key in ("imported", "updated", "rejected", "skipped")})
            assert ends == expected(second, {lead.customer_key for lead in before}, **wanted)
            assert len(after) == len(before) + report["imported"]
            kept = await store.read(lambda records: rows_after(records, again, 1, limit=99))
            assert Counter(row.status for row in kept) == Counter(
                {RowStatus.REJECTED: report["rejected"], RowStatus.SKIPPED: report["skipped"]}
            )
            assert await store.read(lambda records: records.check()) == []

    run(work)


def as_csv(lines: list[tuple[str, str, str]]) -> bytes:
    text = io.StringIO()
    # A last column without blanks: so that a row of blanks is a row, not a blank line.
    csv.writer(text).writerows([("Phone", "Key", "Name", "End"), *((*line, "x") for line in lines)])
    return text.getvalue().encode()


def expected(
    lines: list[tuple[str, str, str]], there: set[str | None], *, import_new: bool, update_existing: bool
) -> Counter[str]:
    """Work out what becomes of a file's rows, without the code under test."""
    ends = Counter({"imported": 0, "updated": 0, "rejected": 0, "skipped": 0})
    there = there - {None}
    for number, key, _ in lines:
        if number in ("123", "", "call me"):
            ends["rejected"] += 1
        elif key in there:
            ends["updated" if update_existing else "skipped"] += 1
        elif import_new:
            ends["imported"] += 1
            there |= {key} - {""}
        else:
            ends["skipped"] += 1
    return ends


PEOPLE = 'Phone{0}Name{0}Key\r\n202-555-0123{0}Zoë Müller{0}k1\n415 555 0188{0}"Two\nlines{0}""x"""{0}k2\r\n'


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", "¬"])
@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("utf-8", None),
        ("utf-8-sig", None),
        ("utf-16", None),
        ("utf-16-be", "utf-16-be"),
        ("cp1252", None),
        ("iso8859-15", "latin-9"),
    ],
)
async def test_any_usual_delimiter_and_encoding_is_read(delimiter: str, written: str, said: str | None) -> None:
    async with MemoryStore() as store:
        import_id = await new_import(store)
        data = PEOPLE.format(delimiter).encode(written)
        one = await take_file(in_chunks(data, 3), store=store, import_id=import_id, name="x", encoding=said)
        assert (one.file["delimiter"], one.file["has_header"], one.file["rows"]) == (delimiter, True, 3)
        done = await go_on(store, import_id, b"", import_new=True, update_existing=False)
        assert done.report is not None and done.report["imported"] == 2
        leads = await store.read(lambda records: records.leads(LeadFilter(campaign_id=1)))
        assert [lead.name for lead in leads] == ["Zoë Müller", f'Two\nlines{delimiter}"x"']


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "is empty"),
        (b"\n\r\n  \n", "has no rows"),
        (b"PK\x03\x04rest", "spreadsheet"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "is no text"),
        ("Phone,Key\n1,2\n".encode("utf-16-le"), "utf-16-le"),
    ],
)
async def test_what_is_no_lead_file_is_refused_with_the_reason_and_waits_for_another(data: bytes, said: str) -> None:
    async with MemoryStore() as store:
        import_id = await new_import(store)
        with pytest.raises(ImportRefused, match=said):
            await take_file(in_chunks(data), store=store, import_id=import_id, name="x.csv")
        one = await store.read(lambda records: records.lead_import(import_id))
        assert one.stage is ImportStage.FILE
        assert await store.read(lambda records: records.import_blocks(import_id)) == []


async def test_a_spreadsheet_goes_through_the_stages() -> None:
    book = openpyxl.Workbook()
    for line in (["Phone", "Key", "Name"], [2025550123, "k1", "Zoë"], ["12", "k2", "x"]):
        book.active.append(line)
    file = io.BytesIO()
    book.save(file)
    async with MemoryStore() as store:
        import_id = await new_import(store)
        one = await take_file(in_chunks(file.getvalue(), 999), store=store, import_id=import_id, name="x.xlsx")
        assert (one.file["rows"], one.file["bytes"]) == (3, len(file.getvalue()))
        assert one.file["notes"] == ["sheet 'Sheet' was read"]
        done = await go_on(store, import_id, b"", import_new=True, update_existing=False)
        assert done.report is not None and (done.report["imported"], done.report["rejected"]) == (1, 1)


async def test_each_row_is_read_as_in_its_own_country() -> None:
    async with MemoryStore() as store:
        import_id = await new_import(store)
        data = b"Phone,Land,State\n020 7955 9999,GB,\n2025550123,US,DC\n2025550124,,dc\n1,XX,\n"
        await take_file(in_chunks(data), store=store, import_id=import_id, name="x")
        fields = Mapping(fields=(("number", "Phone"), ("country", "Land")), keep_rest=False)
        await store.write(lambda records: mapped(records, import_id, fields, region="US", header=None))
        await check_import(store=store, import_id=import_id)
        rows = await store.read(lambda records: rows_after(records, import_id, 1, limit=9))
        leads = [dict(zip(LEAD_FIELDS, row.lead, strict=True)) for row in rows if row.lead]
        assert [(lead["numbers"][0][0], lead["country"], lead["zone_by"]) for lead in leads] == [
            ("+442079559999", "GB", "the campaign's default"),
            ("+12025550123", "US", "config/timezones/us.toml, by column State"),
            ("+12025550124", "US", "config/timezones/us.toml, by column State"),
        ]
        assert rows[-1].problems[0][0] == "country_invalid"


async def test_a_file_of_one_column_without_header_is_loaded() -> None:
    async with MemoryStore() as store:
        import_id = await new_import(store)
        data = b"2025550123\n4155550188\n"
        one = await take_file(in_chunks(data), store=store, import_id=import_id, name="x")
        assert one.file["has_header"] is False
        mapping = Mapping(fields=(("number", "column 1"), ("called", "column 1")))
        await store.write(lambda records: mapped(records, import_id, mapping, region="US", header=None))
        done = await go_on(store, import_id, b"", import_new=True, update_existing=False)
        assert done.report is not None and (done.report["rows"], done.report["imported"]) == (2, 2)
        leads = await store.read(lambda records: records.leads(LeadFilter(campaign_id=1)))
        # One column may feed several fields.
        assert [(lead.numbers[0].number, lead.data["called"]) for lead in leads] == [
            ("+12025550123", "2025550123"),
            ("+14155550188", "4155550188"),
        ]


@pytest.mark.parametrize(
    ("cells", "is_header"),
    [
        (["Phone", "Name"], True),
        (["Ph. (1)", "2nd", "1"], True),
        (["202-555-0123", "Mercy"], False),
        (["Mercy", " +4930123456 "], False),
    ],
)
def test_a_first_row_with_a_telephone_number_is_no_header(cells: list[str], is_header: bool) -> None:
    assert looks_like_header(cells) is is_header


async def test_a_new_file_or_mapping_takes_the_place_of_what_was_there() -> None:
    async with MemoryStore() as store:
        import_id = await new_import(store)
        first = await take_file(
            in_chunks(b"Phone,Key,Name\n2025550123,a,x\n"), store=store, import_id=import_id, name="x"
        )
        await store.write(lambda records: mapped(records, import_id, FIELDS, region="US", header=None))
        await check_import(store=store, import_id=import_id)
        await drop_rows(store=store, import_id=import_id, rows=[2])
        data = b"Phone,Key,Name\n123,a,x\n"
        one = await take_file(in_chunks(data), store=store, import_id=import_id, name="y")
        assert one.sha256 != first.sha256
        await store.write(lambda records: mapped(records, import_id, FIELDS, region=None, header=None))
        await check_import(store=store, import_id=import_id)
        by_place = Mapping(fields=(("number", "column 1"),))
        await store.write(lambda records: mapped(records, import_id, by_place, region="US", header=False))
        checked = await check_import(store=store, import_id=import_id)
        assert checked.counts["invalid"] == 2  # the first row is one of them now


async def test_a_corrected_row_is_held_against_the_files_other_rows() -> None:
    async with MemoryStore() as store:
        import_id = await new_import(store)
        lines = [(f"20255501{at}", f"k{at}", "x") for at in range(10, 20)]
        await take_file(in_chunks(as_csv([*lines, ("12", "k99", "y")])), store=store, import_id=import_id, name="x")
        await store.write(lambda records: mapped(records, import_id, FIELDS, region="US", header=None))
        await check_import(store=store, import_id=import_id)

        async def fix(**cells: str) -> list[str]:
            row = await fix_row(store=store, import_id=import_id, row=12, cells=cells, who="ann", now=NOW)
            return [f"{code}: {text}" for code, text in row.problems]

        assert await fix(Phone="2025550112") == ["repeated_in_file: +12025550112 is in another row, too"]
        assert await fix(Phone="2025550199", Key="k15") == ["key_repeated: customer key 'k15' is in another row, too"]
        assert await fix(Phone="2025550188", Key="k98") == []  # nor is a row another one than itself
        assert await fix(Name="k12") == []  # a name is no key
        with pytest.raises(NotFound):
            await fix_row(store=store, import_id=import_id, row=1, cells={"Name": "x"}, who="ann", now=NOW)


async def test_rows_are_dropped_all_or_none_and_each_once() -> None:
    async with MemoryStore() as store:
        import_id = await new_import(store)
        lines = [("2025550110" if at % 2 else "12", f"k{at}", "x") for at in range(12)]
        await take_file(in_chunks(as_csv(lines)), store=store, import_id=import_id, name="x")
        await store.write(lambda records: mapped(records, import_id, FIELDS, region="US", header=None))
        await check_import(store=store, import_id=import_id)

        async def left() -> list[int]:
            return [row.row for row in await store.read(lambda records: rows_after(records, import_id, 1, limit=99))]

        with pytest.raises(NotFound, match="no row 99"):
            await drop_rows(store=store, import_id=import_id, rows=[3, 99])
        assert await left() == list(range(2, 14))
        assert await drop_rows(store=store, import_id=import_id, rows=[13, 3, 4]) == 3
        with pytest.raises(NotFound, match="no row 4"):
            await drop_rows(store=store, import_id=import_id, rows=[4])
        assert await drop_rows(store=store, import_id=import_id, statuses=[RowStatus.INVALID]) == 5
        assert await left() == [5, 7, 9, 11]
        one = await store.read(lambda records: records.lead_import(import_id))
        assert (one.counts["dropped"], one.counts["valid"], one.counts.get("invalid")) == (8, 4, None)
        await store.write(lambda records: mapped(records, import_id, FIELDS, region="US", header=None))
        again = await check_import(store=store, import_id=import_id)
        assert (again.counts["dropped"], again.counts["valid"]) == (8, 4)  # what was dropped stays so


async def test_a_check_that_was_interrupted_finds_what_one_in_a_row_finds() -> None:
    lines = [(f"20255501{at % 7:02}", f"k{at % 5}", "x") for at in range(12)]

    async def found(*deaths: int) -> list[object]:
        async with MortalStore() as store:
            import_id = await new_import(store)
            await take_file(in_chunks(as_csv(lines)), store=store, import_id=import_id, name="x")
            await store.write(lambda records: mapped(records, import_id, FIELDS, region="US", header=None))
            for writes in deaths:
                store.writes_left = writes
                with pytest.raises(Killed):
                    await check_import(store=store, import_id=import_id)
            store.writes_left = None
            one = await check_import(store=store, import_id=import_id)
            rows = await store.read(lambda records: rows_after(records, import_id, 1, limit=99))
            return [one.counts, *((row.row, row.status, row.problems) for row in rows)]

    whole = await found()
    number, key = "+12025550104 is in an earlier row, too", "customer key 'k1' is in an earlier row, too"
    assert whole[-1] == (13, RowStatus.VALID, [["repeated_in_file", number], ["key_repeated", key]])
    assert await found(1) == whole
    assert await found(2, 1) == whole


async def test_two_who_check_one_import_do_not_mix() -> None:
    async with MemoryStore() as store:
        import_id = await new_import(store)
        data = as_csv([("2025550123", "", str(at)) for at in range(10)])
        await take_file(in_chunks(data), store=store, import_id=import_id, name="x")
        await store.write(lambda records: mapped(records, import_id, FIELDS, region="US", header=None))

        async def meddle(progress: Any) -> None:
            if progress["rows"] < 9:
                await check_import(store=store, import_id=import_id)

        with pytest.raises(Conflict):
            await check_import(store=store, import_id=import_id, tell=meddle)
        one = await store.read(lambda records: records.lead_import(import_id))
        assert (one.stage, one.counts["valid"]) == (ImportStage.REVIEW, 10)


async def test_a_key_that_comes_into_the_list_while_rows_are_loaded_is_left_alone() -> None:
    async with MemoryStore() as store:
        import_id = await new_import(store)
        data = as_csv([(f"20255501{at:02}", f"k{at}", "from the file") for at in range(9)])
        await take_file(in_chunks(data), store=store, import_id=import_id, name="x")
        await store.write(lambda records: mapped(records, import_id, FIELDS, region="US", header=None))
        await check_import(store=store, import_id=import_id)
        await review_import(store=store, import_id=import_id, clock=CLOCK, import_new=True, update_existing=True)
        others = NewLead(
            numbers=(PhoneNumber("+12025550199", ""),), window_key=WindowKey(("Etc/UTC",), "", ""), customer_key="k7"
        )
        came = False

        async def come(progress: object) -> None:
            nonlocal came
            if not came:
                came = True
                await store.write(lambda records: records.add_leads(1, [others], NOW))

        done, _ = await run_import(store=store, import_id=import_id, clock=CLOCK, who="ann", tell=come)
        assert done.report is not None
        assert (done.report["imported"], done.report["skipped"]) == (8, 1)
        assert done.report["skipped_because"] == {"skipped_changed": 1}
        lead = await store.read(lambda records: records.lead_by_key(1, "k7"))
        assert lead is not None and lead.numbers[0].number == "+12025550199"


async def test_nothing_is_written_behind_what_failed() -> None:
    async with MemoryStore() as store:
        written: list[int] = []

        def work(at: int, records: Records) -> None:
            if at == 1:
                raise Killed
            written.append(at)

        async def write(*places: int) -> None:
            async with write_behind(store) as behind:
                for at in places:
                    await behind.write(partial(work, at))

        with pytest.raises(Killed):
            await write(0, 1, 2, 3)
        assert written == [0]
        await write(5)
        assert written == [0, 5]


async def test_an_import_that_is_cancelled_ends_at_its_next_batch() -> None:
    async with MemoryStore() as store:
        import_id = await new_import(store)
        data = as_csv([("2025550123", "", str(at)) for at in range(10)])

        async def cancel(progress: object) -> None:
            await cancel_import(store=store, import_id=import_id, clock=CLOCK, who="ann")

        await take_file(in_chunks(data), store=store, import_id=import_id, name="x")
        await store.write(lambda records: mapped(records, import_id, FIELDS, region="US", header=None))
        with pytest.raises(Conflict, match="it is cancelled"):
            await check_import(store=store, import_id=import_id, tell=cancel)
        assert await store.read(lambda records: records.import_blocks(import_id)) == []


async def test_worker_processes_find_what_this_one_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    async with MemoryStore() as store:
        import_id = await new_import(store)
        await take_file(in_chunks(PEOPLE.format(",").encode()), store=store, import_id=import_id, name="x")
        one = await store.write(lambda records: mapped(records, import_id, FIELDS, region="US", header=None))
        spec = await store.read(lambda records: checking.spec_of(records.campaign(one.campaign_id), one))
        cells = [(1, "", ["Phone"]), (2, "", ["202-555-0123", "Zoë", "k1"]), (3, "", ["1", "x", "k2"])]
        block = ToCheck(orjson.dumps([*cells, *cells[1:]]), 1, {2: {"0": "4155550188"}}, {3})
        async with checkers(spec, 2) as here:
            found = await here(block)
        monkeypatch.setattr(workers, "WORTH_PROCESSES", 1)
        async with checkers(spec, 2) as there:
            assert await there(block) == found
        assert found.status == "svvdx"
        assert isinstance(spec, CheckSpec)
