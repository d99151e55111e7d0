"""Numbers that must not be called, while the engine is about to call them."""

from dataclasses import replace
from datetime import timedelta

import pytest

from dialler.domain.dnc_scope import DncScope
from dialler.domain.lead import CompletedReason, LeadState
from dialler.domain.outcome import Outcome
from dialler.events import SessionClosed, SessionOpened
from dialler.ports import AuditFilter, DncEntry, DncFilter, LeadFilter, Records
from telephony.answer_plan import AnswerPlan
from telephony.events import Answered, HungUp, OptedOut
from telephony.simulated import Fate
from tests.support.call_centre import AGENTLESS, QUICK, call_centre
from tests.support.hand_exchange import HandExchange


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


@pytest.mark.parametrize(
    ("scope", "merchant", "of_campaign", "of_merchant"),
    [
        (DncScope.ALL, "Acme", False, None),
        (DncScope.MERCHANT, "Acme", False, "Acme"),
        (DncScope.MERCHANT, "", True, None),
        (DncScope.CAMPAIGN, "Acme", True, None),
    ],
)
async def test_the_key_to_opt_out_holds_at_once_as_far_as_the_campaign_says_and_is_audited(
    scope: DncScope, merchant: str, of_campaign: bool, of_merchant: str | None
) -> None:
    async with call_centre(hand=HandExchange()) as centre:
        hand = centre.hand
        settings = replace(AGENTLESS, merchant=merchant, optout_key="5", optout_scope=scope)
        campaign = await centre.campaign(settings=settings, lists={"list": (100, 1)})
        await centre.start()
        await centre.until(lambda: len(hand.placed) == 1)
        placed = hand.placed[0]
        assert placed.answer == AnswerPlan(message="acme/news", optout_key="5")
        hand.say(Answered, placed.call_id)
        for _ in range(2):
            hand.say(OptedOut, placed.call_id)
        pressed_at = centre.clock.now()
        await centre.at(pressed_at + timedelta(seconds=1))
        await centre.engine.floor.outbox.flush()
        assert not centre.told(SessionClosed), "the call is still up"
        [entry] = await centre.records(lambda records: records.dnc_entries(DncFilter()))
        assert entry == DncEntry(
            number=placed.number,
            campaign_id=campaign.campaign_id if of_campaign else None,
            merchant=of_merchant,
            reason="opted out by key 5",
            added_at=pressed_at,
            added_by="engine",
        )
        [audit] = (await centre.records(lambda records: records.audit(AuditFilter(what="dnc.")))).items
        assert (audit.at, audit.who, audit.what) == (pressed_at, "engine", "dnc.add")
        assert audit.details["after"] == {"numbers": [placed.number], "reason": "opted out by key 5"}
        hand.say(HungUp, placed.call_id, cause=16)
        await centre.until(lambda: bool(centre.told(SessionClosed)))
        await centre.engine.floor.outbox.flush()
        [session] = await centre.assert_accounted()
        assert session.outcome is Outcome.OPTED_OUT


async def test_a_key_of_a_call_that_is_over_for_us_counts_and_one_of_no_call_of_ours_does_not() -> None:
    async with call_centre(hand=HandExchange()) as centre:
        hand = centre.hand
        await centre.campaign(settings=replace(AGENTLESS, rest_min_s=7200), lists={"list": (100, 1)})
        await centre.start()
        await centre.until(lambda: len(hand.placed) == 1)
        placed = hand.placed[0]
        hand.say(Answered, placed.call_id)
        hand.say(HungUp, placed.call_id, cause=16)
        await centre.until(lambda: bool(centre.told(SessionClosed)))
        hand.say(OptedOut, placed.call_id)
        hand.say(OptedOut, "nobody-knows-it")
        await centre.at(centre.clock.now() + timedelta(seconds=1))
        await centre.engine.floor.outbox.flush()
        assert await centre.records(lambda records: records.dnc_hits(99, [placed.number])) == {placed.number}


async def test_on_a_simulated_network_where_everybody_opts_out_nobody_is_called_again() -> None:
    plan = replace(QUICK, agents=(), answer_rate=(0.9,), machine_rate=0.0, optout_rate=1.0)
    async with call_centre(plan) as centre:
        await centre.campaign(settings=AGENTLESS, lists={"list": (100, 30)})
        await centre.start()
        await centre.at(centre.clock.now() + timedelta(hours=2))
        await centre.drained()
        closed = centre.told(SessionClosed)
        opted_out = [event.lead_id for event in closed if event.outcome is Outcome.OPTED_OUT]
        assert len(opted_out) > 15
        assert len(set(opted_out)) == len(opted_out)
        entries = await centre.records(lambda records: records.dnc_entries(DncFilter(), limit=100))
        assert len(entries) == len(opted_out)
