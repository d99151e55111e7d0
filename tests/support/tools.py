"""Programs of the operating system that tests ask, such as systemd's."""

import shutil

from tests.support.exchanges import give_up


def tool(name: str, *, of: str) -> str:
    """Return the path of a program of `of`; the test is skipped where there is none, or fails if it must be."""
    path = shutil.which(name)
    if path is None:
        give_up(of, f"{name} is not installed")
    return path
