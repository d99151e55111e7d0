"""Calls that an engine has placed through an exchange worked by hand."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

import anyio

from dialler.domain.session import Session
from dialler.engine.floor import EngineOptions
from telephony.events import AgentState
from tests.support.call_centre import AGENTLESS, QUEUE, WITH_AGENTS, CallCentre, call_centre
from tests.support.hand_exchange import HandExchange

GRACE: Final = timedelta(seconds=7)


@asynccontextmanager
async def calls_placed(
    n: int, *, with_agents: bool = False, **settings: Any
) -> AsyncIterator[tuple[CallCentre, HandExchange, list[str]]]:
    """Place n calls of a campaign through an exchange that then says nothing."""
    hand = HandExchange()
    async with call_centre(hand=hand, options=EngineOptions(verdict_grace=GRACE)) as centre:
        kind = WITH_AGENTS if with_agents else AGENTLESS
        # No second attempts here.
        await centre.campaign(settings=replace(kind, rest_min_s=7200, **settings), lists={"list": (100, n)})
        await centre.start()
        if with_agents:
            for at in range(n):
                hand.move_agent(f"agent-{at}", AgentState.READY, queue=QUEUE)
        await centre.until(lambda: len(hand.placed) == n)
        await anyio.sleep(0.1)
        yield centre, hand, [placed.call_id for placed in hand.placed]


async def the_session(centre: CallCentre) -> Session:
    """Return the only session, once all is written."""
    await centre.engine.floor.outbox.flush()
    [session] = await centre.sessions()
    return session
