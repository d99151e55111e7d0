"""Reads filters as people write them.

    last_contacted >= 2026-11-01 and list = gold and not completed and data.merchant = "Acme"

`and` binds closer than `or`, `not` closer than both; parentheses group. A condition is a field and `=`, `!=`, `<`,
`<=`, `>`, `>=`, `contains` with a value, `in (a, b)`, `not in (a, b)`, `is empty`, `is not empty`; a yes-or-no field
stands alone. A value with blanks or signs stands in quotes, and a data field's name too: `data."Provider ID"`.
A day alone means all of it, on the clock of the zone that the reader is told.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Final, NoReturn

from dialler.domain.filter import EVERYTHING, Condition, Filter, Not, Op, Value, all_of, any_of
from dialler.domain.filter_fields import Field, Fields, Kind
from dialler.errors import UsageError

TEXT_MAX: Final = 4_000
DEPTH_MAX: Final = 40
CONDITIONS_MAX: Final = 100
NUMBER_MAX: Final = 2**63 - 1

_QUOTED: Final = r'"(?:[^"\\]|\\.)*"'
_TOKEN: Final = re.compile(
    rf"(?P<blank>\s+)|(?P<field>[Dd][Aa][Tt][Aa]\.{_QUOTED})|(?P<quoted>{_QUOTED})|(?P<sign>!=|<=|>=|[=<>(),])"
    r'|(?P<word>[^\s()<>=!,"]+)',
    re.DOTALL,
)
_ORDERED: Final = frozenset({Op.LT, Op.LE, Op.GT, Op.GE})
_ALLOWED: Final = {
    Kind.TEXT: frozenset({Op.EQ, Op.CONTAINS, Op.IN, Op.EMPTY}),
    Kind.CHOICE: frozenset({Op.EQ, Op.IN, Op.EMPTY}),
    Kind.PHONE: frozenset({Op.EQ, Op.CONTAINS, Op.IN, Op.EMPTY}),
    Kind.NUMBER: frozenset({Op.EQ, Op.CONTAINS, Op.IN, Op.EMPTY}) | _ORDERED,
    Kind.MOMENT: frozenset({Op.EQ, Op.EMPTY}) | _ORDERED,
    Kind.FLAG: frozenset({Op.TRUE}),
}


class FilterError(UsageError):
    """A filter that can't be read; the text says where, and what was expected there."""


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    at: int


def read_filter(text: str, fields: Fields, zone: tzinfo) -> Filter:
    """Return the filter that `text` writes; an empty one is matched by everything.

    `zone` is that of days and of moments without an offset. Raises FilterError.
    """
    if len(text) > TEXT_MAX:
        raise FilterError(f"filter: expected at most {TEXT_MAX} characters, got {len(text)}")
    if "\0" in text:
        raise _error(text, text.index("\0"), "text without the character NUL")
    tokens = _tokens(text)
    if not tokens:
        return EVERYTHING
    reader = _Reader(text, tokens, fields, zone)
    wanted = reader.alternatives()
    if reader.is_open:
        reader.fail("`and`, `or` or the end")
    return wanted


def _tokens(text: str) -> list[_Token]:
    found: list[_Token] = []
    at = 0
    while at < len(text):
        token = _TOKEN.match(text, at)
        if token is None:
            what = "a closing quote" if text[at] == '"' else "`!=`" if text[at] == "!" else "a field or a value"
            raise _error(text, at, what)
        if token.lastgroup != "blank":
            found.append(_Token(str(token.lastgroup), token.group(), at))
        at = token.end()
    return found


def _error(text: str, at: int, expected: str) -> FilterError:
    there = f"got {text[at : at + 30]!r}" if at < len(text) else "got the end"
    return FilterError(f"filter, position {at + 1}: expected {expected}, {there}")


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1], flags=re.DOTALL)


class _Reader:
    """Goes through the tokens once."""

    def __init__(self, text: str, tokens: Sequence[_Token], fields: Fields, zone: tzinfo) -> None:
        self._text, self._tokens, self._fields, self._zone = text, tokens, fields, zone
        self._next = self._depth = self._conditions = 0

    @property
    def is_open(self) -> bool:
        return self._next < len(self._tokens)

    def fail(self, expected: str, at: int | None = None) -> NoReturn:
        if at is None:
            at = self._tokens[self._next].at if self.is_open else len(self._text)
        raise _error(self._text, at, expected)

    def alternatives(self) -> Filter:
        items = [self._together()]
        while self._takes_word("or"):
            items.append(self._together())
        return any_of(items)

    def _together(self) -> Filter:
        items = [self._single()]
        while self._takes_word("and"):
            items.append(self._single())
        return all_of(items)

    def _single(self) -> Filter:
        self._depth += 1
        if self._depth > DEPTH_MAX:
            self.fail(f"at most {DEPTH_MAX} levels of `not` and parentheses")
        try:
            if self._takes_word("not"):
                return Not(self._single())
            if self._takes_sign("("):
                inner = self.alternatives()
                if not self._takes_sign(")"):
                    self.fail("`and`, `or` or `)`")
                return inner
            return self._condition()
        finally:
            self._depth -= 1

    def _condition(self) -> Filter:
        self._conditions += 1
        if self._conditions > CONDITIONS_MAX:
            self.fail(f"at most {CONDITIONS_MAX} conditions")
        names = ", ".join(self._fields.fields)
        token = self._tokens[self._next] if self.is_open else None
        if token is None or token.kind not in ("word", "field"):
            self.fail(f"a field of {self._fields.noun}")
        said = f"data.{_unquoted(token.text[5:])}" if token.kind == "field" else token.text
        found = self._fields.find(said)
        if found is None:
            self.fail(f"a field of {self._fields.noun} ({names}, data.NAME)")
        self._next += 1
        name, field = found
        if field.kind is Kind.FLAG:
            return Condition(name, Op.TRUE)
        at = self._tokens[self._next].at if self.is_open else len(self._text)
        op, is_not = self._op(field)
        if op not in _ALLOWED[field.kind]:
            self.fail(f"{comparisons(field)} after {name}, which is a {field.kind}", at)
        wanted = self._compared(name, field, op)
        return Not(wanted) if is_not else wanted

    def _op(self, field: Field) -> tuple[Op, bool]:
        """Return the comparison, and whether its opposite is meant."""
        if self._takes_word("is"):
            is_not = self._takes_word("not")
            if not self._takes_word("empty"):
                self.fail("`empty`")
            return Op.EMPTY, is_not
        if self._takes_word("contains"):
            return Op.CONTAINS, False
        if self._takes_word("in"):
            return Op.IN, False
        if self._takes_word("not"):
            if not self._takes_word("in"):
                self.fail("`in`")
            return Op.IN, True
        for sign in ("=", "!=", "<", "<=", ">", ">="):
            if self._takes_sign(sign):
                return (Op.EQ, True) if sign == "!=" else (Op(sign), False)
        return self.fail(comparisons(field))

    def _compared(self, name: str, field: Field, op: Op) -> Filter:
        if op is Op.EMPTY:
            return Condition(name, op)
        if op is Op.IN:
            return Condition(name, op, self._several(name, field))
        said, at = self._value_text()
        if field.kind is Kind.MOMENT:
            return self._moment(name, op, said, at)
        return Condition(name, op, (self._value(name, field, op, said, at),))

    def _several(self, name: str, field: Field) -> tuple[Value, ...]:
        if not self._takes_sign("("):
            self.fail("`(`")
        values = [self._value(name, field, Op.IN, *self._value_text())]
        while self._takes_sign(","):
            values.append(self._value(name, field, Op.IN, *self._value_text()))
        if not self._takes_sign(")"):
            self.fail("`,` or `)`")
        return tuple(values)

    def _value_text(self) -> tuple[str, int]:
        token = self._tokens[self._next] if self.is_open else None
        if token is None or token.kind == "sign":
            self.fail("a value")
        self._next += 1
        if token.kind == "field":
            self.fail("a value", token.at)
        return (_unquoted(token.text) if token.kind == "quoted" else token.text), token.at

    def _value(self, name: str, field: Field, op: Op, said: str, at: int) -> Value:
        if not said:
            self.fail("a value; for nothing say `is empty`", at)
        if field.kind is Kind.CHOICE:
            known = {choice.lower(): choice for choice in field.choices}
            if said.lower() not in known:
                self.fail(f"one of {', '.join(field.choices)}", at)
            return known[said.lower()]
        if field.kind is Kind.NUMBER and op is Op.CONTAINS:
            if not (said.isascii() and said.isdecimal() and len(said) <= 18):
                self.fail("digits", at)
            return said
        if field.kind is Kind.NUMBER:
            if not re.fullmatch(r"-?[0-9]{1,19}", said) or abs(int(said)) > NUMBER_MAX:
                self.fail("a whole number", at)
            return int(said)
        if field.kind is Kind.PHONE:
            plain = "".join(char for char in said if char in "+0123456789")
            if op is not Op.CONTAINS and not re.fullmatch(r"\+[0-9]{5,15}", plain):
                self.fail("a number in E.164, such as +12025550123; for a part of it say `contains`", at)
            if not plain:
                self.fail("digits of a number", at)
            return plain
        return said.upper() if name == "wrap_code" and op is not Op.CONTAINS else said

    def _moment(self, name: str, op: Op, said: str, at: int) -> Filter:
        try:
            if re.fullmatch(r"\d{4}-\d\d-\d\d", said):
                day = date.fromisoformat(said)
                begin, end = (self._midnight(each) for each in (day, day + timedelta(days=1)))
                if op is Op.EQ:
                    return all_of([Condition(name, Op.GE, (begin,)), Condition(name, Op.LT, (end,))])
                bound = {Op.LT: (Op.LT, begin), Op.LE: (Op.LT, end), Op.GT: (Op.GE, end), Op.GE: (Op.GE, begin)}[op]
                return Condition(name, bound[0], (bound[1],))
            moment = datetime.fromisoformat(said)
            aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=self._zone)
            return Condition(name, op, (_in_utc(aware),))
        except (ValueError, OverflowError):
            self.fail("a day such as 2026-11-01, or a moment such as 2026-11-01T09:30+01:00", at)

    def _midnight(self, day: date) -> datetime:
        return _in_utc(datetime(day.year, day.month, day.day, tzinfo=self._zone))

    def _takes_word(self, word: str) -> bool:
        if self.is_open:
            token = self._tokens[self._next]
            if token.kind == "word" and token.text.lower() == word:
                self._next += 1
                return True
        return False

    def _takes_sign(self, sign: str) -> bool:
        if self.is_open:
            token = self._tokens[self._next]
            if token.kind == "sign" and token.text == sign:
                self._next += 1
                return True
        return False


def _in_utc(at: datetime) -> datetime:
    return at.astimezone(UTC)


def comparisons(field: Field) -> str:
    """Return how a field may be compared, in words."""
    allowed = _ALLOWED[field.kind]
    if field.kind is Kind.FLAG:
        return "by itself"
    said = [f"`{op}`" for op in Op if op in allowed]
    return f"{', '.join(said[:-1])} or {said[-1]}"
