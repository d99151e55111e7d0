"""What an abandon may cost: dearer with each one, and by the period that has least left."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.pacing.simulator import period_count
from strategies.predictive.price import price_of

CAP = 0.03
COUNTS = st.integers(0, 5000)


def day(answered, abandoned, *, machine_share=0.0):
    return period_count("30d", answered, abandoned, machine_share=machine_share)


def risk(*periods):
    return price_of(periods).risk


@given(COUNTS, st.integers(0, 200))
def test_each_abandon_makes_the_next_dearer(answered, abandoned):
    assert risk(day(answered, abandoned + 1)) <= risk(day(answered, abandoned))


@given(COUNTS, COUNTS, COUNTS, COUNTS)
def test_the_period_with_least_left_decides(a, b, c, d):
    short = period_count("30m", a, b, tolerance=2.0)
    found = price_of((short, day(a + c, b + d)))
    assert found.risk <= price_of((short, day(10**9, 0))).risk
    assert 0 < found.risk <= 0.5


def test_with_the_budget_spent_hardly_anything_is_risked():
    good = period_count("30m", 1000, 0, tolerance=2.0)
    assert risk(good, day(1000, 30)) < 0.3 * CAP < CAP < risk(good, day(1000, 15))
    assert risk(day(1000, 60)) == pytest.approx(0.08 * CAP)


def test_of_a_period_alone_the_budget_is_kept_too():
    assert risk(day(1000, 32)) < risk(day(1000, 30)) < CAP < risk(day(1000, 15))


def test_the_first_call_may_be_risked_before_anything_is_known():
    assert risk(day(0, 0)) > 0.8 * CAP
    assert risk() > 0.8 * CAP


def test_a_large_team_takes_less_risk_in_its_first_minutes_than_a_small_one():
    """Hundred agents have two hundred answers in three minutes: their abandons come by the handful."""
    start = (period_count("30m", 200, 1, tolerance=2.0), period_count("30d", 200, 1))
    assert price_of(start, 700.0).risk < 0.8 * price_of(start, 70.0).risk


def test_a_credit_that_one_cluster_of_abandons_takes_is_a_reserve_and_not_spent():
    """A team of thirty, 220 answers in ten minutes: with four in hand it is careful, with twelve it is not."""

    def of_thirty(credit):
        return price_of((period_count("30m", 660, 15, tolerance=2.0), day(2000, 60 - credit)), 220.0).risk

    assert of_thirty(4) < 0.7 * CAP < CAP < of_thirty(12)


def test_from_the_first_answers_most_of_what_is_allowed_is_kept_in_hand():
    start = (period_count("30m", 200, 2, tolerance=2.0), day(200, 2))
    assert price_of(start, 700.0).risk < 0.85 * CAP


def test_far_over_the_limit_there_is_one_call_for_each_free_agent():
    assert not price_of((day(1000, 60),)).is_debt_deep
    assert price_of((day(1000, 80),)).is_debt_deep


def test_a_bad_half_hour_holds_back_although_the_month_is_rich():
    month = day(100_000, 100)
    fair = price_of((period_count("30m", 300, 9, tolerance=2.0), month))
    bad = price_of((period_count("30m", 300, 18, tolerance=2.0), month))
    assert bad.risk < 0.5 * fair.risk
    assert bad.period == "30m"


def test_machines_nobody_tells_apart_make_the_count_uncertain_and_cost_a_reserve():
    assert price_of((day(4000, 110, machine_share=0.3),)).credit < 0.7 * 0.03 * 4000 - 0.7 * 110
