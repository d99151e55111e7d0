"""Agents' log in, out, pause and ready, for those who ask through the API."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Literal, NamedTuple, Self

from dialler.domain.call import CallState
from dialler.domain.session import Session
from dialler.engine.agent_states import RESERVED, held_session, state_word
from dialler.engine.floor import Floor
from dialler.engine.pauses import OURS
from dialler.engine.wrapping import Wrapping
from dialler.errors import Conflict, NotFound, Refused, TelephonyError, UsageError
from dialler.ports import AgentReport, AgentTalk, QueueStanding
from telephony.errors import NotSent, UnknownQueue


class _Talk(NamedTuple):
    """A talk of an agent, the work after it, or the call that he is held for, and since when."""

    talk: AgentTalk
    since: datetime

    @classmethod
    def of(cls, session: Session, state: Literal["reserved", "talking", "wrap-up"], since: datetime | None) -> Self:
        talk = AgentTalk(session_id=session.session_id, campaign=session.campaign, state=state)
        return cls(talk, since or session.created_at)


class AgentDesk:
    """Asks the exchanges. `AgentControl` in `dialler.ports` is its face to the API."""

    def __init__(self, floor: Floor, wrapping: Wrapping) -> None:
        self._floor = floor
        self._wrapping = wrapping

    def report(self) -> Sequence[AgentReport]:
        """Return all who are in a queue, and those who have left with a talk to end, or to write up."""
        talks = self._talks()
        agents = talks.keys() | set(self._floor.board.members)
        return [self._report(agent, talks.get(agent)) for agent in sorted(agents)]

    def servers_down(self) -> Sequence[str]:
        """Return the servers whose link is down: nobody knows who is in their queues."""
        return sorted(server for server in self._floor.trunks.servers if not self._floor.is_usable(server))

    async def log_in(
        self, agent: str, queues: Sequence[str], *, name: str, penalty: int, paused: bool, reason: str
    ) -> Sequence[str]:
        """Put an agent into queues; return those that he was not in. All or none. As the port says."""
        _check_reason(reason)
        added: list[str] = []
        try:
            with _said_to_people():
                for queue in dict.fromkeys(queues):
                    was_added = await self._floor.telephony.add_to_queue(
                        queue, agent, name=name, penalty=penalty, paused=paused, reason=reason
                    )
                    added += [queue] if was_added else []
        except (UsageError, TelephonyError):
            await self._take_back(agent, added)
            raise
        return added

    async def log_out(self, agent: str, queues: Sequence[str]) -> Sequence[str]:
        """Take an agent out of queues; return those that he was in. As the port says."""
        in_queues = sorted({place.queue for place in self._floor.board.members.of(agent)})
        left: list[str] = []
        with _said_to_people():
            for queue in dict.fromkeys(queues or in_queues):
                try:
                    if await self._floor.telephony.remove_from_queue(queue, agent):
                        left.append(queue)
                except UnknownQueue:
                    raise
                except Refused as error:
                    raise Conflict(
                        f"{agent} can not be taken out of {queue}: {error}; a member that queues.conf names is taken"
                        " out there, or paused"
                    ) from error
        if not left:
            if not queues and (down := self._floor.links_down()):
                raise NotSent(f"the link to {', '.join(down)} is down: nobody tells in which queues {agent} is")
            where = f"{', '.join(queues)}" if queues else "any queue"
            raise NotFound(f"agent {agent} is not in {where}; `dialler agent list` shows who is")
        return left

    async def pause(self, agent: str, reason: str) -> None:
        """Pause an agent in all his queues. As the port says."""
        _check_reason(reason)
        with _said_to_people():
            known = await self._floor.telephony.set_paused(agent, True, reason=reason)
        _check_known(agent, known)

    async def make_ready(self, agent: str) -> None:
        """End an agent's pause, and the work after his talk. As the port says."""
        with _said_to_people():
            known = await self._floor.telephony.set_paused(agent, False)
        _check_known(agent, known)
        self._wrapping.agents.release(agent)

    async def _take_back(self, agent: str, queues: Sequence[str]) -> None:
        for queue in queues:
            try:
                await self._floor.telephony.remove_from_queue(queue, agent)
            except TelephonyError:
                return  # The link broke; the exchange shows where he is once it is back.

    def _report(self, agent: str, has: _Talk | None) -> AgentReport:
        queues = [
            QueueStanding(
                server=place.server,
                queue=place.queue,
                state=standing.state.value,
                pause_reason=standing.pause_reason,
                since=standing.since,
            )
            for place, standing in sorted(self._floor.board.members.of(agent).items())
        ]
        reasons = [one.pause_reason for one in queues if one.pause_reason is not None]
        merged = self._floor.board.agents(None).get(agent)
        # Who is held for a call is no more ready, though no exchange has told of his pause yet.
        state = state_word(self._floor.board, agent, merged) if merged is not None else None
        if has is not None and state in (None, RESERVED):
            state, since = has.talk.state, has.since
        else:
            assert state is not None
            since = min([one.since for one in queues if one.state == state] or [one.since for one in queues])
        return AgentReport(
            agent=agent,
            state=state,
            since=since,
            pause_reason=reasons[0] if reasons else None,
            queues=queues,
            talk=has.talk if has is not None else None,
        )

    def _talks(self) -> dict[str, _Talk]:
        """Return the talks that agents have, or else are held for, or else have to write up."""
        talks: dict[str, _Talk] = {}
        for session in self._wrapping.sessions:
            if session.agent is not None:
                talks[session.agent] = _Talk.of(session, "wrap-up", session.ended_at)
        for agent in self._floor.board.held:
            if (held := held_session(self._floor.board, agent)) is not None:
                talks[agent] = _Talk.of(held, RESERVED, held.created_at)
        for tracked in self._floor.board.calls.values():
            call = tracked.call
            if call.state is CallState.TALKING and call.agent is not None:
                talks[call.agent] = _Talk.of(tracked.session, "talking", call.connected_at)
        return talks


def _check_reason(reason: str) -> None:
    if reason in OURS:
        raise UsageError(f"reason: expected another than {reason!r}: the dialler ends its own pauses by itself")


def _check_known(agent: str, known: bool) -> None:
    if not known:
        raise NotFound(f"agent {agent} is in no queue; `dialler agent login` puts him into one")


@contextmanager
def _said_to_people() -> Iterator[None]:
    """Turn what an exchange would not take into errors of whoever asked."""
    try:
        yield
    except ValueError as error:
        raise UsageError(str(error)) from error
    except UnknownQueue as error:
        raise NotFound(
            f"{error}: expected one of its queues.conf; `dialler asterisk-config` shows how to add it"
        ) from error
