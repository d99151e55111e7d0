"""Stretches of constant offset, against the changes that the compiled zone files list."""

import struct
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.resources import files
from itertools import pairwise

import pytest

from dialler.domain.zone_offsets import offset_at, stretches
from dialler.domain.zones import zone_names


def compiled_zones() -> dict[bytes, str]:
    """Return one name for each distinct zone file of the package."""
    base = files("tzdata") / "zoneinfo"
    return {base.joinpath(*name.split("/")).read_bytes(): name for name in sorted(zone_names())}


def listed_changes(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield (instant, offset after it) of the changes that a TZif file lists (RFC 9636, its second block)."""

    def counts(at: int) -> tuple[int, ...]:
        assert data[at : at + 4] == b"TZif"
        return struct.unpack(">6l", data[at + 20 : at + 44])

    isut, isstd, leaps, times, types, chars = counts(0)
    at = 44 + times * 5 + types * 6 + chars + leaps * 8 + isstd + isut
    isut, isstd, leaps, times, types, chars = counts(at)
    at += 44
    instants = struct.unpack(f">{times}q", data[at : at + 8 * times])
    at += 8 * times
    kinds = data[at : at + times]
    at += times
    offsets = [struct.unpack(">l", data[at + 6 * kind : at + 6 * kind + 4])[0] for kind in range(types)]
    before = offsets[0]
    for instant, kind in zip(instants, kinds, strict=True):
        if offsets[kind] != before:
            before = offsets[kind]
            yield instant, before


def test_no_two_changes_are_as_close_as_the_step_of_the_search() -> None:
    for data, name in compiled_zones().items():
        for (earlier, _), (later, _) in pairwise(listed_changes(data)):
            assert later - earlier > 2 * 3 * 86_400, name


def test_stretches_change_exactly_where_the_files_say() -> None:
    start = int(datetime(2009, 12, 25, tzinfo=UTC).timestamp())
    for data, name in compiled_zones().items():
        listed = list(listed_changes(data))
        end = max((instant for instant, _ in listed), default=0)
        found = []
        before = offset_at(name, start)
        for first, _, offset in stretches(name, start):
            if first > end:
                break
            if offset != before:
                found.append((first, offset))
                before = offset
        assert found == [change for change in listed if change[0] > start], name


@pytest.mark.parametrize(
    ("zone", "instants"),
    [
        ("America/New_York", ["2026-03-08T07:00:00", "2026-11-01T06:00:00"]),
        ("Europe/London", ["2026-03-29T01:00:00", "2026-10-25T01:00:00"]),
        ("Australia/Sydney", ["2026-04-04T16:00:00", "2026-10-03T16:00:00"]),
        ("Australia/Lord_Howe", ["2026-04-04T15:00:00", "2026-10-03T15:30:00"]),
        ("America/St_Johns", ["2026-03-08T05:30:00", "2026-11-01T04:30:00"]),
        ("Pacific/Chatham", ["2026-04-04T14:00:00", "2026-09-26T14:00:00"]),
        ("Antarctica/Troll", ["2026-03-29T01:00:00", "2026-10-25T01:00:00"]),
        ("Africa/Casablanca", ["2026-02-15T02:00:00", "2026-03-22T02:00:00", "2026-09-20T01:00:00"]),
        ("America/Santiago", ["2026-04-05T03:00:00", "2026-09-06T04:00:00"]),
        ("Asia/Kathmandu", []),
        ("America/Phoenix", []),
        ("Pacific/Kiritimati", []),
    ],
)
def test_the_changes_of_2026(zone: str, instants: list[str]) -> None:
    start, end = (int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) for year in (2026, 2027))
    found, before = [], offset_at(zone, start)
    for first, _, offset in stretches(zone, start):
        if first >= end:
            break
        if offset != before:
            found.append(datetime.fromtimestamp(first, UTC).strftime("%Y-%m-%dT%H:%M:%S"))
        before = offset
    assert found == instants


def test_stretches_leave_no_gap() -> None:
    for number, ((_, end, _), (start, _, _)) in enumerate(pairwise(stretches("Africa/Casablanca", 1_000_000_007))):
        assert end == start
        if number > 100:
            break


def test_beyond_the_calendar_the_offset_stands_still() -> None:
    assert offset_at("Pacific/Kiritimati", 10**15) == 14 * 3600
    assert offset_at("Pacific/Kiritimati", -(10**15)) == offset_at("Pacific/Kiritimati", -(10**11))
