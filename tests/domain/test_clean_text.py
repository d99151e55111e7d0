"""Where in a document there is text that no record can hold."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialler.domain.clean_text import unclean_at

clean = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]))
documents = st.recursive(
    st.none() | st.booleans() | st.integers() | clean,
    lambda parts: st.lists(parts, max_size=3) | st.dictionaries(clean, parts, max_size=3),
)


@given(document=documents)
def test_clean_documents_are_clean(document: Any) -> None:
    assert unclean_at(document) is None


@pytest.mark.parametrize("bad", ["\x00", "a\ud800", "\udfffb"])
def test_it_tells_where(bad: str) -> None:
    assert unclean_at(bad, "name") == "name"
    assert unclean_at({"a": 1, "leads": [{}, {"data": {"k": [bad]}}]}) == "leads.1.data.k.0"
    assert unclean_at({"data": {bad: "x"}}) == f"data.{bad!a}"
    assert unclean_at([bad]) == "0"
    deep: Any = bad
    for _ in range(5_000):
        deep = [deep]
    assert unclean_at(deep) is not None
