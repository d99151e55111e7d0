"""Limits that several engines share: never above the caps, whatever gets lost, and shared fairly while all is well.

Time is in the test's hands: the server's script reads it from a key.
"""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field, replace

import pytest
from anyio import run
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from dialler.engine.local_limits import JITTER, burst_of
from dialler.events import Event, Journal, LimitsBack
from dialler.stores.redis.limits import ABSENT_AFTER_S, SETTLE_S, Sharing
from telephony.port import Trunk
from tests.support.redis_servers import KINDS, RedisServer, redis_server
from tests.support.sharing import HandClock, Sharer, forget_everything

A = Trunk(name="a", server="pbx", calls_per_second=30.0, channels=10)
TWO = Sharing(engine="", engines_max=2)


@pytest.fixture(params=KINDS, scope="module")
def server(request: pytest.FixtureRequest) -> Iterator[RedisServer]:
    with redis_server(request.param) as running:
        yield running


@dataclass
class Floor:
    """Engines that share a trunk, and their common time."""

    url: str
    trunk: Trunk = A
    sharing: Sharing = TWO
    clock: HandClock = field(default_factory=HandClock)
    journal: Journal = field(default_factory=Journal)
    engines: dict[str, Sharer] = field(default_factory=dict)
    told: list[Event] = field(default_factory=list)
    taken: list[tuple[float, int]] = field(default_factory=list)
    """When, and how many tokens."""

    async def open(self, *names: str) -> list[Sharer]:
        """Begin with a new server and engines that it knows and that had time to settle."""
        await forget_everything(self.url)
        self.journal.subscribe(self.told.append)
        for name in names:
            self.add(name)
        await self.pass_s(SETTLE_S + 3)
        return list(self.engines.values())

    def add(self, name: str, **changes: object) -> Sharer:
        trunk = replace(self.trunk, **changes)  # type: ignore[arg-type]
        made = Sharer(self.url, name, trunk, self.sharing, clock=self.clock, hand=self.clock, journal=self.journal)
        self.engines[name] = made
        return made

    async def pass_s(self, seconds: float) -> None:
        """Let time go on, with a heartbeat of each engine each second."""
        while seconds > 0:
            step = min(1.0, seconds)
            self.clock.seconds += step
            seconds -= step
            for each in self.engines.values():
                await each.limits.run_once()

    async def dial(self, engine: Sharer, n: int) -> int:
        placed = await engine.dial(n)
        self.taken.append((self.clock.seconds, placed))
        self.check()
        return placed

    async def fill(self, engine: Sharer, n: int) -> int:
        """Place up to `n` calls as tokens come, in less than a second."""
        placed = 0
        for _ in range(9):
            placed += await self.dial(engine, n - placed)
            if placed == n:
                break
            self.clock.seconds += 0.1
        return placed

    @property
    def up(self) -> int:
        return sum(engine.up for engine in self.engines.values())

    def check(self, extra_tokens: float = 0.0) -> None:
        """Check that the sum is within the caps: channels now, tokens in each span so far."""
        assert self.up <= self.trunk.channels, {name: each.up for name, each in self.engines.items()}
        last = self.taken[-1][0] if self.taken else 0.0
        total = 0
        for at, n in reversed(self.taken):
            total += n
            most = self.trunk.calls_per_second * (last - at) + burst_of(self.trunk.calls_per_second) + JITTER
            assert total <= most + extra_tokens + 1e-3, (last - at, total, most)


@pytest.fixture
async def floor(server: RedisServer) -> AsyncIterator[Floor]:
    made = Floor(server.url)
    yield made
    for engine in made.engines.values():
        await engine.line.aclose()


async def test_an_engine_may_use_what_the_other_does_not(floor: Floor) -> None:
    ann, bob = await floor.open("ann", "bob")
    assert await floor.fill(ann, 5) == 5
    assert await floor.fill(ann, 5) == 0, "bob is there, and entitled to his share"
    await floor.pass_s(4)
    assert await floor.fill(ann, 5) == 4
    await floor.pass_s(1)
    assert bob.limits.channels_free("a") == 1, "but not to his last channel"


async def test_who_is_below_his_share_goes_first_as_calls_end(floor: Floor) -> None:
    ann, bob = await floor.open("ann", "bob")
    await floor.fill(ann, 5)
    await floor.pass_s(4)
    await floor.fill(ann, 4)
    await floor.fill(bob, 1)
    assert (ann.up, bob.up) == (9, 1)
    for _ in range(8):
        ann.end(1)
        await ann.limits.run_once()
        await floor.fill(ann, 1)
        await floor.fill(bob, 1)
        await ann.limits.run_once()
        await floor.fill(bob, 1)
    assert (ann.up, bob.up) == (5, 5)


async def test_a_server_that_is_gone_leaves_each_engine_its_share_without_a_burst_and_not_before_all_know(
    floor: Floor,
) -> None:
    ann, bob = await floor.open("ann", "bob")
    ann.line.is_cut = bob.line.is_cut = True
    assert await floor.dial(ann, 9) == 0, "it goes away in this very question"
    assert not ann.limits.shared and bob.limits.shared
    assert await floor.dial(bob, 9) == 0
    assert ann.limits.said() == ["Redis is away: at most 1/2 of each trunk (cut)"]
    assert [event.name for event in floor.told] == ["limits.away", "limits.away"]
    assert ann.limits.token_due_s("a") >= ABSENT_AFTER_S
    floor.clock.seconds += ABSENT_AFTER_S - 0.01
    assert await floor.dial(ann, 9) == 0
    floor.clock.seconds += 0.02 + 1 / 15
    assert await floor.dial(ann, 9) == 1, "one token of half the rate, and no burst"
    started = floor.clock.seconds
    assert (await floor.fill(ann, 9), await floor.fill(bob, 9)) == (4, 5)
    assert (ann.up, bob.up) == (5, 5)
    assert floor.clock.seconds - started > 4 / 15


async def test_it_comes_back_by_itself_with_the_calls_it_has(floor: Floor) -> None:
    ann, bob = await floor.open("ann", "bob")
    ann.line.is_cut = True
    await floor.dial(ann, 1)
    floor.clock.seconds += ABSENT_AFTER_S
    await bob.limits.run_once()
    await floor.fill(ann, 5)
    ann.line.is_cut = False
    await ann.limits.run_once()
    assert ann.limits.shared and isinstance(floor.told[-1], LimitsBack)
    assert await floor.fill(bob, 9) == 5
    assert floor.up == 10


async def test_an_engine_that_vanished_counts_until_it_was_absent_for_long(floor: Floor) -> None:
    ann, bob = await floor.open("ann", "bob")
    bob.line.is_cut = True
    await floor.pass_s(10)
    assert await floor.fill(ann, 10) == 5
    assert "1 of 2 engines that may share the trunks not heard of" in ann.limits.said()[0]
    # Half of the rate is his, too.
    floor.clock.seconds += 10
    await ann.limits.run_once()
    assert ann.limits._views["a"].bucket.per_second == 15
    del floor.engines["bob"]
    await floor.pass_s(TWO.absent_s)
    assert await floor.fill(ann, 10) == 5
    assert ann.limits._views["a"].bucket.per_second == 30


async def test_an_engine_that_leaves_frees_its_share_at_once_except_for_calls_that_go_on(floor: Floor) -> None:
    ann, bob = await floor.open("ann", "bob")
    await floor.fill(bob, 2)
    await bob.limits.leave()
    await bob.limits.run_once()
    assert await floor.fill(ann, 10) == 8
    assert ann.limits.said() == []
    bob.crash()  # It is started again, and adopts its calls.
    await bob.limits.run_once()
    bob.end(2)
    await floor.pass_s(3)
    assert await floor.fill(ann, 10) == 1
    await floor.pass_s(1)
    assert bob.limits.channels_free("a") == 1


async def test_an_engine_that_was_killed_and_started_again_takes_its_place_over_with_its_calls(floor: Floor) -> None:
    ann, bob = await floor.open("ann", "bob")
    await floor.fill(bob, 5)
    bob.crash()
    assert await floor.dial(bob, 1) == 0
    await floor.pass_s(ABSENT_AFTER_S + 1)
    assert bob.limits.shared
    assert await floor.fill(ann, 10) == 5


async def test_the_smallest_caps_count_and_it_is_said(floor: Floor) -> None:
    [ann] = await floor.open("ann")
    bob = floor.add("bob", calls_per_second=10.0, channels=6)
    await floor.pass_s(3)
    assert (await floor.fill(ann, 10), await floor.fill(bob, 10)) == (3, 3)
    assert ann.limits.said() == ["trunk a: of all engines' caps the smallest count, 10 calls a second, 6 channels"]
    assert bob.limits.said() == []


async def test_a_second_engine_of_the_same_name_places_no_calls_and_says_why(floor: Floor) -> None:
    [ann] = await floor.open("ann")
    other = Sharer(floor.url, "ann", A, TWO, clock=floor.clock, hand=floor.clock, journal=floor.journal)
    for _ in range(5):
        floor.clock.seconds += 1
        await ann.limits.run_once()
        await other.limits.run_once()
    assert other.limits.channels_free("a") == 0 and await other.dial(1) == 0
    assert "another engine is called ann" in other.limits.said()[0]
    assert ann.limits.shared
    await other.line.aclose()


async def test_an_engine_that_was_refused_places_no_calls_while_the_server_is_away_either(floor: Floor) -> None:
    _, bob = await floor.open("ann", "bob")
    bob.crash()
    await bob.limits.run_once()
    assert "another engine is called bob" in bob.limits.said()[0]
    bob.line.is_cut = True
    await floor.pass_s(60)
    assert await floor.fill(bob, 5) == 0
    bob.line.is_cut = False
    await floor.pass_s(1)
    assert await floor.fill(bob, 5) == 5


async def test_an_engine_that_is_started_while_the_server_is_away_keeps_to_its_share(floor: Floor) -> None:
    await floor.open()
    ann = floor.add("ann")
    ann.line.is_cut = True
    await floor.pass_s(60)
    assert await floor.fill(ann, 10) == 5


async def test_one_engine_too_many_places_no_calls_and_says_who_is_there(floor: Floor) -> None:
    await floor.open("ann", "bob")
    eve = floor.add("eve")
    await floor.pass_s(5)
    assert eve.limits.channels_free("a") == 0 and await eve.dial(1) == 0
    assert "engines_max is 2, and these are there: ann, bob" in eve.limits.said()[0]


async def test_a_question_that_was_given_up_and_comes_late_is_refused(floor: Floor) -> None:
    ann, bob = await floor.open("ann", "bob")
    ann.line.is_cut = True
    await floor.dial(ann, 5)
    floor.clock.seconds += ABSENT_AFTER_S + 1
    await bob.limits.run_once()
    await ann.line.deliver_late()
    await bob.limits.run_once()
    assert bob.limits._views["a"].bucket.per_second == 15, "it did not make ann look alive"


async def test_a_question_that_comes_after_a_later_one_is_refused(floor: Floor) -> None:
    floor.trunk = replace(A, calls_per_second=200.0)
    ann, bob = await floor.open("ann", "bob")
    await floor.fill(bob, 5)
    await floor.pass_s(4)
    bob.line.is_cut = True
    await bob.limits.reserve({"a": 0})  # says that bob is entitled to five, and is on its way for long
    bob.line.is_cut = False
    await bob.limits.run_once()
    assert await floor.dial(bob, 5) == 4
    await bob.line.deliver_late()
    assert await floor.dial(ann, 5) == 1


async def test_who_has_lent_his_channels_when_the_server_goes_does_without_them(floor: Floor) -> None:
    ann, bob = await floor.open("ann", "bob")
    await floor.fill(ann, 5)
    await floor.pass_s(4)
    assert await floor.fill(ann, 5) == 4
    ann.line.is_cut = bob.line.is_cut = True
    await floor.pass_s(60)
    assert (await floor.fill(ann, 5), await floor.fill(bob, 5)) == (0, 1)
    assert bob.limits.said() == ["Redis is away: at most 1/2 of each trunk, of a 1 channels (cut)"]
    ann.end(9)
    assert await floor.fill(ann, 9) == 5


async def test_a_clock_of_the_server_that_is_set_confuses_for_no_longer_than_a_heartbeat(floor: Floor) -> None:
    [ann] = await floor.open("ann")
    ann.limits._ahead_s = ann.limits._ahead_s - 60 if ann.limits._ahead_s else None
    await ann.limits.run_once()
    assert ann.limits.shared


async def test_after_a_start_of_the_server_nobody_grows_before_all_had_time_to_speak_up(floor: Floor) -> None:
    ann, bob = await floor.open("ann", "bob")
    await floor.fill(bob, 5)
    await floor.pass_s(4)
    await floor.fill(ann, 5)
    await forget_everything(floor.url)
    await ann.limits.run_once()
    assert ann.limits.shared and "started anew" in ann.limits.said()[0]
    ann.end(3)
    assert await floor.fill(ann, 10) == 3, "what it was entitled to, and no more"
    await bob.limits.run_once()
    await floor.pass_s(SETTLE_S + 1)
    floor.check()
    assert ann.limits.said() == []


async def test_after_a_start_of_the_server_an_engine_that_may_be_there_is_left_its_share(floor: Floor) -> None:
    [ann] = await floor.open("ann")
    assert await floor.fill(ann, 10) == 5
    floor.clock.seconds += TWO.absent_s
    await ann.limits.run_once()
    assert await floor.fill(ann, 10) == 5


STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            ["pass"] * 4 + ["dial"] * 6 + ["end"] * 2 + ["stall", "beat", "cut", "cut", "mend", "lose", "late", "crash"]
        ),
        st.sampled_from(["ann", "bob", "cay"]),
        st.integers(1, 12),
        st.floats(0.001, 4.0) | st.floats(0.001, 0.2),
    ),
    min_size=30,
    max_size=120,
)


@given(
    steps=STEPS,
    rate=st.sampled_from([4.0, 30.0, 200.0, 200.0]),
    channels=st.integers(1, 14),
    engines=st.sampled_from([2, 2, 3]),
)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_cut_lost_late_or_killed_the_sum_is_never_above_the_caps(
    server: RedisServer, steps: list[tuple[str, str, int, float]], rate: float, channels: int, engines: int
) -> None:
    run(_story, server.url, steps, Trunk(name="a", server="pbx", calls_per_second=rate, channels=channels), engines)


async def _story(url: str, steps: list[tuple[str, str, int, float]], trunk: Trunk, engines: int) -> None:
    floor = Floor(url, trunk, replace(TWO, engines_max=engines))
    names = ["ann", "bob", "cay"][:engines]
    await floor.open(*names)
    # Who is by himself knows nothing of the others' tokens: where a burst is too small to be shared, each has one.
    alone = max(0, engines - burst_of(trunk.calls_per_second)) + (engines - 1) * JITTER
    away = 0
    for what, name, n, seconds in steps:
        if name not in floor.engines:
            continue
        engine = floor.engines[name]
        match what:
            case "pass":
                await floor.pass_s(seconds)
            case "stall":
                floor.clock.seconds += seconds
            case "beat":
                await engine.limits.run_once()
            case "dial":
                placed = await engine.dial(n)
                floor.taken.append((floor.clock.seconds, placed))
                away += bool(placed and not engine.limits.shared)
            case "end":
                engine.end(n)
            case "cut" | "lose" if not engine.limits._was_counted:
                pass  # Started while it can't reach the server: the others do not count it, as the package says.
            case "cut":
                engine.line.is_cut = True
            case "mend":
                engine.line.is_cut = engine.line.loses_answer = False
            case "lose":
                engine.line.loses_answer = True
            case "late":
                await engine.line.deliver_late()
            case "crash" if not engine.line.is_cut and not engine.line.loses_answer:
                engine.crash()
        floor.check(alone)
    event(f"calls placed alone: {min(away, 3)}")
    for engine in floor.engines.values():
        await engine.line.aclose()
