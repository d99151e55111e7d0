from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialler.domain.outcome import Outcome
from dialler.domain.redial import (
    DEFAULT_RULES,
    Redial,
    RedialRule,
    RedialRules,
    format_duration,
    parse_duration,
    redial,
    rules_from_json,
    rules_to_json,
)

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
SHIPPED = RedialRules()


def rests(outcome: Outcome, runs: int) -> list[timedelta | None]:
    return [redial(SHIPPED, outcome, run=run).rest for run in range(1, runs + 1)]


def test_there_is_a_shipped_rule_for_every_outcome() -> None:
    assert set(DEFAULT_RULES) == set(Outcome)


def test_no_answer_rests_two_hours_and_the_sixth_is_the_last() -> None:
    assert rests(Outcome.NO_ANSWER, 6) == [2 * HOUR] * 5 + [None]


def test_busy_rests_ten_minutes_and_after_three_in_a_row_counts_as_no_answer() -> None:
    assert rests(Outcome.BUSY, 8) == [10 * MINUTE] * 2 + [2 * HOUR] * 5 + [None]


@pytest.mark.parametrize("outcome", [Outcome.CONGESTION, Outcome.FAILED, Outcome.NO_ROUTE])
def test_trouble_rests_briefly_then_longer_but_does_not_use_up_the_lead_soon(outcome: Outcome) -> None:
    assert rests(outcome, 6) == [MINUTE, 5 * MINUTE, 15 * MINUTE, 15 * MINUTE, 2 * HOUR, 2 * HOUR]
    assert redial(SHIPPED, outcome, run=10).rest is None


def test_a_blocked_number_is_tried_once_more_then_given_up() -> None:
    assert redial(SHIPPED, Outcome.BLOCKED, run=1) == Redial(24 * HOUR, Outcome.BLOCKED)
    assert redial(SHIPPED, Outcome.BLOCKED, run=2).as_after is Outcome.INVALID_NUMBER


@pytest.mark.parametrize(
    ("outcome", "first", "last_run"),
    [("MACHINE", 4 * HOUR, 4), ("UNREACHABLE", 8 * HOUR, 4), ("REJECTED_CALL", 24 * HOUR, 2)],
)
def test_the_other_limits_are_those_of_the_table(outcome: str, first: timedelta, last_run: int) -> None:
    assert rests(Outcome(outcome), last_run) == [first] * (last_run - 1) + [None]


@pytest.mark.parametrize(
    ("outcome", "rest"),
    [("ABANDONED", 72 * HOUR), ("ABANDONED_SHORT", 72 * HOUR), ("CANCELLED", 0 * HOUR), ("LOST", HOUR / 2)],
)
def test_these_never_exhaust_a_lead_by_themselves(outcome: str, rest: timedelta) -> None:
    assert rests(Outcome(outcome), 50) == [rest] * 50


def test_a_lists_own_rule_replaces_the_shipped_one_of_that_outcome_only() -> None:
    rules = RedialRules({Outcome.BUSY: RedialRule(rests=(MINUTE, HOUR))})
    assert [redial(rules, Outcome.BUSY, run=run).rest for run in (1, 2, 3)] == [MINUTE, HOUR, HOUR]
    assert rules.rule_for(Outcome.NO_ANSWER) is DEFAULT_RULES[Outcome.NO_ANSWER]


def test_rules_that_go_in_a_circle_are_refused() -> None:
    # The shipped rule leads from BUSY to NO_ANSWER.
    with pytest.raises(ValueError, match="NO_ANSWER, then BUSY, then NO_ANSWER"):
        RedialRules({Outcome.NO_ANSWER: RedialRule(rests=(HOUR,), in_a_row_max=2, then=Outcome.BUSY)})


@given(outcome=st.sampled_from(Outcome), run=st.integers(1, 100))
def test_there_is_always_an_answer_and_once_exhausted_a_lead_stays_so(outcome: Outcome, run: int) -> None:
    if redial(SHIPPED, outcome, run=run).rest is None:
        assert redial(SHIPPED, outcome, run=run + 1).rest is None


@pytest.mark.parametrize("text", ["90s", "10m", "2h", "3d", "0s", "61s", "36h"])
def test_durations_are_written_for_people(text: str) -> None:
    assert format_duration(parse_duration(text)) == text


@given(seconds=st.integers(0, 10**7))
def test_a_duration_reads_back_as_it_was_written(seconds: int) -> None:
    assert parse_duration(format_duration(timedelta(seconds=seconds))) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "2", "h", "2 h", "-2h", "1.5h", "2w", "2h30m", "٢h"])
def test_other_texts_are_no_durations(text: str) -> None:
    with pytest.raises(ValueError, match="whole number and a unit"):
        parse_duration(text)


rules = st.builds(
    RedialRule,
    rests=st.lists(st.integers(0, 10**6).map(lambda s: timedelta(seconds=s)), min_size=1, max_size=4).map(tuple),
    in_a_row_max=st.none() | st.integers(1, 9),
)


@settings(max_examples=100)
@given(by_outcome=st.dictionaries(st.sampled_from(Outcome), rules))
def test_rules_read_back_from_json_as_they_were_written(by_outcome: dict[Outcome, RedialRule]) -> None:
    given_rules = RedialRules(by_outcome)
    assert rules_from_json(rules_to_json(given_rules)) == given_rules


def test_the_json_form_is_the_one_people_write() -> None:
    document = {"NO_ANSWER": {"rests": ["2h"], "in_a_row_max": 6}, "BLOCKED": {"rests": ["1d"]}}
    assert rules_to_json(rules_from_json(document)) == document
    then = {"MACHINE": {"rests": ["4h"], "in_a_row_max": 2, "then": "NO_ANSWER"}}
    assert rules_to_json(rules_from_json(then)) == then


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ([], "table by outcome"),
        ({"SLEEPING": {"rests": ["2h"]}}, "SLEEPING: no outcome 'SLEEPING'; there are CONNECTED"),
        ({"BUSY": "2h"}, "BUSY: expected a table"),
        ({"BUSY": {"rests": "2h"}}, "BUSY: rests: expected a list"),
        ({"BUSY": {"rests": ["2 hours"]}}, "BUSY: a duration is"),
        ({"BUSY": {"rests": []}}, "BUSY: rests must be given"),
        ({"BUSY": {"rests": ["2h"], "max": 3}}, "BUSY: unknown max"),
        ({"BUSY": {"rests": ["2h"], "in_a_row_max": True}}, "BUSY: in_a_row_max: expected a whole number"),
        ({"BUSY": {"rests": ["2h"], "in_a_row_max": 0}}, "BUSY: in_a_row_max must be 1 to 10000"),
        ({"BUSY": {"rests": ["2h"], "then": "NO_ANSWER"}}, "BUSY: then = NO_ANSWER needs in_a_row_max"),
    ],
)
def test_a_mistake_in_the_rules_is_named_with_its_key(document: object, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        rules_from_json(document)


def test_all_mistakes_are_named_at_once() -> None:
    with pytest.raises(ValueError, match=r"BUSY: .*; FAX: "):
        rules_from_json({"BUSY": {"rests": ["x"]}, "FAX": {"rests": ["y"]}})
