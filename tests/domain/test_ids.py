import random
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialler.domain.ids import EPOCH, made_at, uuid7

moments = st.timedeltas(timedelta(0), timedelta(days=2_500_000)).map(lambda since: EPOCH + since)
chances = st.randoms(use_true_random=False)


@given(at=moments, chance=chances)
def test_version_and_variant_are_those_of_rfc_9562(at: datetime, chance: random.Random) -> None:
    known = uuid.UUID(text := uuid7(at, chance))
    assert (known.version, known.variant, str(known)) == (7, uuid.RFC_4122, text)


@given(at=moments, chance=chances)
def test_the_millisecond_can_be_read_back(at: datetime, chance: random.Random) -> None:
    made = made_at(uuid7(at, chance))
    assert timedelta(0) <= at - made < timedelta(milliseconds=1)


@given(first=moments, second=moments, chance=chances)
def test_ids_sort_by_the_millisecond(first: datetime, second: datetime, chance: random.Random) -> None:
    if second - first >= timedelta(milliseconds=1):
        assert uuid7(first, chance) < uuid7(second, chance)


def test_every_random_bit_is_used_and_one_seed_gives_the_same_ids() -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    one, two = random.Random(1), random.Random(1)
    ids = [uuid7(at, one) for _ in range(200)]
    assert ids == [uuid7(at, two) for _ in range(200)]
    seen = 0
    for text in ids:
        seen |= uuid.UUID(text).int ^ uuid.UUID(ids[0]).int
    assert seen.bit_count() == 74


def test_an_id_needs_a_moment_from_1970_on_and_reading_needs_a_uuid7() -> None:
    with pytest.raises(ValueError, match="1969"):
        uuid7(datetime(1969, 12, 31, tzinfo=UTC), random.Random(1))
    with pytest.raises(ValueError, match="not a UUIDv7"):
        made_at(str(uuid.UUID(int=5, version=4)))
