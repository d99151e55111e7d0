"""Tells systemd how we are, after sd_notify(3): a datagram to the socket that it names in the environment.

Without systemd all of this does nothing. Nothing here fails or blocks: a daemon does not end because nobody listens.
"""

import os
import socket
import time
from collections.abc import Mapping


def ready() -> bool:
    """Say that the start, or a reload, is done."""
    return notify("READY=1")


def reloading() -> bool:
    """Say that a reload began; `ready` ends it."""
    return notify("RELOADING=1", f"MONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}")


def stopping(*, within_s: float | None = None) -> bool:
    """Say that the end began; it shall be allowed to take `within_s`, whatever the unit's TimeoutStopSec says."""
    more = () if within_s is None else (f"EXTEND_TIMEOUT_USEC={round(within_s * 1e6)}",)
    return notify("STOPPING=1", *more)


def status(text: str) -> bool:
    """Say in words what is being done; `systemctl status` shows it."""
    return notify("STATUS=" + " ".join(text.split()))


def watchdog() -> bool:
    """Say that the loop that dials still goes round."""
    return notify("WATCHDOG=1")


def watchdog_interval(environ: Mapping[str, str] = os.environ) -> float | None:
    """Return how often to call `watchdog`, in seconds: half of what systemd waits for. None: it does not watch us."""
    if environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    microseconds = environ.get("WATCHDOG_USEC", "")
    return int(microseconds) / 2e6 if microseconds.isdigit() and int(microseconds) else None


def notify(*assignments: str, environ: Mapping[str, str] = os.environ) -> bool:
    """Send assignments ("READY=1"); False where nobody listens."""
    address = environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return False
    if address.startswith("@"):  # a name in the abstract space begins with a zero byte
        address = "\0" + address[1:]
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK) as sender:
            sender.connect(address)
            sender.send("\n".join(assignments).encode())
    except OSError:
        return False
    return True
