"""AMI on the wire: framing, parsing and encoding, on bytes alone.

A message is `Key: Value` lines ended by CR LF, then an empty line. The banner has no empty line after it, so it
arrives as the first line of the first message; some messages end in a stray LF. Keys may repeat.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final, TypeAlias

END_OF_LINE: Final = b"\r\n"
END_OF_MESSAGE: Final = b"\r\n\r\n"

MESSAGE_MAX: Final = 1 << 20
"""Bytes without an empty line after which the peer is not an Asterisk we understand."""

LINE_MAX: Final = 1021
"""Bytes of a line that fit Asterisk's buffer of 1,024 with their CR LF [manager.c `get_input`]."""

LINES_MAX: Final = 127
"""Lines of one message that Asterisk takes [manager.h `AST_MAX_MANHEADERS`]."""

KEY: Final = re.compile(r"[A-Za-z][A-Za-z0-9-]*")
VARIABLE: Final = re.compile(r"_{0,2}[A-Za-z][A-Za-z0-9_]*")
SPECIAL: Final = re.compile(r'([\\",()\[\]])')

Store: TypeAlias = dict[str, tuple[str, str | list[str]]]
"""Lower-case key to (key as sent, value, or the values of a repeated key): panoramisk's own form."""


class MessageTooLong(Exception):
    """The peer sent MESSAGE_MAX bytes without ending a message."""


class Framer:
    """Cuts what arrives into messages; holds at most MESSAGE_MAX bytes of an unfinished one."""

    def __init__(self) -> None:
        self._chunks: list[bytes] = []
        self._size = 0
        self._edge = b""

    def feed(self, data: bytes) -> list[bytes]:
        """Return the messages that `data` completes, without their empty lines. Raises MessageTooLong.

        Each byte is searched and joined a bounded number of times, however small the chunks are.
        """
        if END_OF_MESSAGE not in self._edge + data:
            self._keep(data)
            return []
        self._chunks.append(data)
        *messages, rest = b"".join(self._chunks).split(END_OF_MESSAGE)
        self._chunks.clear()
        self._size = 0
        self._edge = b""
        if len(messages[0]) > MESSAGE_MAX:
            raise MessageTooLong(f"a message of {len(messages[0])} bytes")
        self._keep(rest)
        return messages

    def _keep(self, data: bytes) -> None:
        self._size += len(data)
        if self._size > MESSAGE_MAX:
            raise MessageTooLong(f"{self._size} bytes without the end of a message")
        if data:
            self._chunks.append(data)
            self._edge = (self._edge + data)[-3:]


def event_name(raw: bytes) -> bytes | None:
    """Return the name of the event that `raw` opens with, None for anything else."""
    if not raw.startswith(b"Event: "):
        return None
    end = raw.find(END_OF_LINE)
    return raw[7:] if end < 0 else raw[7:end]


def parse(raw: bytes) -> Store:
    """Return the headers of one message; bytes that are not UTF-8 become U+FFFD, lines without a colon are skipped."""
    store: Store = {}
    for line in raw.decode("utf-8", "replace").split("\r\n"):
        key, colon, value = line.partition(":")
        if not colon:
            continue
        if value.startswith(" "):
            value = value[1:]
        lower = key.lower()
        if lower not in store:
            store[lower] = (key, value)
            continue
        before = store[lower][1]
        if isinstance(before, list):
            before.append(value)
        else:
            store[lower] = (key, [before, value])
    return store


def breaks_line(text: str) -> bool:
    """Tell whether a text would be read as more than one line, or cut off: it has a CR, LF or NUL."""
    return "\r" in text or "\n" in text or "\0" in text


def encode(headers: Mapping[str, str | Iterable[str]]) -> bytes:
    """Return the bytes of one action, in the order given. Raises ValueError for what could be read as more than that.

    Refused: CR, LF or NUL anywhere, keys that are not plain names, lines and messages longer than Asterisk takes.
    """
    lines: list[str] = []
    for key, values in headers.items():
        if key not in _good_keys:
            _check_key(key)
        if isinstance(values, str):
            lines.append(f"{key}: {values}")
        else:
            lines += [f"{key}: {value}" for value in values]
    if len(lines) > LINES_MAX:
        raise ValueError(f"{len(lines)} headers in one action, {LINES_MAX} at most")
    whole = "\r\n".join(lines)
    raw = whole.encode()
    # Once for all lines: no line break is there but ours, and none of the lines can be too long.
    breaks = len(lines) - 1
    if whole.count("\r") != breaks or whole.count("\n") != breaks or "\0" in whole or len(raw) > LINE_MAX:
        for line in lines:
            _check_line(line)
    return raw + END_OF_MESSAGE


_good_keys: Final[set[str]] = set()
"""Keys that were found to be names; only our own code gives any."""


def _check_key(key: str) -> None:
    if not KEY.fullmatch(key):
        raise ValueError(f"{key!r} is not the name of an AMI header")
    if len(_good_keys) < LINES_MAX:
        _good_keys.add(key)


def _check_line(line: str) -> None:
    key, _, value = line.partition(": ")
    if breaks_line(value):
        raise ValueError(f"header {key} has a line break or NUL in {value!r}: it would start another header")
    if (size := len(line.encode())) > LINE_MAX:
        raise ValueError(f"header {key} has {size} bytes, {LINE_MAX} at most")


def variable(name: str, value: str) -> str:
    """Return the value of Originate's `Variable` header that sets channel variable `name` to just `value`.

    Asterisk splits the header at commas outside quotes and brackets; a backslash keeps the next character out of
    that [app.c `__ast_app_separate_args`]. Raises ValueError for a name that could be a dialplan function.
    """
    if not VARIABLE.fullmatch(name):
        raise ValueError(f"{name!r} is not the name of a channel variable")
    return name + "=" + SPECIAL.sub(r"\\\1", value)
