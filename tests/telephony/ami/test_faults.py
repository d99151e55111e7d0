"""What the AMI adapter does when the exchange, or the way to it, misbehaves: against a scripted peer."""

import asyncio
import logging
from dataclasses import replace
from typing import Any

import anyio
import pytest

from telephony.ami import LinkState
from telephony.ami.link import IN_FLIGHT_MAX
from telephony.ami.protocol import AmiManager, AmiProtocol
from telephony.answer_plan import AnswerPlan, KeyAction
from telephony.errors import LinkLost, NotSent, Refused
from telephony.events import Answered, Dialling, HungUp, LinkDown, LinkUp, OriginateEnded
from tests.support.ami_link import QUICK, call, linked
from tests.support.ami_peer import AmiPeer, AmiSession, Headers, channel_event, message


def uuid(number: int) -> str:
    return f"0199b1f6-0000-7000-8000-{number:012x}"


def never(_: AmiSession, __: Headers) -> bool:
    """Leave an action unanswered."""
    return True


class DeafTransport(asyncio.Transport):
    """A transport that sends nothing."""

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None: ...

    def abort(self) -> None: ...


class NotingTransport(DeafTransport):
    """A transport that notes what it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written.append(bytes(data))


async def test_what_is_sent_in_one_turn_leaves_in_one_write_and_in_order() -> None:
    protocol = AmiManager().config["protocol_factory"]()
    transport = NotingTransport()
    protocol.connection_made(transport)
    for number in range(3):
        protocol.send({"Action": "Ping", "ActionID": str(number)})
    await asyncio.sleep(0)
    assert transport.written == [b"".join(b"Action: Ping\r\nActionID: %d\r\n\r\n" % number for number in range(3))]
    protocol.send({"Action": "Ping", "ActionID": "3"})
    await asyncio.sleep(0)
    assert len(transport.written) == 2


async def test_a_link_that_breaks_in_the_turn_of_a_send_leaves_its_outcome_unknown_and_sends_nothing_later() -> None:
    protocol = AmiManager().config["protocol_factory"]()
    transport = NotingTransport()
    protocol.connection_made(transport)
    answer = protocol.send({"Action": "Originate"})
    protocol.connection_lost(None)
    with pytest.raises(LinkLost):
        await answer
    await asyncio.sleep(0)
    assert transport.written == []


async def test_an_originate_goes_out_with_all_its_headers(peer: AmiPeer) -> None:
    async with linked(peer) as one:
        placed = call("c-1", caller_id="+12025550199", queue="sales", variables={"NAME": "Smith, J"})
        await one.network.originate(placed)
    [sent] = peer.sent("Originate")
    assert sent == {
        "action": ["Originate"],
        "actionid": ["c-1"],
        "channel": ["PJSIP/+12025550100@trunk-a"],
        "context": ["dlr-answered"],
        "exten": ["s"],
        "priority": ["1"],
        "timeout": ["20000"],
        "async": ["true"],
        "earlymedia": ["false"],
        "channelid": ["c-1"],
        "variable": ["NAME=Smith\\, J", "DLR_ATTEMPT=c-1", "DLR_QUEUE=sales"],
        "callerid": ["<+12025550199>"],
    }


async def test_the_exchange_is_told_what_to_do_with_an_answered_call_as_far_as_it_is_not_the_usual(
    peer: AmiPeer,
) -> None:
    plans = [
        AnswerPlan(harbour="acme/sorry", optout_key="5", amd=True, unsure_is_machine=True, machine_sound="acme/vm"),
        AnswerPlan(amd=True),
        AnswerPlan(unsure_is_machine=True, machine_sound="acme/call-us"),
        AnswerPlan(message="acme/news"),
        AnswerPlan(queue_priority=0),
        AnswerPlan(
            message="acme/news",
            message_keys={"1": KeyAction.QUEUE, "#": KeyAction.QUEUE, "*": KeyAction.REPLAY},
            message_queue="sales",
        ),
    ]
    async with linked(peer) as one:
        for place, plan in enumerate(plans):
            await one.network.originate(call(f"c-{place}", answer=plan))
    told = [
        [each for each in action["variable"] if not each.startswith(("DLR_ATTEMPT", "DLR_QUEUE"))]
        for action in peer.sent("Originate")
    ]
    assert told == [
        ["DLR_HARBOUR=acme/sorry", "DLR_OPTOUT=5", "DLR_AMD=1", "DLR_AMD_UNSURE=machine", "DLR_VM=acme/vm"],
        ["DLR_AMD=1"],
        [],
        ["DLR_MESSAGE=acme/news"],
        ["DLR_PRIORITY=0"],
        ["DLR_MESSAGE=acme/news", "DLR_AGENT_KEYS=1#", "DLR_AGENT_QUEUE=sales", "DLR_REPLAY_KEYS=*"],
    ]


async def test_a_campaign_can_not_set_the_diallers_own_variables(peer: AmiPeer) -> None:
    async with linked(peer) as one:
        await one.network.originate(call("c-1", variables={"DLR_ATTEMPT": "x"}))
    assert peer.sent("Originate")[0]["variable"] == ["DLR_ATTEMPT=c-1", "DLR_QUEUE="]


async def test_the_exchange_is_told_whom_a_call_is_for_by_an_interface_and_nothing_else(peer: AmiPeer) -> None:
    async with linked(peer) as one:
        await one.network.originate(call("c-1", agent="Local/100@agents/n"))
        for several in ("PJSIP/1001&PJSIP/1002", "PJSIP/1001,30,g", "1001", "PJSIP/${EXTEN}"):
            with pytest.raises(ValueError, match="agent must match"):
                await one.network.originate(call("c-2", agent=several))
    [action] = peer.sent("Originate")
    assert "DLR_AGENT=Local/100@agents/n" in action["variable"]


async def test_nothing_is_sent_again_after_a_reconnection(peer: AmiPeer) -> None:
    peer.on("Originate", never)
    async with linked(peer) as one, anyio.create_task_group() as tasks:
        lost: list[str] = []

        async def place(call_id: str) -> None:
            with pytest.raises(LinkLost):
                await one.network.originate(call(call_id))
            lost.append(call_id)

        for number in range(5):
            tasks.start_soon(place, f"c-{number}")
        await peer.until(lambda: len(peer.sent("Originate")) == 5)
        place_in_log = len(one.log.events)
        peer.session.cut()
        await one.log.first(LinkUp, after=place_in_log)
        with anyio.fail_after(5):
            # A round trip on the new link: what had been kept back would have gone out before it.
            await one.network.live_calls("a")
        assert len(peer.sessions) == 2
        assert len(peer.sent("Originate")) == len(lost) == 5


async def test_while_the_link_is_down_an_originate_is_refused_at_once_and_never_sent(peer: AmiPeer) -> None:
    peer.on("Challenge", never)
    async with linked(peer, wait=False, timing=replace(QUICK, login_s=0.3)) as one:
        with anyio.fail_after(0.1), pytest.raises(NotSent):
            await one.network.originate(call("c-1"))
        assert not one.network.is_up("a")
        peer.on("Challenge", lambda *_: False)
        await one.log.first(LinkUp)
        await one.network.live_calls("a")
        assert peer.sent("Originate") == []
        await one.network.originate(call("c-1"))  # the id was not spent
    assert len(peer.sent("Originate")) == 1


async def test_an_accepted_call_whose_link_breaks_hangs_nothing_and_invents_nothing(peer: AmiPeer) -> None:
    async with linked(peer) as one:
        with anyio.fail_after(5):
            await one.network.originate(call("c-1"))
        place = len(one.log.events)
        peer.session.cut()
        await one.log.first(LinkUp, after=place)
        assert await one.network.live_calls("a") == []
        assert not one.log.by_call
        assert one.network.calls_known == 0


async def test_an_originate_without_an_answer_ends_by_its_deadline_and_its_events_still_count(peer: AmiPeer) -> None:
    peer.on("Originate", never)
    async with linked(peer) as one:
        with anyio.fail_after(5), pytest.raises(LinkLost, match="did not answer Originate"):
            await one.network.originate(call("c-1"))
        peer.session.send_raw(channel_event("Newchannel", "c-1"))
        await one.log.first(Dialling, call_id="c-1")


async def test_a_silent_peer_is_noticed_by_the_ping(peer: AmiPeer) -> None:
    async with linked(peer) as one:
        peer.silent = True
        down = await one.log.first(LinkDown)
        assert "Ping" in down.reason
        place = len(one.log.events)
        peer.silent = False
        await one.log.first(LinkUp, after=place)


async def test_a_refused_login_is_told_apart_and_backs_off(caplog: pytest.LogCaptureFixture) -> None:
    async with AmiPeer(secret="another") as peer:
        timing = replace(QUICK, back_off_first_s=0.1, back_off_max_s=30.0)
        with caplog.at_level(logging.DEBUG, logger="telephony.ami"):
            async with linked(peer, wait=False, timing=timing) as one:
                down = await one.log.first(LinkDown)
                assert down.reason == "login refused: Authentication failed"
                assert one.network.links["a"].state is LinkState.REFUSED
                with pytest.raises(NotSent, match="login refused"):
                    await one.network.originate(call("c-1"))
                began = anyio.current_time()
                await peer.until(lambda: len(peer.sessions) == 4)
                # Three waits of at least half of 0.1, 0.2 and 0.4 s, less the part that had gone by.
                assert anyio.current_time() - began > 0.25
        assert len([event for event in one.log.events if isinstance(event, LinkDown)]) == 1
        assert any(getattr(record, "event", "") == "login_refused" for record in caplog.records)
        assert "test-secret" not in caplog.text


@pytest.mark.parametrize("garbage", [b"x" * 70_000 * 16, b"\xff\xfe\x00" * 400_000])
async def test_nonsense_without_an_end_breaks_only_its_link(peer: AmiPeer, garbage: bytes) -> None:
    async with AmiPeer() as other, linked(peer, other) as one:
        peer.session.send_raw(garbage)
        down = await one.log.first(LinkDown)
        assert (down.server, "not understood" in down.reason) == ("a", True)
        await one.log.first(LinkUp, server="a", after=one.log.events.index(down))
        await one.network.originate(call("c-1", trunk="tb"))
        assert not any(isinstance(event, LinkDown) and event.server == "b" for event in one.log.events)


async def test_a_character_cut_in_two_reads_arrives_whole() -> None:
    manager = AmiManager()
    names: list[str] = []
    manager.register_event("*", lambda _, event: names.append(event.get("name")))
    protocol = AmiProtocol(manager)
    protocol.connection_made(DeafTransport())
    whole = message("Event: X", "Name: José")
    cut = whole.index("é".encode()) + 1
    protocol.data_received(whole[:cut])
    protocol.data_received(whole[cut:])
    assert names == ["José"]


async def test_odd_messages_do_not_lose_the_next(peer: AmiPeer) -> None:
    async with linked(peer) as one:
        await one.network.originate(call("c-1"))
        odd = message("Event: Newchannel", "Event: Hangup", "ActionID: a", "ActionID: b", "Uniqueid: x", "Uniqueid: y")
        surplus = b"\r\n\n\r\n"
        peer.session.send_raw(odd + surplus + b"no colon\r\n\r\n" + channel_event("Newchannel", "c-1"))
        await one.log.first(Dialling, call_id="c-1")
        assert one.network.is_up("a")


async def test_an_error_in_one_callback_does_not_lose_the_next_message(caplog: pytest.LogCaptureFixture) -> None:
    manager = AmiManager()
    heard: list[str] = []

    def broken(_: AmiManager, event: Any) -> None:
        heard.append(event.get("uniqueid"))
        raise RuntimeError("a bug")

    manager.register_event("New*", broken)
    manager.register_event("Newchannel", lambda _, event: heard.append("second"))
    protocol = AmiProtocol(manager)
    protocol.connection_made(DeafTransport())
    protocol.data_received(channel_event("Newchannel", "1") + channel_event("Newstate", "2"))
    assert heard == ["1", "second", "2"]
    assert not protocol.closed
    assert [record.getMessage() for record in caplog.records] == ["ami callback failed"] * 2


async def test_a_refused_originate_says_whether_the_settings_are_at_fault(peer: AmiPeer) -> None:
    texts = iter(["Extension does not exist.", "Permission denied", "Originate failed", "Asterisk is shutting down"])

    def refuse(session: AmiSession, action: Headers) -> bool:
        session.respond(action, "Error", f"Message: {next(texts)}")
        return True

    peer.on("Originate", refuse)
    async with linked(peer) as one:
        faults = []
        for number in range(4):
            with pytest.raises(Refused) as caught:
                await one.network.originate(call(f"c-{number}"))
            faults.append(caught.value.configuration)
        assert faults == [True, True, False, False]
        assert one.network.calls_known == 0


async def test_a_call_that_never_had_a_channel_ends_once(peer: AmiPeer) -> None:
    async with linked(peer) as one:
        await one.network.originate(call("c-1"))
        peer.session.send(
            "Event: OriginateResponse", "ActionID: c-1", "Response: Failure", "Reason: 0", "Uniqueid: <unknown>"
        )
        verdict = await one.log.first(HungUp, call_id="c-1")
        assert (verdict.cause, verdict.cause_text) == (0, "no channel")
        assert [type(event) for event in one.log.by_call["c-1"]] == [OriginateEnded, HungUp]


async def test_a_failed_originate_whose_channel_shows_late_ends_by_its_own_hangup(peer: AmiPeer) -> None:
    async with linked(peer, timing=replace(QUICK, no_channel_s=0.3)) as one:
        await one.network.originate(call("c-1"))
        peer.session.send("Event: OriginateResponse", "ActionID: c-1", "Response: Failure", "Reason: 0")
        await one.log.first(OriginateEnded, call_id="c-1")
        peer.session.send_raw(channel_event("Newchannel", "c-1"))
        await one.log.first(Dialling, call_id="c-1")
        await anyio.sleep(0.4)  # past the moment at which it would be held to have no channel
        peer.session.send_raw(channel_event("Hangup", "c-1", "Cause: 17"))
        verdict = await one.log.first(HungUp, call_id="c-1")
        assert verdict.cause == 17


async def test_no_more_actions_are_in_flight_than_asterisk_gets_through(peer: AmiPeer) -> None:
    peer.on("Originate", never)
    async with linked(peer, timing=replace(QUICK, action_s=5.0)) as one, anyio.create_task_group() as tasks:
        outcomes: list[type[Exception]] = []
        enough = anyio.Event()

        async def place(number: int) -> None:
            try:
                await one.network.originate(call(f"c-{number}"))
            except (NotSent, LinkLost) as error:
                outcomes.append(type(error))
                if len(outcomes) == 20:
                    enough.set()

        for number in range(IN_FLIGHT_MAX + 20):
            tasks.start_soon(place, number)
        with anyio.fail_after(10):
            await enough.wait()
        assert outcomes == [NotSent] * 20
        assert len(peer.sent("Originate")) == IN_FLIGHT_MAX
        peer.session.cut()
    assert outcomes[20:] == [LinkLost] * IN_FLIGHT_MAX


def ring(session: AmiSession, action: Headers) -> bool:
    """Accept an Originate, and say that it was answered."""
    session.respond(action)
    session.send_raw(channel_event("Newstate", action["actionid"][0], "ChannelState: 6"))
    return True


async def test_a_diversion_names_the_call_and_the_context_of_the_message(peer: AmiPeer) -> None:
    peer.on("Originate", ring)
    async with linked(peer) as one:
        await one.network.originate(call("c-1"))
        await one.log.first(Answered, call_id="c-1")
        assert await one.network.divert("c-1") is True
    [sent] = peer.sent("Redirect")
    assert {key: value for key, [value] in sent.items() if key != "actionid"} == {
        "action": "Redirect",
        "channel": "c-1",
        "context": "dlr-answered-harbour",
        "exten": "s",
        "priority": "1",
    }


@pytest.mark.parametrize("gone", ["Channel does not exist: c-1", "Redirect failed, channel not up."])
async def test_a_call_that_ended_can_not_be_diverted_and_a_refusal_is_told_with_its_words(
    peer: AmiPeer, gone: str
) -> None:
    words = [gone, "Permission denied"]

    def refuse(session: AmiSession, action: Headers) -> bool:
        session.respond(action, "Error", f"Message: {words.pop(0)}")
        return True

    peer.on("Redirect", refuse)
    async with linked(peer) as one:
        assert await one.network.divert("c-1") is False
        with pytest.raises(NotSent, match="a did not divert the call: Permission denied"):
            await one.network.divert("c-1")


async def test_a_diversion_goes_ahead_of_calls_that_wait_to_be_placed(peer: AmiPeer) -> None:
    peer.on("Originate", never)
    async with (
        linked(peer, timing=replace(QUICK, action_s=30.0, slot_s=30.0)) as one,
        anyio.create_task_group() as tasks,
    ):
        for number in range(IN_FLIGHT_MAX + 5):
            tasks.start_soon(one.network.originate, call(f"c-{number}"))
        await peer.until(lambda: len(peer.sent("Originate")) == IN_FLIGHT_MAX)
        with anyio.fail_after(10):
            assert await one.network.divert("an-answered-call") is True
        tasks.cancel_scope.cancel()


async def test_a_peer_that_reads_nothing_gets_no_endless_buffer(peer: AmiPeer) -> None:
    manager = AmiManager()
    protocol = await manager.open("127.0.0.1", peer.port, None)
    await peer.until(lambda: bool(peer.sessions))
    peer.session.stop_reading()
    action = {"Action": "Originate", "Variable": ["X=" + "x" * 900] * 100}

    async def flood() -> None:
        for _ in range(2_000):
            protocol.send(action)
            await asyncio.sleep(0)

    with pytest.raises(NotSent, match="keep up"):
        await flood()
    assert protocol.transport.get_write_buffer_size() < 1 << 20
    protocol.abort("enough")
    assert not protocol.responses


async def test_answered_timed_out_and_cancelled_actions_leave_nothing_behind(peer: AmiPeer) -> None:
    manager = AmiManager()
    protocol = await manager.open("127.0.0.1", peer.port, None)
    await manager.send_action({"Action": "Ping"}, as_list=False)
    peer.silent = True
    futures = [protocol.send({"Action": "Ping"}) for _ in range(50)]
    for future in futures[:25]:
        future.cancel()
    await asyncio.sleep(0)
    assert len(protocol.responses) == 25
    protocol.abort("test")
    assert not protocol.responses
    with pytest.raises(LinkLost, match="test"):
        await futures[30]
    with pytest.raises(NotSent):
        protocol.send({"Action": "Ping"})


async def test_a_list_that_is_refused_ends_with_its_error(peer: AmiPeer) -> None:
    def deny(session: AmiSession, action: Headers) -> bool:
        session.respond(action, "Error", "Message: Permission denied")
        return True

    peer.on("CoreShowChannels", deny)
    async with linked(peer) as one:
        with anyio.fail_after(0.4), pytest.raises(NotSent, match="Permission denied"):
            await one.network.live_calls("a")


async def test_events_that_nobody_reads_stop_new_calls_and_not_the_reading(peer: AmiPeer) -> None:
    async with linked(peer, events_max=40, read=False) as one:
        await one.network.originate(call("c-1"))
        peer.session.send_raw(b"".join(channel_event("Newchannel", uuid(number)) for number in range(60)))
        pings = len(peer.sent("Ping"))
        await peer.until(lambda: len(peer.sent("Ping")) > pings + 1)
        assert one.network.is_up("a")
        with pytest.raises(NotSent, match="wait to be read"):
            await one.network.originate(call("c-2"))
        assert len(peer.sent("Originate")) == 1
        assert one.network.events_dropped == 21  # 60 and LinkUp, of which 40 had room
        for _ in range(40):
            one.network.events.receive_nowait()
        await one.network.originate(call("c-2"))
