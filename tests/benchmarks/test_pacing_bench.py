"""Rivals, tables and the plot of `./go bench pacing`."""

import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.pacing import figures
from benchmarks.pacing.__main__ import wanted
from benchmarks.pacing.decision_time import decision_times_s
from benchmarks.pacing.figures import keeps_the_limit, ours, side_by_side
from benchmarks.pacing.matrix import AGENTS, METHOD, RATES, SEEDS, SHAPES, scenario, stress
from benchmarks.pacing.plot import plot
from benchmarks.pacing.rivals import LOOKS_A_COUNT, LOOKS_A_LEVEL, Adapt
from benchmarks.pacing.runs import Run, read, runs
from benchmarks.pacing.simulator import period_count
from benchmarks.pacing.tables import main_table, matrix_table, points, rivals_table
from benchmarks.scale import Scale
from strategies.pacing import PacingFacts

ROW = scenario(10, 0.25, 60.0)
A_RUN = Run(
    scenario=ROW.name,
    strategy="predictive",
    seed=1,
    agents=10,
    utilisation=0.75,
    abandon_rate=0.02,
    worst_half_hour=0.04,
    start_excess=0.0,
    later_excess=-1.0,
    answered=1000,
    abandoned=20,
    launched=4000,
    seconds=1.0,
)
FOUND = [
    A_RUN,
    replace(A_RUN, seed=2, utilisation=0.74, abandon_rate=0.032, abandoned=32, later_excess=2.0),
    replace(A_RUN, strategy="ratio 2", utilisation=0.6, abandon_rate=0.01, abandoned=10),
]


def level_lines(adapt: Adapt, *, ready: int, busy: int, abandoned: int, looks: int) -> int:
    """Return how many lines for each agent `adapt` has after so many looks at a floor that stays."""
    facts = PacingFacts(
        agents_ready=ready,
        agents_busy=busy,
        calls_unanswered=0,
        calls_waiting=0,
        calls_talking=0,
        channels_free=1000,
        tokens=1000,
        periods=(period_count("30d", 1000, abandoned),),
    )
    calls = 0
    for _ in range(looks):
        calls = adapt.decide(facts).calls
    return calls


@pytest.mark.parametrize(("hard", "lines"), [(False, 150), (True, 100)])
def test_a_day_over_its_limit_halves_the_level_or_sets_it_to_one(hard, lines):
    adapt = Adapt(hard=hard)
    assert level_lines(adapt, ready=100, busy=0, abandoned=0, looks=1) == 100, "it begins with one line for each"
    assert level_lines(adapt, ready=100, busy=0, abandoned=0, looks=20 * LOOKS_A_LEVEL) == 300, "and adapts up to three"
    assert level_lines(adapt, ready=100, busy=0, abandoned=40, looks=LOOKS_A_LEVEL) == 300, "drops count by the minute"
    assert level_lines(adapt, ready=100, busy=0, abandoned=40, looks=LOOKS_A_COUNT) == lines


def test_a_minute_in_which_most_calls_are_dropped_halves_the_level():
    adapt = Adapt(drop_rate_max=10.0)
    assert level_lines(adapt, ready=100, busy=0, abandoned=0, looks=5 * LOOKS_A_COUNT) == 300
    assert level_lines(adapt, ready=100, busy=0, abandoned=3000, looks=LOOKS_A_COUNT) == 300, "not of 7,200"
    assert level_lines(adapt, ready=100, busy=0, abandoned=7000, looks=LOOKS_A_COUNT) == 150


def test_one_call_over_the_limit_is_a_matter_of_chance_with_few_agents_only():
    over = replace(A_RUN, answered=100, abandoned=3)
    assert keeps_the_limit(over)
    assert not keeps_the_limit(replace(over, abandoned=4))
    assert not keeps_the_limit(replace(over, agents=30))
    assert keeps_the_limit(replace(over, agents=30, abandoned=0, answered=0))


def test_tables_show_the_worst_seed_and_mark_what_is_missed():
    row = main_table(FOUND)[-1]
    assert "| 10, 0.25, 60 s | 2 | 0.745 | 0.740 | **3.2 %** | 4.0 % | **2.0 calls** | 0.730 |" in row
    slow = main_table([replace(A_RUN, utilisation=0.7, worst_half_hour=0.1)])[-1]
    assert "**0.700**" in slow and "**10.0 %**" in slow and "never" in slow
    assert rivals_table(FOUND)[2:] == ["| ratio 2 | 0.600 / 1.0 % |", "| predictive | 0.745 / **3.2 %** |"]


def test_the_matrix_shows_each_cell_beside_the_reference_and_leaves_blank_what_was_not_run():
    lines = matrix_table(FOUND)
    assert len(lines) == 2 + len(AGENTS)
    assert all(line.count("|") == 2 + len(RATES) * len(SHAPES) for line in lines)
    assert "| 0.745 (0.733) / **3.2 %** |" in lines[3]
    assert lines[2] == "| 3 |" + "  |" * len(RATES) * len(SHAPES)


def test_the_document_has_all_seeds_of_the_whole_matrix_and_of_the_stress_set():
    mine = {(row.name, seed) for row, strategy, seed in wanted() if strategy == "predictive"}
    cells = [scenario(agents, rate, *shape) for agents in AGENTS for rate in RATES for shape in SHAPES]
    assert mine == {(row.name, seed) for row in (*cells, *(row for row, _ in stress())) for seed in SEEDS}


def test_a_figure_tells_of_the_seed_that_ended_over_the_limit():
    figure = side_by_side(ROW, FOUND)
    assert figure.is_met and figure.notes == ["seed 2 ended over the limit: 32 of 1000 abandoned"]
    assert [part.what for part in figure.parts][-1] == "ratio 2: abandoned"
    short = replace(ROW, hours=0.05)
    assert ours(short, (1,), least=1.0).is_met is False


def test_the_full_form_has_the_rows_the_matrix_and_the_stress_set(monkeypatch):
    def stubbed(wanted, kept=None):
        return [replace(A_RUN, scenario=row.name, strategy=strategy, seed=seed) for row, strategy, seed in wanted]

    monkeypatch.setattr(figures, "runs", stubbed)
    monkeypatch.setattr(figures, "decision_times_s", lambda agents, calls, n: [1e-4])
    found = list(figures.run(Scale(is_full=True)))
    assert len(found) == 1 + len(METHOD) + len(AGENTS) * len(RATES) * len(SHAPES) + len(stress())
    assert all(len(figure.spread.values) == 3 for figure in found[1:])
    assert all(figure.goal is not None for figure in found)
    short = list(figures.run(Scale()))
    assert len(short) == 5 and all(figure.goal is None for figure in short[1:])


def test_the_plot_is_a_picture_with_every_strategy_in_it():
    dots = points(FOUND, [ROW.name])
    assert dots == {ROW.name: [("predictive", 0.032, 0.745), ("ratio 2", 0.01, 0.6)]}
    picture = ET.fromstring(plot(dots, "predictive"))
    words = [text.text for text in picture.iter("{http://www.w3.org/2000/svg}text")]
    assert {ROW.name, "predictive", "ratio 2"} <= set(words)


def test_runs_that_are_kept_are_not_run_again(tmp_path: Path):
    kept, asked = tmp_path / "runs.jsonl", [(scenario(2, 0.3, 60.0, hours=0.05), "progressive", 1)]
    first = list(runs(asked, kept))
    assert read(kept) == first
    assert list(runs(asked, kept)) == first, "the seconds it took are the same too"
    assert len(kept.read_text().splitlines()) == 1
    assert len(set(runs([asked[0], (asked[0][0], "ratio 1", 1)] * 2, kept))) == 2
    assert len(kept.read_text().splitlines()) == 2, "what is wanted twice is run once"


def test_the_floor_that_decisions_are_timed_on_has_the_calls_it_promises(monkeypatch):
    seen = []
    monkeypatch.setattr("benchmarks.pacing.decision_time.Predictive.decide", lambda _, facts: seen.append(facts))
    assert len(decision_times_s(500, 2000, 50)) == 50
    assert len(seen[-1].scene.calls.states) == pytest.approx(2000, rel=0.05)
    assert len(seen[-1].scene.agents.states) == 500
