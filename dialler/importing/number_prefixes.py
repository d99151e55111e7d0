"""Numbers of a file read by how they begin: what the library says of one holds for all that it can't tell apart.

`phonenumbers` takes 25 microseconds for a number, and a file has a million of them that begin in a few thousand ways.
All that the library asks of a number's digits are regular expressions, most of which end in `\\d{4}`: whatever stands
there, the answers are the same, and so is what comes of them. So where a beginning is met often, every expression that
the library uses on the way to its answer is walked with that beginning and with unknown digits behind it. If none looks
at an unknown digit, the answer for one such number is kept for all of the same beginning and length. Everything else -
letters, extensions, what is invalid, plans of numbers that rewrite digits - is left to the library.
"""

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from phonenumbers import (
    COUNTRY_CODE_TO_REGION_CODE,
    PhoneMetadata,
    PhoneNumber,
    PhoneNumberDesc,
    region_code_for_number,
)
from phonenumbers.re_util import re_compile

from dialler.importing.patterns import LooksAt, walk
from dialler.importing.phones import dialled_number_and_type

_BEGINNING: Final = 4  # digits: the least that is walked with; no expression tells a number by fewer
_LEFT_OPEN_MIN: Final = 3  # digits; with fewer there are too many beginnings
_WORTH_A_WALK: Final = 8  # numbers: a walk takes as long as the library for about as many
_KNOWN_MAX: Final = 50_000
_CHARS_MAX: Final = 64
_SEPARATORS: Final = dict.fromkeys(map(ord, " ().-"))
_DESCRIPTIONS: Final = (
    "general_desc",
    "premium_rate",
    "toll_free",
    "shared_cost",
    "voip",
    "personal_number",
    "pager",
    "uan",
    "voicemail",
    "fixed_line",
    "mobile",
)
"""What the library may ask for the type of a number."""


class _Answer(NamedTuple):
    """What becomes of numbers that begin alike."""

    head: str
    """Comes before the digits that are left: + and the country's code."""

    cut: int
    """How many digits of the number as it stands are left out."""

    kind: str


class _Test(NamedTuple):
    """The library matches a regular expression with a number's digits from a place on."""

    pattern: str
    at: int


class _Unknown(Exception):
    """Only the library itself can tell."""


class _Alike:
    """Numbers of one country and length, with or without a plus."""

    def __init__(self, region: str | None, *, has_plus: bool) -> None:
        self.region = region
        self.has_plus = has_plus
        self.answers: dict[str, _Answer] = {}
        """By beginning."""

        self.lengths: list[int] = []
        """Those of the beginnings, the shortest first."""

        self.met: dict[str, int] = {}
        """How many numbers had no answer yet, by their first digits; below zero: there is none to be found."""


class NumberReader:
    """Reads the numbers of a file, as `dialled_number_and_type` does."""

    def __init__(self) -> None:
        self._alike: dict[tuple[str | None, bool, int], _Alike] = {}
        self._known = 0

    def read(self, raw: str, region: str | None) -> tuple[str, str]:
        """Return exactly what `dialled_number_and_type` returns."""
        text = raw.translate(_SEPARATORS)
        has_plus = text[:1] == "+"
        digits = text[1:] if has_plus else text
        if not (digits.isdigit() and digits.isascii()) or len(raw) > _CHARS_MAX:
            return dialled_number_and_type(raw, region)
        kind = (region, has_plus, len(digits))
        if (alike := self._alike.get(kind)) is None:
            alike = self._alike[kind] = _Alike(region, has_plus=has_plus)
        for length in alike.lengths:
            if (answer := alike.answers.get(digits[:length])) is not None:
                return answer.head + digits[answer.cut :], answer.kind
        read = dialled_number_and_type(raw, region)
        self._learn(alike, digits, read)
        return read

    def _learn(self, alike: _Alike, digits: str, read: tuple[str, str]) -> None:
        beginning = digits[:_BEGINNING]
        met = alike.met.get(beginning, 0)
        alike.met[beginning] = met + (met >= 0)
        dialled, kind = read
        if met < _WORTH_A_WALK or not dialled or self._known >= _KNOWN_MAX:
            return
        try:
            answer = _answer(alike.region, alike.has_plus, digits, dialled, kind)
            length = _shortest(digits, _tests(alike.region, alike.has_plus, digits, answer))
        except _Unknown:
            alike.met[beginning] = -1
            return
        alike.met[beginning] = 0
        alike.answers[digits[:length]] = answer
        alike.lengths = sorted({*alike.lengths, length})
        self._known += 1


def _shortest(digits: str, tests: Iterable[_Test]) -> int:
    """Return the length of the shortest beginning by which all tests are decided. Raises _Unknown."""
    length = _BEGINNING
    for test in tests:
        # What a beginning decides, a longer one decides, too: so each test goes on where the one before it ended.
        while (beyond := _looks_beyond(test, digits, length)) is not None:
            length = beyond
            if length > len(digits) - _LEFT_OPEN_MIN:
                raise _Unknown
    if length > len(digits) - _LEFT_OPEN_MIN:
        raise _Unknown
    return length


def _looks_beyond(test: _Test, digits: str, length: int) -> int | None:
    """Return how long a beginning must be for a test to get further than with `length` digits; None: it is decided."""
    try:
        walk(test.pattern, digits[test.at :], length - test.at)
    except LooksAt as place:
        if place.at is None:
            raise _Unknown from place
        return test.at + place.at + 1
    return None


def _answer(region: str | None, has_plus: bool, digits: str, dialled: str, kind: str) -> _Answer:
    """Return what made `dialled` of a number's digits. Raises _Unknown."""
    code, at, metadata = _country(region, has_plus, digits)
    head = f"+{code}"
    national = dialled.removeprefix(head)
    cut = len(digits) - len(national)
    if not dialled.startswith(head) or cut not in _cuts(metadata, digits, at) or digits[cut:] != national:
        raise _Unknown
    return _Answer(head, cut, kind)


def _cuts(metadata: PhoneMetadata, digits: str, at: int) -> set[int]:
    """Return where the number itself may begin: with a national prefix, and behind it. Raises _Unknown."""
    prefix = metadata.national_prefix_for_parsing
    found = re_compile(prefix).match(digits[at:]) if prefix else None
    if found is None:
        return {at}
    if metadata.national_prefix_transform_rule:
        raise _Unknown
    return {at, at + found.end()}


def _country(region: str | None, has_plus: bool, digits: str) -> tuple[int, int, PhoneMetadata]:
    """Return a number's country code, where its national part begins, and what it is parsed by. Raises _Unknown."""
    if has_plus:
        code = next((int(digits[:n]) for n in (1, 2, 3) if int(digits[:n]) in COUNTRY_CODE_TO_REGION_CODE), 0)
        if not code or digits[0] == "0":
            raise _Unknown
        return code, len(str(code)), _main(code)
    own = _own(region)
    if own.international_prefix and re_compile(own.international_prefix).match(digits):
        raise _Unknown
    if own.country_code is None or own.general_desc is None:
        raise _Unknown
    code = own.country_code
    at = len(str(code))
    if not digits.startswith(str(code)):
        return code, 0, own
    # It may be that the country's code stands there without a plus. Here it surely does: the number is too long.
    lengths = (*own.general_desc.possible_length, *own.general_desc.possible_length_local_only)
    prefix = own.national_prefix_for_parsing
    if len(digits) <= max(lengths) or (prefix and re_compile(prefix).match(digits[at:])):
        raise _Unknown
    return code, at, _main(code)


def _own(region: str | None) -> PhoneMetadata:
    return _there(PhoneMetadata.metadata_for_region(region, None) if region else None)


def _main(code: int) -> PhoneMetadata:
    """Return what numbers are parsed by that give their country."""
    return _there(PhoneMetadata.metadata_for_region_or_calling_code(code, COUNTRY_CODE_TO_REGION_CODE[code][0]))


def _pattern(description: PhoneNumberDesc | None) -> str:
    """Return the expression of a kind of numbers, "" where there are none."""
    return (description.national_number_pattern or "") if description is not None else ""


def _there(metadata: PhoneMetadata | None) -> PhoneMetadata:
    if metadata is None:
        raise _Unknown
    return metadata


def _tests(region: str | None, has_plus: bool, digits: str, answer: _Answer) -> Iterator[_Test]:
    """Yield all that the library asks of a number's digits, and some that it may not ask."""
    code, at, metadata = _country(region, has_plus, digits)
    if not has_plus:
        own = _own(region)
        if own.international_prefix:
            yield _Test(own.international_prefix, 0)
        if own.national_prefix_for_parsing:
            yield _Test(own.national_prefix_for_parsing, at)
    if metadata.national_prefix_for_parsing:
        yield _Test(metadata.national_prefix_for_parsing, at)
    # Whether a national prefix is cut off hangs on what is a number with it, and without.
    for place in _cuts(metadata, digits, at):
        yield _Test(_pattern(metadata.general_desc), place)
    # Of the regions that share a code the library takes the first to which the number belongs.
    national = digits[answer.cut :]
    zeros = len(national) - len(national.lstrip("0"))
    number = PhoneNumber(
        country_code=code,
        national_number=int(national),
        italian_leading_zero=zeros > 0,
        number_of_leading_zeros=zeros or None,
    )
    found = region_code_for_number(number)
    for each in COUNTRY_CODE_TO_REGION_CODE[code]:
        of_region = _there(PhoneMetadata.metadata_for_region_or_calling_code(code, each))
        if of_region.leading_digits is not None:
            yield _Test(of_region.leading_digits, answer.cut)
            if not re_compile(of_region.leading_digits).match(national):
                continue
        for name in _DESCRIPTIONS:
            if pattern := _pattern(getattr(of_region, name)):
                yield _Test(pattern, answer.cut)
        if each == found:
            return
