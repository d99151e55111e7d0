"""The table of `./go bench pacing-asterisk`, its options, and the numbers that say what becomes of calls."""

from collections import Counter
from statistics import mean, median

import pytest

from benchmarks.__main__ import main
from benchmarks.pacing.comparison import Result, differences, table
from benchmarks.pacing.in_simulation import in_core, through_engine
from benchmarks.pacing.on_asterisk import real_scenario
from tests.support.asterisk_team import NOBODY, PERSON, numbers, talk_quantiles_s

ROW = real_scenario(agents=5, rate=0.25, talk_s=60.0, wrap_s=10, seconds=120)
REAL = Result(
    where="real Asterisk",
    runs=1,
    seconds=600,
    utilisation=0.83,
    utilisation_sd=0.02,
    answered=250,
    abandoned=5,
    calls=1100,
    messages_after_s=(1.801, 1.803),
    overlooked=0,
)
SIMULATED = Result(
    where="simulator",
    runs=10,
    seconds=600,
    utilisation=0.85,
    utilisation_sd=0.01,
    answered=2500,
    abandoned=50,
    calls=11_000,
)


def test_the_table_has_the_chance_of_one_run_beside_the_figures() -> None:
    *_, real, simulated = table([REAL, SIMULATED])
    assert real == (
        "| real Asterisk | 1 | 10 | 0.830 ± 0.020 | 5 of 250 (2.0 ± 0.9 %) | 1.803 s, 1.803 s | 0 | 1,100 |"
    )
    # Ten runs counted ten times as many; what is shown is what chance does to one.
    assert "50 of 2500 (2.0 ± 0.9 %)" in simulated
    assert list(differences([REAL, SIMULATED])) == ["utilisation, real Asterisk less simulator: -0.020 (2.0 sd)"]
    assert list(differences([])) == []


def test_both_simulations_run_the_same_scenario() -> None:
    engine, core = through_engine(ROW, (1, 2)), in_core(ROW, (1, 2))
    assert (engine.runs, core.runs) == (2, 2)
    assert engine.seconds == core.seconds == 120
    assert engine.calls > 0 < core.calls
    assert engine.utilisation_sd is not None
    assert engine.overlooked == 0


def test_numbers_are_all_different_and_answer_as_the_scenario_says() -> None:
    called = numbers(ROW, 8000, seed=1)
    assert len(set(called)) == 8000
    assert {len(number) for number in called} == {13}
    kinds = Counter(number[6] for number in called)
    assert kinds[PERSON] / 8000 == pytest.approx(0.25, abs=0.02)
    assert kinds[NOBODY] / 8000 == pytest.approx(0.75 * 0.85, abs=0.02)
    assert median(int(number[7:10]) / 10 for number in called) == pytest.approx(ROW.set_up_median_s, abs=0.1)
    assert median(int(number[10:13]) / 10 for number in called) == pytest.approx(ROW.ring_median_s, abs=0.3)


def test_talks_have_the_scenarios_mean_and_shape() -> None:
    talks_s = talk_quantiles_s(ROW, 200)
    assert mean(talks_s) == pytest.approx(60.0)
    assert median(talks_s) == pytest.approx(60.0 / (1 + ROW.talk_cv**2) ** 0.5, rel=0.05)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--for", "5"], "'5': expected 20s to 60m"),
        (["--for", "soon"], "'soon': expected 20s to 60m"),
        (["--agents", "500"], "'500': expected 1 to 60"),
        (["--answer-rate", "x"], "'x': expected 0.05 to 1"),
    ],
)
def test_options_out_of_bounds_are_refused(
    arguments: list[str], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["pacing-asterisk", *arguments])
    assert expected in capsys.readouterr().err
