"""Rows in blocks: what is said of a block is what would be said of its rows one by one."""

from collections import Counter

import orjson
from hypothesis import given
from hypothesis import strategies as st

from dialler.domain.import_block import (
    LETTERS,
    MARKED,
    PLANS,
    STATUS_OF,
    ImportBlock,
    ImportRow,
    only,
    rows_of_block,
    with_row,
)
from dialler.domain.lead_import import RowStatus

CHECKED = sorted(STATUS_OF.keys() - {LETTERS[RowStatus.STAGED]})
CODES = ["number_invalid", "columns", "repeated_in_list", "repeated_in_file", "zone_unknown"]


@st.composite
def blocks(draw: st.DrawFn) -> ImportBlock:
    statuses = draw(st.lists(st.sampled_from(CHECKED), min_size=1, max_size=9))
    numbers = sorted(draw(st.sets(st.integers(1, 99), min_size=len(statuses), max_size=len(statuses))))
    problems = {}
    for place, letter in enumerate(statuses):
        codes = draw(st.lists(st.sampled_from(CODES), min_size=letter in "xr", max_size=3))
        if codes:
            problems[place] = [(code, f"{code} of {place}") for code in codes]
    leads = [[place] if letter in "viuk" else None for place, letter in enumerate(statuses)]
    plan = "".join(draw(st.sampled_from("nea-")) for _ in statuses) if draw(st.booleans()) else ""
    return ImportBlock(
        last=numbers[-1],
        status="".join(statuses),
        cells=orjson.dumps([(number, "", [str(number)]) for number in numbers]),
        plan=plan,
        fixed={place: {"0": "x"} for place in draw(st.sets(st.integers(0, len(statuses) - 1)))},
        problems=problems,
        leads=orjson.dumps(leads),
    )


def said(rows: list[ImportRow], dropped: int) -> Counter[str]:
    """Count rows one by one."""
    counts = Counter({"dropped": dropped})
    for row in rows:
        counts[row.status.value] += 1
        codes = [code for code, _ in row.problems]
        if row.status in (RowStatus.INVALID, RowStatus.REJECTED):
            counts[f"invalid:{codes[0]}"] += 1
            codes = codes[1:]
        for code in set(codes):
            counts[f"noticed:{code}"] += 1
        counts["repeated"] += any(code.startswith("repeated_in_") for code in codes)
    return +counts


@given(blocks())
def test_a_blocks_counts_are_those_of_its_rows(block: ImportBlock) -> None:
    rows = list(rows_of_block(block))
    assert block.counted() == said(rows, block.status.count("d"))
    assert block.marked == sum(row.status in MARKED for row in rows)
    assert [row.place for row in rows] == list(block.places())
    assert [row.plan for row in rows] == [PLANS[block.plan[row.place]] if block.plan else "" for row in rows]


@given(blocks())
def test_what_is_left_of_a_block_are_the_rows_wanted_as_they_were(block: ImportBlock) -> None:
    wanted = [row for row in rows_of_block(block) if row.status in MARKED]
    if not wanted:
        return
    left = only(block, MARKED)

    def shown(row: ImportRow) -> tuple[object, ...]:
        return row.row, row.cells, row.status, row.problems, row.fixed, row.plan

    assert [shown(row) for row in rows_of_block(left)] == [shown(row) for row in wanted]
    assert (left.last, left.leads) == (wanted[-1].row, b"")


@given(blocks(), st.data())
def test_a_row_that_changes_leaves_the_others_alone(block: ImportBlock, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(block.status) - 1))
    new = with_row(block, place, status="v", fixed={"0": "y"}, problems=[("cut", "cut")], lead=["new"])
    before = {row.place: row for row in rows_of_block(block)}
    for row in rows_of_block(new):
        if row.place == place:
            assert (row.status, row.fixed, row.lead) == (RowStatus.VALID, {"0": "y"}, ["new"])
            assert row.problems == [("cut", "cut")]
        else:
            was = before[row.place]
            assert (row.status, row.fixed, row.problems, row.lead) == (was.status, was.fixed, was.problems, was.lead)
    assert new.plan == ""
