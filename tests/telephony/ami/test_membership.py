"""Queue members and pauses on several servers, and what each of them answers: against scripted peers."""

from collections.abc import Callable
from typing import Any

import pytest

from telephony.ami import AsteriskNetwork
from telephony.errors import LinkLost, NotSent, Refused
from tests.support.ami_link import linked
from tests.support.ami_peer import AmiPeer, AmiSession, Answer, Headers

AGENT = "PJSIP/1001"
ADDED = "Added interface to queue"
NO_QUEUE = "Unable to add interface to queue: No such queue"


def says(message: str, *, response: str = "Error") -> Answer:
    def answer(session: AmiSession, action: Headers) -> bool:
        session.respond(action, response, f"Message: {message}")
        return True

    return answer


def is_silent(session: AmiSession, action: Headers) -> bool:
    return True


@pytest.mark.parametrize(
    ("one", "other", "found"),
    [
        (says(ADDED, response="Success"), says(NO_QUEUE), True),
        (says("Unable to add interface: Already there"), says(NO_QUEUE), False),
        (says("Unable to add interface: Already there"), says(ADDED, response="Success"), True),
        (says(NO_QUEUE), says(NO_QUEUE), Refused("there is no queue 'sales' on a, b")),
        (says(ADDED, response="Success"), says("Permission denied"), Refused("b: Permission denied")),
        (says(ADDED, response="Success"), is_silent, LinkLost("b did not answer QueueAdd within 0.5 s")),
    ],
)
async def test_an_agent_is_added_wherever_the_queue_is(
    one: Answer, other: Answer, found: bool | Exception, peer: AmiPeer
) -> None:
    async with AmiPeer() as second, linked(peer, second) as both:
        peer.on("QueueAdd", one)
        second.on("QueueAdd", other)
        if isinstance(found, bool):
            assert await both.network.add_to_queue("sales", AGENT) is found
        else:
            with pytest.raises(type(found), match=str(found)) as error:
                await both.network.add_to_queue("sales", AGENT)
            assert not isinstance(error.value, Refused) or error.value.configuration
        assert len(peer.sent("QueueAdd")) == len(second.sent("QueueAdd")) == 1


async def test_a_server_that_is_named_is_asked_alone_and_one_that_is_down_is_left_out(peer: AmiPeer) -> None:
    async with AmiPeer() as second, linked(peer, second) as both:
        assert await both.network.set_paused(AGENT, True, reason="lunch", server="b")
        assert not peer.sent("QueuePause")
        [action] = second.sent("QueuePause")
        assert (action["interface"], action["paused"], action["reason"]) == ([AGENT], ["true"], ["lunch"])
        assert "queue" not in action
        with pytest.raises(NotSent, match="no link to c"):
            await both.network.set_paused(AGENT, True, server="c")
        both.network._links["b"]._drop("by the test")
        assert await both.network.remove_from_queue("sales", AGENT)
        assert len(peer.sent("QueueRemove")) == 1
        assert not second.sent("QueueRemove")


async def test_the_reason_of_one_who_logs_in_paused_is_told_where_he_was_added(peer: AmiPeer) -> None:
    async with AmiPeer() as second, linked(peer, second) as both:
        second.on("QueueAdd", says(NO_QUEUE))
        assert await both.network.add_to_queue("sales", AGENT, name="Ann", penalty=3, paused=True, reason="lunch")
        [added], [paused] = peer.sent("QueueAdd"), peer.sent("QueuePause")
        assert [added[key] for key in ("membername", "penalty", "paused")] == [["Ann"], ["3"], ["true"]]
        assert [paused[key] for key in ("queue", "paused", "reason")] == [["sales"], ["true"], ["lunch"]]
        assert not second.sent("QueuePause")


Ask = Callable[[AsteriskNetwork], Any]


@pytest.mark.parametrize(
    ("action", "message", "ask"),
    [
        ("QueueRemove", "Unable to remove interface: Not there", lambda net: net.remove_from_queue("sales", AGENT)),
        ("QueuePause", "Interface not found", lambda net: net.set_paused(AGENT, True)),
    ],
)
async def test_what_need_not_be_done_is_told_apart(action: str, message: str, ask: Ask, peer: AmiPeer) -> None:
    peer.on(action, says(message))
    async with linked(peer) as one:
        assert await ask(one.network) is False


async def test_a_member_of_the_exchanges_own_configuration_can_not_be_removed(peer: AmiPeer) -> None:
    peer.on("QueueRemove", says("Member not dynamic"))
    async with linked(peer) as one:
        with pytest.raises(Refused, match="a: Member not dynamic"):
            await one.network.remove_from_queue("sales", AGENT)


async def test_a_pause_goes_ahead_of_calls_that_wait_to_be_placed(peer: AmiPeer) -> None:
    async with linked(peer) as one:
        one.network._links["a"]._slots._value = 0
        assert await one.network.set_paused(AGENT, True)
