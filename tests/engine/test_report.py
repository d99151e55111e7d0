"""What is it doing, and why is it not doing more."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import anyio

from dialler.domain.calling_hours import parse_hours
from dialler.domain.campaign import Desired
from dialler.domain.lead import LeadState
from dialler.domain.verdict import dialable
from dialler.engine.facts import facts_of
from dialler.engine.floor import EngineOptions
from dialler.events import SessionClosed
from telephony.port import Trunk
from telephony.simulated import Fate
from tests.support.call_centre import AGENTLESS, QUICK, TRUNK, WITH_AGENTS, CallCentre, call_centre


def limits(centre: CallCentre) -> list[str]:
    return list(centre.engine.report().campaigns[0].limits)


async def test_a_campaign_that_is_not_to_run_says_how_to_start_it() -> None:
    async with call_centre() as centre:
        await centre.campaign(desired=Desired.STOPPED)
        await centre.start()
        assert limits(centre) == ["the campaign is stopped: dialler campaign start spring"]
        assert centre.engine.report().campaigns[0].actual == "stopped"


async def test_no_list_and_nobody_to_call_are_told_apart_and_the_next_instant_is_told() -> None:
    opens_at = datetime(2026, 6, 2, 20, tzinfo=UTC)  # 15:00 in Chicago
    async with call_centre() as centre:
        await centre.campaign(settings=replace(AGENTLESS, hours=parse_hours("mon-sun 15:00-16:00")))
        await centre.start()
        await anyio.sleep(1)
        [said] = limits(centre)
        assert said == (
            "no lead can be dialled now: all rest, wait for their window or their list's dates, or are completed;"
            " the next may be at 2026-06-02T20:00:00+00:00"
        )
        assert centre.engine.report().campaigns[0].next_at == opens_at
        await centre.change_list("list", to_dial=False)
        await anyio.sleep(1)
        assert limits(centre) == ["no list is to dial"]


async def test_trunks_that_are_missing_down_or_full_are_named() -> None:
    trunks = (replace(TRUNK, channels=4), Trunk(name="b", server="far", calls_per_second=1.0, channels=1))
    async with call_centre(replace(QUICK, trunks=trunks), fates=lambda number: Fate.NO_ANSWER) as centre:
        await centre.campaign(settings=replace(AGENTLESS, trunks=("a", "b", "c")))
        centre.network.cut_link("far")
        await centre.start()
        await centre.until(lambda: len(centre.telephony.originated) == 4)
        await anyio.sleep(1)
        assert limits(centre) == ["no such trunk in the settings: c", "trunk b: the link to far is down"]
        assert [(trunk.name, trunk.up, trunk.channels_used) for trunk in centre.engine.report().trunks] == [
            ("a", True, 4),
            ("b", False, 0),
        ]
        await centre.change(trunks=("a",))
        await anyio.sleep(1)
        assert limits(centre) == ["all channels are in use"]


async def test_busy_agents_and_pacing_are_the_limit_where_nothing_else_is() -> None:
    async with call_centre(fates=lambda number: Fate.ANSWERED_LONG) as centre:
        await centre.campaign(settings=WITH_AGENTS)
        await centre.start()
        await centre.until(lambda: centre.engine.report().campaigns[0].calls_talking == 10)
        assert limits(centre) == ["no agent is free (10 busy)"]
        report = centre.engine.report().campaigns[0]
        assert report.pacing is not None and report.pacing.calls == 0
        assert report.hopper == {"list": 100 - len(centre.telephony.originated)}
        assert (report.actual, report.agents_busy) == ("running", 10)


async def test_changed_options_and_caps_hold_at_once_and_calls_under_way_are_not_touched() -> None:
    async with call_centre(fates=lambda number: Fate.NO_ANSWER) as centre:
        await centre.campaign(settings=replace(AGENTLESS, ring_timeout_s=60))
        await centre.start()
        await centre.until(lambda: len(centre.telephony.originated) == 30)
        trunk = replace(TRUNK, channels=2)
        centre.engine.set_options(EngineOptions(hopper_level=7), [trunk])
        await anyio.sleep(5)
        assert centre.engine.report().trunks[0].channels_used == 30
        await centre.until(lambda: len(centre.told(SessionClosed)) == 30)
        await anyio.sleep(5)
        assert centre.engine.report().trunks[0].channels_used == 2
        centre.engine.set_options(EngineOptions(hopper_level=7), [replace(trunk, channels=20)])
        await centre.until(lambda: centre.engine.report().trunks[0].channels_used == 20, within=timedelta(seconds=2))
        assert centre.engine.floor.campaigns[1].hopper.level == 7


async def test_an_explanation_from_the_records_alone_knows_which_numbers_are_in_a_call() -> None:
    async with call_centre(fates=lambda number: Fate.ANSWERED_LONG) as centre:
        await centre.campaign(lists={"list": (100, 1)})
        await centre.start()
        await centre.until(lambda: len(centre.telephony.originated) == 1)
        [session] = await centre.sessions()

        def shut_of_a_twin(number: str) -> list[str]:
            return [gate.name for gate in verdicts[number].gates if not gate.passed]

        verdicts = await centre.records(
            lambda records: {
                number: dialable(lead, facts_of(records, lead), centre.clock.now())
                for number in (session.number, "+13125559999")
                for lead in [
                    replace(
                        records.lead(session.lead_id),
                        state=LeadState.READY,
                        numbers=(replace(records.lead(session.lead_id).numbers[0], number=number),),
                    )
                ]
            }
        )
        assert "line" in shut_of_a_twin(session.number)
        assert "line" not in shut_of_a_twin("+13125559999")
