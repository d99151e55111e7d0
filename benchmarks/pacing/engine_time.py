"""How long the engine takes for its part of a decision: the snapshot of agents, calls and budget that pacing sees."""

import random
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

import anyio

from dialler.clock import SystemClock
from dialler.domain.call import Call, CallState
from dialler.domain.campaign import CampaignSettings, Desired
from dialler.domain.session import Session
from dialler.engine.board import Tracked
from dialler.engine.engine import Engine
from dialler.events import Journal
from dialler.ports import Records
from dialler.stores.memory import MemoryStore
from telephony.events import AgentChanged, AgentState
from telephony.simulated import NetworkPlan, SimulatedNetwork

QUEUE: Final = "sales"
STATES: Final = (CallState.SENT, CallState.RINGING, CallState.RINGING, CallState.WAITING)
AGENTS_AT: Final = (AgentState.READY, AgentState.TALKING, AgentState.TALKING, AgentState.PAUSED)


def engine_times_s(agents: int, calls: int, decisions: int) -> Sequence[float]:
    """Return how long the engine took for each of so many snapshots, in seconds; agents move between them."""
    return anyio.run(_times_s, agents, calls, decisions)


async def _times_s(agents: int, calls: int, decisions: int) -> Sequence[float]:
    clock = SystemClock()
    network = SimulatedNetwork(plan=NetworkPlan(), seed=1, now=clock.now)
    async with MemoryStore() as store:
        engine = Engine(store=store, telephony=network, clock=clock, journal=Journal(), chance=random.Random(1))
        await store.write(_campaign)
        await engine.follow()
        floor = engine.floor
        [running] = floor.campaigns.values()
        scene = running.scene
        assert scene is not None

        def tell(number: int, state: AgentState) -> None:
            server = network.trunks[0].server
            engine._staffing.moved(
                AgentChanged(server=server, at=clock.now(), agent=f"agent{number}", queue=QUEUE, state=state)
            )

        for number in range(agents):
            tell(number, AGENTS_AT[number % len(AGENTS_AT)])
        engine._staffing.settle()
        for number in range(calls):
            tracked = _tracked(number, running.campaign.campaign_id)
            floor.board.add(tracked)
            scene.call_moved(tracked)
        taken_s = []
        for step in range(decisions):
            tell(0, AGENTS_AT[step % 2])
            began = time.perf_counter()
            floor.facts(running)
            taken_s.append(time.perf_counter() - began)
            scene.was_shown()
    network.close()
    return taken_s


def _campaign(records: Records) -> None:
    settings = CampaignSettings(pacing="predictive", queue=QUEUE)
    campaign = records.add_campaign("spring", settings, datetime.now(UTC))
    records.set_campaign(replace(campaign, desired=Desired.RUNNING))


def _tracked(number: int, campaign_id: int) -> Tracked:
    now = datetime.now(UTC)
    session = Session(
        session_id=f"s{number}",
        campaign_id=campaign_id,
        campaign="spring",
        list_id=1,
        list="list",
        lead_id=number,
        attempt_no=1,
        number=f"+1312{number:07}",
        created_at=now,
    )
    call = Call(call_id=session.session_id, state=STATES[number % len(STATES)], sent_at=now, ringing_at=now)
    return Tracked(session=session, call=call, has_agents=True, overdue_at=now)
