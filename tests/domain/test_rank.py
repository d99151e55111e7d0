"""A rank is one integer that keeps the strategy's order."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialler.domain.rank import RANK_MAX, RANK_MIN, field_rank, rank_of
from dialler.domain.strategy import LeadOrder, StrategySettings

numbers = st.integers(-(2**40), 2**40) | st.floats(-1e12, 1e12).map(lambda number: round(number, 3))
texts = st.text(st.characters(codec="ascii", categories=["Lu", "Ll"]), min_size=1, max_size=7).filter(
    lambda text: text.casefold() not in ("nan", "inf", "infinity")
)


@given(numbers, numbers, st.booleans())
def test_numbers_rank_by_size_either_way(one: float, other: float, descending: bool) -> None:
    ranks = [field_rank(str(number), descending=descending) for number in (one, other)]
    assert all(RANK_MIN <= rank < RANK_MAX for rank in ranks)
    first, second = reversed(ranks) if descending else ranks
    assert (first < second) == (one < other)
    assert (first == second) == (one == other)


@given(texts, texts)
def test_texts_rank_as_they_are_sorted_in_either_case(one: str, other: str) -> None:
    assert (field_rank(one) < field_rank(other)) == (one.casefold() < other.casefold())


@given(st.dates(date(1000, 1, 1)), st.dates(date(1000, 1, 1)))
def test_dates_rank_by_the_calendar(one: date, other: date) -> None:
    assert (field_rank(one.isoformat()) < field_rank(other.isoformat())) == (one < other)


@given(st.text(), st.booleans())
def test_any_value_has_a_rank_that_the_records_can_hold(text: str, descending: bool) -> None:
    assert RANK_MIN <= field_rank(text, descending=descending) <= RANK_MAX


def test_numbers_go_before_texts_and_texts_before_none_either_way() -> None:
    for descending in (False, True):
        ranks = [field_rank(text, descending=descending) for text in ("1e300", "zzz", " ")]
        assert ranks == sorted(ranks)
        assert len(set(ranks)) == 3


def test_one_moment_has_one_rank_wherever_it_was_written() -> None:
    at = datetime(2026, 12, 1, 9, tzinfo=UTC)
    assert field_rank("2026-12-01T10:00:00+01:00") == field_rank(at.isoformat()) == field_rank("2026-12-01T09:00")
    assert field_rank("0") == field_rank("-0.0") == field_rank("1970-01-01")


@given(st.integers(0, 2**63 - 1), st.integers(1, 2**62))
def test_a_random_rank_is_the_same_for_the_same_seed_and_fits(seed: int, lead_id: int) -> None:
    settings = StrategySettings(order=LeadOrder.RANDOM, seed=seed)
    rank = rank_of(settings, lead_id=lead_id, attempts=0, data={})
    assert RANK_MIN <= rank <= RANK_MAX
    assert rank == rank_of(settings, lead_id=lead_id, attempts=9, data={"a": "b"})


def test_another_seed_shuffles_otherwise_and_both_are_no_order_of_ids() -> None:
    orders = []
    for seed in (1, 2):
        settings = StrategySettings(order=LeadOrder.RANDOM, seed=seed)
        ranks = {lead_id: rank_of(settings, lead_id=lead_id, attempts=0, data={}) for lead_id in range(1, 1001)}
        orders.append(sorted(ranks, key=ranks.__getitem__))
    assert orders[0] != orders[1]
    for order in orders:
        assert 400 < sum(order[:500]) / 500 < 600, "the first half comes from everywhere"


@pytest.mark.parametrize(
    ("order", "ranks"),
    [(LeadOrder.OLDEST, [1, 2]), (LeadOrder.NEWEST, [-1, -2]), (LeadOrder.FEWEST_ATTEMPTS, [3, 0])],
)
def test_the_plain_orders(order: LeadOrder, ranks: list[int]) -> None:
    settings = StrategySettings(order=order)
    leads = ((1, 3), (2, 0))
    assert [rank_of(settings, lead_id=lead_id, attempts=attempts, data={}) for lead_id, attempts in leads] == ranks
