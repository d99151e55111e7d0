"""One line for each thing that happens: JSON for machines, text for terminals.

Everything goes one way: events of the journal and the records of stdlib loggers (ours and those of libraries) end
in the same lines on the same stream. A line has `ts` (ISO 8601 with offset), `level` and `event`, then the fields.
An event's `event` is its name. A logger's is the `event` given as `extra`, with its `message` beside it, or else the
message; `logger` says whose it is, and `exception` what was caught.

Lines hold ids, never numbers or names of people, and never a secret: events have no such fields, libraries that would
write them are kept quiet, and what still looks like a telephone number is masked. Who has to see numbers records the
link itself: `DIALLER_DEBUG=ami`.

* `lines` - the stream, and the two ways to write a line.
* `repeats` - what is said over and over is counted instead.
"""

import logging
import sys
from collections.abc import Mapping
from dataclasses import fields
from typing import IO, Final, Literal

from structlog.typing import EventDict

from dialler.events import Event, Journal
from dialler.logs.lines import LEVEL_NAMES, LEVELS, Lines, render_json, text_renderer
from dialler.logs.repeats import Repeats

__all__ = ["LEVELS", "QUIET", "configure_logging", "log_events", "render_json"]

QUIET: Final = {
    "panoramisk": logging.ERROR,  # logs whole actions, with numbers, at INFO
    "sqlalchemy": logging.WARNING,  # logs the parameters of statements, with names and numbers, at INFO
    "httpx": logging.WARNING,
    "httpcore": logging.WARNING,
    "uvicorn": logging.WARNING,
    "asyncio": logging.WARNING,
    "alembic": logging.WARNING,
}
"""Libraries that speak only from this level up, unless a part of the settings names them."""


_OF_EVERY_LINE: Final = ("ts", "level", "event")


class _FieldNames(dict[type[Event], tuple[tuple[str, str], ...]]):
    """Names of an event class's own fields, and what they are called in its lines; looked up once.

    A field that is called like one that every line has gets the event's first word before it: `call_event`.
    """

    def __missing__(self, event: type[Event]) -> tuple[tuple[str, str], ...]:
        word = event.name.partition(".")[0]
        names = [field.name for field in fields(event) if field.name != "at"]
        self[event] = tuple((name, f"{word}_{name}" if name in _OF_EVERY_LINE else name) for name in names)
        return self[event]


class _Events:
    """Writes the events of a journal whose level is high enough."""

    def __init__(self) -> None:
        self.lines: Lines | None = None
        self.level = logging.INFO
        self.parts: Mapping[str, int] = {}
        self._field_names = _FieldNames()

    def threshold(self, name: str) -> int:
        """Return the level from which an event is written: its own, its first word's, or the general one."""
        return self.parts.get(name, self.parts.get(name.partition(".")[0], self.level))

    def __call__(self, event: Event) -> None:
        if self.lines is None or event.severity < self.threshold(event.name):
            return
        line: EventDict = {"ts": event.at, "level": LEVEL_NAMES[event.severity], "event": event.name}
        for name, shown in self._field_names[type(event)]:
            line[shown] = getattr(event, name)
        self.lines.write(line)


_events: Final = _Events()


def configure_logging(
    level: str = "info",
    format: Literal["json", "text"] = "json",
    parts: Mapping[str, str] | None = None,
    *,
    stream: IO[str] | None = None,
    repeats: Repeats | None = None,
) -> None:
    """Log from `level` up to `stream` (default: standard error). Call it again to change any of it.

    `parts` gives levels of their own by logger ("telephony.ami"), or by an event's name or its first word
    ("session.opened", "session"). `repeats` bounds how often the same line is written.
    """
    numbers = {name: LEVELS[value] for name, value in (parts or {}).items()}
    render = render_json if format == "json" else text_renderer()
    lines = Lines(stream or sys.stderr, render, repeats or Repeats())
    root = logging.getLogger()
    for handler in root.handlers[:]:
        if isinstance(handler, Lines):
            root.removeHandler(handler)
            handler.close()
    root.addHandler(lines)
    root.setLevel(LEVELS[level])
    for name in _named_before.difference(numbers):
        logging.getLogger(name).setLevel(logging.NOTSET)
    quiet = {name: max(number, LEVELS[level]) for name, number in QUIET.items()}
    for name, number in (quiet | numbers).items():
        logging.getLogger(name).setLevel(number)
    _named_before.update(numbers)
    _events.lines, _events.level, _events.parts = lines, LEVELS[level], numbers


_named_before: Final[set[str]] = set()
"""Loggers that were given a level; a reload that no longer names one takes it back."""


def log_events(journal: Journal) -> None:
    """Write each event of `journal` as a line, as `configure_logging` has it at that moment."""
    journal.subscribe(_events)
