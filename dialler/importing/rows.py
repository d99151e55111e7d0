"""From text to rows, as it arrives: a push parser around the standard library's csv reader."""

import csv
import io
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from dialler.domain.clean_text import UNCLEAN
from dialler.errors import ImportMisused

LINE_CHARS_MAX = 1 << 20
"""A longer line is no line of a lead file; what does not fit is skipped, and its row rejected."""

_DELIMITERS = (",", ";", "\t", "|", "¬")
_SAMPLE_ROWS = 50


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a file."""

    number: int
    """As a spreadsheet counts: the first row of the file, the header as a rule, is 1."""

    cells: list[str]
    problem: str = ""
    """Why it can't be read: "nul", "encoding", "unreadable"; "" if it can."""


class _RunDry(Exception):
    """The reader wants a line that has not arrived."""


class _Lines:
    """The lines at hand. Remembers those of the row that is being read."""

    def __init__(self) -> None:
        self.waiting: deque[str] = deque()
        self.used: list[str] = []
        self.ended = False
        self.cut_off = False
        """Whether the text ended in the middle of a row."""

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        if not self.waiting:
            if not self.ended:
                raise _RunDry
            self.cut_off = bool(self.used)
            raise StopIteration
        line = self.waiting.popleft()
        self.used.append(line)
        return line

    def put_back(self, *, but: int = 0) -> None:
        """Give the row's lines back, to be read again; the first `but` are done with."""
        self.waiting.extendleft(reversed(self.used[but:]))
        self.used.clear()


class RowReader:
    """Gives the rows of the text it is fed; the state of a row that is not complete is kept."""

    def __init__(self, delimiter: str) -> None:
        self._lines = _Lines()
        # Other programs write `a, "b, c"` too; with a space as delimiter each space counts.
        self._reader = csv.reader(self._lines, delimiter=delimiter, skipinitialspace=delimiter != " ")
        self._rest = ""
        self._skipping = False
        self._unclean = False
        self._number = 0

    def feed(self, text: str, *, final: bool = False) -> Iterator[Row]:
        """Yield the rows that `text` completes; with `final`, the last one too. Blank rows are left out."""
        self._split(text, final=final)
        while True:
            self._lines.used.clear()
            try:
                cells = next(self._reader)
            except _RunDry:
                self._lines.put_back()
                return
            except StopIteration:
                return
            except csv.Error:  # a cell beyond csv.field_size_limit
                self._lines.cut_off = True
            problem = self._problem() if self._unclean else ""
            if self._lines.cut_off:
                # A quote was opened and never closed, and swallowed the rows after it: only its own line is lost.
                self._lines.cut_off = False
                cells, problem = [self._lines.used[0].rstrip("\r\n")], "unreadable"
                self._lines.put_back(but=1)
            self._number += 1
            if problem or any(map(str.strip, cells)):
                yield Row(self._number, cells, problem)

    def _problem(self) -> str:
        for line in self._lines.used:
            unclean = UNCLEAN.search(line)
            if unclean:
                return "nul" if unclean[0] == "\x00" else "encoding"
        return ""

    def _split(self, text: str, *, final: bool) -> None:
        """Add the complete lines of `text`, with their ends; a line may end in LF, CR LF or CR."""
        if not self._unclean and UNCLEAN.search(text):
            self._unclean = True
        if self._skipping:
            end = re.search("[\r\n]", text)
            self._skipping, text = end is None, text[end.end() :] if end else ""
        text = self._rest + text
        # Not splitlines(): for csv a form feed or U+2028 inside a cell ends no line.
        lines = list(io.StringIO(text, newline=""))
        # A CR at the very end may yet become a CR LF.
        self._rest = lines.pop() if lines and not final and not lines[-1].endswith("\n") else ""
        if len(self._rest) > LINE_CHARS_MAX:
            lines.append(self._rest)
            self._rest, self._skipping = "", True
        self._lines.waiting.extend(lines)
        self._lines.ended = final


def check_delimiter(given: str) -> str:
    r"""Return the delimiter meant: any one character, or "tab" or "\t" for a tab. Raises ImportMisused."""
    delimiter = {"tab": "\t", "\\t": "\t"}.get(given, given)
    if len(delimiter) != 1 or delimiter in '\r\n"\x00':
        raise ImportMisused(f'delimiter = {given!r}: expected one character, such as "," or ";" or "|", or "tab"')
    return delimiter


def guess_delimiter(sample: str) -> str:
    """Return the delimiter that cuts the most rows of `sample` to the width of the first one.

    A file of one column has none: then it is a comma.
    """

    def fitness(delimiter: str) -> tuple[float, int]:
        reader = RowReader(delimiter)
        rows = [row.cells for row in islice(reader.feed(sample, final=True), _SAMPLE_ROWS)]
        if len(rows) > 2:
            rows.pop()  # the sample may have cut it
        width = len(rows[0]) if rows else 1
        return (sum(len(row) == width for row in rows) / len(rows), width) if width > 1 else (0.0, 0)

    return max(_DELIMITERS, key=fitness)  # the earlier one where they are equal
