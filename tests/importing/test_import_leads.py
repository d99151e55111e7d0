"""A whole import, on records in memory."""

import csv
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, TypeVar

import anyio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dialler.clock import FixedClock
from dialler.domain.campaign import Campaign, CampaignSettings, LeadList
from dialler.domain.lead import Lead, LeadState, NumberStatus, WindowKey
from dialler.domain.lead_import import ImportStage, LeadImport
from dialler.errors import Conflict, ImportRefused, StoreFull
from dialler.importing.going_on import go_on
from dialler.importing.mapping import mapping_from_options
from dialler.importing.options import ImportOptions
from dialler.importing.report import ImportReport
from dialler.importing.run import import_leads
from dialler.importing.stages import filing
from dialler.importing.stages.running import cancel_import
from dialler.importing.zone_rules import shipped_zone_rules
from dialler.ports import LeadFilter, Records, Store
from dialler.stores.memory import MemoryStore
from tests.support.lead_files import MAP_OPTIONS, expected_counts, lead_file, write_lead_file
from tests.support.mortal import Killed, MortalStore
from tests.support.stores import NOW, add_campaign_and_list, new_lead

T = TypeVar("T")

US = ImportOptions(region="us")
KEYED = ImportOptions(region="US", mapping=mapping_from_options(["number=Phone", "customer_key=Key", "name=Name"]))


@dataclass
class Desk:
    """Somewhere to import to."""

    store: Store
    campaign: Campaign
    lead_list: LeadList

    async def load(self, content: str | bytes, options: ImportOptions = US, **more) -> ImportReport:
        data = content.encode() if isinstance(content, str) else content
        return await import_leads(
            pieces(data),
            store=self.store,
            campaign=self.campaign,
            lead_list=self.lead_list,
            options=options,
            clock=FixedClock(NOW),
            who="ann",
            **more,
        )

    async def leads(self) -> list[Lead]:
        return list(await self.store.read(lambda records: records.leads(LeadFilter(), limit=10_000)))


async def pieces(data: bytes, size: int = 10_007) -> AsyncIterator[bytes]:
    for at in range(0, len(data), size):
        yield data[at : at + size]


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with MemoryStore() as store:
        settings = CampaignSettings(timezone="America/New_York")
        campaign = await store.write(lambda records: records.add_campaign("spring", settings, NOW))
        lead_list = await store.write(lambda records: records.add_list(campaign.campaign_id, "hospitals", NOW))
        yield Desk(store, campaign, lead_list)


async def test_the_lead_file_is_loaded_with_its_zones_its_rejects_and_its_repeats(desk, tmp_path):
    path = lead_file(tmp_path)
    expected = expected_counts(path)
    options = ImportOptions(region="US", mapping=mapping_from_options(MAP_OPTIONS), source=path.name)
    lines: list[str] = []
    report = await desk.load(path.read_bytes(), options, rejects=collect(lines))
    assert (report.rows, report.imported, report.updated) == (expected.rows, expected.imported, 0)
    assert (report.rejected, report.duplicates) == (expected.rejected, expected.duplicates)
    assert (expected.rejected, expected.duplicates) == (2, 18)
    assert report.reasons == {"number_invalid": 2}
    assert len(lines) == 3
    rules = shipped_zone_rules("US")
    assert rules is not None
    leads = await desk.leads()
    assert len(leads) == expected.imported
    assert all(lead.window_key.zones == rules.zones[lead.window_key.region] for lead in leads)
    assert {(lead.timezone_source, lead.window_key.country, lead.state) for lead in leads} == {
        ("rule", "US", LeadState.READY)
    }
    assert await desk.store.read(lambda records: records.check()) == []


async def test_a_file_with_a_wrong_column_writes_nothing(desk):
    options = ImportOptions(region="US", mapping=mapping_from_options(["number=Phone", "name=Nmae"]), source="a.csv")
    with pytest.raises(ImportRefused, match=r"a\.csv: column 'Nmae'.*did you mean 'Name'"):
        await desk.load("Phone,Name\n2565938310,Ann\n", options)
    assert await desk.leads() == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\n\r\n \n", "no rows"),
        (b"PK\x03\x04" + b"x" * 100, "a zip archive or document"),
        ("Phone\n2565938310\n".encode("utf-16-le"), "--encoding utf-16-le"),
        (b"Name\nAnn\n", "no column is mapped to number"),
    ],
)
async def test_what_is_no_lead_file_is_refused_and_writes_nothing(desk, content, message):
    with pytest.raises(ImportRefused, match=message):
        await desk.load(content)
    assert await desk.leads() == []


async def test_a_file_with_nothing_but_a_header_loads_nothing(desk):
    report = await desk.load("Phone,Name\n")
    assert (report.rows, report.imported, report.rejected) == (0, 0, 0)


async def test_a_trial_run_reports_the_same_and_writes_nothing(desk, tmp_path):
    path = write_lead_file(tmp_path / "leads.csv")
    options = ImportOptions(region="US", mapping=mapping_from_options(MAP_OPTIONS))
    trial = await desk.load(path.read_bytes(), replace(options, dry_run=True))
    assert await desk.leads() == []
    real = await desk.load(path.read_bytes(), options)
    assert trial == replace(real, dry_run=True)


async def test_a_second_import_updates_the_leads_that_have_a_key(desk, tmp_path):
    path = write_lead_file(tmp_path / "leads.csv")
    options = ImportOptions(region="US", mapping=mapping_from_options(MAP_OPTIONS))
    first = await desk.load(path.read_bytes(), options)
    before = await desk.leads()
    trial = await desk.load(path.read_bytes(), replace(options, dry_run=True))
    second = await desk.load(path.read_bytes(), options)
    assert (second.imported, second.updated, second.rejected) == (0, first.imported, first.rejected)
    assert second.duplicates == first.duplicates
    assert trial == replace(second, dry_run=True)
    assert await desk.leads() == before


async def test_an_update_changes_what_the_row_says_and_nothing_else(desk):
    header = "Phone,Phone 2,Name,Key,State,Postcode,Priority,City\n"
    options = ImportOptions(
        region="US",
        mapping=mapping_from_options(
            [
                *("number=Phone", "number=Phone 2", "name=Name", "customer_key=Key"),
                *("region=State", "postcode=Postcode", "priority=Priority"),
            ]
        ),
    )
    await desk.load(header + "2565938310,2568453150,Ann,k1,AL,35957,5,BOAZ\n", options)
    (before,) = await desk.leads()
    bad = replace(before.numbers[0], status=NumberStatus.BAD)
    worked = replace(before, numbers=(bad, before.numbers[1]), attempts=3, state=LeadState.COMPLETED)
    await desk.store.write(lambda records: records.set_lead(worked))
    report = await desk.load(header + "2125550100,2565938310,,k1,TX,,,\n", options)
    assert (report.imported, report.updated, report.duplicates) == (0, 1, 0)
    (after,) = await desk.leads()
    assert [(phone.number, phone.status) for phone in after.numbers] == [
        ("+12125550100", NumberStatus.OK),
        ("+12565938310", NumberStatus.BAD),
    ]
    assert (after.name, after.postcode, after.priority, after.data) == ("Ann", "35957", 5, {"City": "BOAZ"})
    assert after.window_key == WindowKey(("America/Chicago", "America/Denver"), "US", "TX")
    assert (after.attempts, after.state, after.lead_id) == (3, LeadState.COMPLETED, before.lead_id)


async def test_a_zone_given_by_name_yields_to_the_state_only_when_the_lead_moves(desk):
    mapping = mapping_from_options(["number=Phone", "customer_key=Key"])
    options = ImportOptions(region="US", mapping=mapping)
    await desk.load("Phone,Key,State,Timezone\n2565938310,k1,TX,America/Denver\n", options)
    await desk.load("Phone,Key,State\n2565938310,k1,TX\n", options)
    assert (await desk.leads())[0].window_key.zones == ("America/Denver",)
    await desk.load("Phone,Key,State\n2565938310,k1,NY\n", options)
    assert (await desk.leads())[0].window_key.zones == ("America/New_York",)
    await desk.load("Phone,Key\n2565938310,k1\n", options)
    assert (await desk.leads())[0].window_key == WindowKey(("America/New_York",), "US", "NY")


@pytest.mark.parametrize("at_once", [1, 2, 3, 1000])
async def test_a_key_that_comes_twice_is_one_lead_with_what_the_last_row_says(desk, monkeypatch, at_once):
    monkeypatch.setattr(filing, "ROWS_AT_ONCE", at_once)
    content = (
        "Phone,Key,Name\n2565938310,k1,Ann\n2568453150,k2,Bob\n2565938310,k1,Eve\n2565938310,k1,Zoe\n2125550100,,\n"
    )
    trial = await desk.load(content, replace(KEYED, dry_run=True))
    report = await desk.load(content, KEYED)
    assert (report.rows, report.imported, report.updated) == (5, 3, 2)
    assert (trial.imported, trial.updated) == (3, 2)
    assert [(lead.customer_key, lead.name) for lead in await desk.leads()] == [("k1", "Zoe"), ("k2", "Bob"), (None, "")]


@pytest.mark.parametrize("at_once", [1, 2, 1000])
async def test_a_repeated_number_is_loaded_and_reported_once_a_row(desk, monkeypatch, at_once):
    monkeypatch.setattr(filing, "ROWS_AT_ONCE", at_once)
    await desk.load("Phone\n2565938310\n")
    report = await desk.load("Phone,Mobile\n2565938310,2568453150\n2125550100,\n2568453150,2125550100\n2125550111,\n")
    assert (report.imported, report.duplicates) == (4, 2)
    assert report.examples == (
        "row 2: +12565938310 is in the list already",
        "row 4: +12568453150 is in an earlier row, too",
    )
    assert len(await desk.leads()) == 5


def collect(lines: list[str]):
    async def sink(line: str) -> None:
        lines.append(line)

    return sink


async def test_rejected_rows_can_be_mended_and_fed_in_again(desk):
    content = (
        "Phone;Name;Timezone\n"
        '123;"Ann; ""the\r\nboss""";\n'
        "2565938310;Bob;CST\n"
        "2565938311;Eve;\n"
        "2565938312;too;many;cells\n"
        "2565938313;x\0y;\n"
    )
    lines: list[str] = []
    report = await desk.load(content, rejects=collect(lines))
    assert (report.rows, report.imported, report.rejected) == (5, 1, 4)
    assert report.reasons == {"number_invalid": 1, "timezone_invalid": 1, "columns": 1, "nul": 1}
    assert lines[0] == "Phone;Name;Timezone;reason\n"
    assert lines[1].endswith(";number: '123' is not a valid number in US\n")
    again: list[str] = []
    report = await desk.load("".join(lines).replace("\n123;", "\n2565938314;"), rejects=collect(again))
    assert (report.imported, report.rejected) == (1, 3)
    mended = (await desk.leads())[-1]
    assert (mended.name, mended.data) == ('Ann; "the\r\nboss"', {})
    assert report.reasons == {"timezone_invalid": 1, "columns": 1, "nul": 1}
    # What is rejected twice is written as it was the first time, but for the reason.
    first, second = ([row[:-1] for row in csv.reader(written, delimiter=";")] for written in (lines, again))
    assert second == [first[0], *first[2:]]


async def test_no_rejected_row_means_no_file_of_them(desk):
    lines: list[str] = []
    await desk.load("Phone\n2565938310\n", rejects=collect(lines))
    assert lines == []


async def test_a_header_in_another_encoding_and_with_another_delimiter_is_found(desk):
    content = "Téléphone§Prénom\n01 42 68 53 00§Zoë\n".encode("cp1252")
    mapping = mapping_from_options(["number=Téléphone", "name=Prénom"])
    report = await desk.load(content, ImportOptions(region="FR", mapping=mapping, delimiter="§", encoding="cp1252"))
    (lead,) = await desk.leads()
    assert (lead.numbers[0].number, lead.name, lead.window_key) == (
        "+33142685300",
        "Zoë",
        WindowKey(("America/New_York",), "FR"),
    )
    assert (report.encoding, report.delimiter) == ("cp1252", "§")


async def test_the_report_says_when_the_states_could_not_be_used(desk):
    report = await desk.load("Phone,Name\n2565938310,Ann\n")
    assert report.notes == (
        "no column is mapped to region, so config/timezones/us.toml gives no zones: America/New_York is taken",
    )


async def test_progress_is_told_and_adds_up_at_the_end(desk, monkeypatch, tmp_path):
    monkeypatch.setattr(filing, "ROWS_AT_ONCE", 100)
    told: list[Mapping[str, Any]] = []

    async def tell(progress: Mapping[str, Any]) -> None:
        told.append(progress)

    path = write_lead_file(tmp_path / "leads.csv")
    report = await desk.load(path.read_bytes(), tell=tell)
    assert {one["import_id"] for one in told} == {report.import_id}
    assert list(dict.fromkeys(one["stage"] for one in told)) == ["file", "check", "review", "run"]
    for stage in ("file", "check", "review", "run"):
        rows = [one["rows"] for one in told if one["stage"] == stage]
        assert len(rows) >= 12 and all(one <= two for one, two in pairwise(rows)) and rows[0] < 200
    files = [one for one in told if one["stage"] == "file"]
    assert (files[-1]["rows"], files[-1]["bytes"]) == (report.rows + 1, path.stat().st_size)  # with the header
    assert told[-1] == {"import_id": report.import_id, "stage": "run", "rows": report.rows, "of": report.rows}


class Failing:
    """A store whose disk is full once it has some leads."""

    def __init__(self, store: Store, leads: int) -> None:
        self._store = store
        self._leads = leads

    async def write(self, work: Callable[[Records], T], *, urgent: bool = True) -> T:
        if len(await self._store.read(lambda records: records.leads(LeadFilter(), limit=10_000))) >= self._leads:
            raise StoreFull("no room")
        return await self._store.write(work, urgent=urgent)

    async def read(self, work: Callable[[Records], T]) -> T:
        return await self._store.read(work)

    async def aclose(self) -> None:
        await self._store.aclose()


async def test_a_full_disk_ends_the_import_with_its_own_error_that_says_how_to_go_on_and_going_on_completes_it(
    desk, monkeypatch, tmp_path
):
    monkeypatch.setattr(filing, "ROWS_AT_ONCE", 100)
    data = write_lead_file(tmp_path / "leads.csv").read_bytes()
    options = ImportOptions(region="US", mapping=mapping_from_options(MAP_OPTIONS))
    with pytest.raises(StoreFull, match="no room; import 1 is kept at stage run: `dialler import resume 1` goes on"):
        await replace(desk, store=Failing(desk.store, 300)).load(data, options)
    there = len(await desk.leads())
    assert 300 <= there < 400
    ended: list[LeadImport] = []

    async def at_end(one: LeadImport) -> None:
        ended.append(one)

    done = await go_on(store=desk.store, import_id=1, clock=FixedClock(NOW), who="bob", at_end=at_end)
    assert done.stage is ImportStage.DONE and [one.import_id for one in ended] == [1]
    assert (done.report["imported"], done.report["updated"], done.report["duplicates"]) == (1198, 0, 18)
    assert len(await desk.leads()) == 1198
    report = await desk.load(data, options)
    assert (report.imported, report.updated, report.duplicates) == (0, 1198, 18)
    assert len(await desk.leads()) == 1198


async def imports(desk: Desk) -> list[LeadImport]:
    return list(await desk.store.read(lambda records: records.imports(limit=99)))


async def rows_kept(desk: Desk) -> int:
    found = await desk.store.read(
        lambda records: [records.import_blocks(one.import_id, limit=99) for one in records.imports(limit=99)]
    )
    return sum(map(len, found))


async def test_a_full_disk_while_a_trial_looks_leaves_nothing(desk, tmp_path):
    class FullOnce(Failing):
        async def write(self, work: Callable[[Records], T], *, urgent: bool = True) -> T:
            [one] = await self._store.read(lambda records: records.imports(limit=1)) or [None]
            if one is not None and one.stage is ImportStage.REVIEW:
                raise StoreFull("no room")
            return await self._store.write(work, urgent=urgent)

    data = write_lead_file(tmp_path / "leads.csv").read_bytes()
    with pytest.raises(StoreFull):
        await replace(desk, store=FullOnce(desk.store, 0)).load(data, replace(US, dry_run=True))
    # Not even its rows could be deleted: going on with it loads nothing, and it can be cancelled.
    one = await go_on(store=desk.store, import_id=1, clock=FixedClock(NOW), who="bob")
    assert one.stage is ImportStage.REVIEW
    assert await desk.leads() == []
    await cancel_import(store=desk.store, import_id=1, clock=FixedClock(NOW), who="bob")
    assert await rows_kept(desk) == 0


@pytest.mark.parametrize("dry_run", [True, False])
async def test_of_a_finished_import_no_rows_are_kept_but_rejected_ones(desk, dry_run):
    report = await desk.load("Phone\n2565938310\n123\n", replace(US, dry_run=dry_run))
    [one] = await imports(desk)
    assert (one.import_id, one.stage) == (
        report.import_id,
        ImportStage.CANCELLED if dry_run else ImportStage.DONE,
    )
    assert await rows_kept(desk) == (0 if dry_run else 1)


class Busy(Failing):
    """A store in which somebody else adds a lead to the list before each write."""

    async def write(self, work: Callable[[Records], T], *, urgent: bool = True) -> T:
        self._leads += 1
        other = new_lead(number=f"+1415555{self._leads:04}", customer_key=f"k{self._leads}", name="other")
        with suppress(Conflict):  # The import was there first.
            await self._store.write(lambda records: records.add_leads(1, [other], NOW))
        return await self._store.write(work, urgent=urgent)


async def test_what_comes_into_the_list_meanwhile_is_updated_and_stops_nothing(desk, monkeypatch):
    monkeypatch.setattr(filing, "ROWS_AT_ONCE", 7)
    rows = [f"2565938{at},k{at},ours\n" for at in range(100, 140)]
    # Each of the import's writes is preceded by one: the others' keys overtake ours.
    busy = replace(desk, store=Busy(desk.store, 90))
    report = await busy.load("Phone,Key,Name\n" + "".join(rows), KEYED)
    assert report.imported and report.updated
    assert report.imported + report.updated == report.rows == 40
    leads = {lead.customer_key: lead.name for lead in await desk.leads()}
    assert [leads[f"k{at}"] for at in range(100, 140)] == ["ours"] * 40


async def test_an_import_that_is_cancelled_meanwhile_says_so_and_nothing_of_going_on(desk):
    async def cancel(progress: Mapping[str, Any]) -> None:
        if progress["stage"] == "review":
            await cancel_import(store=desk.store, import_id=1, clock=FixedClock(NOW), who="bob")

    with pytest.raises(Conflict, match="it is cancelled") as refused:
        await desk.load("Phone\n2565938310\n", tell=cancel)
    assert "resume" not in str(refused.value)
    assert await desk.leads() == []


some_numbers = st.sampled_from(["2565938310", "2568453150", "12", ""])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(
        st.tuples(st.sampled_from(["2565938310", "2568453150", "12", ""]), st.sampled_from("-abc")), max_size=14
    ),
    kills=st.lists(st.tuples(st.integers(0, 25), st.booleans()), min_size=1, max_size=4),
    dry_run=st.booleans(),
)
def test_wherever_it_is_killed_nothing_stays_or_going_on_loads_each_row_once(monkeypatch, rows, kills, dry_run):
    monkeypatch.setattr(filing, "ROWS_AT_ONCE", 3)
    content = "Phone,Key,Name\n" + "".join(f"{number},{key.strip('-')},x\n" for number, key in rows)

    async def work() -> None:
        async with MortalStore() as store:
            campaign, lead_list = await store.write(add_campaign_and_list)
            desk = Desk(store, campaign, lead_list)
            (store.writes_left, store.is_durable), *more = kills
            with suppress(Killed):
                await desk.load(content, replace(KEYED, dry_run=dry_run))
            for store.writes_left, store.is_durable in more:
                with suppress(Killed):
                    await resumed(desk)
            store.writes_left = None
            await resumed(desk)
            keys = Counter(lead.customer_key for lead in await desk.leads())
            [one] = await imports(desk) or [None]
            # Of a trial run that was killed somebody else decides: it never goes on to its run by itself.
            for_others = (ImportStage.REVIEW, ImportStage.RUN) if dry_run else ()
            if one is None or one.stage in (ImportStage.FILE, ImportStage.CANCELLED, *for_others):
                assert not keys
            else:
                assert one.stage is ImportStage.DONE and not dry_run
                good = [key.strip("-") or None for number, key in rows if len(number) > 2]
                assert keys == Counter(set(good) - {None}) + Counter(key for key in good if key is None)
                assert one.report["imported"] + one.report["updated"] == len(good)
                assert one.report["rejected"] == len(rows) - len(good)
            assert await store.read(lambda records: records.check()) == []

    anyio.run(work)


async def resumed(desk: Desk) -> None:
    for one in await imports(desk):
        await go_on(store=desk.store, import_id=one.import_id, clock=FixedClock(NOW), who="bob")


async def test_an_import_whose_task_is_cancelled_while_its_file_arrives_leaves_nothing(desk):
    with anyio.CancelScope() as daemon:

        async def arriving() -> AsyncIterator[bytes]:
            yield b"Phone\n" + b"2565938310\n" * 20_000
            daemon.cancel()
            await anyio.sleep_forever()

        await import_leads(
            arriving(),
            store=desk.store,
            campaign=desk.campaign,
            lead_list=desk.lead_list,
            options=US,
            clock=FixedClock(NOW),
            who="ann",
        )
    assert daemon.cancelled_caught
    [one] = await imports(desk)
    assert one.stage is ImportStage.CANCELLED
    assert await rows_kept(desk) == 0


async def test_the_header_is_refused_before_the_file_is_read_on(desk):
    async def endless() -> AsyncIterator[bytes]:
        yield b"Phone,Name\n" + b"2565938310,x\n" * 10_000
        raise AssertionError("it was read on")

    wrong = ImportOptions(region="US", mapping=mapping_from_options(["number=Nope"]))
    with pytest.raises(ImportRefused, match="'Nope'"):
        await import_leads(
            endless(),
            store=desk.store,
            campaign=desk.campaign,
            lead_list=desk.lead_list,
            options=wrong,
            clock=FixedClock(NOW),
            who="ann",
        )
    [one] = await imports(desk)
    assert one.stage is ImportStage.CANCELLED


async def test_examples_are_the_first_twenty_of_each_kind_by_row(desk, monkeypatch):
    monkeypatch.setattr(filing, "ROWS_AT_ONCE", 7)
    lines = ["Phone,Name"]
    lines += ["2565938310,x" if at % 2 else "12,x" for at in range(60)]
    lines.append(f"2565938311,{'y' * 201}")
    report = await desk.load("\n".join(lines))
    kinds = [text.split(": ")[1] for text in report.examples]
    assert kinds.count("rejected") == 20
    assert kinds.count("+12565938310 is in an earlier row, too") == 20
    assert report.examples[-1] == "row 62: name has 201 characters and is cut to 200"
    at = [int(text.split(":")[0].removeprefix("row ")) for text in report.examples]
    assert at == sorted(at) and at[0] == 2
    assert report.warnings == {"repeated_in_file": 29, "cut": 1}


async def test_an_upload_that_breaks_off_ends_the_import_with_its_own_error_and_nothing_stays(desk):
    async def broken() -> AsyncIterator[bytes]:
        yield b"Phone\n" + b"2565938310\n" * 20_000
        raise ConnectionResetError("gone")

    with pytest.raises(ConnectionResetError):
        await import_leads(
            broken(),
            store=desk.store,
            campaign=desk.campaign,
            lead_list=desk.lead_list,
            options=US,
            clock=FixedClock(NOW),
            who="ann",
        )

    [one] = await imports(desk)
    assert one.stage is ImportStage.CANCELLED
    assert await rows_kept(desk) == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"region": "USA"}, "region: 'USA' is no country"),
        ({"delimiter": ",,"}, "expected one character"),
        ({"encoding": "utf-99"}, "encoding = 'utf-99'"),
    ],
)
def test_options_that_can_not_be_are_refused(options, message):
    with pytest.raises(ImportRefused, match=message):
        ImportOptions(**options)
