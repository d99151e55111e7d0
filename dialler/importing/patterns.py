"""Which digits a regular expression looks at, on numbers of one length of which only the beginning is known.

Only what expressions about telephone numbers are made of is understood: digits, classes of them, groups, alternatives,
repetitions and the two ends. Of any other it is said that nobody knows what it looks at.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NamedTuple, TypeAlias

_DIGITS: Final = frozenset("0123456789")
_CLASS: Final = re.compile(r"\[((?:[0-9](?:-[0-9])?|\\d)+)\]")
_IN_CLASS: Final = re.compile(r"([0-9])-([0-9])|([0-9])|\\d")
_TIMES: Final = re.compile(r"\{([0-9]+)(,?)([0-9]*)\}|[?*+]")
_BEYOND: Final = 1_000
"""More times than any number has digits."""


class LooksAt(Exception):
    """A digit that is not known decides."""

    def __init__(self, at: int | None) -> None:
        """`at` is its place, counted from 0; None: nobody can say, for the expression is not understood."""
        super().__init__(at)
        self.at = at


def walk(pattern: str, digits: str, known: int) -> frozenset[int]:
    """Return where matches of `pattern` with the beginning of `digits`, of which the first `known` are known, may end.

    All ways that a match can take are walked: if this returns, no unknown digit makes a difference to any match.
    Raises LooksAt for the first unknown digit found that does.
    """
    parsed = _parsed(pattern)
    if parsed is None:
        raise LooksAt(None)
    return _Walk(digits, known).sequence(parsed, frozenset([0]))


class _Digit(NamedTuple):
    of: frozenset[str]


class _Branches(NamedTuple):
    of: "Sequence[_Sequence]"


class _Times(NamedTuple):
    item: "_Item"
    least: int
    most: int


class _End(NamedTuple):
    is_first: bool


_Item: TypeAlias = _Digit | _Branches | _Times | _End
_Sequence: TypeAlias = Sequence[_Item]


@lru_cache(maxsize=4096)
def _parsed(pattern: str) -> _Sequence | None:
    """Return what an expression is made of, None for one that is not understood."""
    try:
        re.compile(pattern)  # so brackets are in pairs, and there is something before each repetition
        return [_Parser(pattern).branches()]
    except (re.error, _NotUnderstood):
        return None


class _NotUnderstood(Exception):
    pass


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def branches(self) -> _Branches:
        """Read up to the end, or to the bracket that closes a group."""
        found: list[list[_Item]] = [[]]
        while self._at < len(self._text) and self._text[self._at] != ")":
            if self._takes("|"):
                found.append([])
            else:
                found[-1].append(self._repeated(self._item()))
        return _Branches(found)

    def _takes(self, text: str) -> bool:
        if self._text.startswith(text, self._at):
            self._at += len(text)
            return True
        return False

    def _item(self) -> _Item:
        if self._takes("(?:") or self._takes("("):
            inner = self.branches()
            if not self._takes(")"):
                raise _NotUnderstood
            return inner
        if self._takes("\\d"):
            return _Digit(_DIGITS)
        if self._takes("^"):
            return _End(is_first=True)
        if self._takes("$"):
            return _End(is_first=False)
        if found := _CLASS.match(self._text, self._at):
            self._at = found.end()
            return _Digit(_class(found[1]))
        digit = self._text[self._at]
        if digit not in _DIGITS:
            raise _NotUnderstood
        self._at += 1
        return _Digit(frozenset(digit))

    def _repeated(self, item: _Item) -> _Item:
        found = _TIMES.match(self._text, self._at)
        if found is None:
            return item
        self._at = found.end()
        if self._text[self._at : self._at + 1] in ("?", "+", "*"):  # lazy or possessive
            raise _NotUnderstood
        if found[0] in ("?", "*", "+"):
            return _Times(item, int(found[0] == "+"), 1 if found[0] == "?" else _BEYOND)
        least = int(found[1])
        most = (int(found[3]) if found[3] else _BEYOND) if found[2] else least
        return _Times(item, least, most)


def _class(text: str) -> frozenset[str]:
    digits: set[str] = set()
    for first, last, one in _IN_CLASS.findall(text):
        digits.update(_DIGITS if not (first or one) else one or {each for each in _DIGITS if first <= each <= last})
    return frozenset(digits)


class _Walk:
    def __init__(self, digits: str, known: int) -> None:
        self._digits = digits
        self._known = known

    def sequence(self, items: _Sequence, places: frozenset[int]) -> frozenset[int]:
        """Return where the items, one after the other, may end if they begin at one of `places`."""
        for item in items:
            if not places:
                break
            places = self._item(item, places)
        return places

    def _item(self, item: _Item, places: frozenset[int]) -> frozenset[int]:
        if isinstance(item, _Digit):
            return frozenset([at + 1 for at in places if self._is_in(item.of, at)])
        if isinstance(item, _Branches):
            return frozenset[int]().union(*[self.sequence(branch, places) for branch in item.of])
        if isinstance(item, _End):
            return places & {0 if item.is_first else len(self._digits)}
        found = places if item.least == 0 else frozenset()
        for n in range(1, item.most + 1):
            places = self._item(item.item, places)
            if not places:
                break
            if n >= item.least:
                found |= places
        return found

    def _is_in(self, digits: frozenset[str], at: int) -> bool:
        if at >= len(self._digits):
            return False
        if at < self._known:
            return self._digits[at] in digits
        if digits != _DIGITS:
            raise LooksAt(at)
        return True
