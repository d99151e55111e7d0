"""Promises 7 and 8 over whole days: nothing unaccounted, and one seed is one day."""

import io
import os
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from dialler.app.simulate import simulate
from dialler.domain.campaign import Desired, Wrap
from dialler.domain.lead import LeadState
from dialler.domain.session import SessionStatus
from dialler.events import SessionClosed, SessionOpened
from dialler.ports import LeadFilter, Records
from telephony.port import Trunk
from telephony.simulated import AgentGroup, Spread, Unanswered
from tests.support.call_centre import AGENTLESS, QUEUE, QUICK, WITH_AGENTS, CallCentre, call_centre

SCENARIO = """
start = 2026-06-01T15:00:00Z
duration_s = 3600
calls_max = 70

[[campaign]]
name = "midwest"
hours = "mon-sun 08:00-21:00"
pacing = "ratio"
pacing_settings = { ratio = 2 }
queue = "sales"

[[campaign.list]]
name = "warm"
weight = 70
leads = 60

[[campaign.list]]
name = "cold"
weight = 30
leads = 60

[[campaign]]
name = "reminders"
pacing = "agentless"
message = "acme/news"
hours = "always"

[[campaign.list]]
name = "due"
leads = 30

[network]
answer_rate = 0.4
ack_s = 0.05

[[network.trunks]]
name = "north"
server = "pbx-1"
calls_per_second = 3
channels = 30

[[network.trunks]]
name = "south"
server = "pbx-2"
calls_per_second = 2
channels = 10

[[network.agents]]
number = 8
queues = ["sales"]
"""


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    path = tmp_path / "day.toml"
    path.write_text(SCENARIO)
    return path


def sessions_of(scenario: Path, seed: int) -> str:
    out = io.StringIO()
    day = simulate(scenario, seed=seed, sessions=out)
    assert day.figures["unaccounted"] == 0 and day.figures["open"] == 0
    return out.getvalue()


def test_one_seed_gives_the_same_sessions_byte_for_byte_also_in_another_process(scenario: Path) -> None:
    first = sessions_of(scenario, 5)
    assert first.count("\n") >= 70
    assert sessions_of(scenario, 5) == first
    assert sessions_of(scenario, 6) != first
    code = (
        "import sys; from pathlib import Path; from dialler.app.simulate import simulate;"
        f"simulate(Path({str(scenario)!r}), seed=5, sessions=sys.stdout)"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "4711", "PYTHONPATH": os.getcwd()}
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert other.stdout == first


@pytest.mark.parametrize("seed", range(3))
async def test_a_day_full_of_trouble_ends_with_nothing_unaccounted(seed: int) -> None:
    chance = Random(f"day {seed}")
    plan = replace(
        QUICK,
        trunks=(
            Trunk(name="north", server="pbx", calls_per_second=4.0, channels=12),
            Trunk(name="south", server="far", calls_per_second=2.0, channels=6),
        ),
        agents=(AgentGroup(number=6, queues=(QUEUE,)), AgentGroup(number=3, queues=(QUEUE, "other"), server="far")),
        invalid_rate=0.05,
        pickup_s=Spread(2.0, 0.3),
        unanswered=Unanswered(no_answer=50, busy=20, rejected=10, congestion=10, unreachable=10),
    )
    async with call_centre(plan, start=datetime(2026, 6, 2, 14, tzinfo=UTC), seed=seed) as centre:
        centre.store.before_s = centre.store.after_s = 0.005
        await centre.campaign("a", replace(WITH_AGENTS, wrap=Wrap.REQUIRED, wrap_deadline_s=40, ring_timeout_s=15))
        await centre.campaign("b", replace(AGENTLESS, weight=30), lists={"x": (70, 80), "y": (30, 80)})
        await centre.start()
        for _ in range(12):
            await centre.at(centre.clock.now() + timedelta(seconds=chance.uniform(5, 40)))
            await _trouble(centre, chance)
            await _assert_conserved(centre)
        for server in ("pbx", "far"):
            centre.network.restore_link(server)
        centre.store.failing = None
        await centre.drained()
        await centre.at(centre.clock.now() + timedelta(minutes=5))  # Wrap deadlines.
        await centre.engine.floor.outbox.flush()
        sessions = await centre.assert_accounted()
        opened, closed = centre.told(SessionOpened), centre.told(SessionClosed)
        # What a crash kept from being told is in the records all the same.
        assert {event.session_id for event in [*opened, *closed]} <= {session.session_id for session in sessions}
        assert max(Counter(event.session_id for event in opened).values()) == 1
        assert not any(session.status.is_open for session in sessions)
        await centre.records(_assert_leads_add_up)


async def _trouble(centre: CallCentre, chance: Random) -> None:
    server = chance.choice(["pbx", "far"])
    match chance.choice(["cut", "mend", "restart", "crash", "disk", "pause", "stop", "start", "edit"]):
        case "cut":
            centre.network.cut_link(server)
        case "mend":
            centre.network.restore_link(server)
        case "restart":
            centre.network.restart(server)
        case "crash":
            await centre.kill()
            await centre.at(centre.clock.now() + timedelta(seconds=chance.uniform(0, 20)))
            await centre.start()
        case "disk":
            centre.store.failing = None if centre.store.failing else "no room on the disk"
        case "pause":
            await centre.change(Desired.PAUSED, chance.choice(["a", "b"]))
        case "stop":
            await centre.change(Desired.STOPPED, chance.choice(["a", "b"]))
        case "start":
            for name in ("a", "b"):
                await centre.change(Desired.RUNNING, name)
        case "edit":
            await centre.change_list("x", weight=chance.randint(1, 100))


async def _assert_conserved(centre: CallCentre) -> None:
    """Check what holds whenever no intent is half way: the board, and the channels that are held for it."""
    floor = centre.engine.floor
    async with centre.engine._dial.at_work:
        held = sum(trunk.channels_used for trunk in centre.engine.report().trunks)
        assert held == len(floor.board.calls)
        by_campaign = sum(
            report.calls_unanswered + report.calls_waiting + report.calls_talking
            for report in centre.engine.report().campaigns
        )
        assert by_campaign == held


def _assert_leads_add_up(records: Records) -> None:
    leads = records.leads(LeadFilter(), limit=10_000)
    buckets = records.buckets([lead_list.list_id for lead_list in records.lists()])
    counted = {state: sum(bucket.counts.get(state, 0) for bucket in buckets) for state in LeadState}
    assert counted == {state: sum(lead.state is state for lead in leads) for state in LeadState}
    assert sum(counted.values()) == 200 + 160 and counted[LeadState.IN_CALL] == 0
    sessions = records.session_counts()
    assert sum(n for (_, status, _), n in sessions.items() if status.is_open) == 0
    assert sum(lead.attempts for lead in leads) == sum(sessions.values())
    assert SessionStatus.NEW not in {status for _, status, _ in sessions}
