"""What a file had so far."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialler.importing.stages import seen
from dialler.importing.stages.seen import Seen


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seen, "_FRESH_MAX", 3)
    monkeypatch.setattr(seen, "_PART_MAX", 8)


@given(st.lists(st.lists(st.text("abc", max_size=3), max_size=6), max_size=12))
def test_it_knows_what_it_was_given_and_nothing_else(batches: list[list[str]]) -> None:
    known, every = Seen(), set[str]()
    for batch in batches:
        assert known.are_new(batch) == (len(set(batch)) == len(batch) and every.isdisjoint(batch))
        known.add(batch)
        every.update(batch)
        asked = ["", "a", "b", "c", "ab", "cc", "abc", *batch]
        assert known.those_of(asked) == every.intersection(asked)
