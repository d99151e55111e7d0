"""Writes exports out: a portion at a time, so that memory stays bounded with a daemon and without one."""

import sys
from collections.abc import Mapping
from typing import Annotated, Final, Literal

from cyclopts import Parameter

from dialler.cli.connection import connected
from dialler.cli.options import Reading

PORTION: Final = 1000

FormatOption = Annotated[Literal["csv", "jsonl"], Parameter(name="--format", help="CSV or JSON lines.")]


async def write_out(path: str, which: Mapping[str, object], form: str, after: int, options: Reading) -> None:
    """Write all that an export gives to standard output; with --json as JSON lines, whatever `form`."""
    behind: int | None = after
    wanted = "jsonl" if options.json else form
    head = after == 0
    async with connected(options) as api:
        while behind is not None:
            said = {**which, "format": wanted, "after": behind, "limit": PORTION, "head": "true" if head else "false"}
            content, behind = await api.portion(path, **said)
            head = head and not content  # A portion may be empty: what it looked at did not match.
            # As bytes: the line ends of CSV stay what they are.
            sys.stdout.flush()
            sys.stdout.buffer.write(content)
            sys.stdout.buffer.flush()
