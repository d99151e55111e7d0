"""Whether a daemon is there. Light, for it is asked by every command."""

import socket
from pathlib import Path


def answers(path: Path) -> bool:
    """Tell whether somebody listens on the unix socket at `path`. Raises OSError where that can't be found out."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        try:
            probe.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError, NotADirectoryError):
            return False
        except (TimeoutError, BlockingIOError):
            return True  # Its backlog is full: busy, not dead.
    return True
