"""The demo's people, made faster or slower than life."""

from dataclasses import fields, replace
from typing import Any

from dialler.app.scenario import Scenario
from dialler.domain.campaign import Campaign
from telephony.simulated.plan import NetworkPlan
from telephony.simulated.spread import Spread


def hurried(plan: NetworkPlan, speed: float) -> NetworkPlan:
    """Return a network on which everything takes `speed` times less, and whose trunks take as many times more calls."""
    spreads = {each.name: getattr(plan, each.name) for each in fields(plan)}
    faster: dict[str, Any] = {
        name: replace(spread, median_s=spread.median_s / speed, max_s=spread.max_s / speed)
        for name, spread in spreads.items()
        if isinstance(spread, Spread)
    }
    return replace(
        plan,
        **faster,
        trunks=tuple(replace(trunk, calls_per_second=trunk.calls_per_second * speed) for trunk in plan.trunks),
        ack_s=plan.ack_s / speed,
        machine_stay_s=plan.machine_stay_s / speed,
        message_s=plan.message_s / speed,
        sounds={name: seconds / speed for name, seconds in plan.sounds.items()},
    )


def with_ring_time(campaign: Campaign, scenario: Scenario, speed: float) -> Campaign:
    """Return the scenario's campaign, ringing as long as people that fast need: whole seconds, at least one."""
    ring_timeout_s = max(1, round(scenario.campaigns[0].ring_timeout_s / speed))
    return replace(campaign, settings=replace(campaign.settings, ring_timeout_s=ring_timeout_s))
