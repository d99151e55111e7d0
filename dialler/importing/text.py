"""From bytes to text, chunk by chunk, whatever the encoding."""

import codecs
import re

from dialler.errors import ImportMisused, ImportRefused

UNREADABLE = "\ud800"
"""Stands for bytes that mean nothing in the file's encoding; no text has it, since it is half a character."""

_BOMS = (  # UTF-32 before UTF-16: the mark of the one begins with that of the other
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)

_NOT_TEXT = (
    (b"\x1f\x8b", "compressed with gzip"),
    (b"%PDF", "a PDF document"),
)

_FALLBACK = "cp1252"  # what Western desktop programs write when they do not write UTF-8
_LATIN = re.compile(r"(?i)^latin[- ]([0-9]+)$")  # codecs know "latin9" and not "latin-9"
_ESCAPED = re.compile("[\udc80-\udcff]")


def _mark_unreadable(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    return UNREADABLE, error.end


codecs.register_error("dialler.unreadable", _mark_unreadable)


def _fallback_char(escaped: re.Match[str]) -> str:
    try:
        return bytes([ord(escaped[0]) - 0xDC00]).decode(_FALLBACK)
    except UnicodeDecodeError:
        return UNREADABLE


def check_encoding(name: str) -> str:
    """Return the codec's own name for an encoding. Raises ImportMisused if there is none."""
    try:
        codec = codecs.lookup(_LATIN.sub(r"latin\1", name))
        # A text codec takes bytes and gives text; "hex" and "rot13" do not.
        is_text = isinstance(codec.decode(b"", "strict")[0], str) and codec.incrementaldecoder is not None
    except (LookupError, ValueError, TypeError, AttributeError):
        is_text = False
    if not is_text:
        raise ImportMisused(
            f"encoding = {name!r}: expected one such as utf-8, utf-16, cp1252, iso-8859-15 or mac-roman"
        )
    return codec.name


class TextDecoder:
    """Reads text: by the file's byte order mark, else in the encoding given, else as UTF-8.

    A file that says nothing and is not UTF-8 after all is taken for cp1252 in those places, and the report says so.
    """

    def __init__(self, head: bytes, *, encoding: str | None, source: str) -> None:
        """`head` is how the file begins: four bytes or more, unless the file is shorter.

        Raises ImportRefused for a file that is no text and for an unknown encoding.
        """
        for magic, what in _NOT_TEXT:
            if head.startswith(magic):
                raise ImportRefused(f"{source} is {what}, not text: save it as CSV and import that")
        marked = next(((mark, name) for mark, name in _BOMS if head.startswith(mark)), None)
        given = check_encoding(encoding) if encoding is not None else None
        self.encoding = marked[1] if marked else given or "utf-8"
        self._to_skip = len(marked[0]) if marked else 0
        self._lenient = self.encoding == "utf-8" and (given is None or marked is not None)
        errors = "surrogateescape" if self._lenient else "dialler.unreadable"
        self._decoder = codecs.getincrementaldecoder(self.encoding)(errors)
        self.fallbacks = 0
        """How many bytes were no UTF-8 and were read as cp1252."""

    def decode(self, chunk: bytes, *, final: bool = False) -> str:
        """Return the text of the next bytes; with `final`, of what was kept back too."""
        if self._to_skip:
            chunk, self._to_skip = chunk[self._to_skip :], max(0, self._to_skip - len(chunk))
        text = self._decoder.decode(chunk, final)
        if self._lenient and not text.isascii():
            text, count = _ESCAPED.subn(_fallback_char, text)
            self.fallbacks += count
        return text

    def note(self) -> str | None:
        """Return what whoever loads the file should know about its encoding."""
        if not self.fallbacks:
            return None
        return (
            f"{self.fallbacks} bytes are not UTF-8 and were read as {_FALLBACK}; "
            "if names look wrong, import again with --encoding"
        )
