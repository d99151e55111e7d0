"""A bound, not a rival: who knows every answer beforehand, and when each agent will be free.

For each agent it launches the one call that will be answered as the agent gets free. Calls that nobody will answer it
does not launch, and of two agents each has calls of their own; only a talk shorter than a call's way makes it late.
"""

import numpy as np

from benchmarks.pacing.chance import around_median, with_mean
from benchmarks.pacing.scenario import Scenario
from benchmarks.pacing.simulator import Result


def run_oracle(scenario: Scenario, seed: int) -> Result:
    """Return what knowing everything would reach."""
    s, result = scenario, Result()
    rng = np.random.default_rng(seed)
    set_up, ring = (
        around_median(rng, s.set_up_median_s, s.set_up_sigma),
        around_median(rng, s.ring_median_s, s.ring_sigma),
    )
    talks = [with_mean(rng, mean, s.talk_cv) for mean in s.talk_kinds_s or (s.talk_mean_s,)]
    wrap = with_mean(rng, s.wrap_mean_s, s.wrap_cv)
    detect_s = s.detect_person_s if s.detects else 0.0
    for number in range(s.agents):
        pace = float(np.exp(rng.normal(-(s.agent_sigma**2) / 2, s.agent_sigma)))
        ends_s = s.ends_s if s.leave_at_s is None or number % 2 else s.leave_at_s
        at_s = float(rng.random()) * s.log_in_s
        break_s = at_s + float(rng.random()) * s.break_each_s
        called_s = at_s
        while at_s < ends_s:
            if at_s >= break_s:
                at_s, break_s = at_s + s.break_s, at_s + s.break_s + s.break_each_s
                continue
            ring_s = ring()
            while ring_s >= s.ring_timeout_s:
                ring_s = ring()
            answer_s = max(called_s + set_up() + ring_s + detect_s, at_s)
            talk_s = talks[int(rng.random() * len(talks))]() * pace
            if answer_s + s.connect_s >= ends_s:
                result.idle_s += max(0.0, ends_s - at_s)
                break
            result.idle_s += answer_s - at_s
            talk_ends_s = answer_s + s.connect_s + talk_s
            result.talk_s += min(talk_ends_s, ends_s) - answer_s - s.connect_s
            result.answered += 1
            result.launched += 1
            called_s, at_s = answer_s, talk_ends_s + wrap() * pace
    return result
