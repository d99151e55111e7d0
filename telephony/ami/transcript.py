"""A transcript of what went over one server's link: written while it runs, read when it is to be understood.

A transcript is text. Each message is its header lines with an empty line behind them, and opens with a mark:

    <<< 2026-06-01T15:00:00.250000+00:00            received
    >>> 2026-06-01T15:00:00.250000+00:00            sent
    === 2026-06-01T15:00:00.250000+00:00 connected  a note on the link: connected, or "lost: REASON"

A message without a mark was received, at its own `Timestamp` if it has one: so a bare capture of an exchange's answers
can be read as well. Secrets are masked; telephone numbers are not, so the file is for its owner's eyes only.
"""

import logging
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, Final, TypeAlias

from telephony.ami.wire import END_OF_LINE, parse

log = logging.getLogger("telephony.ami")

FILE_BYTES_MAX: Final = 16 << 20
"""A transcript that has grown so far goes on in a new file; of the earlier ones the last is kept, as FILE.1."""

FILES_MAX: Final = 5
"""Transcripts of one server that stay in the folder, the one being written included."""


class Direction(StrEnum):
    """Which way a message went; a note went nowhere."""

    RECEIVED = "<<<"
    SENT = ">>>"
    NOTE = "==="


Observer: TypeAlias = Callable[[Direction, bytes], None]
"""Is told of each message that a link sends or receives, as on the wire and without its empty line, and of its
connections. Never fails and never waits: what it does holds up the link."""

Value: TypeAlias = str | list[str]

# Login's key is answered with: it and its challenge together would let a weak secret be guessed.
_SECRETS: Final = re.compile(rb"^((?:secret|key|challenge|password)[ \t]*:[ \t]?)[^\r\n]+", re.I | re.M)
_LINE_BREAKS: Final = re.compile(rb"[\r\n]")
_MARK: Final = re.compile(r"(<<<|>>>|===) (\S+)(?: (.*))?")
_NAME: Final = re.compile(r"ami-(.+)-\d{8}T\d{6}Z(?:-\d+)?\.log")


def masked(raw: bytes) -> bytes:
    """Return a message without what could be used to log in."""
    return _SECRETS.sub(rb"\1***", raw)


class Transcript:
    """Writes the transcript of one server's link. It is an `Observer`, and a context manager.

    A folder or disk that does not take it any more ends the transcript, with an error in the log, and nothing else.
    """

    def __init__(
        self, folder: Path, *, server: str, now: Callable[[], datetime], file_bytes_max: int = FILE_BYTES_MAX
    ) -> None:
        """Begin a new file; the oldest of the server's transcripts there make room. Raises OSError."""
        self._now = now
        self._server = server
        self._file_bytes_max = file_bytes_max
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.path = _free_path(folder, server, now())
        self._file: BinaryIO | None = self._open()
        for old in _transcripts(folder, server)[:-FILES_MAX]:
            old.unlink(missing_ok=True)
            _earlier(old).unlink(missing_ok=True)

    def __enter__(self) -> "Transcript":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __call__(self, direction: Direction, raw: bytes) -> None:
        if self._file is None:
            return
        try:
            if self._file.tell() >= self._file_bytes_max:
                self._file.close()
                self.path.replace(_earlier(self.path))
                self._file = self._open()
            self._file.write(_entry(direction, raw, self._now()))
            self._file.flush()  # to the system: it shall not end before a crash does
        except OSError as error:
            self._file = None
            extra = {"event": "ami_transcript_ended", "server": self._server, "file": str(self.path)}
            log.error("the transcript ends: %s", error.strerror or error, extra=extra)

    def close(self) -> None:
        """End the transcript."""
        file, self._file = self._file, None
        if file is not None:
            file.close()

    def _open(self) -> BinaryIO:
        return open(os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb")


def _entry(direction: Direction, raw: bytes, at: datetime) -> bytes:
    mark = f"{direction} {at.isoformat(timespec='microseconds')}"
    if direction is Direction.NOTE:
        return mark.encode() + b" " + _LINE_BREAKS.sub(b" ", raw) + b"\n\n"
    # A lone line break inside a value must not look like the end of a line here.
    lines = [_LINE_BREAKS.sub(b" ", line) for line in masked(raw).strip(b"\r\n").split(END_OF_LINE)]
    return b"\n".join([mark.encode(), *filter(None, lines)]) + b"\n\n"


def _free_path(folder: Path, server: str, at: datetime) -> Path:
    name = f"ami-{server}-{at.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    path, count = folder / f"{name}.log", 1
    while path.exists():
        count += 1
        path = folder / f"{name}-{count}.log"
    return path


def _transcripts(folder: Path, server: str) -> list[Path]:
    """Return the transcripts of a server, the oldest first."""
    found = [path for path in folder.glob("ami-*.log") if (name := _NAME.fullmatch(path.name)) and name[1] == server]
    return sorted(found, key=lambda path: (path.stat().st_mtime_ns, path.name))


def _earlier(path: Path) -> Path:
    return path.with_name(path.name + ".1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One message of a transcript, or a note on its link."""

    direction: Direction
    at: datetime | None
    """None before the first moment that anything tells."""

    headers: Mapping[str, Value]
    """By lower-case key, as `translate` takes them; empty for a note."""

    note: str = ""


def read_transcript(path: Path) -> Iterator[Entry]:
    """Yield the entries of a transcript or capture; what was written before FILE, as FILE.1, comes first.

    Raises OSError.
    """
    earlier = _earlier(path)
    data = path.read_bytes()
    return entries_of([earlier.read_bytes(), data] if earlier.is_file() else [data])


def entries_of(parts: Iterable[bytes]) -> Iterator[Entry]:
    """Yield the entries of texts that follow each other; lines may end with LF or CR LF."""
    at: datetime | None = None
    for data in parts:
        text = data.decode("utf-8", "replace").replace("\r\n", "\n")
        for block in re.split(r"\n{2,}", text):
            lines = [line for line in block.split("\n") if line]
            if not lines:
                continue
            entry = _read(lines, at)
            at = entry.at
            yield entry


def _read(lines: list[str], before: datetime | None) -> Entry:
    mark = _MARK.fullmatch(lines[0])
    moment = None if mark is None else _moment(mark[2])
    if mark is None or moment is None:
        headers = _headers(lines)
        return Entry(direction=Direction.RECEIVED, at=_own_moment(headers) or before, headers=headers)
    direction = Direction(mark[1])
    if direction is Direction.NOTE:
        return Entry(direction=direction, at=moment, headers={}, note=mark[3] or "")
    return Entry(direction=direction, at=moment, headers=_headers(lines[1:]))


def _headers(lines: list[str]) -> Mapping[str, Value]:
    return {key: value for key, (_, value) in parse("\r\n".join(lines).encode()).items()}


def _moment(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo is not None else None


def _own_moment(headers: Mapping[str, Value]) -> datetime | None:
    """Return when Asterisk says that an event happened (`timestampevents`), None where it does not."""
    stamp = headers.get("timestamp")
    if not isinstance(stamp, str) or not re.fullmatch(r"\d{1,11}(\.\d{1,6})?", stamp):
        return None
    return datetime.fromtimestamp(float(stamp), UTC)
