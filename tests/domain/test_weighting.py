"""What weights come to."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialler.domain.campaign import LeadList
from dialler.domain.weighting import percentages

NOW = datetime(2026, 1, 1, tzinfo=UTC)
lists = st.lists(st.tuples(st.integers(1, 10_000), st.booleans()), max_size=8).map(
    lambda given: [
        LeadList(list_id=at, campaign_id=1, name=str(at), created_at=NOW, weight=weight, to_dial=to_dial)
        for at, (weight, to_dial) in enumerate(given)
    ]
)


@given(lists, st.booleans())
def test_the_lists_that_are_to_dial_come_to_a_hundred(given_lists: list[LeadList], weighting: bool) -> None:
    found = percentages(given_lists, weighting=weighting)
    on = [each for each in given_lists if each.to_dial]
    assert set(found) == {each.list_id for each in on}
    assert sum(found.values()) == pytest.approx(100 if on else 0)
    for each in on:
        weight = each.weight / sum(one.weight for one in on) if weighting else 1 / len(on)
        assert found[each.list_id] == pytest.approx(100 * weight)
