"""One received AMI message: a header is looked up in its bytes, and all are parsed only where somebody wants them.

Of an event with twenty headers the dialler reads four: to search for those costs a tenth of parsing the whole.
"""

from functools import cached_property
from typing import Any, Final

from panoramisk.message import Message

from telephony.ami.wire import END_OF_LINE, Store, parse

_marks: Final[dict[str, bytes]] = {}
"""What stands before a header's value, by the name it is asked for under: as Asterisk spelled it last. It spells a
name always the same, so this finds it at once; another spelling is looked for, and found, too. Only names that our
own code asks for come in here."""


class AmiMessage(Message):  # type: ignore[misc] # panoramisk has no types
    """panoramisk's Message on the bytes themselves; its own parser loses empty values and text that is not ASCII."""

    def __init__(self, raw: bytes) -> None:
        """Take a message without its empty line."""
        self.manager = None
        self._raw = END_OF_LINE + raw  # so that each header, the first as well, has an end of line before it

    @cached_property
    def _store(self) -> Store:
        return parse(self._raw[len(END_OF_LINE) :])

    def get(self, key: str, default: Any = None) -> Any:
        """Return a header's value, or the list of them where it is repeated; `key` in any case."""
        raw = self._raw
        mark = _marks.get(key)
        at = -1 if mark is None else raw.find(mark)
        if mark is None or at < 0:
            mark = _mark_of(key, raw)
            if mark is None:
                return default
            if not mark.endswith(b": "):  # nothing that Asterisk sends
                return self[key]
            _marks[key] = mark
            at = raw.find(mark)
        start = at + len(mark)
        end = raw.find(END_OF_LINE, start)
        if end < 0:
            return raw[start:].decode("utf-8", "replace")
        if raw.find(mark, end) >= 0:
            return self[key]
        return raw[start:end].decode("utf-8", "replace")


def _mark_of(key: str, raw: bytes) -> bytes | None:
    """Return what stands before the value of the first header of that name, in whatever case, None for none."""
    searched = b"\r\n" + key.lower().encode() + b":"
    at = raw.lower().find(searched)
    return None if at < 0 else raw[at : at + len(searched) + 1]
