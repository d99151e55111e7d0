"""What every implementation of `TrunkLimits` does: in the process, on Valkey, on the operating system's Redis."""

from collections.abc import AsyncIterator

import anyio
import pytest

from dialler.clock import SystemClock
from dialler.engine.local_limits import JITTER, burst_of
from dialler.ports import TrunkLimits
from telephony.port import Trunk
from tests.support.sharing import LIMITS, opened_limits

A = Trunk(name="a", server="pbx", calls_per_second=200.0, channels=12)
SLOW = Trunk(name="slow", server="pbx", calls_per_second=1.0, channels=5)


@pytest.fixture(params=LIMITS)
async def limits(request: pytest.FixtureRequest) -> AsyncIterator[TrunkLimits]:
    async with opened_limits(request.param, [A, SLOW]) as opened:
        yield opened


async def take(limits: TrunkLimits, name: str, n: int) -> None:
    """Reserve exactly `n`, as their tokens come."""
    with anyio.fail_after(10):
        while n:
            await anyio.sleep(limits.token_due_s(name))
            n -= (await limits.reserve({name: n}))[name]


async def test_a_reservation_takes_channels_and_tokens_of_several_trunks_at_once(limits: TrunkLimits) -> None:
    await anyio.sleep(limits.token_due_s("slow") + 0.01)
    granted = await limits.reserve({"a": 3, "slow": 2})
    assert granted == {"a": 3, "slow": 1}
    assert (limits.channels_used("a"), limits.channels_used("slow")) == (3, 1)
    assert (limits.channels_free("a"), limits.channels_free("slow")) == (9, 4)
    assert limits.tokens("slow") == 0
    assert 0.5 < limits.token_due_s("slow") <= 1 + JITTER + 0.1


async def test_who_waits_as_told_finds_a_token(limits: TrunkLimits) -> None:
    for _ in range(2):
        await take(limits, "slow", 1)
        due_s = limits.token_due_s("slow")
        await anyio.sleep(due_s)
        # The server's clock and ours may drift apart by a little, so it may be a little short.
        assert due_s > 0.5 and limits.token_due_s("slow") < 0.01


async def test_no_more_channels_than_the_cap_are_reserved(limits: TrunkLimits) -> None:
    await take(limits, "a", 12)
    await anyio.sleep(limits.token_due_s("a"))
    assert (await limits.reserve({"a": 1}), limits.channels_free("a")) == ({"a": 0}, 0)


async def test_a_call_holds_the_channel_that_was_reserved_for_it_until_it_is_released(limits: TrunkLimits) -> None:
    await take(limits, "a", 2)
    for call in ("1", "2", "1"):
        limits.hold("a", call, reserved=True)
    assert limits.channels_used("a") == 2
    for call in ("1", "1", "unknown"):
        limits.release("a", call)
    assert limits.channels_used("a") == 1


async def test_a_call_that_is_adopted_gets_its_channel_whatever_the_cap_and_takes_no_token(limits: TrunkLimits) -> None:
    await anyio.sleep(limits.token_due_s("slow") + 0.01)
    for call in range(7):
        limits.hold("slow", f"{call}", reserved=False)
    assert (limits.channels_used("slow"), limits.tokens("slow")) == (7, 1)
    assert await limits.reserve({"slow": 1}) == {"slow": 0}
    assert limits.channels_free("slow") == 0
    for call in range(3):
        limits.release("slow", f"{call}")
    await take(limits, "slow", 1)


async def test_what_is_given_back_can_be_taken_again(limits: TrunkLimits) -> None:
    for _ in range(5):
        await take(limits, "slow", 1)
        limits.give_back({"slow": 1})
        assert limits.channels_used("slow") == 0
        assert limits.token_due_s("slow") <= JITTER + 0.05, "no more than another share of jitter"


async def test_nobody_knows_a_trunk_that_is_not_in_the_settings(limits: TrunkLimits) -> None:
    limits.hold("gone", "call", reserved=False)
    limits.release("gone", "call")
    limits.give_back({"gone": 1})
    assert await limits.reserve({"gone": 1}) == {"gone": 0}
    assert (limits.tokens("gone"), limits.channels_free("gone"), limits.channels_used("gone")) == (0, 0, 0)


async def test_caps_change_while_running_and_calls_are_not_touched(limits: TrunkLimits) -> None:
    await take(limits, "a", 6)
    limits.set_caps({"a": Trunk(name="a", server="pbx", calls_per_second=200.0, channels=4), "new": SLOW})
    await anyio.sleep(limits.token_due_s("a"))
    assert await limits.reserve({"a": 1}) == {"a": 0}
    assert limits.channels_used("a") == 6
    limits.set_caps({"a": A})
    await limits.reserve({"slow": 0})  # Others have heard of it by then at the latest.
    await take(limits, "a", 1)


async def test_in_no_span_are_there_more_than_the_rate_and_a_burst(limits: TrunkLimits) -> None:
    clock = SystemClock()
    taken: list[tuple[float, float, int]] = []
    end = clock.monotonic() + 1.0
    while clock.monotonic() < end:
        before = clock.monotonic()
        n = (await limits.reserve({"a": 9}))["a"]
        taken.append((before, clock.monotonic(), n))
        limits.hold("a", "call", reserved=True)
        for _ in range(n):  # The channel comes free again, the token was used.
            limits.hold("a", "call", reserved=True)
            limits.release("a", "call")
        await anyio.sleep(limits.token_due_s("a"))
    assert sum(n for _, _, n in taken) > 0.8 * A.calls_per_second
    for first in range(len(taken)):
        total = 0
        for last in range(first, len(taken)):
            total += taken[last][2]
            span = taken[last][1] - taken[first][0]
            assert total <= A.calls_per_second * span + burst_of(A.calls_per_second) + JITTER + 1e-3


async def test_limits_that_are_not_shared_or_shared_in_peace_have_nothing_to_say(limits: TrunkLimits) -> None:
    assert limits.said() == () or list(limits.said()) == []
    assert limits.shared in (None, True)
    await limits.leave()
