"""What agents do with their offers: accept or skip them."""

from collections import Counter
from collections.abc import Set
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Final

import anyio

from dialler.domain.campaign import PreviewThen
from dialler.domain.evolve import evolve
from dialler.domain.lead import LeadState
from dialler.domain.session import Session
from dialler.domain.verdict import dialable, refusal
from dialler.engine.caller_ids import CallerIdBooks
from dialler.engine.direct import DirectCalls
from dialler.engine.facts import facts_of
from dialler.engine.floor import Floor
from dialler.engine.handover import Handover
from dialler.engine.offers import NO_ANSWER, Offers
from dialler.engine.opening import Intent, Opening, Slot
from dialler.engine.reservations import Reservations
from dialler.errors import Conflict, NotFound, Shortage
from dialler.ports import Records

ENGINE: Final = "engine"
"""Who accepts the offers whose time is over, in the audit."""


class Previews:
    """Obeys agents who accept or skip an offer."""

    def __init__(
        self,
        floor: Floor,
        offers: Offers,
        reservations: Reservations,
        direct: DirectCalls,
        handover: Handover,
        at_work: anyio.Lock,
    ) -> None:
        """`at_work` is held during a pass of the dial loop: who has it knows that no intent is half way."""
        self._floor = floor
        self._offers = offers
        self._reservations = reservations
        self._direct = direct
        self._handover = handover
        self._at_work = at_work
        self._opening = Opening(floor.windows, floor.chance)

    async def accept(self, agent: str, by: str) -> Session:
        """As `EngineControl.accept` says."""
        floor, session = self._floor, self._offers.take(agent)
        try:
            servers = self._reservations.servers_for(agent, held_for=session.session_id)
            running = floor.campaigns.get(session.campaign_id)
            if running is None or not running.dials or not running.makes_offers or not floor.accepting:
                raise Conflict(f"campaign {session.campaign} makes no offers any more")
            slot = await self._direct.slot(running, servers, agent)
            try:
                with anyio.CancelScope(shield=True):
                    async with self._at_work:
                        in_call = floor.board.numbers() - {session.number}
                        commit = partial(self._accepted, session=session, by=by, slot=slot, in_call=in_call)
                        intent = await floor.store.write(commit)
                        self._offers.drop(session)
                        tracked = self._handover.take(intent, running)
            except BaseException:
                floor.trunks.limits.give_back(Counter([slot.trunk]))
                raise
        except Shortage:
            self._offers.leave(session)
            raise
        except BaseException as error:
            self._offers.close(session, str(error) or "the engine stops")
            raise
        self._direct.send(tracked, intent)
        return intent.session

    async def time_over(self, agent: str) -> None:
        """Do with the offer that an agent did not answer in time what the campaign wants."""
        session = self._offers.of(agent).session
        running = self._floor.campaigns.get(session.campaign_id)
        if running is None or running.campaign.settings.preview_then is PreviewThen.SKIP:
            self._offers.close(session, NO_ANSWER, rests=True)
            return
        with suppress(Conflict, NotFound):  # It is closed, and says why; or it is tried again a moment later.
            await self.accept(agent, ENGINE)

    async def skip(self, agent: str, reason: str, by: str) -> Session:
        """As `EngineControl.skip` says."""
        session = self._offers.take(agent)
        closed = self._offers.close(session, reason, rests=True, by=by)
        await self._floor.outbox.flush()
        return closed

    def _accepted(self, records: Records, *, session: Session, by: str, slot: Slot, in_call: Set[str]) -> Intent:
        now = self._floor.clock.now()
        # Pools before leads, as the dial loop takes hold of them: two engines must never wait for each other in a ring.
        pool, books = records.campaign(session.campaign_id).settings.caller_id_pool, CallerIdBooks()
        book = None if pool is None else books.open(records, pool)
        lead = records.leads_with([session.lead_id], to_change=True).get(session.lead_id)
        if lead is None or lead.state is not LeadState.IN_CALL:
            raise NotFound(f"lead {session.lead_id} is gone")
        campaign, lead_list = records.campaign(lead.campaign_id), records.lead_list(lead.list_id)
        as_offered = evolve(lead, state=LeadState.READY)  # It is in this very call.
        facts = facts_of(
            records,
            as_offered,
            campaign=campaign,
            lead_list=lead_list,
            in_call=in_call,
            windows=self._floor.windows,
            agent=session.for_agent,
            book=book,
            trunk=slot.trunk,
        )
        verdict = dialable(as_offered, facts, now)
        if verdict.shut == {"caller_id"} and verdict.earliest is not None:
            raise Shortage(f"lead {lead.lead_id} can't be called at this moment: {refusal(verdict)}")
        if not verdict.dialable or verdict.number is None:
            raise Conflict(f"lead {lead.lead_id} can't be called now: {refusal(verdict)}")
        if verdict.number.number != session.number:
            raise Conflict(
                f"lead {lead.lead_id} can't be called now: {session.number} is not the number to dial any more"
            )
        caller_id, day = slot.caller_id, None
        if book is not None and verdict.caller_id is not None:
            caller_id, day = verdict.caller_id, books.use(records, book, verdict.caller_id, now)
        accepted = replace(
            session,
            accepted_at=now,
            trunk=slot.trunk,
            server=slot.server,
            caller_id=caller_id,
            caller_id_day=day,
        )
        records.set_session(accepted)
        details = {
            "campaign": session.campaign,
            "list": session.list,
            "after": {"session_id": session.session_id, "agent": session.for_agent, "number": session.number},
        }
        records.add_audit(now, by, "agent.accept", details, lead_id=lead.lead_id)
        valid_until = self._opening.valid_until(campaign, lead_list, lead, now)
        return Intent(session=accepted, campaign=campaign, valid_until=valid_until)
