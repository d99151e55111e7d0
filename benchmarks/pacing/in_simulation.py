"""The campaign of `on_asterisk` on the simulated network, through the whole engine, and in the simulator without it."""

from collections.abc import Sequence

from benchmarks.pacing.comparison import ABANDON_SAMPLE, Result, together
from benchmarks.pacing.scenario import Scenario
from benchmarks.pacing.simulator import Simulation
from dialler.app.virtual_time import run_virtually
from dialler.events import AgentJoined, MessageStarted, SessionOpened
from strategies.predictive import Predictive
from tests.support.paced_floor import paced, paced_floor


def through_engine(scenario: Scenario, seeds: Sequence[int]) -> Result:
    """Return what comes of the scenario through the engine, on virtual time; it keeps the work after talks itself."""
    return together("engine, simulated network", [run_virtually(_paced, scenario, seed) for seed in seeds])


async def _paced(scenario: Scenario, seed: int) -> Result:
    settings = paced(scenario=scenario, wrap_up_s=round(scenario.wrap_mean_s), abandon_sample_min=ABANDON_SAMPLE)
    async with paced_floor(scenario, settings, seed=seed, leads=8000) as floor:
        await floor.run(seconds=scenario.ends_s)
        joined, messages = floor.centre.told(AgentJoined), floor.centre.told(MessageStarted)
        return Result(
            where="",
            runs=1,
            seconds=scenario.ends_s,
            utilisation=floor.utilisation,
            utilisation_sd=None,
            answered=len(joined) + len(messages),
            abandoned=len(messages),
            calls=len(floor.centre.told(SessionOpened)),
            messages_after_s=[event.waited_s for event in messages],
            overlooked=len(floor.idle_at_message),
        )


def in_core(scenario: Scenario, seeds: Sequence[int]) -> Result:
    """Return what comes of the scenario in the simulator; that nobody idle is overlooked is asserted there."""
    return together("simulator", [_simulated(scenario, seed) for seed in seeds])


def _simulated(scenario: Scenario, seed: int) -> Result:
    result = Simulation(scenario, Predictive(), seed).run()
    return Result(
        where="",
        runs=1,
        seconds=scenario.ends_s,
        utilisation=result.utilisation,
        utilisation_sd=None,
        answered=result.answered,
        abandoned=result.abandoned,
        calls=result.launched,
    )
