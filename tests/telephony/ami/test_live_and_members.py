"""CoreShowChannels to live calls, queue members to agents' states."""

from datetime import UTC, datetime, timedelta

import pytest

from telephony.ami.live import duration, interface_of, live_calls, waits_in
from telephony.ami.queue_members import QueueMembers
from telephony.events import WRAP_UP_REASON, AgentState
from telephony.port import LiveCall, LiveState

AT = datetime(2026, 3, 2, tzinfo=UTC)


def channel(uniqueid: str, state: str, *, bridge: str = "", name: str = "PJSIP/t-00000001") -> dict[str, str]:
    return {
        "event": "CoreShowChannel",
        "uniqueid": uniqueid,
        "channelstate": state,
        "bridgeid": bridge,
        "channel": name,
        "duration": "00:01:05",
    }


def test_channels_become_live_calls() -> None:
    channels = [
        {"response": "Success"},
        channel("c0", "0"),
        channel("c5", "5"),
        channel("c6", "6"),
        channel("cb", "6", bridge="b1"),
        channel("1795307375.1", "6", bridge="b1", name="Local/100@agents-0000723b;1"),
        channel("c6;2", "6"),
        {"event": "CoreShowChannelsComplete"},
    ]
    found = live_calls(
        channels, server="a", is_ours=lambda one: one in {"c0", "c5", "c6", "cb"}, members=["Local/100@agents/n"]
    )
    age = timedelta(seconds=65)
    assert found == [
        LiveCall(call_id="c0", server="a", state=LiveState.DIALLING, age=age),
        LiveCall(call_id="c5", server="a", state=LiveState.RINGING, age=age),
        LiveCall(call_id="c6", server="a", state=LiveState.UP, age=age),
        LiveCall(call_id="cb", server="a", state=LiveState.BRIDGED, age=age, agent="Local/100@agents/n"),
    ]


def test_who_is_in_a_queue_has_waited_as_long_as_it_says_and_who_hears_the_message_is_told_apart() -> None:
    channels = [
        channel("waits", "6") | {"application": "Queue", "context": "dlr-answered"},
        channel("joins", "6") | {"application": "Queue", "context": "dlr-answered"},
        channel("hears", "6") | {"application": "BackGround", "context": "dlr-answered-harbour"},
        channel("rings", "5") | {"context": "dlr-answered-harbour"},
    ]
    queues = [
        {"response": "Success"},
        {"event": "QueueParams", "queue": "sales"},
        {"event": "QueueEntry", "queue": "sales", "uniqueid": "waits", "wait": "3"},
        {"event": "QueueEntry", "queue": "sales", "uniqueid": "hears", "wait": "9"},
        {"event": "QueueEntry", "queue": "sales", "uniqueid": "joins", "wait": ""},
        {"event": "QueueStatusComplete"},
    ]
    found = live_calls(channels, server="a", is_ours=lambda one: True, members=[], waits=waits_in(queues))
    assert {call.call_id: (call.state, call.waited) for call in found} == {
        "waits": (LiveState.QUEUED, timedelta(seconds=3)),
        "joins": (LiveState.QUEUED, None),
        "hears": (LiveState.HARBOUR, None),
        "rings": (LiveState.RINGING, None),
    }


def test_an_agent_who_is_no_member_is_named_by_the_device() -> None:
    assert interface_of("PJSIP/1001-0000abcd", ["PJSIP/1001"]) == "PJSIP/1001"
    assert interface_of("PJSIP/1001-0000abcd", []) == "PJSIP/1001"


def test_a_duration_may_be_days_and_nonsense_is_zero() -> None:
    assert duration("100:00:01") == timedelta(hours=100, seconds=1)
    assert duration("") == timedelta(0)


def member(agent: str, status: str, *, paused: str = "0", queue: str = "sales", reason: str = "") -> dict[str, str]:
    place = {"event": "QueueMember", "queue": queue, "location": agent}
    return {**place, "status": status, "paused": paused, "pausedreason": reason}


def change(
    agent: str, status: str, *, event: str = "QueueMemberStatus", paused: str = "0", reason: str = ""
) -> dict[str, str]:
    place = {"event": event, "queue": "sales", "interface": agent}
    return {**place, "status": status, "paused": paused, "pausedreason": reason}


@pytest.mark.parametrize(
    ("status", "paused", "state"),
    [
        ("0", "0", AgentState.READY),
        ("1", "0", AgentState.READY),
        ("1", "1", AgentState.PAUSED),
        ("2", "0", AgentState.TALKING),
        ("2", "1", AgentState.TALKING),
        ("3", "0", AgentState.TALKING),
        ("4", "0", AgentState.AWAY),
        ("5", "1", AgentState.AWAY),
        ("6", "0", AgentState.RINGING),
        ("7", "0", AgentState.TALKING),
        ("8", "0", AgentState.TALKING),
        ("nonsense", "0", AgentState.AWAY),
    ],
)
def test_a_members_status_is_the_agents_state(status: str, paused: str, state: AgentState) -> None:
    [told] = QueueMembers("a", ()).whole([member("PJSIP/1", status, paused=paused)], AT)
    assert (told.server, told.agent, told.queue, told.state) == ("a", "PJSIP/1", "sales", state)


@pytest.mark.parametrize(
    ("status", "paused", "reason", "state", "told_reason"),
    [
        ("1", "1", "lunch", AgentState.PAUSED, "lunch"),
        ("1", "1", "", AgentState.PAUSED, ""),
        ("1", "1", WRAP_UP_REASON, AgentState.WRAP_UP, WRAP_UP_REASON),
        ("1", "0", WRAP_UP_REASON, AgentState.READY, None),  # the reason of a pause that is over
        ("2", "1", WRAP_UP_REASON, AgentState.TALKING, WRAP_UP_REASON),
        ("5", "1", WRAP_UP_REASON, AgentState.AWAY, WRAP_UP_REASON),
    ],
)
def test_a_pause_has_its_reason_and_the_diallers_own_is_the_wrap_up(
    status: str, paused: str, reason: str, state: AgentState, told_reason: str | None
) -> None:
    [told] = QueueMembers("a", ()).whole([member("PJSIP/1", status, paused=paused, reason=reason)], AT)
    assert (told.state, told.pause_reason) == (state, told_reason)


def test_a_change_of_the_reason_alone_is_told() -> None:
    members = QueueMembers("a", ())
    members.whole([member("PJSIP/1", "2")], AT)
    paused = members.changed(change("PJSIP/1", "2", event="QueueMemberPause", paused="1", reason=WRAP_UP_REASON), AT)
    assert paused is not None
    assert (paused.state, paused.pause_reason) == (AgentState.TALKING, WRAP_UP_REASON)
    assert members.changed(change("PJSIP/1", "2", paused="1", reason=WRAP_UP_REASON), AT) is None
    lunch = members.changed(change("PJSIP/1", "2", event="QueueMemberPause", paused="1", reason="lunch"), AT)
    assert lunch is not None
    assert lunch.pause_reason == "lunch"


def test_only_changes_are_told_between_whole_lists() -> None:
    members = QueueMembers("a", ())
    members.whole([member("PJSIP/1", "1")], AT)
    assert members.changed(change("PJSIP/1", "1"), AT) is None
    talking = members.changed(change("PJSIP/1", "2"), AT)
    assert talking is not None
    assert talking.state is AgentState.TALKING
    added = members.changed(change("PJSIP/2", "1", event="QueueMemberAdded"), AT)
    assert added is not None
    removed = members.changed(change("PJSIP/2", "1", event="QueueMemberRemoved"), AT)
    assert removed is not None
    assert (removed.state, removed.is_member, added.is_member) == (AgentState.AWAY, False, True)
    assert members.interfaces == {"PJSIP/1"}


def test_who_left_while_the_link_was_down_is_away() -> None:
    members = QueueMembers("a", ())
    members.whole([member("PJSIP/1", "1"), member("PJSIP/2", "1")], AT)
    told = {one.agent: (one.state, one.is_member) for one in members.whole([member("PJSIP/2", "2")], AT)}
    assert told == {"PJSIP/1": (AgentState.AWAY, False), "PJSIP/2": (AgentState.TALKING, True)}


def test_what_events_say_while_the_list_is_told_holds() -> None:
    members = QueueMembers("a", ())
    for _ in range(2):  # after a lost link, too
        members.link_up()
        came = members.changed(change("PJSIP/1", "1", event="QueueMemberAdded"), AT)
        assert came is not None and came.is_member
        members.changed(change("PJSIP/2", "2"), AT)
        members.changed(change("PJSIP/3", "1", event="QueueMemberRemoved"), AT)
        # Told before those events, and read after them.
        told = members.whole([member("PJSIP/2", "1"), member("PJSIP/3", "1"), member("PJSIP/4", "1")], AT)
        assert {one.agent: (one.state, one.is_member) for one in told if one.agent != "PJSIP/3"} == {
            "PJSIP/1": (AgentState.READY, True),
            "PJSIP/2": (AgentState.TALKING, True),
            "PJSIP/4": (AgentState.READY, True),
        }
        assert members.interfaces == {"PJSIP/1", "PJSIP/2", "PJSIP/4"}
        left = members.changed(change("PJSIP/1", "1", event="QueueMemberRemoved"), AT)
        assert left is not None and not left.is_member
    told = members.whole([member("PJSIP/4", "1")], AT)
    assert {one.agent: one.is_member for one in told} == {"PJSIP/2": False, "PJSIP/4": True}


def test_who_was_away_and_leaves_is_told_to_have_left() -> None:
    members = QueueMembers("a", ())
    members.whole([member("PJSIP/1", "5")], AT)
    left = members.changed(change("PJSIP/1", "5", event="QueueMemberRemoved"), AT)
    assert left is not None
    assert (left.state, left.is_member) == (AgentState.AWAY, False)
    assert members.changed(change("PJSIP/1", "5", event="QueueMemberRemoved"), AT) is None


def test_other_queues_are_left_alone_where_some_are_named() -> None:
    members = QueueMembers("a", ("sales",))
    told = members.whole([member("PJSIP/1", "1"), member("PJSIP/1", "1", queue="support")], AT)
    assert [one.queue for one in told] == ["sales"]
    assert members.changed({**change("PJSIP/1", "2"), "queue": "support"}, AT) is None
