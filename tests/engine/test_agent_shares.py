"""One agent in several campaigns: each has one owner, and one call for each free agent stays true for each campaign."""

from collections import Counter
from collections.abc import Mapping
from math import inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialler.engine.agent_shares import AgentShares, Change, Pending
from dialler.engine.agent_split import Claim, due_shares, winners
from telephony.events import AgentState

READY, RINGING, TALKING, PAUSED, AWAY = (
    AgentState.READY,
    AgentState.RINGING,
    AgentState.TALKING,
    AgentState.PAUSED,
    AgentState.AWAY,
)
SALES, SUPPORT, FAR = ("pbx", "sales"), ("pbx", "support"), ("far", "sales")
EQUAL = {1: Claim(rank=(2, 0), weight=100), 2: Claim(rank=(2, 0), weight=100)}
OUT = Claim(rank=(1, 0), weight=100)
"""Of a campaign that has nobody to call."""


class Floor:
    """Agents, and calls that campaigns have under way."""

    def __init__(self, keys: Mapping[int, frozenset[tuple[str, str]]] | None = None) -> None:
        self.shares = AgentShares()
        self.shares.reaches(keys or {1: frozenset({SALES}), 2: frozenset({SALES})})
        self.calls: dict[int, list[float]] = {1: [], 2: [], 3: []}
        self.claims: dict[int, Claim] = dict(EQUAL)
        self.now_s = 0.0
        self.changes: list[Change] = []

    def tell(self, agent: str, state: AgentState, *keys: tuple[str, str]) -> None:
        self.now_s += 1
        for key in keys or (SALES,):
            change = self.shares.tell(key, agent, state, self.now_s)
            self.changes += [change] if change is not None else []

    def settle(self) -> list[Change]:
        self.now_s += 1
        changes = [*self.shares.settle(dict(self.claims), self.pending, self.now_s)]
        self.changes += changes
        return changes

    def pending(self, campaign: int) -> Pending:
        return Pending(len(self.calls[campaign]), min(self.calls[campaign], default=inf))

    def ready(self, campaign: int) -> int:
        return self.shares.counts(campaign).get(READY, 0)

    def owned(self, campaign: int) -> int:
        return sum(self.shares.counts(campaign).values())

    def cover(self, campaign: int) -> int:
        return self.shares._ready(campaign) - len(self.calls[campaign])


def thirty() -> Floor:
    floor = Floor()
    for number in range(30):
        floor.tell(f"a{number:02}", READY)
    floor.settle()
    return floor


def test_two_equal_campaigns_on_one_queue_have_half_of_the_agents_each() -> None:
    floor = thirty()
    assert (floor.owned(1), floor.owned(2)) == (15, 15)
    assert floor.settle() == [], "what is right stays"


def test_who_has_leads_has_all_and_they_come_back() -> None:
    floor = thirty()
    floor.claims[1] = OUT
    floor.settle()
    assert floor.owned(2) == 30
    floor.claims[1] = EQUAL[1]
    floor.settle()
    assert (floor.owned(1), floor.owned(2)) == (15, 15)
    floor.claims[1] = Claim(rank=(2, 1), weight=1)
    floor.settle()
    assert floor.owned(1) == 30, "priority"


def test_ready_agents_whom_calls_are_meant_for_stay_until_those_are_over() -> None:
    floor = thirty()
    floor.calls[1] = [floor.now_s] * 10
    floor.claims[1] = OUT
    floor.settle()
    assert (floor.owned(1), floor.owned(2)) == (0, 20), "nobody counts those who stay for the calls"
    assert floor.shares.leaving(1) == 10
    floor.calls[1].pop()
    floor.settle()
    assert (floor.owned(2), floor.shares.leaving(1)) == (21, 9)
    floor.claims[1] = EQUAL[1]
    floor.settle()
    assert (floor.owned(1), floor.owned(2), floor.shares.leaving(1)) == (15, 15, 0)


def test_who_launches_ahead_gives_its_agents_when_the_calls_of_before_are_over() -> None:
    floor = thirty()
    floor.calls[1] = [floor.now_s] * 40
    floor.claims[2] = Claim(rank=(2, 9), weight=1)
    floor.settle()
    assert (floor.owned(1), floor.shares.leaving(1)) == (0, 15)
    floor.calls[1] = [floor.now_s + 0.5] * 40
    floor.settle()
    assert floor.owned(2) == 30


def test_a_call_joined_to_an_agent_of_another_campaign_gives_that_one_a_ready_agent() -> None:
    floor = thirty()
    floor.calls[1] = [0.0]
    agent = floor.shares.of(2)[0]
    floor.tell(agent, RINGING)
    assert floor.ready(2) == 14
    floor.tell(agent, TALKING)
    floor.calls[1].pop()
    changes = [*floor.shares.joined(1, agent)]
    assert changes[0] == Change(agent, 2, 1) and (changes[1].was, changes[1].now) == (1, 2)
    assert floor.ready(2) == 15 and floor.ready(1) == 14
    assert (floor.owned(1), floor.owned(2)) == (15, 15)
    assert floor.settle() == []
    assert [*floor.shares.joined(1, agent)] == [], "he is its own now"
    assert [*floor.shares.joined(1, "nobody")] == []


def test_an_agent_keeps_what_he_does_and_since_when() -> None:
    floor = thirty()
    floor.tell("a00", TALKING)
    since = floor.now_s
    floor.tell("a01", TALKING)
    floor.claims[1] = OUT
    floor.settle()
    life = floor.shares.life("a00")
    assert life is not None and (life.state, life.since_s, life.before, life.owner) == (TALKING, since, READY, 2)


def test_an_agent_of_two_queues_is_counted_once_and_paused_in_one_goes_to_the_other() -> None:
    floor = Floor({1: frozenset({SALES}), 2: frozenset({SUPPORT})})
    floor.tell("kim", READY, SALES, SUPPORT)
    floor.settle()
    assert (floor.owned(1), floor.owned(2)) == (1, 0)
    assert floor.shares.shared_with(1) == {2}
    floor.tell("kim", PAUSED, SALES)
    floor.settle()
    assert (floor.ready(1), floor.ready(2)) == (0, 1)
    floor.tell("kim", TALKING, SALES)
    assert (floor.ready(2), floor.shares.counts(2)[TALKING]) == (0, 1), "busy in one is busy in all"
    floor.tell("kim", AWAY, SUPPORT)
    floor.settle()
    assert (floor.owned(1), floor.owned(2)) == (1, 0)
    floor.tell("kim", AWAY, SALES)
    assert floor.changes[-1] == Change("kim", 1, None)
    assert floor.shares.life("kim") is None


def test_a_campaign_reaches_the_members_on_the_servers_of_its_trunks() -> None:
    floor = Floor({1: frozenset({SALES}), 2: frozenset({FAR})})
    floor.tell("kim", READY, SALES)
    floor.tell("lou", READY, FAR)
    floor.settle()
    assert [*floor.shares.of(1)] == ["kim"] and [*floor.shares.of(2)] == ["lou"]
    changes = floor.shares.lose("far", 9.0)
    assert [*changes] == [Change("lou", 2, None, is_lost=True)]


def test_who_is_claimed_by_nobody_belongs_to_nobody() -> None:
    floor = Floor()
    floor.tell("kim", READY, SUPPORT)
    floor.settle()
    assert floor.owned(1) + floor.owned(2) == 0
    assert floor.shares.unaccounted(1) == 0 and floor.shares.unaccounted(2) == 1


def test_a_ready_member_who_was_overlooked_is_found() -> None:
    floor = Floor()
    floor.tell("kim", READY)
    now_s = floor.now_s
    assert floor.shares.idle_in(SALES, until_s=now_s + 1.5, for_s=1.2) == ("kim", 1.5)
    assert floor.shares.idle_in(SALES, until_s=now_s + 1.0, for_s=1.2) is None
    assert floor.shares.idle_in(FAR, until_s=now_s + 1.5, for_s=1.2) is None
    floor.tell("kim", RINGING)
    assert floor.shares.idle_in(SALES, until_s=now_s + 99.0, for_s=1.2) is None


KEYS = {1: frozenset({SALES}), 2: frozenset({SALES, FAR}), 3: frozenset({SUPPORT})}
told = st.tuples(
    st.sampled_from([f"a{n}" for n in range(8)]),
    st.sampled_from(AgentState),
    st.lists(st.sampled_from([SALES, SUPPORT, FAR]), min_size=1, max_size=3),
)
claimed = st.tuples(
    st.integers(1, 3), st.builds(Claim, rank=st.tuples(st.integers(1, 2), st.integers(0, 1)), weight=st.integers(1, 9))
)
joined = st.tuples(st.integers(1, 3), st.sampled_from([f"a{n}" for n in range(8)]))


@given(st.lists(st.one_of(told, claimed, joined, st.sampled_from(["settle", "pbx", "far"])), max_size=80))
def test_each_agent_has_one_owner_and_the_counts_are_those_of_the_owners(steps: list[object]) -> None:
    floor = Floor(KEYS)
    floor.claims[3] = EQUAL[1]
    shares = floor.shares
    seen: dict[str, int | None] = {}

    def follow() -> None:
        for change in floor.changes:
            assert seen.get(change.agent) == change.was, "each change begins where the one before ended"
            seen[change.agent] = change.now
        floor.changes.clear()

    for step in steps:
        match step:
            case (str(agent), AgentState() as state, list(keys)):
                floor.tell(agent, state, *keys)
            case (int(campaign), Claim() as claim):
                floor.claims[campaign] = claim
            case (int(campaign), str(agent)):
                floor.changes += shares.joined(campaign, agent)
            case "settle":
                floor.settle()
            case str(server):
                floor.changes += shares.lose(server, floor.now_s)
        follow()
    floor.settle()
    follow()
    logged_in = dict(shares._lives)
    counts: Counter[int] = Counter()
    for agent, life in logged_in.items():
        assert life.owner in (None, *shares._campaigns(life))
        assert life.owner is not None or not shares._campaigns(life)
        assert life.shown == seen.get(agent)
        if life.meant is not None:
            counts[life.meant] += 1
    for campaign in (1, 2, 3):
        own = Counter(life.state for life in logged_in.values() if life.shown == campaign)
        assert +Counter(shares.counts(campaign)) == own
        assert Counter(shares.of(campaign)) == Counter(
            agent for agent, life in logged_in.items() if life.shown == campaign
        )
    assert shares.unaccounted(len(logged_in)) == 0
    groups = [winners(reach, floor.claims) for reach in map(shares._campaigns, logged_in.values())]
    for campaign, due in due_shares(Counter(group for group in groups if group), floor.claims).items():
        assert abs(counts[campaign] - due) < 1 + 1e-5, "within one agent of the exact share"
    assert floor.settle() == [] or shares._leaving == {}, "nothing goes to and fro"


class Progressive(Floor):
    """Two campaigns on one queue, each of which launches one call for each free agent that is its own."""

    def launch(self) -> None:
        for campaign in (1, 2):
            if self.claims[campaign].rank[0] == 2:
                free = self.ready(campaign) - len(self.calls[campaign])
                self.calls[campaign] += [self.now_s] * max(0, free)

    def join(self, campaign: int, agent: str) -> None:
        self.tell(agent, TALKING)
        self.calls[campaign].pop(0)
        self.changes += self.shares.joined(campaign, agent)


@settings(max_examples=200)
@given(st.data())
def test_with_one_call_for_each_free_agent_no_call_is_ever_without_one(data: st.DataObject) -> None:
    """Whatever queue joins whichever call to whichever agent, while shares change."""
    floor = Progressive()
    names = [f"a{n}" for n in range(data.draw(st.integers(1, 7)))]
    for name in names:
        floor.tell(name, READY)
    for _ in range(data.draw(st.integers(0, 60))):
        floor.settle()
        floor.launch()
        what = data.draw(st.sampled_from(["answer", "answer", "end", "free", "free", "claim", "leave"]))
        states = {name: life.state for name in names if (life := floor.shares.life(name)) is not None}
        ready = [name for name, state in states.items() if state is READY]
        talking = [name for name, state in states.items() if state is TALKING]
        campaign = data.draw(st.sampled_from([1, 2]))
        if what == "answer" and floor.calls[campaign]:
            assert ready, "somebody answered, and there is no agent"
            floor.join(campaign, data.draw(st.sampled_from(ready)))
        elif what == "end" and floor.calls[campaign]:
            floor.calls[campaign].pop(data.draw(st.integers(0, len(floor.calls[campaign]) - 1)))
        elif what == "free" and talking:
            floor.tell(data.draw(st.sampled_from(talking)), READY)
        elif what == "leave" and talking:
            floor.tell(data.draw(st.sampled_from(talking)), AWAY)
        elif what == "claim":
            floor.claims[campaign] = data.draw(
                st.sampled_from([EQUAL[1], OUT, Claim(rank=(2, 1), weight=1), Claim(rank=(2, 0), weight=30)])
            )
        for each in (1, 2):
            assert floor.cover(each) >= 0, f"a call of campaign {each} has no agent: {what}"


@pytest.mark.parametrize("weights", [(100, 100), (70, 30)])
def test_shares_do_not_drift_with_thousands_of_calls(weights: tuple[int, int]) -> None:
    floor = Progressive()
    for campaign, weight in zip((1, 2), weights, strict=True):
        floor.claims[campaign] = Claim(rank=(2, 0), weight=weight)
    names = [f"a{n}" for n in range(10)]
    for name in names:
        floor.tell(name, READY)
    moved = 0
    for step in range(2000):
        moved += len(floor.settle())
        floor.launch()
        agent = names[step * 7 % 10]
        life = floor.shares.life(agent)
        assert life is not None
        campaign = 1 + step % 2
        if life.state is TALKING:
            floor.tell(agent, READY)
        elif floor.calls[campaign]:
            floor.join(campaign, agent)
    assert moved == 10, "nobody moves but once, at the start, and when calls are joined"
    assert (floor.owned(1), floor.owned(2)) == (10 * weights[0] // sum(weights), 10 * weights[1] // sum(weights))
