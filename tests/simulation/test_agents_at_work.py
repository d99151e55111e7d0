"""Agents who come and go, take breaks and write up their talks, with predictive pacing."""

from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from random import Random

import anyio

from benchmarks.pacing.matrix import scenario
from dialler.domain.campaign import Wrap
from dialler.domain.outcome import Outcome
from dialler.domain.session import Session
from dialler.engine.aftermath import wrap_up
from dialler.engine.windows import Windows
from dialler.ports import Records
from telephony.events import WRAP_UP_REASON, AgentState
from telephony.port import Origination
from tests.support.call_centre import QUEUE, START, CallCentre
from tests.support.paced_floor import PacedFloor, like_the_network, paced, paced_floor

AGENTS = 12
DEADLINE_S = 30
NOON = START + timedelta(minutes=32)
"""Nobody is there then: the day is a short one."""

ROW = like_the_network(scenario(AGENTS, 0.25, 60.0, hours=3.0))


class Shift:
    """The day of one agent, told what to do by chance."""

    def __init__(self, floor: PacedFloor, number: int, seed: int) -> None:
        self._centre = floor.centre
        self._chance = Random(f"shift {seed} {number}")
        self.agent = f"PJSIP/{1000 + number}"
        self.codes_given = 0

    async def work(self) -> None:
        """Work in the morning and, when all have been away at noon, again."""
        await anyio.sleep(self._chance.uniform(0, 180))
        await self._work_for(minutes=self._chance.uniform(20, 25))
        await self._centre.at(NOON + timedelta(minutes=self._chance.uniform(5, 8)))
        await self._work_for(minutes=self._chance.uniform(20, 25))

    async def _work_for(self, *, minutes: float) -> None:
        """Log in, work with a break, give most of the codes, and log out, perhaps in the middle of a talk."""
        centre, desk, chance = self._centre, self._centre.engine.agents, self._chance
        reason = chance.choice(["", "", "briefing"])
        await desk.log_in(self.agent, [QUEUE], name="", penalty=0, paused=bool(reason), reason=reason)
        await anyio.sleep(chance.uniform(0, 60))
        await desk.make_ready(self.agent)
        goes_at = centre.clock.now() + timedelta(minutes=minutes)
        break_at = centre.clock.now() + timedelta(minutes=chance.uniform(5, 15))
        while centre.clock.now() < goes_at:
            await anyio.sleep(chance.uniform(1, 3))
            if centre.clock.now() > break_at:
                break_at = goes_at
                await desk.pause(self.agent, "lunch")  # perhaps in the middle of a talk, or of the work after it
                await anyio.sleep(chance.uniform(60, 240))
                await desk.make_ready(self.agent)
            mine = [each for each in centre.engine._wrapping.sessions if each.agent == self.agent]
            if mine and chance.random() < 0.1:
                await self._give(mine[-1])
        await desk.log_out(self.agent, [])

    async def _give(self, session: Session) -> None:
        give = partial(
            wrap_up, code=self._chance.choice(["SALE", "REFUSED"]), note=None, by=self.agent, windows=Windows()
        )

        def work(records: Records) -> None:
            latest = records.session(session.session_id)
            if latest.status.is_open:
                give(records, latest, now=self._centre.clock.now())
                self.codes_given += 1

        await self._centre.engine.floor.outbox.flush()
        await self._centre.records(work)
        await self._centre.engine.follow()


class Watch:
    """What must hold at each moment."""

    def __init__(self, centre: CallCentre) -> None:
        self._centre = centre
        self.wrap_ups_s: list[float] = []
        self.at_work: dict[str, float] = {}
        """Since when agents write up their talks."""

        self.launched_at: list[datetime] = []
        centre.telephony.leaving = self._launched

    def _launched(self, origination: Origination) -> None:
        agents = {agent.agent: agent.state for agent in self._centre.engine.agents.report()}
        assert set(agents.values()) - {AgentState.PAUSED, AgentState.AWAY}, f"a call for nobody: {agents}"
        self.launched_at.append(self._centre.clock.now())

    async def run(self) -> None:
        """Look each second until cancelled."""
        centre = self._centre
        while True:
            await anyio.sleep(1)
            now_s = centre.clock.monotonic()
            seen = {
                agent.agent
                for agent in centre.engine.agents.report()
                if agent.state == AgentState.WRAP_UP and agent.pause_reason == WRAP_UP_REASON
            }
            for agent in [agent for agent in self.at_work if agent not in seen]:
                self.wrap_ups_s.append(now_s - self.at_work.pop(agent))
            for agent in seen:
                self.at_work.setdefault(agent, now_s)
                assert now_s - self.at_work[agent] <= DEADLINE_S + 2, f"{agent} is at work without end"
            if round(now_s) % 20 == 0:
                account = await centre.engine.account()
                assert not any(account.unaccounted.values()), account.unaccounted


async def test_agents_who_come_and_go_take_breaks_and_write_up_their_talks() -> None:
    seed = 1
    row = replace(ROW, agents=0)
    settings = paced(scenario=ROW, wrap=Wrap.REQUIRED, wrap_deadline_s=DEADLINE_S, rest_min_s=36_000)
    async with paced_floor(row, settings, seed=seed, leads=4000) as floor:
        centre = floor.centre
        shifts = [Shift(floor, number, seed) for number in range(AGENTS)]
        watch = Watch(centre)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(watch.run)
            async with anyio.create_task_group() as working:
                for shift in shifts:
                    working.start_soon(shift.work)
            ended_at = centre.clock.now()
            await floor.run(minutes=10)
            tasks.cancel_scope.cancel()
        assert watch.launched_at[0] < NOON < watch.launched_at[-1] <= ended_at
        assert not [at for at in watch.launched_at if NOON <= at < NOON + timedelta(minutes=5)], "nobody is there"
        answered, abandoned = await floor.counts()
        assert answered > 200 and abandoned <= 0.03 * answered + 1
        sessions = await centre.assert_accounted()
        talks = [session for session in sessions if session.outcome is Outcome.CONNECTED]
        codes = [session.wrap_code for session in talks]
        assert sum(shift.codes_given for shift in shifts) == codes.count("SALE") + codes.count("REFUSED")
        # Each break and each log-out may hide one.
        assert len(talks) - 4 * AGENTS <= len(watch.wrap_ups_s) <= len(talks)
        assert codes.count("NONE") > 20, "at deadlines"
        assert not watch.at_work
