"""How long leads last at the present pace."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialler.domain.runway import runway, runway_together

lists = st.lists(st.tuples(st.integers(1, 10**6), st.integers(1, 10**5)), min_size=1, max_size=6)


@given(lists=lists)
def test_several_lists_last_as_long_as_one_of_all_their_leads_at_all_their_pace(lists: list[tuple[int, int]]) -> None:
    each = [(dialable, runway(dialable, attempts)) for dialable, attempts in lists]
    together = runway_together([(dialable, lasts.total_seconds() if lasts else None) for dialable, lasts in each])
    one = runway(sum(dialable for dialable, _ in lists), sum(attempts for _, attempts in lists))
    assert together is not None and one is not None
    assert together == pytest.approx(one.total_seconds(), rel=1e-3)
    shortest = min(lasts for _, lasts in each if lasts is not None)
    assert together >= shortest.total_seconds() * 0.999


def test_leads_that_nobody_calls_are_what_is_left_when_the_others_are_gone() -> None:
    assert runway_together([(60, 600.0), (60, None)]) == 1200.0
    assert runway_together([(60, None)]) is None
    assert runway_together([(0, 0.0)]) is None
    assert runway_together([]) is None
    assert runway(0, 5) == timedelta(0)
