"""What the machine brings, judged."""

from pathlib import Path

import pytest

from dialler.doctor import machine
from dialler.doctor.finding import Verdict


@pytest.mark.parametrize(
    ("version", "has_fault"),
    [
        ((3, 40, 1), True),
        ((3, 44, 5), True),
        ((3, 44, 6), False),
        ((3, 50, 6), True),
        ((3, 50, 7), False),
        ((3, 51, 2), True),
        ((3, 51, 3), False),
        ((3, 53, 0), False),
    ],
)
def test_the_wal_reset_fault_is_a_note_since_one_connection_alone_writes(
    version: tuple[int, int, int], has_fault: bool
) -> None:
    finding = machine.sqlite_version(version, in_use=True)
    assert finding.verdict is Verdict.OK
    assert ("WAL-reset" in finding.found) is has_fault
    assert ("one connection alone writes" in finding.found) is has_fault
    assert bool(finding.advice) is has_fault


def test_sqlite_does_not_count_where_the_records_are_elsewhere() -> None:
    assert machine.sqlite_version((3, 40, 1), in_use=False).verdict is Verdict.SKIP


def test_an_old_python_fails() -> None:
    assert machine.python_version((3, 10, 9)).verdict is Verdict.FAIL
    assert machine.python_version((3, 11, 0)).verdict is Verdict.OK
    assert "newer than any" in machine.python_version((3, 99, 0)).found


@pytest.mark.parametrize(
    ("package", "system", "verdict"),
    [
        ("2026a", "2026b", Verdict.WARN),
        ("2025z", "2026a", Verdict.WARN),
        ("2026b", "2026b", Verdict.OK),
        ("2026b", "2026a", Verdict.OK),
        ("2026b", None, Verdict.OK),
    ],
)
def test_time_zone_data_older_than_the_systems_is_warned_of(package: str, system: str | None, verdict: Verdict) -> None:
    finding = machine.time_zones(package, system)
    assert finding.verdict is verdict and package in finding.found
    assert ("pip install --upgrade tzdata" in finding.advice) is (verdict is Verdict.WARN)


def test_the_systems_release_is_read_from_either_of_its_files(tmp_path: Path) -> None:
    assert machine.system_iana_version(tmp_path) is None
    (tmp_path / "+VERSION").write_text("2026c\n")
    assert machine.system_iana_version(tmp_path) == "2026c"
    (tmp_path / "tzdata.zi").write_text("# version 2026d-rearguard\nZ Africa/Abidjan\n")
    assert machine.system_iana_version(tmp_path) == "2026d-rearguard"


def test_a_clock_that_nothing_keeps_in_time_is_warned_of() -> None:
    assert machine.clock(machine.TIME_ERROR).verdict is Verdict.WARN
    assert machine.clock(0).verdict is Verdict.OK
    assert machine.clock(None).verdict is Verdict.SKIP


def test_the_kernel_can_be_asked_for_its_clock() -> None:
    assert machine.kernel_clock_state() in range(6)  # adjtimex(2): TIME_OK to TIME_ERROR
