"""One line for each thing that happens: JSON for machines, text for terminals.

Everything goes one way: events of the journal and the records of stdlib loggers (ours and those of libraries) end
in the same lines on the same stream. A line has `ts` (ISO 8601 with offset), `level` and `event`, then the fields.
An event's `event` is its name; a logger's is its message, with `logger` beside it. Lines hold ids, never numbers or
names of people, and never a secret: events have no such fields, and libraries that would write them are kept quiet.
"""

import logging
import sys
from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import UTC, datetime
from typing import IO, Any, Final, Literal

import orjson
import structlog
from structlog.typing import EventDict

from dialler.events import Event, Journal

LEVELS: Final = {"debug": 10, "info": 20, "warning": 30, "error": 40}
_LEVEL_NAMES: Final = {number: name for name, number in LEVELS.items()} | {logging.CRITICAL: "critical"}

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

_OF_EVERY_RECORD: Final = {*vars(logging.makeLogRecord({})), "message", "asctime", "taskName"}
"""Attributes that all log records have; others were given as `extra`, and are fields of the line."""

Render = Callable[[EventDict], str]


class _Lines(logging.Handler):
    """Writes lines to a stream, and turns the records of stdlib loggers into such lines."""

    def __init__(self, stream: IO[str], render: Render) -> None:
        super().__init__()
        self.stream = stream
        self._render = render

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line: EventDict = {
                "ts": datetime.fromtimestamp(record.created, UTC),
                "level": _LEVEL_NAMES.get(record.levelno, record.levelname.lower()),
                "event": record.getMessage(),
                "logger": record.name,
            }
            for name, value in record.__dict__.items():
                if name not in _OF_EVERY_RECORD:
                    line.setdefault(name, value)
            if record.exc_info and record.exc_info[0] is not None:
                line["exception"] = logging.Formatter().formatException(record.exc_info)
            self.write(line)
        except Exception:
            self.handleError(record)

    def write(self, line: EventDict) -> None:
        """Write one line, whole, and at once."""
        text = self._render(line) + "\n"
        with self.lock:  # type: ignore[union-attr] # Handler's __init__ made it
            self.stream.write(text)
            self.stream.flush()


class _FieldNames(dict[type[Event], tuple[str, ...]]):
    """Names of an event class's own fields, looked up once."""

    def __missing__(self, event: type[Event]) -> tuple[str, ...]:
        self[event] = tuple(field.name for field in fields(event) if field.name != "at")
        return self[event]


class _Events:
    """Writes the events of a journal whose level is high enough."""

    def __init__(self) -> None:
        self.lines: _Lines | None = None
        self.level = logging.INFO
        self.parts: Mapping[str, int] = {}
        self._field_names = _FieldNames()

    def threshold(self, name: str) -> int:
        """Return the level from which an event is written: its own, its first word's, or the general one."""
        return self.parts.get(name, self.parts.get(name.partition(".")[0], self.level))

    def __call__(self, event: Event) -> None:
        if self.lines is None or event.level < self.threshold(event.name):
            return
        line: EventDict = {"ts": event.at, "level": _LEVEL_NAMES[event.level], "event": event.name}
        for name in self._field_names[type(event)]:
            line[name] = getattr(event, name)
        self.lines.write(line)


_events: Final = _Events()


def configure_logging(
    level: str = "info",
    format: Literal["json", "text"] = "json",
    parts: Mapping[str, str] | None = None,
    *,
    stream: IO[str] | None = None,
) -> None:
    """Log from `level` up to `stream` (default: standard error). Call it again to change any of it.

    `parts` gives levels of their own by logger ("telephony.ami"), or by an event's name or its first word
    ("session.opened", "session").
    """
    numbers = {name: LEVELS[value] for name, value in (parts or {}).items()}
    lines = _Lines(stream or sys.stderr, render_json if format == "json" else _text_renderer())
    root = logging.getLogger()
    for handler in root.handlers[:]:
        if isinstance(handler, _Lines):
            root.removeHandler(handler)
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


def render_json(line: EventDict) -> str:
    """Return a line as JSON; what JSON doesn't know as its text."""
    return orjson.dumps(line, default=str, option=orjson.OPT_NON_STR_KEYS).decode()


def _text_renderer() -> Render:
    console = structlog.dev.ConsoleRenderer(colors=False, timestamp_key="ts", sort_keys=False)

    def render(line: EventDict) -> str:
        exception = line.pop("exception", None)
        plain = {name: _plain(value) for name, value in line.items() if value is not None}
        plain["ts"] = line["ts"].astimezone().isoformat(timespec="milliseconds")
        text = str(console(None, "", plain)).rstrip()
        return f"{text}\n{exception}" if exception else text

    return render


def _plain(value: Any) -> str:
    """Return a value on one line: what came from outside can't forge a second one, nor command the terminal."""
    text = " ".join(map(str, value)) if isinstance(value, tuple) else str(value)
    return text if text.isprintable() else ascii(text)
