"""The arithmetic of the benchmarks; what they measure is never a test."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.dial_path import group_of, samples
from benchmarks.figure import AT_LEAST, AT_MOST, Figure, Goal, Part, Spread, lines_of, number, percentile
from benchmarks.processes import _cpu_s

POSITIVE = st.floats(min_value=1e-3, max_value=1e6)


def test_ratios_are_taken_turn_by_turn() -> None:
    # In the second turn something else slowed down both sides: the ratio stays.
    assert Spread((100.0, 10.0, 90.0)).over(Spread((200.0, 20.0, 100.0))).values == (0.5, 0.5, 0.9)


def test_sides_with_different_turns_have_no_ratio() -> None:
    with pytest.raises(ValueError, match="shorter"):
        Spread((1.0, 2.0)).over(Spread((1.0,)))


def test_a_spread_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Spread(())


@given(st.lists(POSITIVE, min_size=1, max_size=9))
def test_the_median_lies_between_the_ends(values: list[float]) -> None:
    spread = Spread.of(values)
    assert spread.low <= spread.median <= spread.high


@given(st.lists(POSITIVE, min_size=1, max_size=50), st.floats(min_value=0.01, max_value=1.0))
def test_a_percentile_is_the_smallest_value_that_covers_its_share(values: list[float], share: float) -> None:
    found = percentile(values, share)
    assert found in values
    assert sum(value <= found for value in values) >= share * len(values) - 1e-6
    assert sum(value < found for value in values) < share * len(values) + 1e-6


@pytest.mark.parametrize(("share", "expected"), [(0.5, 50), (0.99, 99), (1.0, 100), (0.001, 1)])
def test_percentiles_of_one_to_a_hundred_are_their_own_numbers(share: float, expected: int) -> None:
    assert percentile(list(range(1, 101)), share) == expected


@pytest.mark.parametrize("share", [0.0, 1.1, -0.5])
def test_a_share_that_is_none_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match="share"):
        percentile([1.0], share)


@pytest.mark.parametrize(
    ("bound", "median", "met"),
    [(AT_LEAST, 0.5, True), (AT_LEAST, 0.49, False), (AT_MOST, 0.5, True), (AT_MOST, 0.51, False)],
)
def test_a_goal_is_held_against_the_median(bound: str, median: float, met: bool) -> None:
    figure = Figure(name="x", what="x", spread=Spread((0.0, median, 9.0)), goal=Goal(bound, 0.5))
    assert figure.is_met is met
    assert figure.json()["met"] is met
    assert ("met" if met else "MISSED") in next(lines_of(figure))


def test_a_figure_without_a_goal_is_neither_met_nor_missed() -> None:
    assert Figure(name="x", what="x", spread=Spread((1.0,))).is_met is None


def test_a_goal_has_one_of_two_bounds() -> None:
    with pytest.raises(ValueError, match="at least"):
        Goal("about", 1.0)


def test_the_json_of_a_figure_has_its_parts_with_every_turn() -> None:
    part = Part("ours", "calls/s", Spread((3.0, 1.0, 2.0)))
    found = Figure(name="x", what="a thing", spread=Spread((1.0,)), parts=(part,)).json()["parts"]
    assert found == [
        {"what": "ours", "unit": "calls/s", "min": 1.0, "median": 2.0, "max": 3.0, "values": [3.0, 1.0, 2.0]}
    ]


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (0.0123, "0.012"), (0.5, "0.50"), (12.34, "12.3"), (123.4, "123"), (3680.2, "3,680")]
)
def test_a_number_has_as_many_digits_as_one_can_believe_in(value: float, text: str) -> None:
    assert number(value) == text


def test_cpu_time_is_found_behind_a_name_with_blanks_and_brackets() -> None:
    stat = "77 (a (b) c) S 1 77 77 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 1 0 100 1000 10"
    assert _cpu_s(stat) == pytest.approx(300 / 100)


def test_a_sample_belongs_to_the_innermost_frame_that_has_a_group() -> None:
    line = (
        'thread (1): "store-writer";commit (dialler/engine/intent.py:9);rows (dialler/stores/transaction.py:71)'
        ";execute (sqlalchemy/engine/base.py:1);replace (dataclasses.py:5) 3"
    )
    ((thread, frames, count),) = samples([line])
    assert (thread, count) == ('"store-writer"', 3)
    assert frames[0] == "commit (dialler/engine/intent.py)"
    assert group_of(frames) == "SQLAlchemy around it"
    assert group_of(["main (somewhere.py)"]) == "everything else"
