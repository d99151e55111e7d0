"""A small contact centre for tests of the API: an engine that obeys, and records with a campaign."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import httpx

from dialler.api.desk import Desk
from dialler.api.routes import make_api
from dialler.clock import Clock, FixedClock
from dialler.domain.calling_hours import parse_hours
from dialler.domain.campaign import CampaignSettings, Desired
from dialler.domain.lead import CompletedReason, LeadState, NewLead, PhoneNumber, WindowKey
from dialler.domain.outcome import Outcome
from dialler.domain.session import Session, SessionStatus
from dialler.errors import NotFound
from dialler.ports import (
    Account,
    AgentReport,
    CampaignReport,
    EngineReport,
    ManualCall,
    Offer,
    QueueStanding,
    Records,
    ShareReport,
    TrunkReport,
)
from dialler.stores.memory import MemoryStore
from strategies.pacing import PacingDecision

NOW = datetime(2026, 6, 3, 15, 30, tzinfo=UTC)  # a Wednesday: 11:30 in New York, 8:30 in Los Angeles
NEW_YORK = WindowKey(zones=("America/New_York",), country="US", region="NY")
LOS_ANGELES = WindowKey(zones=("America/Los_Angeles",), country="US", region="CA")


@dataclass
class FakeAgents:
    """Agents who do as they are told at once."""

    queues: dict[str, list[str]] = field(default_factory=lambda: {"PJSIP/7001": ["sales"]})
    pauses: dict[str, str | None] = field(default_factory=dict)
    down: list[str] = field(default_factory=list)

    def servers_down(self) -> list[str]:
        return self.down

    def report(self) -> list[AgentReport]:
        return [
            AgentReport(
                agent=agent,
                state="ready" if (reason := self.pauses.get(agent)) is None else "paused",
                since=NOW,
                pause_reason=reason,
                queues=[
                    QueueStanding(server="main", queue=queue, state="ready", pause_reason=reason, since=NOW)
                    for queue in queues
                ],
            )
            for agent, queues in self.queues.items()
        ]

    async def log_in(self, agent: str, queues: Sequence[str], **facts: object) -> Sequence[str]:
        self.queues.setdefault(agent, []).extend(queues)
        return queues

    async def log_out(self, agent: str, queues: Sequence[str]) -> Sequence[str]:
        if agent not in self.queues:
            raise NotFound(f"agent {agent} is not in any queue")
        return self.queues.pop(agent)

    async def pause(self, agent: str, reason: str) -> None:
        self.pauses[agent] = reason

    async def make_ready(self, agent: str) -> None:
        self.pauses[agent] = None


def offered(agent: str) -> Session:
    """Return the session of an agent's offer: lead 1."""
    return Session(
        session_id="01930000-0000-7000-8000-000000000003",
        campaign_id=1,
        campaign="spring",
        list_id=1,
        list="east",
        lead_id=1,
        attempt_no=1,
        number="+12125550101",
        created_at=NOW,
        name="Ann",
        dial_mode="preview",
        for_agent=agent,
        details={"clinic": "north"},
    )


@dataclass
class FakeEngine:
    """An engine that follows at once, and says so."""

    store: MemoryStore
    trunks: tuple[str, ...] = ("trunk-a",)
    clock: Clock = field(default_factory=lambda: FixedClock(NOW))
    fails: Exception | None = None
    """What taking an account fails with."""

    shares: ShareReport | None = None
    """Of each campaign."""

    followed: list[dict[str, Desired]] = field(default_factory=list)
    agents: FakeAgents = field(default_factory=FakeAgents)

    async def follow(self) -> None:
        campaigns = await self.store.read(lambda records: records.campaigns())
        self.followed.append({campaign.name: campaign.desired for campaign in campaigns})

    async def dial(self, wanted: ManualCall) -> Session:
        return await self.store.write(lambda records: self._dialled(records, wanted))

    def _dialled(self, records: Records, wanted: ManualCall) -> Session:
        lead = records.lead(wanted.find(records))
        after = {"agent": wanted.agent, "number": lead.numbers[0].number}
        records.add_audit(self.clock.now(), wanted.by, "agent.dial", {"after": after}, lead_id=lead.lead_id)
        return Session(
            session_id="01930000-0000-7000-8000-000000000002",
            campaign_id=lead.campaign_id,
            campaign="spring",
            list_id=lead.list_id,
            list=records.lead_list(lead.list_id).name,
            lead_id=lead.lead_id,
            attempt_no=lead.attempts + 1,
            number=lead.numbers[0].number,
            created_at=NOW,
            dial_mode="manual",
            for_agent=wanted.agent,
            accepted_at=NOW,
        )

    def offer(self, agent: str) -> Offer:
        if agent not in self.agents.queues:
            raise NotFound(f"agent {agent} has no offer")
        return Offer(session=offered(agent), until=NOW)

    async def accept(self, agent: str, by: str) -> Session:
        return await self.store.write(lambda records: self._told(records, "agent.accept", agent, by))

    async def skip(self, agent: str, reason: str, by: str) -> Session:
        return await self.store.write(lambda records: self._told(records, "agent.skip", agent, by, reason=reason))

    def _told(self, records: Records, what: str, agent: str, by: str, **more: object) -> Session:
        session = self.offer(agent).session
        details = {"after": {"agent": agent, **more}}
        records.add_audit(self.clock.now(), by, what, details, lead_id=session.lead_id)
        return session

    async def account(self) -> Account:
        if self.fails is not None:
            raise self.fails
        return Account(at=NOW, sessions={}, lists=[], unaccounted={"leads": 0, "sessions": 2})

    def report(self) -> EngineReport:
        wanted = self.followed[-1] if self.followed else {}
        return EngineReport(
            at=NOW,
            started_at=NOW,
            campaigns=[
                CampaignReport(
                    campaign_id=at,
                    name=name,
                    desired=desired,
                    actual="running" if desired is Desired.RUNNING else "stopped",
                    calls_unanswered=3,
                    calls_waiting=0,
                    calls_talking=2,
                    agents_ready=1,
                    agents_busy=2,
                    hopper={"east": 4},
                    pacing=PacingDecision(calls=1, reason="1 agent is ready"),
                    limits=["no agent is ready"],
                    next_at=None,
                    runways_s={"east": 600.0, "west": 7200.0},
                    runway_min_s=1800.0,
                    callbacks_waiting=1,
                    shares=self.shares,
                )
                for at, (name, desired) in enumerate(wanted.items(), start=1)
            ],
            trunks=[
                TrunkReport(name=name, server="main", up=True, channels_used=5, channels=200, calls_per_second=40.0)
                for name in self.trunks
            ],
            agents={"PJSIP/7001": "talking"},
        )


def client_of(desk: Desk) -> httpx.AsyncClient:
    """Return a client of the API over `desk`, in this process."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=make_api(desk)), base_url="http://dialler")


def fill(records: Records) -> list[int]:
    """Make a running campaign `spring` (9:00 to 20:00), its lists `east` and `west`, three leads and a session of the
    first; return the ids of the leads."""
    settings = CampaignSettings(hours=parse_hours("mon-sun 09:00-20:00"), pacing="agentless", message="acme/news")
    campaign = records.add_campaign("spring", settings, NOW)
    records.set_campaign(replace(campaign, desired=Desired.RUNNING))
    east = records.add_list(campaign.campaign_id, "east", NOW, weight=70)
    west = records.add_list(campaign.campaign_id, "west", NOW, weight=30)
    ids = [
        *records.add_leads(east.list_id, [_lead("+12125550101", NEW_YORK), _lead("+12125550102", NEW_YORK)], NOW),
        *records.add_leads(west.list_id, [_lead("+13105550103", LOS_ANGELES)], NOW),
    ]
    records.set_lead(
        replace(records.lead(ids[0]), state=LeadState.COMPLETED, completed_reason=CompletedReason.MANUAL, attempts=1)
    )
    session = records.add_session(
        Session(
            session_id="01930000-0000-7000-8000-000000000001",
            campaign_id=campaign.campaign_id,
            campaign="spring",
            list_id=east.list_id,
            list="east",
            lead_id=ids[0],
            attempt_no=1,
            number="+12125550101",
            created_at=NOW,
            status=SessionStatus.NEW,
        )
    )
    records.set_session(replace(session, status=SessionStatus.EXPIRED, outcome=Outcome.BUSY, ended_at=NOW))
    return ids


def _lead(number: str, key: WindowKey) -> NewLead:
    return NewLead(numbers=(PhoneNumber(number),), window_key=key, name=f"Lead {number[-3:]}", customer_key=number[-3:])
