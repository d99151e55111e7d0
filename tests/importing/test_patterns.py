"""What a regular expression looks at."""

import re

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st
from phonenumbers import PhoneMetadata

from dialler.importing.patterns import LooksAt, walk

DIGIT = st.sampled_from("0123456789")
ONE = DIGIT | st.sampled_from(["\\d", "[2-9]", "[03-57]", "[1\\d]", "[04]"])


def _grow(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    group = st.tuples(st.sampled_from(["(?:", "("]), inner).map(lambda pair: f"{pair[0]}{pair[1]})")
    times = st.sampled_from(["?", "*", "+", "{2}", "{1,3}", "{2,}"])
    return (
        st.lists(inner, min_size=1, max_size=4).map("".join)
        | st.lists(inner, min_size=2, max_size=3).map("|".join).map("(?:{})".format)
        | st.tuples(group | ONE, times).map("".join)
    )


PATTERN = st.tuples(st.sampled_from(["", "^"]), st.recursive(ONE, _grow, max_leaves=8), st.sampled_from(["", "$"])).map(
    "".join
)


@given(PATTERN, st.text("0123456789", max_size=7), st.integers(0, 7), st.data())
def test_what_is_decided_is_the_same_whatever_stands_where_it_does_not_look(
    pattern: str, digits: str, known: int, data: st.DataObject
) -> None:
    known = min(known, len(digits))
    try:
        ends, at = walk(pattern, digits, known), None
    except LooksAt as place:
        ends, at = frozenset(), place.at
    if at is not None:
        assert known <= at < len(digits)
        return
    tail = data.draw(st.text("0123456789", min_size=len(digits) - known, max_size=len(digits) - known))
    one, other = (re.match(pattern, text) for text in (digits, digits[:known] + tail))
    assert (one and one.end()) == (other and other.end())
    assert bool(one) == bool(ends) and (one is None or one.end() in ends)
    assert (re.fullmatch(pattern, digits) is not None) == (len(digits) in ends)


@pytest.mark.parametrize(
    "pattern", ["a", "1a?", "[^1]", "(?!1)2", "(?=1)", "\\d+?", "\\D", ".", "(1", "1{2}{3}", "[a-f]"]
)
def test_what_it_does_not_understand_it_says(pattern: str) -> None:
    with pytest.raises(LooksAt) as caught:
        walk(pattern, "12345", 5)
    assert caught.value.at is None


def test_it_understands_every_expression_about_numbers_that_there_is() -> None:
    for region in sorted(phonenumbers.SUPPORTED_REGIONS):
        metadata = PhoneMetadata.metadata_for_region(region)
        descriptions = [metadata.general_desc, metadata.fixed_line, metadata.mobile, metadata.toll_free]
        patterns = [each.national_number_pattern for each in descriptions if each is not None]
        patterns += [metadata.international_prefix, metadata.national_prefix_for_parsing, metadata.leading_digits]
        for pattern in filter(None, patterns):
            walk(pattern, "2025550123", 10)
