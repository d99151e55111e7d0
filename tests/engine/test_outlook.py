"""What lists hold for the moment, and for later."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dialler.domain.calling_hours import parse_hours
from dialler.domain.campaign import Campaign, CampaignSettings
from dialler.domain.lead import CompletedReason, Lead, LeadState, NewLead, PhoneNumber, WindowKey
from dialler.domain.window import window_for
from dialler.engine.outlook import ListOutlook, outlook
from dialler.ports import Records
from dialler.stores.memory import MemoryStore

NOW = datetime(2026, 6, 3, 15, 30, tzinfo=UTC)  # 11:30 in New York, 8:30 in Los Angeles, 5:30 in Honolulu
HOURS = parse_hours("mon-sun 09:00-20:00")
ZONES = ("America/New_York", "America/Los_Angeles", "Pacific/Honolulu")


def fill(records: Records, hours: str, leads: list[tuple[str, LeadState]]) -> tuple[Campaign, list[Lead]]:
    """Make a campaign with one list; each lead is (zone, state), the n-th resting one due n minutes from now."""
    campaign = records.add_campaign("c", CampaignSettings(hours=parse_hours(hours)), NOW)
    lead_list = records.add_list(campaign.campaign_id, "l", NOW)
    new = [NewLead(numbers=(PhoneNumber("+12125550101"),), window_key=WindowKey(zones=(zone,))) for zone, _ in leads]
    made = []
    for at, (lead_id, (_, state)) in enumerate(
        zip(records.add_leads(lead_list.list_id, new, NOW), leads, strict=True), start=1
    ):
        lead = replace(
            records.lead(lead_id),
            state=state,
            due_at=NOW + timedelta(minutes=at) if state is LeadState.RESTING else None,
            completed_reason=CompletedReason.MANUAL if state is LeadState.COMPLETED else None,
        )
        records.set_lead(lead)
        made.append(lead)
    return campaign, made


async def look(hours: str, leads: list[tuple[str, LeadState]]) -> tuple[ListOutlook, list[Lead]]:
    async with MemoryStore() as store:
        campaign, made = await store.write(lambda records: fill(records, hours, leads))
        (found,) = await store.read(lambda records: outlook(records, campaign, NOW))
        return found, made


leads = st.lists(st.tuples(st.sampled_from(ZONES), st.sampled_from(list(LeadState))), max_size=12)


@given(leads=leads)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
async def test_an_outlook_is_what_a_look_at_every_lead_would_say(leads: list[tuple[str, LeadState]]) -> None:
    found, made = await look("mon-sun 09:00-20:00", leads)
    ready = [window_for(HOURS, lead.window_key) for lead in made if lead.state is LeadState.READY]
    shut = [window for window in ready if not window.is_open(NOW)]
    assert found.leads == len(made)
    assert (found.ready_open, found.ready_shut) == (len(ready) - len(shut), len(shut))
    for count, state in [
        (found.resting, LeadState.RESTING),
        (found.in_call, LeadState.IN_CALL),
        (found.completed, LeadState.COMPLETED),
    ]:
        assert count == sum(lead.state is state for lead in made)
    assert found.next_open == min((window.next_open(NOW) for window in shut), default=None)
    assert found.next_close == min((w.next_close(NOW) for w in ready if w not in shut), default=None)
    assert found.next_due == min((lead.due_at for lead in made if lead.due_at), default=None)


async def test_windows_that_never_open_have_no_next_opening() -> None:
    found, _ = await look("none", [("America/New_York", LeadState.READY)])
    assert (found.ready_open, found.ready_shut, found.next_open) == (0, 1, None)


async def test_windows_that_never_shut_have_no_next_closing() -> None:
    found, _ = await look("always", [("America/New_York", LeadState.READY)])
    assert (found.ready_open, found.next_open, found.next_close) == (1, None, None)


async def test_lists_without_leads_are_there_too() -> None:
    found, _ = await look("always", [])
    assert found.leads == 0
    assert found.lead_list.name == "l"
