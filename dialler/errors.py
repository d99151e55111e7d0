"""Every error that this project raises on purpose, by who can act on it.

DiallerError
├── SettingsError       the operator: all mistakes of a settings file at once
├── UsageError          the caller: a request that can't be carried out as asked
│   ├── NotFound        there is no such campaign, list, lead, session
│   └── Conflict        it is there, but its state forbids this
├── ImportRefused       whoever loads leads: the file or its mapping can't be used
│   └── ImportMisused   what was said about the file is wrong usage, whatever the file
└── StoreError          the records: wrapped at the edge
    ├── StoreLocked     another engine or command holds them
    ├── StoreFull       no room on the disk
    └── SchemaOutdated  `dialler db upgrade` is due
TelephonyError          the exchange, see telephony/errors.py
IllegalTransition       an event of a call that has ended: logged and counted, it closes nothing
"""

from collections.abc import Sequence
from dataclasses import dataclass

from telephony.errors import LinkLost, LoginRefused, NotSent, Refused, TelephonyError

__all__ = [
    "Conflict",
    "DiallerError",
    "IllegalTransition",
    "ImportMisused",
    "ImportRefused",
    "LinkLost",
    "LoginRefused",
    "Mistake",
    "NotFound",
    "NotSent",
    "Refused",
    "SchemaOutdated",
    "SettingsError",
    "StoreError",
    "StoreFull",
    "StoreLocked",
    "TelephonyError",
    "UsageError",
]


class DiallerError(Exception):
    """Base of the errors that a person can act on; its text is shown as it stands."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing wrong in a file: where, what stands there, what was expected."""

    file: str
    key: str
    value: str
    expected: str

    def __str__(self) -> str:
        return f"{self.file}: {self.key} = {self.value}: expected {self.expected}"


class SettingsError(DiallerError):
    """A settings file can't be used; it lists every mistake."""

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        super().__init__("\n".join(map(str, mistakes)))
        self.mistakes = tuple(mistakes)


class UsageError(DiallerError):
    """A request can't be carried out as asked; nothing was changed."""


class NotFound(UsageError):
    """What was named is not there."""


class Conflict(UsageError):
    """What was named is there, but its state forbids the request."""


class Shortage(Conflict):
    """It can't be done at this moment, for want of something that comes back by itself: try again in a while."""


class ImportRefused(DiallerError):
    """A lead file, or its mapping, can't be used; nothing was imported."""


class ImportMisused(ImportRefused, UsageError):
    """What was said about a lead file can't be, whatever the file: no such encoding, a mapping without a column."""


class StoreError(DiallerError):
    """The records could not be read or written; the transaction was undone."""


class StoreLocked(StoreError):
    """Someone else holds the records; the text names the process."""


class StoreFull(StoreError):
    """The disk is full; the transaction was undone."""


class SchemaOutdated(StoreError):
    """The records' schema is not the one this version needs."""


class IllegalTransition(Exception):
    """An event that a call which has ended can't have."""

    def __init__(self, state: object, event: object) -> None:
        super().__init__(f"{event!r} after {state!r}")
        self.state = state
        self.event = event
