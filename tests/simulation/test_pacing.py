"""Pacing on the campaign simulator: promises on a few short rows. `./go bench pacing --full` has them all."""

from dataclasses import replace

import pytest

from benchmarks.pacing.matrix import scenario
from benchmarks.pacing.oracle import run_oracle
from benchmarks.pacing.rivals import Adapt
from benchmarks.pacing.simulator import Simulation
from strategies.predictive import Predictive
from strategies.progressive import Progressive
from strategies.ratio import Ratio


@pytest.mark.parametrize(("agents", "least"), [(3, 0.46), (10, 0.68), (30, 0.82)])
def test_predictive_pacing_keeps_agents_talking_inside_the_limit(agents, least):
    row = scenario(agents, 0.25, 60.0, hours=1.0)
    found = Simulation(row, Predictive(), seed=5).run()
    one_for_each = Simulation(row, Progressive(), seed=5).run()
    assert one_for_each.abandoned <= 1, "only an agent who goes on a break leaves a call behind"
    assert found.abandoned <= 0.03 * found.answered + 1
    assert found.worst_start_excess <= 0
    assert found.worst_later_excess <= 1 or agents >= 30
    assert found.utilisation >= least
    assert found.utilisation >= one_for_each.utilisation + 0.08
    assert found.utilisation < run_oracle(row, 5).utilisation


def test_half_the_agents_leaving_at_once_does_not_break_the_limit():
    row = replace(scenario(20, 0.4, 60.0, hours=1.0), leave_at_s=1800.0)
    found = Simulation(row, Predictive(), seed=3).run()
    assert found.abandoned <= 0.03 * found.answered + 1


def test_answers_that_treble_at_once_do_not_break_the_limit():
    row = replace(scenario(20, 0.15, 60.0, hours=1.0), answer_rates=((0.0, 0.15), (1800.0, 0.45)))
    found = Simulation(row, Predictive(), seed=3).run()
    assert found.abandoned <= 0.03 * found.answered + 1


def test_where_channels_are_short_old_calls_make_room_for_new_ones():
    row = replace(scenario(20, 0.1, 60.0, hours=0.75), channels_max=45)
    found = Simulation(row, Predictive(), seed=3).run()
    waits = Simulation(row, Predictive(ring_min_s=0.0), seed=3).run()
    assert found.utilisation > waits.utilisation + 0.02
    assert found.abandoned <= 0.03 * found.answered + 1


def test_people_who_take_long_to_answer_are_not_given_up_without_need():
    slow = {"set_up_median_s": 4.0, "ring_median_s": 15.0, "ring_timeout_s": 45.0, "machine_ring_median_s": 25.0}
    found = Simulation(replace(scenario(100, 0.25, 60.0, hours=0.4), **slow), Predictive(), seed=3).run()
    assert found.cancelled < 0.56 * found.launched, "0.60 if all old calls are given up at once"
    assert found.utilisation > 0.91
    assert found.abandoned <= 0.03 * found.answered


def test_the_first_minutes_of_a_large_team_do_not_break_the_limit():
    found = Simulation(scenario(100, 0.5, 60.0, hours=0.15), Predictive(), seed=34).run()
    assert found.answered > 400
    assert found.worst_start_excess <= 0
    assert found.worst_later_excess <= 0


def test_a_trunk_that_fails_for_four_minutes_does_not_break_the_limit_when_it_is_back():
    outage = ((0.0, 0.25), (1500.0, 0.005), (1740.0, 0.25))
    row = replace(scenario(30, 0.25, 60.0, hours=1.0), answer_rates=outage)
    found = Simulation(row, Predictive(), seed=3).run()
    assert found.abandoned <= 0.03 * found.answered + 1


@pytest.mark.parametrize("make", [Predictive, Adapt, lambda: Ratio(3.0)])
def test_the_same_seed_is_the_same_campaign(make):
    row = scenario(5, 0.3, 60.0, hours=0.3)
    first, again, other = (Simulation(row, make(), seed).run() for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_nobody_is_called_once_all_agents_have_left():
    row = replace(scenario(1, 0.3, 60.0, hours=0.5), leave_at_s=600.0)
    found = Simulation(row, Predictive(), seed=1).run()
    short = Simulation(replace(row, leave_at_s=None, hours=601 / 3600), Predictive(), seed=1).run()
    assert found.launched == short.launched > 0
