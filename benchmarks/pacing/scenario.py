"""What happens in one simulated campaign: people, telephones and agents, as distributions."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One campaign. Times are in seconds; spreads are coefficients of variation, or sigmas of logarithms."""

    name: str
    agents: int
    answer_rates: Sequence[tuple[float, float]]
    """From when on (s, rising from 0) a call launched reaches a person with which probability."""

    talk_mean_s: float
    talk_cv: float = 0.9
    talk_kinds_s: Sequence[float] = ()
    """Means of talks that are as likely as each other; empty: all are like `talk_mean_s`."""

    wrap_mean_s: float = 10.0
    wrap_cv: float = 0.5
    set_up_median_s: float = 1.8
    set_up_sigma: float = 0.4
    ring_median_s: float = 8.0
    """From the first ring to the answer of a person."""

    ring_sigma: float = 0.55
    ring_timeout_s: float = 25.0
    failed_share: float = 0.15
    """Of calls that no person answers: they end after the set-up."""

    machine_share: float = 0.35
    """Of calls that no person answers: a machine does."""

    machine_ring_median_s: float = 14.0
    machine_ring_sigma: float = 0.3
    detects: bool = True
    """Whether machines are told from people; else both go to agents."""

    detect_person_s: float = 1.3
    detect_machine_s: float = 3.0
    machines_missed: float = 0.0
    """What part of the machines are taken for people."""

    people_lost: float = 0.0
    """What part of the people are taken for machines, and hung up on."""

    machine_talk_s: float = 6.0
    """How long an agent listens to a machine."""

    patience_s: float = 2.0
    connect_s: float = 0.3
    break_each_s: float = 5400.0
    break_s: float = 600.0
    agent_sigma: float = 0.15
    """How much agents differ in the length of their talks and wraps."""

    log_in_s: float = 120.0
    """They log in within so long."""

    leave_at_s: float | None = None
    """Half of them leave then; who talks, after that."""

    channels_max: int | None = None
    hours: float = 3.0

    @property
    def ends_s(self) -> float:
        return self.hours * 3600.0


def answering(rate: float) -> Sequence[tuple[float, float]]:
    """Return an answer rate that stays."""
    return ((0.0, rate),)
