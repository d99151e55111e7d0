"""A stand-in for an Asterisk with a floor of agents: it speaks AMI, and notes when an agent gets free and who is
called next. Its calls cost no CPU, so that what is measured is the dialler.
"""

import asyncio
import random
import time
from collections import deque
from typing import Final

from tests.support.ami_peer import AmiPeer, AmiSession, Headers

QUEUE: Final = "sales"


class BusyFloor:
    """Agents who talk all day, each with the next call that is answered; and calls for no agent, which ring in vain.

    Use within `async with floor.peer`. `waits_s` are the seconds from the event that frees an agent, as it is written
    to the socket, to the Originate of the call that follows from it, as it is read there. The campaign has to be
    paced progressively: then each agent who gets free is followed by exactly one Originate.
    """

    def __init__(self, agents: int, *, ring_s: tuple[float, float], talk_s: tuple[float, float], seed: int) -> None:
        self.peer = AmiPeer()
        self.peer.on("queuestatus", self._tell_members)
        self.peer.on("originate", self._take)
        self.waits_s: list[float] = []
        self.calls_up = 0
        self._agents = agents
        self._ring_s, self._talk_s = ring_s, talk_s
        self._free = deque(range(agents))
        self._freed_at: deque[float] = deque()
        self._chance = random.Random(seed)

    def _tell_members(self, session: AmiSession, action: Headers) -> bool:
        mine = f"ActionID: {action['actionid'][0]}"
        session.respond(action, "Success", "EventList: start", "Message: Queue status will follow")
        for agent in range(self._agents):
            session.send("Event: QueueMember", mine, *_member("Location", agent, status=1))
        session.send("Event: QueueStatusComplete", mine, "EventList: Complete")
        return True

    def _take(self, session: AmiSession, action: Headers) -> bool:
        now = time.perf_counter()
        self.calls_up += 1
        call_id = action["channelid"][0]
        session.respond(action, "Success", "Message: Originate successfully queued")
        session.send("Event: Newchannel", "ChannelState: 0", f"Uniqueid: {call_id}", f"Linkedid: {call_id}")
        session.send("Event: Newstate", "ChannelState: 5", f"Uniqueid: {call_id}", f"Linkedid: {call_id}")
        loop = asyncio.get_running_loop()
        if f"DLR_QUEUE={QUEUE}" in action["variable"]:
            if self._freed_at:
                self.waits_s.append(now - self._freed_at.popleft())
            loop.call_later(self._chance.uniform(*self._ring_s), self._answer, session, call_id)
        else:
            loop.call_later(self._chance.uniform(2.0, 4.0), self._end, session, call_id, 19)
        return True

    def _answer(self, session: AmiSession, call_id: str) -> None:
        agent = self._free.popleft()
        mine = f"Uniqueid: {call_id}"
        session.send("Event: Newstate", "ChannelState: 6", mine)
        session.send("Event: UserEvent", "UserEvent: DlrAnswered", mine, f"Attempt: {call_id}")
        session.send("Event: QueueCallerJoin", f"Queue: {QUEUE}", mine)
        session.send("Event: QueueMemberStatus", *_member("Interface", agent, status=2))
        session.send("Event: AgentConnect", f"Queue: {QUEUE}", f"Interface: {_interface(agent)}", mine)
        asyncio.get_running_loop().call_later(
            self._chance.uniform(*self._talk_s), self._release, session, call_id, agent
        )

    def _release(self, session: AmiSession, call_id: str, agent: int) -> None:
        self._end(session, call_id, 16)
        self._free.append(agent)
        self._freed_at.append(time.perf_counter())
        session.send("Event: QueueMemberStatus", *_member("Interface", agent, status=1))

    def _end(self, session: AmiSession, call_id: str, cause: int) -> None:
        self.calls_up -= 1
        session.send("Event: Hangup", f"Uniqueid: {call_id}", f"Linkedid: {call_id}", f"Cause: {cause}")


def _interface(agent: int) -> str:
    return f"PJSIP/{1000 + agent}"


def _member(key: str, agent: int, *, status: int) -> tuple[str, ...]:
    return (f"Queue: {QUEUE}", f"{key}: {_interface(agent)}", f"Name: Agent {agent}", f"Status: {status}", "Paused: 0")
