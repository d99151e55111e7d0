"""A stream of lines, and the two ways to write one."""

import asyncio
import logging
import re
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import IO, Any, Final

import orjson
import structlog
from structlog.typing import EventDict

from dialler.logs.repeats import QUIET_LEVELS, Repeats

LEVELS: Final = {"debug": 10, "info": 20, "warning": 30, "error": 40}
LEVEL_NAMES: Final = {number: name for name, number in LEVELS.items()} | {logging.CRITICAL: "critical"}

NUMBER: Final = re.compile(r"\+(?=\d{7,15}(?!\d))(\d{1,3})\d+")
"""A telephone number as E.164, which no line should have; an error of some library might."""

_OF_EVERY_RECORD: Final = {*vars(logging.makeLogRecord({})), "message", "asctime", "taskName"}
"""Attributes that all log records have; others were given as `extra`, and are fields of the line."""

Render = Callable[[EventDict], str]


class Lines(logging.Handler):
    """Writes lines to a stream, and turns the records of stdlib loggers into such lines."""

    def __init__(self, stream: IO[str], render: Render, repeats: Repeats) -> None:
        super().__init__()
        self.stream = stream
        self._render = render
        self._repeats = repeats
        self._waiting: list[str] = []
        self._is_due = False

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line: EventDict = {
                "ts": datetime.fromtimestamp(record.created, UTC),
                "level": LEVEL_NAMES.get(record.levelno, record.levelname.lower()),
                "event": record.getMessage(),
                "logger": record.name,
            }
            if isinstance(name := record.__dict__.get("event"), str):
                line["event"], line["message"] = name, line["event"]
            for name, value in record.__dict__.items():
                if name not in _OF_EVERY_RECORD:
                    line.setdefault(name, value)
            if record.exc_info and record.exc_info[0] is not None:
                line["exception"] = logging.Formatter().formatException(record.exc_info)
            self.write(line)
        except Exception:
            self.handleError(record)

    def write(self, line: EventDict) -> None:
        """Write one line, whole; count it instead if it was said too often of late.

        It is written at once, or, below a warning and where an event loop runs, with the others of the loop's turn: two
        system calls for each call's lines would hold up the loop that dials.
        """
        with self.lock:  # type: ignore[union-attr] # Handler's __init__ made it
            for each in self._repeats.pass_on(line):
                self._put(each)
            loop = _running_loop() if line.get("level") in QUIET_LEVELS else None
            if loop is None:
                self.flush()
            elif self._waiting and not self._is_due:
                self._is_due = True
                loop.call_soon(self._flush_late)

    def flush(self) -> None:
        """Write what waits for the end of the loop's turn."""
        with self.lock:  # type: ignore[union-attr]
            text = "".join(self._waiting)
            self._waiting.clear()
            self._is_due = False
            if text:
                self.stream.write(text)
                self.stream.flush()

    def _flush_late(self) -> None:
        with suppress(OSError, ValueError):  # nobody reads any more, or the stream is closed: no reason to stop
            self.flush()

    def close(self) -> None:
        """Write what waits, and what was counted and not yet told; called at the end of the process too."""
        with self.lock:  # type: ignore[union-attr]
            for line in self._repeats.rest():
                self._put(line)
            with suppress(OSError, ValueError):  # nobody reads any more, or the stream is closed
                self.flush()
        super().close()

    def _put(self, line: EventDict) -> None:
        self._waiting.append(NUMBER.sub(r"+\1***", self._render(line)) + "\n")


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def render_json(line: EventDict) -> str:
    """Return a line as JSON; what JSON doesn't know as its text."""
    return orjson.dumps(line, default=str, option=orjson.OPT_NON_STR_KEYS).decode()


def text_renderer() -> Render:
    """Return what renders lines for people."""
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
