import pytest

from dialler.domain.outcome import TRAITS, NumberVerdict, Outcome, counts_attempt
from dialler.domain.session import STATUS_OF

LIVE = {"CONNECTED", "ABANDONED", "ABANDONED_SHORT", "PLAYED", "OPTED_OUT"}
UNCOUNTED = {"NO_ROUTE", "CONGESTION", "FAILED", "CANCELLED"}


def test_every_outcome_has_its_traits_and_its_status() -> None:
    assert set(TRAITS) == set(STATUS_OF) == set(Outcome)


@pytest.mark.parametrize("outcome", Outcome)
def test_people_answered_only_where_the_table_says_so(outcome: Outcome) -> None:
    assert TRAITS[outcome].live == (outcome in LIVE)
    assert TRAITS[outcome].counts_attempt == (outcome not in UNCOUNTED)


def test_a_cancelled_attempt_counts_only_if_it_rang() -> None:
    assert counts_attempt(Outcome.CANCELLED, rang=True)
    assert not counts_attempt(Outcome.CANCELLED, rang=False)
    assert not counts_attempt(Outcome.CONGESTION, rang=True)
    assert counts_attempt(Outcome.LOST, rang=False)


def test_abandoned_calls_and_opt_outs_are_in_the_numerator_of_the_abandon_rate() -> None:
    assert {outcome for outcome in Outcome if TRAITS[outcome].abandoned} == {Outcome.ABANDONED, Outcome.OPTED_OUT}


def test_only_numbers_that_do_not_exist_or_are_a_fax_are_no_good() -> None:
    assert {outcome for outcome in Outcome if TRAITS[outcome].number is NumberVerdict.BAD} == {Outcome.INVALID_NUMBER}
    assert {outcome for outcome in Outcome if TRAITS[outcome].number is NumberVerdict.FAX} == {Outcome.FAX}
