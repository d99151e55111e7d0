"""Routes for agents: who is there, and their log in, out, pause and ready."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from dialler.api.desk import NO_ENGINE, Desk, TheDesk, Who, noted
from dialler.api.forms import Json, moment, page
from dialler.ports import AgentControl, AgentReport
from telephony.member import BYTES_MAX, PENALTY_MAX

router = APIRouter(tags=["agents"])

Agent = Annotated[
    str, Field(min_length=1, max_length=BYTES_MAX, description="his telephone's interface, such as PJSIP/1001")
]
Queues = Annotated[list[Annotated[str, Field(min_length=1, max_length=BYTES_MAX)]], Field(max_length=50)]
Reason = Annotated[str, Field(max_length=BYTES_MAX)]


class AgentForm(BaseModel):
    """Something about one agent."""

    model_config = ConfigDict(extra="forbid")
    agent: Agent


class LogIn(AgentForm):
    """Who comes, and which calls he takes."""

    queues: Annotated[Queues, Field(min_length=1)]
    name: str = Field("", max_length=BYTES_MAX, description="what people call him")
    penalty: int = Field(
        0, ge=0, le=PENALTY_MAX, description="members with a higher one are rung when no other is free"
    )
    paused: bool = False
    reason: Reason = Field("", description="why he is paused")


class LogOut(AgentForm):
    """Who goes."""

    queues: Queues = Field([], description="empty: out of all")


class Pause(AgentForm):
    """Who takes a break."""

    reason: Reason = ""


class Ready(AgentForm):
    """Who is back."""


@router.get("/agents")
async def list_agents(desk: TheDesk) -> Json:
    """Agents as the engine sees them, queue by queue, with the call that each has; none where no engine runs.

    `state` and `since` take all queues together, the busiest state first: talking, ringing, wrap-up, paused, ready or
    away; "reserved" is who is held for one call, offered or dialled for him. `call` is the one that an agent is in, is
    held for, or has to write up. `note` says why agents may be missing: no engine, or a link that is down.
    """
    agents = desk.engine.agents.report() if desk.engine is not None else ()
    return page([_agent_json(agent) for agent in agents]) | {"note": _note(desk)}


@router.post("/agents/login")
async def log_in(form: LogIn, desk: TheDesk, who: Who) -> Json:
    """Put an agent into queues, into all of them or none. Where he is already he is left as he is."""
    agents = desk.running_engine().agents
    before = _queues_of(agents, form.agent)
    added = await agents.log_in(
        form.agent, form.queues, name=form.name, penalty=form.penalty, paused=form.paused, reason=form.reason
    )
    after: Json = {"queues": sorted({*before, *added})}
    if form.paused and added:
        after["pause_reason"] = form.reason
    details = _change(form.agent, {"queues": before} if before else {}, after)
    await noted(desk, who, "agent.login", details)
    already = [queue for queue in dict.fromkeys(form.queues) if queue not in added]
    return {"agent": form.agent, "added": list(added), "already": already}


@router.post("/agents/logout")
async def log_out(form: LogOut, desk: TheDesk, who: Who) -> Json:
    """Take an agent out of queues. A call that he has goes on to its end."""
    agents = desk.running_engine().agents
    before = _queues_of(agents, form.agent)
    left = await agents.log_out(form.agent, form.queues)
    rest = [queue for queue in before if queue not in left]
    details = _change(form.agent, {"queues": sorted({*before, *left})}, {"queues": rest} if rest else {})
    await noted(desk, who, "agent.logout", details)
    return {"agent": form.agent, "left": list(left)}


@router.post("/agents/pause")
async def pause(form: Pause, desk: TheDesk, who: Who) -> Json:
    """Pause an agent in all his queues: he gets no more calls. One who talks goes on talking."""
    agents = desk.running_engine().agents
    before = _pause_of(agents, form.agent)
    await agents.pause(form.agent, form.reason)
    await noted(desk, who, "agent.pause", _change(form.agent, before, _paused(form.reason)))
    return {"agent": form.agent, "pause_reason": form.reason}


@router.post("/agents/ready")
async def make_ready(form: Ready, desk: TheDesk, who: Who) -> Json:
    """End an agent's pause, or the work after his talk; its wrap code may still be given."""
    agents = desk.running_engine().agents
    before = _pause_of(agents, form.agent)
    await agents.make_ready(form.agent)
    await noted(desk, who, "agent.ready", _change(form.agent, before, _paused(None)))
    return {"agent": form.agent, "pause_reason": None}


def _note(desk: Desk) -> str | None:
    """Return why agents may be missing; None: all are there."""
    if desk.engine is None:
        return NO_ENGINE
    down = desk.engine.agents.servers_down()
    return f"the link to {', '.join(down)} is down: who is in its queues is not known" if down else None


def _report(agents: AgentControl, agent: str) -> AgentReport | None:
    return next((report for report in agents.report() if report.agent == agent), None)


def _queues_of(agents: AgentControl, agent: str) -> list[str]:
    report = _report(agents, agent)
    return sorted({one.queue for one in report.queues if one.state != "away"}) if report is not None else []


def _pause_of(agents: AgentControl, agent: str) -> Json:
    report = _report(agents, agent)
    return _paused(report.pause_reason if report is not None else None)


def _paused(reason: str | None) -> Json:
    """Return what the audit has of a pause, or of none: a pause without a reason is told apart from none."""
    return {"paused": reason is not None, "pause_reason": reason}


def _change(agent: str, before: Json, after: Json) -> Json:
    return {"agent": agent, "before": before, "after": after}


def _agent_json(agent: AgentReport) -> Json:
    return {
        "agent": agent.agent,
        "state": agent.state,
        "since": moment(agent.since),
        "pause_reason": agent.pause_reason,
        "queues": [
            {
                "queue": one.queue,
                "server": one.server,
                "state": one.state,
                "since": moment(one.since),
                "pause_reason": one.pause_reason,
            }
            for one in agent.queues
        ],
        "call": None
        if agent.talk is None
        else {"session_id": agent.talk.session_id, "campaign": agent.talk.campaign, "state": agent.talk.state},
    }
