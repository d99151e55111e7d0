"""Caps and rests of trunks."""

from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from dialler.clock import FixedClock
from dialler.domain.outcome import Outcome
from dialler.engine.local_limits import LocalLimits
from dialler.engine.trunks import FAULTS_IN_A_ROW_MAX, REST_FIRST, REST_MAX, Trunks
from telephony.port import Trunk

NOW = datetime(2026, 6, 2, 15, tzinfo=UTC)
A = Trunk(name="a", server="pbx", calls_per_second=10.0, channels=3)
B = Trunk(name="b", server="other", calls_per_second=1.0, channels=2)


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOW)


@pytest.fixture
def trunks(clock: FixedClock) -> Trunks:
    return Trunks([A, B], LocalLimits([A, B], clock, Random(1)), clock)


def fail(trunks: Trunks, times: int, outcome: Outcome = Outcome.CONGESTION) -> list[datetime | None]:
    return [trunks.judge("a", outcome) for _ in range(times)]


async def test_a_call_holds_one_channel_and_takes_one_token_until_it_is_released(
    trunks: Trunks, clock: FixedClock
) -> None:
    assert (trunks.channels_free("a"), trunks.tokens("a")) == (3, 1)
    assert await trunks.limits.reserve({"a": 2}) == {"a": 1}
    for _ in range(2):
        trunks.hold("a", "call")
    assert (trunks.channels_used("a"), trunks.channels_free("a"), trunks.tokens("a")) == (1, 2, 0)
    assert 0 < trunks.token_due_s("a") < 0.2
    clock.at += timedelta(seconds=trunks.token_due_s("a"))
    assert trunks.tokens("a") == 1
    for _ in range(2):
        trunks.release("a", "call")
    assert trunks.channels_free("a") == 3


def test_a_call_of_before_a_restart_holds_its_channel_and_takes_no_token(trunks: Trunks) -> None:
    trunks.hold("a", "call", launched=False)
    assert (trunks.channels_used("a"), trunks.tokens("a")) == (1, 1)


def test_a_trunk_that_is_no_longer_configured_holds_nothing(trunks: Trunks) -> None:
    trunks.hold("gone", "call")
    trunks.release("gone", "call")
    trunks.pause("gone", REST_FIRST)
    assert trunks.judge("gone", Outcome.CONGESTION) is None
    assert "gone" not in trunks and list(trunks) == ["a", "b"] and trunks.servers == {"pbx", "other"}


def test_faults_in_a_row_rest_a_trunk_twice_as_long_each_time_up_to_the_longest(
    trunks: Trunks, clock: FixedClock
) -> None:
    assert fail(trunks, FAULTS_IN_A_ROW_MAX - 1) == [None] * (FAULTS_IN_A_ROW_MAX - 1)
    rests = []
    for _ in range(9):
        [until] = fail(trunks, 1)
        assert until is not None and trunks.rested_until("a") == until
        assert (trunks.channels_free("a"), trunks.channels_free("b")) == (0, 2)
        rests.append(until - clock.at)
        assert fail(trunks, 3) == [None] * 3, "calls of before the rest do not prolong it"
        clock.at = until
        assert trunks.rested_until("a") is None
    assert rests[:3] == [REST_FIRST, REST_FIRST * 2, REST_FIRST * 4] and rests[-1] == REST_MAX


def test_a_call_that_reached_somebody_shows_that_the_trunk_works(trunks: Trunks) -> None:
    fail(trunks, FAULTS_IN_A_ROW_MAX - 1)
    trunks.judge("a", Outcome.BUSY)
    assert fail(trunks, FAULTS_IN_A_ROW_MAX)[-2:] == [None, trunks.rested_until("a")]


@pytest.mark.parametrize("outcome", [Outcome.CANCELLED, Outcome.LOST])
def test_a_call_that_was_taken_back_or_lost_shows_nothing(trunks: Trunks, outcome: Outcome) -> None:
    fail(trunks, FAULTS_IN_A_ROW_MAX - 1)
    assert trunks.judge("a", outcome) is None
    assert fail(trunks, 1) != [None]


def test_a_pause_does_not_shorten_a_rest(trunks: Trunks) -> None:
    until = fail(trunks, FAULTS_IN_A_ROW_MAX)[-1]
    trunks.pause("a", timedelta(seconds=1))
    assert trunks.rested_until("a") == until


def test_caps_change_while_running_and_calls_are_not_touched(trunks: Trunks, clock: FixedClock) -> None:
    for call in ("1", "2", "3"):
        trunks.hold("a", call)
    trunks.set_caps({"a": Trunk(name="a", server="pbx", calls_per_second=100.0, channels=2), "new": B})
    assert (trunks.channels_used("a"), trunks.channels_free("a"), trunks.tokens("a")) == (3, 0, 1)
    clock.at += timedelta(seconds=1)
    assert trunks.tokens("a") == 10, "a tenth of a second's worth may leave at once"
    assert "new" not in trunks
