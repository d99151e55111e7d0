"""The filter language: what it means, that it can be read back, and what it says where it can't be read."""

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialler.domain.filter import All, Any_, Condition, Filter, Not, Op, all_of, any_of, matches, print_filter
from dialler.domain.filter_fields import LEAD_FIELDS, SESSION_FIELDS, Kind
from dialler.domain.filter_text import FilterError, read_filter

BERLIN = ZoneInfo("Europe/Berlin")


def read(text: str, zone: Any = UTC) -> Filter:
    return read_filter(text, LEAD_FIELDS, zone)


def test_the_example_of_the_manual() -> None:
    wanted = read('last_contacted >= 2026-11-01 and list = gold and not completed and data.merchant = "Acme"')
    assert wanted == All(
        (
            Condition("last_contacted", Op.GE, (datetime(2026, 11, 1, tzinfo=UTC),)),
            Condition("list", Op.EQ, ("gold",)),
            Not(Condition("completed", Op.TRUE)),
            Condition("data.merchant", Op.EQ, ("Acme",)),
        )
    )


def test_and_binds_closer_than_or_and_not_closer_than_both() -> None:
    wanted = read("not attempts = 1 and attempts > 2 or (attempts = 3 or id in (4, 5))")
    three, four = Condition("attempts", Op.EQ, (3,)), Condition("id", Op.IN, (4, 5))
    one, two = Condition("attempts", Op.EQ, (1,)), Condition("attempts", Op.GT, (2,))
    assert wanted == Any_((All((Not(one), two)), three, four))


@pytest.mark.parametrize(
    ("text", "begin", "end"),
    [
        ("created = 2026-03-29", "2026-03-28T23:00", "2026-03-29T22:00"),  # a day of 23 hours
        ("created >= 2026-03-29", "2026-03-28T23:00", None),
        ("created > 2026-03-29", "2026-03-29T22:00", None),
        ("created < 2026-03-29", None, "2026-03-28T23:00"),
        ("created <= 2026-03-29", None, "2026-03-29T22:00"),
        ("created >= 2026-03-29T12:00", "2026-03-29T10:00", None),
        ("created >= 2026-03-29T12:00Z", "2026-03-29T12:00", None),
    ],
)
def test_a_day_is_all_of_it_in_the_zone_of_the_reader(text: str, begin: str | None, end: str | None) -> None:
    def at(said: str) -> datetime:
        return datetime.fromisoformat(said).replace(tzinfo=UTC)

    expected = [Condition("created", op, (at(said),)) for op, said in ((Op.GE, begin), (Op.LT, end)) if said]
    assert read(text, BERLIN) == all_of(expected)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("lst = gold", "position 1: expected a field of leads (id, text, name, "),
        ("list gold", "position 6: expected `=`, `contains`, `in` or `is empty`, got 'gold'"),
        ("list = ", "position 8: expected a value, got the end"),
        ("state = redy", "position 9: expected one of ready, resting, in_call, completed, got 'redy'"),
        ("attempts > many", "position 12: expected a whole number, got 'many'"),
        ("created > yesterday", "expected a day such as 2026-11-01"),
        ("created contains 2026", "position 9: expected `=`, `<`, `<=`, `>`, `>=` or `is empty` after created"),
        ("(completed or attempts = 1", "position 27: expected `and`, `or` or `)`, got the end"),
        ("completed list = a", "position 11: expected `and`, `or` or the end, got 'list = a'"),
        ('name = "Acme', "position 8: expected a closing quote"),
        ('name = ""', "say `is empty`"),
        ("number = 5550101", "say `contains`"),
        ("not " * 50 + "completed", "at most 40 levels"),
        ("id in 5", "position 7: expected `(`, got '5'"),
        ("name ! a", "position 6: expected `!=`"),
        ("created = 9999-12-31", "expected a day"),
        ('data."a\0" = b', "position 8: expected text without the character NUL"),
    ],
)
def test_what_can_not_be_read_is_told_with_its_place(text: str, message: str) -> None:
    with pytest.raises(FilterError) as raised:
        read(text)
    assert message in str(raised.value)


_texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=12)
_moments = st.integers(0, 4 * 10**9).map(lambda s: datetime.fromtimestamp(s, UTC))
_numbers = st.integers(-(2**63) + 1, 2**63 - 1)
_phones = st.from_regex(r"\A\+[0-9]{5,15}\Z")


def _conditions() -> st.SearchStrategy[Filter]:
    def of(name: str) -> st.SearchStrategy[Filter]:
        field = LEAD_FIELDS.fields.get(name)
        kind = field.kind if field is not None else Kind.TEXT
        if kind is Kind.FLAG:
            return st.just(Condition(name, Op.TRUE))
        assert field is not None or name.startswith("data.")
        values: Any = {
            Kind.TEXT: _texts.map(str.upper) if name == "wrap_code" else _texts,
            Kind.CHOICE: st.sampled_from(field.choices if field and field.choices else ("x",)),
            Kind.PHONE: _phones,
            Kind.NUMBER: _numbers,
            Kind.MOMENT: _moments,
        }[kind]
        ops = [Op.EQ] + ([] if kind is not Kind.MOMENT and kind is not Kind.NUMBER else [Op.LT, Op.GE])
        one = st.builds(lambda op, value: Condition(name, op, (value,)), st.sampled_from(ops), values)
        kinds = [one, st.just(Condition(name, Op.EMPTY))]
        if kind is not Kind.MOMENT:
            kinds.append(
                st.builds(lambda v: Condition(name, Op.IN, tuple(v)), st.lists(values, min_size=1, max_size=3))
            )
        if kind is Kind.TEXT:
            kinds.append(st.builds(lambda value: Condition(name, Op.CONTAINS, (value,)), values))
        return st.one_of(kinds)

    data = _texts.map(lambda name: f"data.{name}")
    return st.one_of(st.sampled_from(sorted(LEAD_FIELDS.fields)), data).flatmap(of)


filters = st.recursive(
    _conditions(),
    lambda inner: st.one_of(
        inner.map(Not),
        st.lists(inner, min_size=2, max_size=3).map(all_of),
        st.lists(inner, min_size=2, max_size=3).map(any_of),
    ),
    max_leaves=8,
)


@given(filters)
def test_reading_what_was_printed_gives_the_same_filter(wanted: Filter) -> None:
    assert read(print_filter(wanted)) == wanted


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    for fields in (LEAD_FIELDS, SESSION_FIELDS):
        with suppress(FilterError):
            assert read_filter(text, fields, BERLIN) is not None


def test_matching_compares_without_case_and_nothing_is_not_equal() -> None:
    lead: dict[str, object] = {"name": "Straße", "number": ("+49301", "+49302"), "attempts": 3, "wrap_code": None}
    for text, expected in [
        ("name = STRASSE", True),
        ("name contains rass", True),
        ("number contains 302", True),
        ("attempts >= 3", True),
        ("attempts > 3", False),
        ("wrap_code = SALE", False),
        ("wrap_code != SALE", True),
        ("wrap_code is empty", True),
        ("name is not empty and attempts in (1, 3)", True),
    ]:
        assert matches(read(text), lead.get) is expected, text
