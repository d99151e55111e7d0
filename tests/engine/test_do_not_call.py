"""Numbers that must not be called, while the engine is about to call them."""

from dataclasses import replace
from datetime import timedelta

from dialler.domain.lead import CompletedReason, LeadState
from dialler.events import SessionOpened
from dialler.ports import DncEntry, LeadFilter, Records
from telephony.simulated import Fate
from tests.support.call_centre import AGENTLESS, call_centre


async def test_leads_that_wait_in_the_hopper_are_not_called_once_their_merchant_lists_their_numbers() -> None:
    async with call_centre(fates=lambda number: Fate.BUSY) as centre:
        await centre.campaign(settings=replace(AGENTLESS, merchant="Acme"), lists={"list": (100, 40)})
        await centre.start()
        await centre.until(lambda: len(centre.told(SessionOpened)) >= 5)
        assert sum(centre.engine.report().campaigns[0].hopper.values()) > 0
        now = centre.clock.now()

        def list_them(records: Records) -> None:
            numbers = {number.number for lead in records.leads(LeadFilter()) for number in lead.numbers}
            records.add_dnc(
                DncEntry(number=number, campaign_id=None, merchant="Acme", reason="asked", added_at=now)
                for number in numbers
            )

        await centre.records(list_them)
        called = len(centre.told(SessionOpened))
        await centre.at(now + timedelta(hours=3))
        assert len(centre.told(SessionOpened)) == called < 40
        never = [
            lead for lead in await centre.records(lambda records: records.leads(LeadFilter())) if not lead.attempts
        ]
        assert len(never) == 40 - called
        assert {(lead.state, lead.completed_reason) for lead in never} == {(LeadState.COMPLETED, CompletedReason.DNC)}
