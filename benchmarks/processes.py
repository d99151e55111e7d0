"""What other processes have used: CPU time and memory, from /proc."""

import os
from pathlib import Path
from typing import Final

_TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")


def cpu_s(*pids: int) -> float:
    """Return the CPU seconds (user and system) that processes have used so far, all their threads together."""
    return sum(_cpu_s(Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")) for pid in pids)


def _cpu_s(stat: str) -> float:
    # The command's name stands in brackets, and may hold blanks and brackets itself.
    fields = stat.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S


def resident_mib(pid: int) -> float:
    """Return a process's resident memory, in MiB."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise ValueError(f"process {pid} has no memory: it has ended")
