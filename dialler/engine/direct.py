"""Calls for one certain agent: he is held, the gates are passed, a channel is taken; then it goes as any other call."""

import asyncio
from collections import Counter
from collections.abc import Callable, Set
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final

import anyio
from anyio import TASK_STATUS_IGNORED
from anyio.abc import TaskStatus

from dialler.domain.evolve import evolve
from dialler.domain.ids import uuid7
from dialler.domain.lead import LeadState
from dialler.domain.session import MANUAL, Session
from dialler.domain.verdict import dialable, refusal
from dialler.engine.board import Tracked
from dialler.engine.caller_ids import CallerIdBooks
from dialler.engine.campaigns import Running
from dialler.engine.facts import facts_of
from dialler.engine.floor import Floor
from dialler.engine.handover import Handover
from dialler.engine.opening import Intent, Opening, Slot, called, opening_event, promised_words
from dialler.engine.picking import WaitingCallback
from dialler.engine.replan import replan_leads
from dialler.engine.reservations import Reservations
from dialler.errors import Conflict, NotFound, Shortage
from dialler.ports import ManualCall, Records

TOKEN_WAIT: Final = timedelta(seconds=5)
"""How long a call waits for its turn on a trunk that others use up to its rate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """A call that is wanted for an agent."""

    agent: str
    campaign_id: int
    find: Callable[[Records], int]
    dial_mode: str
    reason: str
    by: str | None = None
    """Who asks for it; None: nobody, it is due."""

    rests_until: datetime | None = None
    """Until when its lead rests only for its agent."""


class DirectCalls:
    """Places calls for certain agents."""

    def __init__(self, floor: Floor, handover: Handover, reservations: Reservations, at_work: anyio.Lock) -> None:
        """`at_work` is held during a pass of the dial loop: who has it knows that no intent is half way."""
        self._floor = floor
        self._handover = handover
        self._reservations = reservations
        self._at_work = at_work
        self._opening = Opening(floor.windows, floor.chance)
        self._sends: asyncio.TaskGroup | None = None

    async def run(self, *, task_status: TaskStatus[None] = TASK_STATUS_IGNORED) -> None:
        """Let Originates leave until cancelled."""
        async with asyncio.TaskGroup() as self._sends:
            task_status.started()
            await anyio.sleep_forever()

    async def dial(self, wanted: ManualCall) -> Session:
        """Place the call that an agent asks for; return its session, as it was opened.

        He is held for it, and it is his alone. Raises NotFound for no such agent, campaign or lead; Conflict where he
        is not there or has a call, where a gate refuses the lead, and where no trunk has room: then nothing was done.
        """
        return await self._place(
            _Wanted(
                agent=wanted.agent,
                campaign_id=wanted.campaign_id,
                find=wanted.find,
                by=wanted.by,
                dial_mode=MANUAL,
                reason=f"{wanted.agent} asked for it",
            )
        )

    async def call_back(self, callback: WaitingCallback) -> Session:
        """Place the call that an agent promised and that waits for him; otherwise as `dial`.

        A campaign that does not run, and a list that is off, refuse it like any call that nobody asks for.
        """
        running = self._running(callback.campaign_id)
        if not running.dials:
            raise Conflict(f"campaign {running.campaign.name} is not running")
        return await self._place(
            _Wanted(
                agent=callback.agent,
                campaign_id=callback.campaign_id,
                find=lambda records: callback.lead_id,
                dial_mode=running.campaign.settings.pacing,
                reason=promised_words(callback.agent),
                rests_until=callback.due_at,
            )
        )

    async def _place(self, wanted: _Wanted) -> Session:
        floor = self._floor
        running = self._running(wanted.campaign_id)
        servers = self._reservations.servers_for(wanted.agent)
        session_id = uuid7(floor.clock.now(), floor.chance)
        self._reservations.hold(wanted.agent, session_id)
        try:
            slot = await self.slot(running, servers, wanted.agent)
            try:
                intent, tracked = await self._open(running, wanted, session_id, slot)
            except BaseException:
                floor.trunks.limits.give_back(Counter([slot.trunk]))
                raise
        except BaseException:
            self._reservations.release(wanted.agent, session_id)
            raise
        self.send(tracked, intent)
        return intent.session

    def send(self, tracked: Tracked, intent: Intent) -> None:
        """Let the Originate of a call leave that is followed already."""
        assert self._sends is not None, "it does not run"
        self._sends.create_task(self._handover.send(tracked, intent.valid_until))

    async def slot(self, running: Running, servers: Set[str], agent: str) -> Slot:
        """Take a channel and a token of the campaign's first trunk that has both, on one of the exchanges `servers`.

        It waits for a token for `TOKEN_WAIT` at most. Raises Shortage where there is none by then, or no
        channel; Conflict where no trunk is in use there.
        """
        floor = self._floor
        last_s = floor.clock.monotonic() + TOKEN_WAIT.total_seconds()
        while True:
            names = [name for name in floor.trunks_of(running) if floor.trunks.trunk(name).server in servers]
            if not names:
                there = ", ".join(sorted(servers))
                raise Conflict(f"campaign {running.campaign.name} has no trunk in use on {there}, where the agent is")
            free = [name for name in names if floor.trunks.channels_free(name)]
            if not free:
                raise Shortage(f"no channel is free on {', '.join(names)}: try again in a while")
            for name in free:
                if floor.trunks.tokens(name) and (await floor.trunks.limits.reserve({name: 1})).get(name):
                    caller_id = running.caller_id(0)
                    running.calls += 1
                    trunk = floor.trunks.trunk(name)
                    return Slot(trunk=name, server=trunk.server, caller_id=caller_id, agent=agent)
            due_s = max(min(floor.trunks.token_due_s(name) for name in free), 0.01)
            if floor.clock.monotonic() + due_s > last_s:
                raise Shortage(f"the rate of {', '.join(free)} allows no call within {TOKEN_WAIT.seconds} s: try again")
            await anyio.sleep(due_s)

    def _running(self, campaign_id: int) -> Running:
        floor = self._floor
        running = floor.campaigns.get(campaign_id)
        if running is None:
            raise NotFound(f"the engine knows no campaign {campaign_id}")
        if not floor.accepting:
            raise Conflict("the engine is stopping: it places no new calls")
        if running.blocked is not None:
            raise Conflict(f"campaign {running.campaign.name} is blocked: {running.blocked}")
        return running

    async def _open(self, running: Running, wanted: _Wanted, session_id: str, slot: Slot) -> tuple[Intent, Tracked]:
        """Commit the session and follow it; shielded, so that no session is open that nobody follows."""
        floor = self._floor
        with anyio.CancelScope(shield=True):
            async with self._at_work:
                in_call = floor.board.numbers()
                commit = partial(self._commit, wanted=wanted, session_id=session_id, slot=slot, in_call=in_call)
                intent = await floor.store.write(commit)
                tracked = self._handover.take(intent, running)
        floor.journal.emit(opening_event(intent.session))
        return intent, tracked

    def _commit(self, records: Records, *, wanted: _Wanted, session_id: str, slot: Slot, in_call: Set[str]) -> Intent:
        now, windows = self._floor.clock.now(), self._floor.windows
        # Pools before leads, as the dial loop takes hold of them: two engines must never wait for each other in a ring.
        pool, books = records.campaign(wanted.campaign_id).settings.caller_id_pool, CallerIdBooks()
        book = None if pool is None else books.open(records, pool)
        lead_id = wanted.find(records)
        lead = records.leads_with([lead_id], to_change=True).get(lead_id)
        if lead is None:
            raise NotFound(f"there is no lead {lead_id}")
        campaign, lead_list = records.campaign(lead.campaign_id), records.lead_list(lead.list_id)
        if lead_list.awaits_replan(lead_id):  # Nobody is called by rules that are no longer.
            changed = replan_leads(records, windows, campaign, lead_list, [lead], now)
            lead = changed[0][1] if changed else lead
        if wanted.rests_until is not None and (lead.state, lead.due_at) == (LeadState.RESTING, wanted.rests_until):
            lead = evolve(lead, state=LeadState.READY, due_at=None)  # It rests for nothing else but its agent.
        facts = facts_of(
            records,
            lead,
            campaign=campaign,
            lead_list=lead_list,
            in_call=in_call,
            windows=windows,
            by_hand=wanted.by is not None,
            agent=wanted.agent,
            book=book,
            trunk=slot.trunk,
        )
        verdict = dialable(lead, facts, now)
        if not verdict.dialable:
            raise Conflict(f"lead {lead_id} can't be called now: {refusal(verdict)}")
        caller_id_day = None
        if book is not None and verdict.caller_id is not None:
            caller_id_day = books.use(records, book, verdict.caller_id, now)
        session, valid_until = self._opening.session_of(
            campaign,
            lead_list,
            lead,
            verdict,
            slot,
            dial_mode=wanted.dial_mode,
            reason=wanted.reason,
            now=now,
            session_id=session_id,
            caller_id_day=caller_id_day,
        )
        records.set_lead(called(lead))
        session = records.add_session(replace(session, accepted_at=now))
        if wanted.by is not None:
            after = {"session_id": session_id, "agent": wanted.agent, "number": session.number, "trunk": session.trunk}
            details = {"campaign": campaign.name, "list": lead_list.name, "after": after}
            records.add_audit(now, wanted.by, "agent.dial", details, lead_id=lead_id)
        return Intent(session=session, campaign=campaign, valid_until=valid_until)
