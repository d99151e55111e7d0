"""Numbers by a part of their digits."""

from hypothesis import given
from hypothesis import strategies as st

from dialler.domain.digits import next_containing


@given(st.from_regex(r"\A[0-9]{1,3}\Z"), st.integers(0, 30_000))
def test_it_is_the_next_number_that_has_the_digits(digits: str, above: int) -> None:
    expected = next(number for number in range(above + 1, above + 200_000) if digits in str(number))
    assert next_containing(digits, above) == expected


def test_ids_of_any_size() -> None:
    assert next_containing("7", 8_999_999_999) == 9_000_000_007
    assert next_containing("123456789", 0) == 123456789
