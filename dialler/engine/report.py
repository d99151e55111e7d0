"""What the engine is doing, and why it is not doing more: the two questions of every supervisor."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Literal

from dialler.domain.campaign import Desired
from dialler.engine.abandons import over_words
from dialler.engine.agent_states import agent_states, reserved_in
from dialler.engine.campaigns import Running
from dialler.engine.floor import Floor
from dialler.ports import CallerIdReport, CampaignReport, EngineReport, PacingFacts, TrunkReport
from telephony.events import AgentState


def report_of(
    floor: Floor,
    started_at: datetime,
    caller_ids: Sequence[CallerIdReport] = (),
    callbacks_waiting: Mapping[int, int] = MappingProxyType({}),
) -> EngineReport:
    """Return the engine's state at this moment; `callbacks_waiting` for their agents, by campaign id."""
    return EngineReport(
        at=floor.clock.now(),
        started_at=started_at,
        campaigns=[
            _campaign(floor, running, callbacks_waiting.get(campaign_id, 0))
            for campaign_id, running in floor.campaigns.items()
        ],
        trunks=[
            TrunkReport(
                name=name,
                server=floor.trunks.trunk(name).server,
                up=floor.is_usable(floor.trunks.trunk(name).server),
                channels_used=floor.trunks.channels_used(name),
                channels=floor.trunks.trunk(name).channels,
                calls_per_second=floor.trunks.trunk(name).calls_per_second,
                tokens=floor.trunks.tokens(name),
            )
            for name in floor.trunks
        ],
        shared_limits=floor.trunks.limits.shared,
        agents=agent_states(floor.board),
        caller_ids=caller_ids,
        events_dropped=floor.telephony.events_dropped,
    )


def _campaign(floor: Floor, running: Running, callbacks_waiting: int) -> CampaignReport:
    campaign = running.campaign
    facts = floor.facts(running)
    direct = floor.board.counts(campaign.campaign_id, direct=True)  # Pacing does not count them; people do.
    levels = running.hopper.levels()
    now = floor.clock.now()
    next_at = min(
        (at for list_id in running.lists if (at := running.hopper.next_at(list_id, now)) is not None), default=None
    )
    return CampaignReport(
        campaign_id=campaign.campaign_id,
        name=campaign.name,
        desired=campaign.desired,
        actual=_actual(floor, running),
        calls_unanswered=facts.calls_unanswered + direct.unanswered,
        calls_waiting=facts.calls_waiting + direct.waiting,
        calls_talking=facts.calls_talking + direct.talking,
        agents_ready=facts.agents_ready,
        agents_busy=facts.agents_busy,
        hopper={name: levels.get(list_id, 0) for list_id, name in running.lists.items()},
        pacing=running.decision,
        limits=_limits(floor, running, facts, next_at),
        next_at=next_at,
        shares=running.shares.report(running.lists),
        runways_s={
            name: lasts.total_seconds()
            for list_id, name in running.lists.items()
            if running.dials and (lasts := running.runways.get(list_id)) is not None
        },
        runway_min_s=floor.options.runway_min.total_seconds(),
        decided_at=running.asking.decided_at,
        budget=facts.periods,
        agents_by_state=_agents_by_state(floor, running),
        agents_shared_with=sorted(
            floor.campaigns[each].campaign.name
            for each in floor.agent_shares.shared_with(campaign.campaign_id)
            if each in floor.campaigns
        ),
        agents_leaving=floor.agent_shares.leaving(campaign.campaign_id),
        calls_by_state=_calls_by_state(running, facts, floor.board.direct_of(campaign.campaign_id)),
        callbacks_waiting=callbacks_waiting,
        abandon_rates=running.abandon_rates(now) if running.leads_to_agents else (),
    )


def _agents_by_state(floor: Floor, running: Running) -> Mapping[str, int]:
    """Count the agents; those who wrap up are known apart from those who are paused where single agents are seen."""
    if running.scene is not None:
        return {_word(state.name): n for state, n in running.scene.agents_by_state().items()}
    if not running.has_agents or running.campaign.settings.queue is None:
        return {}
    found = floor.agent_shares.counts(running.campaign.campaign_id)
    return {state.value: found.get(state, 0) for state in AgentState if state is not AgentState.AWAY}


def _calls_by_state(running: Running, facts: PacingFacts, direct: int) -> Mapping[str, int]:
    """Count the calls; those for one certain agent each stand apart, whatever has become of them."""
    if running.scene is None:
        before = {"unanswered": facts.calls_unanswered, "waiting": facts.calls_waiting}
    else:
        before = {_word(state.name): n for state, n in running.scene.calls_by_state().items()}
        before["unknown"] = running.scene.calls_doubtful
    return {**before, "talking": facts.calls_talking, **({"direct": direct} if direct else {})}


def _word(name: str) -> str:
    return name.lower().replace("_", "-")


def _actual(floor: Floor, running: Running) -> Literal["stopped", "running", "paused", "draining", "blocked"]:
    match running.campaign.desired:
        case Desired.RUNNING:
            return "blocked" if running.blocked or not floor.accepting or floor.outbox.is_stuck else "running"
        case Desired.PAUSED:
            return "paused"
        case Desired.DRAINING:
            return "draining"
        case Desired.STOPPED:
            return "stopped"


def _limits(floor: Floor, running: Running, facts: PacingFacts, next_at: datetime | None) -> Sequence[str]:
    """Say why no more calls are placed now, the most binding reason first."""
    campaign = running.campaign
    now = floor.clock.now()
    if campaign.desired is not Desired.RUNNING:
        return [f"the campaign is {campaign.desired.value}: dialler campaign start {campaign.name}"]
    said: list[str] = []
    if running.blocked:
        said.append(running.blocked)
    if not floor.accepting:
        said.append("the engine is stopping")
    if floor.outbox.is_stuck:
        said.append("the records can not be written")
    if not running.lists:
        said.append("no list is to dial")
    elif running.is_dry(now):
        again = f"; the next may be at {next_at.isoformat(timespec='seconds')}" if next_at else ""
        said.append(
            "no lead can be dialled now: all rest, wait for their window or their list's dates, or are completed"
            + again
        )
    wanted = campaign.settings.trunks or tuple(floor.trunks)
    missing = [name for name in wanted if name not in floor.trunks]
    if missing:
        said.append(f"no such trunk in the settings: {', '.join(missing)}")
    for name in (name for name in wanted if name not in missing):
        until = floor.trunks.rested_until(name)
        if not floor.is_usable(floor.trunks.trunk(name).server):
            said.append(f"trunk {name}: the link to {floor.trunks.trunk(name).server} is down")
        elif until is not None:
            said.append(f"trunk {name} rests until {until.isoformat(timespec='seconds')} after failures in a row")
    for name, wait in running.caller_id_waits.now(now):
        again = f"; the next at {wait.until.isoformat(timespec='seconds')}" if wait.until else ""
        said.append(f"caller ids on trunk {name}: {wait.reason}{again}")
    shared = floor.trunks.limits.said()
    if not said and not facts.channels_free and not shared:
        said.append("all channels are in use" + (", here or by other engines" if floor.trunks.limits.shared else ""))
    if (over := running.over_limit(now)) is not None:
        said.append(over_words(over, campaign.settings))
    if running.pacing is not None and running.pacing.needs_agents and not facts.agents_ready:
        reserved = reserved_in(floor.board, campaign.settings.queue)
        said.append(f"no agent is free ({facts.agents_busy} busy{f', {reserved} reserved' if reserved else ''})")
    if running.decision is not None and not said and not shared:
        said.append(f"pacing: {running.decision.reason}")
    return [*said, *shared]
