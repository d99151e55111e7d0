"""The agents and calls that pacing sees: from events alone, and the same as the board has."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import count
from typing import ClassVar

import anyio
import pytest

from dialler.clock import LoopClock
from dialler.domain.outcome import Outcome
from dialler.domain.patience import PatienceStart
from dialler.engine.agent_shares import Life
from dialler.engine.board import Board
from dialler.engine.scene import MOVES_MAX, CampaignScene
from strategies.pacing import PacingDecision, PacingFacts
from strategies.registry import BUILT_IN
from strategies.roster import AgentAt, CallAt
from telephony.events import (
    WRAP_UP_REASON,
    AgentChanged,
    AgentState,
    Answered,
    Bridged,
    Classified,
    HungUp,
    Queued,
    Ringing,
)
from telephony.simulated import Spread
from tests.support.call_centre import QUEUE, QUICK, START, WITH_AGENTS, CallCentre, call_centre
from tests.support.hand_exchange import HandExchange

SERVER = "pbx"


@dataclass
class Seer:
    """Launches `target` calls, then what it is told, and keeps what it saw: when, agents, calls, and how many moves."""

    name: ClassVar[str] = "seer"
    needs_agents: ClassVar[bool] = True
    wants_scene: ClassVar[bool] = True
    answers: Iterator[PacingDecision]
    target: int = 0
    patience_s: float = 0.0
    seen: list[tuple[float, list[tuple[AgentAt, float]], list[tuple[CallAt, float]], int]] = field(default_factory=list)
    facts: list[PacingFacts] = field(default_factory=list)

    def decide(self, facts: PacingFacts) -> PacingDecision:
        scene = facts.scene
        assert scene is not None
        self.patience_s = scene.patience_s
        agents = [
            (AgentAt(state), scene.at_s - since)
            for state, since in zip(scene.agents.states, scene.agents.since_s, strict=True)
        ]
        calls = [
            (CallAt(state), scene.at_s - since)
            for state, since in zip(scene.calls.states, scene.calls.since_s, strict=True)
        ]
        self.seen.append((scene.at_s, agents, calls, len(scene.moves)))
        self.facts.append(facts)
        if self.target and facts.tokens:
            self.target -= 1
            return PacingDecision(calls=1, reason="1", latest_s=0.5)
        return next(self.answers)


def quiet(**fields: float) -> Iterator[PacingDecision]:
    """Yield decisions to launch nothing."""
    while True:
        yield PacingDecision(calls=0, reason="0", **fields)  # type: ignore[arg-type]


@pytest.fixture
def seer(monkeypatch: pytest.MonkeyPatch) -> Seer:
    seer = Seer(quiet(latest_s=0.5))
    monkeypatch.setitem(BUILT_IN, "seer", lambda: seer)
    return seer


SEER = replace(WITH_AGENTS, pacing="seer", pacing_settings={}, ring_timeout_s=40)


async def last(seer: Seer) -> tuple[list[tuple[AgentAt, float]], list[tuple[CallAt, float]]]:
    """Return what it sees at its next look."""
    looks = len(seer.seen)
    await anyio.sleep(0.6)
    assert len(seer.seen) > looks
    return seer.seen[-1][1], seer.seen[-1][2]


async def test_a_call_is_seen_in_each_of_its_states_and_since_when(seer: Seer) -> None:
    async with call_centre(hand=HandExchange()) as centre:
        seer.target = 1
        await centre.campaign(settings=SEER)
        await centre.start()
        hand = centre.hand
        hand.move_agent("kim", AgentState.READY, queue=QUEUE)
        await centre.until(lambda: len(hand.placed) == 1)
        call = hand.placed[0].call_id
        _, calls = await last(seer)
        assert [state for state, _ in calls] == [CallAt.SET_UP]
        for say, state in (
            (lambda: hand.say(Ringing, call), CallAt.RINGING),
            (lambda: hand.say(Answered, call), CallAt.DETECTING),
            (lambda: hand.say(Classified, call, status="HUMAN", cause=""), CallAt.WAITING),
        ):
            say()
            [(found, age_s)] = (await last(seer))[1]
            assert found is state
            assert age_s <= 0.6
        hand.say(Queued, call, queue=QUEUE)
        [(found, age_s)] = (await last(seer))[1]
        assert found is CallAt.WAITING and age_s > 0.6, "it waits since it was found to be a person"
        hand.say(Bridged, call, agent="kim")
        assert (await last(seer))[1] == []
        assert seer.facts[-1].calls_talking == 1


async def test_the_patience_is_what_is_left_when_machine_detection_is_done(seer: Seer) -> None:
    async with call_centre(replace(QUICK, amd=True, classify_s=Spread(2.0))) as centre:
        seer.target = 200
        await centre.campaign(settings=replace(SEER, patience_s=5.0, patience_from=PatienceStart.CONNECTION))
        await centre.start()
        await last(seer)
        assert seer.patience_s == pytest.approx(4.8), "but for what the message takes to begin"
        await centre.at(centre.clock.now().replace(minute=20))
        assert seer.patience_s == pytest.approx(2.8, abs=0.2), "the clock runs from the answer"


async def test_a_machine_is_seen_no_more_once_it_is_known_for_one(seer: Seer) -> None:
    async with call_centre(hand=HandExchange()) as centre:
        seer.target = 1
        await centre.campaign(settings=SEER)
        await centre.start()
        centre.hand.move_agent("kim", AgentState.READY, queue=QUEUE)
        await centre.until(lambda: len(centre.hand.placed) == 1)
        call = centre.hand.placed[0].call_id
        centre.hand.say(Answered, call)
        centre.hand.say(Classified, call, status="MACHINE", cause="")
        assert (await last(seer))[1] == []


async def test_an_agents_pause_after_a_talk_is_a_wrap_up_until_it_lasts_too_long(seer: Seer) -> None:
    async with call_centre(hand=HandExchange()) as centre:
        await centre.campaign(settings=replace(SEER, wrap_deadline_s=60))
        await centre.start()
        seen = []
        for state in (AgentState.READY, AgentState.RINGING, AgentState.TALKING, AgentState.PAUSED):
            centre.hand.move_agent("kim", state, queue=QUEUE)
            [(found, age_s)] = (await last(seer))[0]
            seen.append(found)
            assert age_s <= 0.6
        assert seen == [AgentAt.READY, AgentAt.RESERVED, AgentAt.TALKING, AgentAt.WRAP_UP]
        await anyio.sleep(58)
        assert (await last(seer))[0][0][0] is AgentAt.WRAP_UP
        await anyio.sleep(2)
        assert (await last(seer))[0][0][0] is AgentAt.AWAY
        centre.hand.move_agent("kim", AgentState.READY, queue=QUEUE)
        await last(seer)
        centre.hand.move_agent("kim", AgentState.PAUSED, queue=QUEUE)
        assert (await last(seer))[0][0][0] is AgentAt.AWAY, "who was ready does not wrap up"
        centre.hand.move_agent("kim", AgentState.AWAY, queue=QUEUE)
        assert (await last(seer))[0] == []
        centre.hand.move_agent("lee", AgentState.READY, queue="another")
        assert (await last(seer))[0] == []


async def test_where_the_engine_pauses_agents_after_talks_their_own_pauses_are_breaks(seer: Seer) -> None:
    async with call_centre(hand=HandExchange()) as centre:
        await centre.campaign(settings=replace(SEER, wrap_up_s=20))
        await centre.start()
        seen = []
        for state, reason in (
            (AgentState.TALKING, None),
            (AgentState.WRAP_UP, WRAP_UP_REASON),
            (AgentState.PAUSED, "lunch"),
            (AgentState.TALKING, "lunch"),
            (AgentState.PAUSED, "lunch"),
        ):
            centre.hand.move_agent("kim", state, queue=QUEUE, pause_reason=reason)
            seen += [found for found, _ in (await last(seer))[0]]
        assert seen == [AgentAt.TALKING, AgentAt.WRAP_UP, AgentAt.AWAY, AgentAt.AWAY, AgentAt.AWAY]


@pytest.mark.parametrize("wrap_up_s", [0, 15])
async def test_who_is_paused_by_hand_while_he_talks_is_nobody_to_call_for(seer: Seer, wrap_up_s: int) -> None:
    async with call_centre(hand=HandExchange()) as centre:
        await centre.campaign(settings=replace(SEER, wrap_up_s=wrap_up_s))
        hand = centre.hand
        hand.move_agent("kim", AgentState.READY, queue=QUEUE)
        await centre.start()
        seen = []
        for state, reason in (
            (AgentState.TALKING, None),
            (AgentState.TALKING, WRAP_UP_REASON),
            (AgentState.TALKING, "lunch"),
            (AgentState.TALKING, None),
            (AgentState.TALKING, "lunch"),
            (AgentState.PAUSED, "lunch"),
            (AgentState.READY, None),
        ):
            await anyio.sleep(9.4)
            hand.move_agent("kim", state, queue=QUEUE, pause_reason=reason)
            [(agent, _)] = (await last(seer))[0]
            seen.append(agent)
            [campaign] = centre.engine.report().campaigns
            assert campaign.agents_by_state["talking"] == (state is AgentState.TALKING), "told as it is"
        talks, away = AgentAt.TALKING, AgentAt.AWAY
        assert seen == [talks, talks, away, talks, away, away, AgentAt.READY]


async def test_the_length_of_a_talk_is_learnt_though_a_break_was_asked_for_in_it() -> None:
    clock = LoopClock(START, anyio.current_time)
    board = Board()
    scene = CampaignScene(board, clock, campaign_id=1)
    scene.agents_pause_themselves = False

    def move(state: AgentState, reason: str | None = None, *, life: Life) -> None:
        board.move_agent(
            AgentChanged(server=SERVER, at=clock.now(), agent="kim", queue=QUEUE, state=state, pause_reason=reason)
        )
        scene.agent_moved("kim", life, is_new=False)

    talk = Life(AgentState.TALKING, 0.0)
    move(AgentState.TALKING, life=talk)
    move(AgentState.TALKING, "lunch", life=talk)
    move(AgentState.TALKING, "lunch", life=talk)
    move(AgentState.PAUSED, "lunch", life=Life(AgentState.PAUSED, 70.0, before=AgentState.TALKING, before_s=70.0))
    [(was, age_s, now)] = [(each.was, each.age_s, each.now) for each in scene.scene(SEER).moves]
    assert (was, age_s, now) == (AgentAt.TALKING, 70.0, AgentAt.AWAY)


async def test_it_is_asked_no_sooner_and_no_later_than_it_wants(seer: Seer) -> None:
    async with call_centre(hand=HandExchange()) as centre:
        seer.answers = quiet(soonest_s=0.2, latest_s=0.5)
        await centre.campaign(settings=SEER)
        await centre.start()
        await anyio.sleep(10)
        gaps = [b[0] - a[0] for a, b in zip(seer.seen, seer.seen[1:], strict=False)]
        assert gaps[2:] == pytest.approx([0.5] * len(gaps[2:]), abs=0.01)
        seer.seen.clear()
        for number in range(200):
            centre.hand.move_agent(f"agent{number}", AgentState.READY, queue=QUEUE)
            await anyio.sleep(0.01)
        gaps = [b[0] - a[0] for a, b in zip(seer.seen, seer.seen[1:], strict=False)]
        assert gaps == pytest.approx([0.2] * len(gaps), abs=0.02)
        assert len(gaps) >= 8


async def test_a_call_is_given_up_only_once_it_has_rung_for_fifteen_seconds_and_was_not_answered(seer: Seer) -> None:
    async with call_centre(hand=HandExchange()) as centre:
        seer.target = 2
        await centre.campaign(settings=SEER)
        await centre.start()
        hand = centre.hand
        hand.move_agent("kim", AgentState.READY, queue=QUEUE)
        await centre.until(lambda: len(hand.placed) == 2)
        old, young = (placed.call_id for placed in hand.placed)
        hand.say(Ringing, old)
        await anyio.sleep(8)
        hand.say(Ringing, young)
        seer.answers = iter([PacingDecision(calls=0, reason="c", cancel=[0, 1, 7, -1], latest_s=0.5)] * 100_000)
        await anyio.sleep(6.5)
        assert centre.telephony.hung_up == []
        await anyio.sleep(1.1)
        assert centre.telephony.hung_up == [old]
        assert [state for state, _ in (await last(seer))[1]] == [CallAt.RINGING]
        hand.say(HungUp, old, cause=16, tech_cause=487)
        await anyio.sleep(0.1)
        await centre.engine.floor.outbox.flush()
        [ended] = [each for each in await centre.sessions() if each.session_id == old]
        assert ended.outcome is Outcome.NO_ANSWER


async def test_after_a_link_was_lost_it_is_filled_anew_and_nothing_is_learnt_from_the_gap(seer: Seer) -> None:
    async with call_centre(replace(QUICK, answer_rate=(0.0,))) as centre:
        seer.target = 6
        await centre.campaign(settings=SEER)
        await centre.start()
        await centre.until(lambda: len(centre.telephony.originated) == 6)
        await anyio.sleep(5)
        assert len(seer.seen[-1][1]) == 10
        assert {state for state, _ in seer.seen[-1][2]} == {CallAt.RINGING}
        rung_s = max(age_s for _, age_s in seer.seen[-1][2])
        centre.network.cut_link(SERVER)
        agents, calls = await last(seer)
        assert (agents, calls) == ([], [])
        facts = seer.facts[-1]
        assert facts.agents_ready == 0 and facts.calls_unanswered > 0, "nobody knows that they have ended"
        await anyio.sleep(5)
        looks = len(seer.seen)
        centre.network.restore_link(SERVER)
        agents, calls = await last(seer)
        assert len(agents) == 10
        assert calls and max(age_s for _, age_s in calls) > rung_s + 5, "it is known since when they ring"
        assert sum(moves for *_, moves in seer.seen[looks - 8 :]) == 0
        centre.assert_no_channel_leaks()


async def test_a_restarted_engine_sees_what_its_predecessor_did(seer: Seer) -> None:
    async with call_centre(replace(QUICK, answer_rate=(0.0,))) as centre:
        seer.target = 6
        await centre.campaign(settings=SEER)
        await centre.start()
        await centre.until(lambda: len(centre.telephony.originated) == 6)
        await anyio.sleep(5)
        _, _, before, _ = seer.seen[-1]
        await centre.kill()
        await centre.start()
        agents, calls = await last(seer)
        assert len(agents) == 10
        assert Counter(state for state, _ in calls) == Counter(state for state, _ in before)


async def test_its_counts_are_those_of_the_board(seer: Seer) -> None:
    """Half an hour of calls that ring, are answered, wait, talk and end, with machines and agents who are paused."""
    async with call_centre(replace(QUICK, amd=True)) as centre:
        seer.answers = (PacingDecision(calls=1 if n % 3 else 0, reason="n", latest_s=0.5) for n in count())
        await centre.campaign(settings=SEER, lists={"list": (100, 4000)})
        await centre.start()
        differ = 0
        for at in range(600):
            await anyio.sleep(3)
            if at % 50 == 0:
                states = (AgentState.PAUSED, AgentState.READY, AgentState.AWAY)
                centre.network.set_agent(next(iter(centre.network.agents)), states[at // 50 % 3])
                await anyio.sleep(0.1)
            differ += _compare(centre)
        assert differ == 0


def _compare(centre: CallCentre) -> int:
    """Return by how much scene and board differ."""
    floor = centre.engine.floor
    [running] = floor.campaigns.values()
    facts, counts = floor.facts(running), floor.board.counts(running.campaign.campaign_id)
    states = Counter(floor.board.agents(QUEUE).values())
    return (
        abs(facts.agents_ready - states[AgentState.READY])
        + abs(facts.agents_busy - states[AgentState.RINGING] - states[AgentState.TALKING])
        + abs(facts.calls_unanswered - counts.unanswered)
        + abs(facts.calls_waiting + facts.calls_talking - counts.waiting - counts.talking)
    )


async def test_what_changes_while_nobody_asks_is_not_kept_for_ever(seer: Seer) -> None:
    async with call_centre(hand=HandExchange()) as centre:
        await centre.start()
        board = Board()
        scene = CampaignScene(board, centre.clock, campaign_id=1)
        for number in range(MOVES_MAX + 10):
            state = AgentState.TALKING if number % 2 else AgentState.READY
            scene.agent_moved("kim", Life(state, float(number)), is_new=not number)
        assert len(scene.scene(SEER).moves) < MOVES_MAX


async def test_nothing_is_kept_for_a_campaign_whose_pacing_does_not_want_it(seer: Seer) -> None:
    async with call_centre() as centre:
        await centre.campaign(settings=WITH_AGENTS)
        await centre.start()
        [running] = centre.engine.floor.campaigns.values()
        assert running.scene is None and centre.engine.floor.facts(running).scene is None
        await centre.change(pacing="seer", pacing_settings={})
        assert running.scene is not None
        pacing = running.pacing
        await centre.change(abandon_limit=0.02)
        assert running.pacing is pacing, "it keeps what it has learnt"
        await centre.change(pacing="progressive")
        assert running.scene is None
