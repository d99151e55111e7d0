"""Phone numbers: which are valid, and how they are dialled.

Reading one costs 60 microseconds, so a file's numbers are read by a worker process: in a thread they would make
the event loop late, and with it the calls.
"""

from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import Final

import anyio
import anyio.lowlevel
import anyio.to_process
import phonenumbers

WITH_EXTENSION = ";ext"
"""Ends a number whose extension was left out: E.164 has none."""

_WORTH_A_PROCESS = 200  # numbers; for fewer, starting one takes longer than the work
_SLICE = 20  # numbers read at a time on the event loop: about a millisecond


def dialled_number(raw: str, region: str | None) -> str:
    """Return a valid number in E.164, "" for one that is not valid.

    `region` (two capitals) is the country of a number without one. A number with an extension ends with
    WITH_EXTENSION.
    """
    return dialled_number_and_type(raw, region)[0]


def dialled_number_and_type(raw: str, region: str | None) -> tuple[str, str]:
    """Return `dialled_number` and its type: fixed_line, mobile, fixed_line_or_mobile, toll_free, ...; "" if invalid."""
    try:
        number = phonenumbers.parse(raw, region)
    except phonenumbers.NumberParseException:
        return "", ""
    # What `is_valid_number` looks for, too: a number is valid if it is of some type.
    kind = phonenumbers.number_type(number)
    if kind == phonenumbers.PhoneNumberType.UNKNOWN:
        return "", ""
    dialled = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return (dialled + WITH_EXTENSION if number.extension else dialled), _TYPES[kind]


_TYPES: Final = {
    kind: phonenumbers.PhoneNumberType.to_string(kind).lower() for kind in phonenumbers.PhoneNumberType.values()
}


def dialled_numbers(raw: Sequence[str], region: str | None) -> list[str]:
    """Return `dialled_number` of each; this is what the worker process runs."""
    return [dialled_number(number, region) for number in raw]


async def read_numbers(raw: Sequence[str], region: str | None) -> list[str]:
    """Return `dialled_number` of each, and leave the event loop free meanwhile."""
    if len(raw) >= _WORTH_A_PROCESS:
        # A process that can't be started, or that someone killed, costs speed but not the import.
        with suppress(anyio.BrokenWorkerProcess):
            return await anyio.to_process.run_sync(partial(dialled_numbers, list(raw), region))
    dialled: list[str] = []
    for start in range(0, len(raw), _SLICE):
        dialled += dialled_numbers(raw[start : start + _SLICE], region)
        await anyio.lowlevel.checkpoint()
    return dialled
