"""The disk under the records."""

from pathlib import Path

import pytest

from dialler.doctor.disk import MIB, disk, filesystem_of
from dialler.doctor.finding import Verdict

HERE = Path("/var/lib/dialler")
MOUNTS = """\
22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda1 rw
30 22 0:25 / /run rw,nosuid shared:5 - tmpfs tmpfs rw
40 22 0:40 / /srv/calls rw shared:6 - nfs4 files:/calls rw
41 22 0:41 / /srv/two\\040words rw - xfs /dev/vdb rw
42 40 0:42 / /srv/calls/here rw - ext4 /dev/vdc rw
43 22 0:43 / /srv/calls/here rw - tmpfs hides-the-one-before rw
"""


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/var/lib/dialler", "ext4"),
        ("/run/dialler", "tmpfs"),
        ("/runner", "ext4"),
        ("/srv/calls", "nfs4"),
        ("/srv/calls/day", "nfs4"),
        ("/srv/two words/x", "xfs"),
        ("/srv/calls/here/x", "tmpfs"),
    ],
)
def test_the_filesystem_is_that_of_the_innermost_mount(folder: str, kind: str) -> None:
    assert filesystem_of(Path(folder), MOUNTS) == kind
    assert filesystem_of(Path(folder), "") == ""


@pytest.mark.parametrize(
    ("free", "total", "verdict"),
    [
        (99 * MIB, 100_000 * MIB, Verdict.FAIL),
        (1000 * MIB, 100_000 * MIB, Verdict.WARN),
        (1000 * MIB, 10_000 * MIB, Verdict.OK),  # small, and a tenth of it free
        (2000 * MIB, 100_000 * MIB, Verdict.OK),
    ],
)
def test_little_room_is_warned_of_and_none_fails(free: int, total: int, verdict: Verdict) -> None:
    [finding] = disk(HERE, free=free, total=total, filesystem="ext4")
    assert finding.verdict is verdict


@pytest.mark.parametrize(
    ("filesystem", "verdict", "advice"),
    [("nfs4", Verdict.FAIL, "PostgreSQL"), ("9p", Verdict.FAIL, "PostgreSQL"), ("tmpfs", Verdict.WARN, "on a disk")],
)
def test_a_filesystem_that_does_not_keep_records_is_told(filesystem: str, verdict: Verdict, advice: str) -> None:
    [finding] = disk(HERE, free=10_000 * MIB, total=10_000 * MIB, filesystem=filesystem)
    assert finding.verdict is verdict and filesystem in finding.found and advice in finding.advice
