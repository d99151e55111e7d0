"""The work after talks on a real Asterisk: the agent is paused for it, and his code or the deadline frees him."""

from datetime import timedelta
from typing import Any

import pytest

from dialler.domain.campaign import Wrap
from dialler.domain.outcome import Outcome
from dialler.domain.session import Session, SessionStatus
from dialler.events import AgentJoined
from telephony.events import WRAP_UP_REASON, AgentChanged, AgentState
from tests.support.asterisk import LOGIN_QUEUES
from tests.support.asterisk_floor import Floor, floor
from tests.support.desks import client_of

pytestmark = pytest.mark.asterisk

AGENT, QUEUE = "Local/150@agents/n", LOGIN_QUEUES[0]
DEADLINE_S = 2


def standing(opened: Floor) -> tuple[AgentState, str | None] | None:
    """Return what the agent does, and why he is paused."""
    of_him = opened.engine.floor.board.members.of(AGENT)
    return next(((each.state, each.pause_reason) for place, each in of_him.items() if place.queue == QUEUE), None)


async def talk(opened: Floor, number: int) -> Session:
    """Let the talk of that number begin, and end; return its session, which waits for its code."""
    await opened.until(AgentJoined, number)
    await opened.until_so(lambda: standing(opened) == (AgentState.TALKING, WRAP_UP_REASON))
    [tracked] = opened.engine.floor.board.calls.values()
    assert await opened.engine.floor.telephony.hang_up(tracked.session.session_id)
    await opened.until_so(lambda: standing(opened) == (AgentState.WRAP_UP, WRAP_UP_REASON))
    await opened.until_so(lambda: not opened.engine.floor.board.calls)
    [session] = [each for each in await opened.sessions() if each.session_id == tracked.session.session_id]
    assert (session.status, session.outcome, session.agent) == (SessionStatus.PROCESSING, Outcome.CONNECTED, AGENT)
    return session


async def becomes_ready(opened: Floor, told: list[tuple[AgentState, str | None]], place: int) -> None:
    """Wait until the agent is told ready; what came after `place` told of no call before that."""
    await opened.until_so(lambda: (AgentState.READY, None) in told[place:])
    others = [each for each in told[place:] if each != (AgentState.WRAP_UP, WRAP_UP_REASON)]
    assert others[0] == (AgentState.READY, None), "a queue rang him at his work"


async def test_a_code_or_the_deadline_closes_the_session_and_makes_the_agent_ready() -> None:
    settings: dict[str, Any] = {"queue": QUEUE, "pacing": "progressive", "pacing_settings": {}}
    async with floor(3, wrap=Wrap.REQUIRED, wrap_deadline_s=DEADLINE_S, **settings) as opened:
        told: list[tuple[AgentState, str | None]] = []

        def note(event: AgentChanged) -> None:
            if (event.agent, event.queue) == (AGENT, QUEUE):
                told.append((event.state, event.pause_reason))

        opened.engine.floor.on_agent.append(note)
        await opened.until_so(lambda: opened.engine.floor.is_usable("asterisk"))
        await opened.engine.agents.log_in(AGENT, [QUEUE], name="Kim", penalty=0, paused=False, reason="")
        try:
            for number, (code, status) in enumerate((("SALE", "complete"), ("REFUSED", "rejected")), start=1):
                session = await talk(opened, number)
                place = len(told)
                async with client_of(opened.desk) as api:
                    answer = await api.post(f"/sessions/{session.session_id}/wrap", json={"code": code})
                assert (answer.status_code, answer.json()["status"]) == (200, status), answer.text
                await becomes_ready(opened, told, place)
            session = await talk(opened, 3)
            place = len(told)
            await becomes_ready(opened, told, place)
            closed = {each.wrap_code: each.status for each in await opened.sessions()}
            assert closed == {
                "SALE": SessionStatus.COMPLETE,
                "REFUSED": SessionStatus.REJECTED,
                "NONE": SessionStatus.EXPIRED,
            }
            assert session.ended_at is not None
            assert opened.desk.clock.now() >= session.ended_at + timedelta(seconds=DEADLINE_S)
        finally:
            await opened.engine.agents.log_out(AGENT, [])
