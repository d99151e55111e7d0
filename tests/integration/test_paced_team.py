"""Predictive pacing on a real Asterisk: a minute with a team of thirty. What must hold, not how well it does."""

from collections import Counter

import anyio
import pytest

from benchmarks.pacing.on_asterisk import real_scenario
from dialler.domain.outcome import Outcome
from tests.support.asterisk_team import team
from tests.support.team_floor import TeamFloor, team_asterisk, team_floor

pytestmark = [pytest.mark.asterisk, pytest.mark.slow, pytest.mark.timeout(150)]

TEAM = real_scenario(agents=30, rate=0.4, talk_s=20.0, wrap_s=5.0, seconds=60)
"""Short talks: as many calls in a minute as otherwise in four."""

NOBODY_THERE_S = 1.0
MESSAGE_S = 2.0


async def test_a_minute_of_a_team_of_thirty() -> None:
    async with team_floor(team_asterisk(TEAM)) as floor:
        await a_minute(floor)


async def a_minute(floor: TeamFloor) -> None:
    await floor.until(lambda: floor.engine.floor.is_usable("asterisk"))
    await anyio.sleep(NOBODY_THERE_S)
    assert floor.opened_at_s == [], "somebody was called though no agent is there"
    await floor.log_in()
    await anyio.sleep(TEAM.ends_s)
    joined, messages_s = len(floor.joined_after_s), sorted(floor.message_after_s)
    sessions = await floor.drained()

    # Whoever answers gets an agent, or the message: in time, and not while an agent is idle.
    answered = joined + len(messages_s)
    assert answered > TEAM.agents, "the team was hardly called for"
    assert len(messages_s) <= 1 + 0.04 * answered, messages_s
    late = sum(after_s > MESSAGE_S for after_s in messages_s)
    assert late <= len(messages_s) / 100, messages_s
    assert floor.overlooked == 0, floor.idle_at_message_s

    # Each session is closed, and each was rung once.
    assert {session.status.is_open for session in sessions} == {False}
    outcomes = Counter(session.outcome for session in sessions)
    assert outcomes.keys() <= {Outcome.CONNECTED, Outcome.ABANDONED, Outcome.NO_ANSWER, Outcome.BUSY, Outcome.CANCELLED}
    assert outcomes[Outcome.CONNECTED] >= joined
    agents = Counter(session.agent for session in sessions if session.outcome is Outcome.CONNECTED)
    assert agents.keys() <= {*team(TEAM.agents)}
    assert Counter(floor.asterisk.rung_ids().values()) == {1: len(sessions)}
    assert floor.asterisk.rung_ids().keys() == {session.session_id for session in sessions}
    assert await floor.store.read(lambda records: records.check()) == []
    account = await floor.engine.account()
    assert set(account.unaccounted.values()) == {0}, account.unaccounted
