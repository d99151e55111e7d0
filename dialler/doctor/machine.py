"""What the machine brings: Python, SQLite, time-zone data, the clock."""

import ctypes
import re
import sys
from pathlib import Path
from typing import Final

from dialler.doctor.finding import Finding, fail, ok, skip, warn

PYTHON_MIN: Final = (3, 11)
PYTHON_TESTED_MAX: Final = (3, 14)

WAL_FAULT_SINCE: Final = (3, 7, 0)
WAL_FAULT_MENDED: Final = (3, 51, 3)
WAL_FAULT_BACKPORTS: Final = ((3, 44, 6), (3, 50, 7))
"""sqlite.org/wal.html, "The WAL-reset bug": releases of older series that have the cure."""

ZONEINFO: Final = Path("/usr/share/zoneinfo")
TIME_ERROR: Final = 5
"""adjtimex(2): the clock is not synchronised."""


def python_version(version: tuple[int, ...] = sys.version_info[:3]) -> Finding:
    """Judge the version of Python that runs this."""
    text = ".".join(map(str, version))
    if version[:2] < PYTHON_MIN:
        return fail("python", f"Python {text}", "install Python 3.11 or newer, and the dialler into it")
    if version[:2] > PYTHON_TESTED_MAX:
        return ok("python", f"Python {text}, newer than any this version was tested with")
    return ok("python", f"Python {text}")


def sqlite_version(version: tuple[int, ...], *, in_use: bool) -> Finding:
    """Judge the version of SQLite; `in_use` says whether the records are in it."""
    text = "SQLite " + ".".join(map(str, version))
    if not in_use:
        return skip("sqlite", f"{text}, not used by these settings")
    if version < WAL_FAULT_SINCE:
        return fail("sqlite", f"{text} has no WAL", "use a Python with SQLite 3.35 or newer")
    if not _has_wal_fault(version):
        return ok("sqlite", text)
    return ok(
        "sqlite",
        f"{text} has the WAL-reset fault, which can corrupt records that two connections write at once;"
        " here one connection alone writes, so it can not strike",
        advice="never write to the records with another program, such as the sqlite3 shell, while a daemon runs;"
        " SQLite 3.51.3 has the cure",
    )


def _has_wal_fault(version: tuple[int, ...]) -> bool:
    backported = any(version[:2] == mended[:2] and version >= mended for mended in WAL_FAULT_BACKPORTS)
    return version < WAL_FAULT_MENDED and not backported


def system_iana_version(folder: Path = ZONEINFO) -> str | None:
    """Return the release of the system's time-zone files, such as "2026a"; None where they do not tell."""
    for name, form in (("tzdata.zi", r"# version (\S+)"), ("+VERSION", r"(\S+)")):
        try:
            with (folder / name).open(encoding="utf-8") as file:
                first = file.readline(200)
        except (OSError, UnicodeDecodeError):
            continue
        if found := re.match(form, first):
            return found[1]
    return None


def time_zones(package: str, system: str | None) -> Finding:
    """Judge the time-zone data: `package` is what the dialler uses, `system` what the machine has, None: unknown."""
    if system is None:
        return ok("tzdata", f"{package}, from the tzdata package; the system's own files do not tell their release")
    if _iana(system) > _iana(package):
        return warn(
            "tzdata",
            f"the dialler uses {package}, this machine has the newer {system}: a zone that changed its rules since"
            " is called at the wrong hour",
            "bring the tzdata package up to date: `pip install --upgrade tzdata` in the dialler's environment,"
            " then restart the daemon",
        )
    note = "" if system == package else f"; the system's {system} is older and does not count here"
    return ok("tzdata", f"{package}, from the tzdata package{note}")


def _iana(release: str) -> tuple[int, str]:
    """Return "2026a" as something that sorts: the letters run on past z as za, zb."""
    found = re.match(r"(\d+)([a-z]*)", release)
    return (int(found[1]), found[2]) if found else (0, release)


def kernel_clock_state() -> int | None:
    """Return what adjtimex(2) says of the clock, None where it can't be asked. Changes nothing."""
    try:
        # Larger than struct timex on every architecture; its first field, modes = 0, asks for nothing to be set.
        state = int(ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.create_string_buffer(512)))
    except (OSError, AttributeError):
        return None
    return state if state >= 0 else None


def clock(state: int | None) -> Finding:
    """Judge the clock by `kernel_clock_state`."""
    if state is None:
        return skip("clock", "the kernel does not tell whether the clock is kept in time")
    if state == TIME_ERROR:
        return warn(
            "clock",
            "the kernel says that nothing keeps the clock in time; calling windows open and shut by it",
            "run a time service (chrony, systemd-timesyncd); in a container or guest that of its host counts,"
            " and may not be visible here",
        )
    return ok("clock", "kept in time")
