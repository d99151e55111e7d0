"""The disk under the records: its room, and whether its filesystem keeps what SQLite asks it to keep."""

import os
import shutil
from pathlib import Path
from typing import Final

from dialler.doctor.finding import Finding, fail, or_ok, warn

MIB: Final = 1 << 20
FREE_FAIL_BYTES: Final = 100 * MIB
FREE_WARN_BYTES: Final = 1024 * MIB
FREE_WARN_RATE: Final = 0.05
MOUNTS: Final = Path("/proc/self/mountinfo")

REMOTE: Final = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "fuse.sshfs", "fuse.glusterfs", "ceph", "afs"})
"""sqlite.org/wal.html: WAL needs memory that all processes share, which a network filesystem does not have."""
VOLATILE: Final = frozenset({"tmpfs", "ramfs"})


def room(folder: Path) -> tuple[int, int]:
    """Return the bytes that are free for us, and all there are. Raises OSError."""
    usage = shutil.disk_usage(folder)
    return usage.free, usage.total


def filesystem_of(folder: Path, mounts: str) -> str:
    """Return the kind of filesystem that holds `folder`, "" where the text of proc(5)'s mountinfo does not tell."""
    best, kind = "", ""
    target = os.path.realpath(folder) + "/"
    for line in mounts.splitlines():
        left, _, right = line.partition(" - ")
        words = left.split()
        if len(words) < 5 or not right:
            continue
        place = words[4].replace("\\040", " ")
        # The later of two mounts on one place hides the earlier one.
        if target.startswith(place.rstrip("/") + "/") and len(place) >= len(best):
            best, kind = place, right.split()[0]
    return kind


def read_mounts(path: Path = MOUNTS) -> str:
    """Return the mounts that this process sees, "" where the system does not tell."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def disk(folder: Path, *, free: int, total: int, filesystem: str) -> list[Finding]:
    """Judge the disk of the records' folder."""
    problems = []
    rate = free / total if total else 0.0
    found = f"{_size(free)} of {_size(total)} free ({rate:.0%}) under {folder}"
    if free < FREE_FAIL_BYTES:
        advice = "make room: on a full disk no intent can be committed, so nothing is dialled"
        problems.append(fail("records.disk", found, advice))
    elif free < FREE_WARN_BYTES and rate < FREE_WARN_RATE:
        problems.append(warn("records.disk", found, "make room, or move the records: `url` in [store]"))
    if filesystem in REMOTE:
        problems.append(
            fail(
                "records.disk",
                f"{folder} is on a network filesystem ({filesystem}), on which SQLite's records get corrupted",
                "put the records on a disk of this machine, or into PostgreSQL",
            )
        )
    if filesystem in VOLATILE:
        problems.append(
            warn(
                "records.disk",
                f"{folder} is in memory ({filesystem}): the records are gone at the next start of the machine",
                "put the records on a disk, such as /var/lib/dialler",
            )
        )
    return or_ok(problems, "records.disk", found + (f", {filesystem}" if filesystem else ""))


def _size(count: int) -> str:
    return f"{count / MIB:.0f} MiB" if count < 10 * 1024 * MIB else f"{count / MIB / 1024:.0f} GiB"
