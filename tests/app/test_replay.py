"""Transcripts and captures through the call tracking again: the same verdicts as in the daemon."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dialler.app.network import debug_folder, transcripts
from dialler.app.replay import Replay, replay, replay_file, replay_json, replay_lines
from dialler.clock import SystemClock
from dialler.domain.call import CallState
from dialler.domain.outcome import Outcome
from dialler.errors import DiallerError, SettingsError
from dialler.settings.loading import settings_from
from telephony.ami.transcript import Direction, Entry, Transcript, entries_of
from telephony.events import HungUp, OriginateEnded
from tests.support.ami_link import call, linked
from tests.support.ami_peer import AmiPeer

AT = datetime(2026, 6, 1, 15, 0, tzinfo=UTC)
CALL_ID = "0199b1f6-0000-7000-8000-000000000001"

BUSY = """\
Response: Success
ActionID: cap-486
Message: Originate successfully queued

Event: Newchannel
Timestamp: 1795307327.707425
Channel: PJSIP/trunk-00000000
ChannelState: 0
Uniqueid: cap-486
Linkedid: cap-486

Event: Newchannel
Timestamp: 1795307327.707500
Uniqueid: somebody-else

Event: Newstate
Timestamp: 1795307327.708798
ChannelState: 5
ChannelStateDesc: Ringing
Uniqueid: cap-486

Event: DeviceStateChange
Timestamp: 1795307327.709074
Device: PJSIP/trunk
State: RINGING

Event: DialEnd
Timestamp: 1795307327.915737
DestUniqueid: cap-486
DialStatus: BUSY

Event: OriginateResponse
Timestamp: 1795307327.915865
ActionID: cap-486
Response: Failure
Reason: 0
Uniqueid: cap-486

Event: Hangup
Timestamp: 1795307327.915970
Uniqueid: cap-486
Cause: 17
Cause-txt: User busy
TechCause: 486

"""

CAPTURES = {
    "cancelled-by-hangup-action-while-ringing": Outcome.NO_ANSWER,
    "context-unknown": Outcome.FAILED,
    "local-answered-queue-agent-far-end-hangs-up": Outcome.CONNECTED,
    "local-timeout-no-answer": Outcome.NO_ANSWER,
    "pjsip-404-not-found": Outcome.INVALID_NUMBER,
    "pjsip-486-busy": Outcome.BUSY,
    "pjsip-503-congestion": Outcome.CONGESTION,
    "pjsip-603-decline": Outcome.REJECTED_CALL,
    "pjsip-endpoint-unknown": Outcome.FAILED,
}


def sent(second: float, **headers: str | list[str]) -> Entry:
    return Entry(direction=Direction.SENT, at=AT + timedelta(seconds=second), headers=headers)


def got(second: float, **headers: str) -> Entry:
    return Entry(direction=Direction.RECEIVED, at=AT + timedelta(seconds=second), headers=headers)


def originate(second: float = 0, *, queue: str = "sales", timeout_s: int = 20) -> list[Entry]:
    """Return an Originate and its acknowledgement."""
    variables = [f"DLR_ATTEMPT={CALL_ID}", f"DLR_QUEUE={queue}"]
    asked = {"action": "Originate", "actionid": CALL_ID, "channelid": CALL_ID, "timeout": str(timeout_s * 1000)}
    return [
        sent(second, variable=variables, **asked),
        got(second, response="Success", actionid=CALL_ID, message="Originate successfully queued"),
        got(second, event="Newchannel", uniqueid=CALL_ID),
        got(second + 1, event="Newstate", uniqueid=CALL_ID, channelstate="5"),
    ]


def outcome(replayed: Replay) -> Outcome | None:
    (one,) = replayed.calls
    return one.outcome


def test_a_capture_of_what_the_exchange_sent_gives_each_calls_states_and_verdict(tmp_path: Path) -> None:
    capture = tmp_path / "busy.txt"
    capture.write_text(BUSY)
    replayed = replay_file(capture)
    (one,) = replayed.calls
    assert (one.call.call_id, one.outcome) == ("cap-486", Outcome.BUSY)
    assert [(step.state.value, step.what.split()[0]) for step in one.steps] == [
        ("sent", "accepted"),
        ("dialling", "Dialling"),
        ("ringing", "Ringing"),
        ("ringing", "DialEnded"),
        ("ringing", "OriginateEnded"),
        ("ended", "HungUp"),
    ]
    assert one.steps[-1].at == datetime.fromtimestamp(1795307327.915970, UTC)
    assert replayed.messages == 8


def test_line_ends_make_no_difference(tmp_path: Path) -> None:
    crlf = list(entries_of([BUSY.replace("\n", "\r\n").encode()]))
    assert replay_json(replay(crlf)) == replay_json(replay(entries_of([BUSY.encode()])))


@pytest.mark.parametrize(("name", "expected"), CAPTURES.items())
def test_real_captures_end_as_they_ended(name: str, expected: Outcome) -> None:
    path = Path(__file__).parent.parent / "telephony" / "ami" / "captures" / f"{name}.txt"
    assert outcome(replay_file(path)) is expected


async def test_a_recorded_call_has_the_events_and_the_verdict_of_the_day(tmp_path: Path) -> None:
    with Transcript(tmp_path, server="a", now=lambda: datetime.now(UTC)) as transcript:
        async with AmiPeer() as peer, linked(peer, observers={"a": transcript}) as link:
            await link.network.live_calls("a")  # as the daemon asks once the link is up
            await link.network.originate(call(CALL_ID))
            peer.session.send("Event: Newchannel", f"Uniqueid: {CALL_ID}")
            peer.session.send("Event: Newstate", f"Uniqueid: {CALL_ID}", "ChannelState: 5")
            peer.session.send("Event: Hangup", f"Uniqueid: {CALL_ID}", "Cause: 19", "Cause-txt: no answer")
            await link.log.first(HungUp, call_id=CALL_ID)
            unplaced = CALL_ID.replace("1", "2")
            await link.network.originate(call(unplaced))
            peer.session.send("Event: OriginateResponse", f"ActionID: {unplaced}", "Response: Failure", "Reason: 0")
            await link.log.first(OriginateEnded, call_id=unplaced)
    replayed = replay_file(transcript.path)
    one, other = replayed.calls
    assert (one.call.call_id, one.outcome, one.has_agents) == (CALL_ID, Outcome.NO_ANSWER, False)
    assert [step.state.value for step in one.steps] == ["new", "sent", "dialling", "ringing", "ended"]
    assert (other.call.call_id, other.outcome) == (unplaced, Outcome.FAILED)
    assert other.steps[-1].what.startswith("HungUp")
    assert replayed.links == 1


def test_a_call_that_we_took_back_while_it_rang_is_cancelled() -> None:
    hang_up = [
        sent(3, action="Hangup", channel=CALL_ID),
        got(3, event="Hangup", uniqueid=CALL_ID, cause="16"),
    ]
    assert outcome(replay(originate() + hang_up)) is Outcome.CANCELLED


def test_a_call_that_we_ended_after_its_ring_time_was_not_answered() -> None:
    hang_up = [
        sent(21, action="Hangup", channel=CALL_ID),
        got(21, event="Hangup", uniqueid=CALL_ID, cause="0"),
    ]
    assert outcome(replay(originate() + hang_up)) is Outcome.NO_ANSWER


@pytest.mark.parametrize(("queue", "expected"), [("sales", Outcome.ABANDONED), ("", Outcome.PLAYED)])
def test_the_originates_queue_tells_whether_the_campaign_has_agents(queue: str, expected: Outcome) -> None:
    answered = [
        got(5, event="UserEvent", userevent="DlrAnswered", uniqueid=CALL_ID),
        got(9, event="Hangup", uniqueid=CALL_ID, cause="16"),
    ]
    assert outcome(replay(originate(queue=queue) + answered)) is expected


@pytest.mark.parametrize(("amd", "expected"), [("1", Outcome.ABANDONED_SHORT), ("", Outcome.ABANDONED)])
def test_where_machines_are_looked_for_patience_begins_with_the_end_of_the_greeting(
    amd: str, expected: Outcome
) -> None:
    first, *others = originate(queue="sales")
    given = [*first.headers["variable"], f"DLR_AMD={amd}"]
    answered = [
        got(5, event="UserEvent", userevent="DlrAnswered", uniqueid=CALL_ID),
        got(8, event="UserEvent", userevent="DlrAmd", uniqueid=CALL_ID, status="HUMAN", cause="HUMAN-800-800"),
        got(9, event="HangupRequest", uniqueid=CALL_ID, cause="16"),
        got(9, event="Hangup", uniqueid=CALL_ID, cause="16"),
    ]
    entries = [replace(first, headers={**first.headers, "variable": given}), *others, *answered]
    assert outcome(replay(entries)) is expected


def test_a_refused_originate_has_its_reason() -> None:
    first = originate()[0]
    answer = got(0, response="Error", actionid=CALL_ID, message="Extension does not exist.")
    (one,) = replay([first, answer]).calls
    assert (one.outcome, one.call.evidence.error) == (Outcome.FAILED, "Extension does not exist.")


def test_events_of_a_call_that_was_refused_are_shown_as_ignored() -> None:
    first = originate()[0]
    answer = got(0, response="Error", actionid=CALL_ID, message="Extension does not exist.")
    replayed = replay([first, answer, got(1, event="Newchannel", uniqueid=CALL_ID)])
    assert outcome(replayed) is Outcome.FAILED
    assert replayed.calls[0].steps[-1].is_illegal
    assert any(line.endswith("Dialling  after its end: ignored") for line in replay_lines(replayed))


def test_a_refusal_of_something_else_is_no_call() -> None:
    entries = [sent(0, action="Filter", actionid="7"), got(0, response="Error", actionid="7", message="denied")]
    assert replay(entries).calls == ()


def test_what_comes_after_the_end_is_shown_and_changes_nothing() -> None:
    late = [
        got(5, event="Hangup", uniqueid=CALL_ID, cause="17"),
        got(6, event="OriginateResponse", response="Failure", reason="5", actionid=CALL_ID, uniqueid=CALL_ID),
        got(7, event="Newstate", uniqueid=CALL_ID, channelstate="6"),
    ]
    (one,) = replay(originate() + late).calls
    assert one.outcome is Outcome.BUSY
    assert one.steps[-1].what == "OriginateEnded success=False reason=5"


def test_a_call_that_goes_on_at_the_end_has_no_verdict() -> None:
    replayed = replay(originate())
    assert outcome(replayed) is None
    assert replay_lines(replayed)[0].endswith("still going on")
    assert replay_json(replayed)["items"][0]["outcome"] is None


def live(second: float, *channels: dict[str, str]) -> list[Entry]:
    """Return a link that comes up, and what it says of the channels that are up."""
    at = AT + timedelta(seconds=second)
    return [
        Entry(direction=Direction.NOTE, at=at, headers={}, note="lost: cut"),
        Entry(direction=Direction.NOTE, at=at, headers={}, note="connected"),
        *(got(second, event="CoreShowChannel", **channel) for channel in channels),
        got(second, event="CoreShowChannelsComplete"),
    ]


def test_a_call_found_after_a_lost_link_goes_on() -> None:
    channel = {
        "uniqueid": CALL_ID,
        "channelstate": "6",
        "duration": "00:00:09",
        "bridgeid": "b",
        "channel": "PJSIP/x-1",
    }
    agent = {"uniqueid": "1.2", "channelstate": "6", "bridgeid": "b", "channel": "PJSIP/100-00000001"}
    end = got(30, event="Hangup", uniqueid=CALL_ID, cause="16")
    (one,) = replay([*originate(), *live(10, channel, agent), end]).calls
    assert (one.outcome, one.call.agent) == (Outcome.CONNECTED, "PJSIP/100")


def test_a_call_that_ended_while_the_link_was_lost_has_a_verdict_too() -> None:
    answered = got(5, event="Newstate", uniqueid=CALL_ID, channelstate="6")
    (one,) = replay([*originate(), answered, *live(10)]).calls
    assert one.is_gone
    assert one.call.state is CallState.ANSWERED
    assert one.outcome is Outcome.LOST


@pytest.mark.parametrize("content", [b"", b"\x00\x01\xff", b"hello\n\nworld: 7\n"])
def test_a_file_that_is_no_transcript_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(DiallerError, match=r"x: expected a transcript"):
        replay_file(tmp_path / "x")
    with pytest.raises(DiallerError, match="No such file"):
        replay_file(tmp_path / "y")


SETTINGS = {
    "store": {"url": "sqlite:///records.db"},
    "asterisk": [{"name": "main"}, {"name": "second"}],
}


def test_the_debug_variable_begins_a_transcript_for_each_server(tmp_path: Path) -> None:
    settings = settings_from(SETTINGS, file="x.toml", base=tmp_path)
    environ = {"DIALLER_DEBUG": "ami", "DIALLER_DEBUG_DIR": str(tmp_path / "debug")}
    begun = transcripts(settings, SystemClock(), environ)
    assert sorted(begun) == ["main", "second"]
    assert {transcript.path.parent for transcript in begun.values()} == {tmp_path / "debug"}
    for transcript in begun.values():
        transcript.close()
    assert transcripts(settings, SystemClock(), {}) == {}


def test_transcripts_go_to_the_state_folder_by_themselves(tmp_path: Path) -> None:
    settings = settings_from(SETTINGS, file="x.toml", base=tmp_path)
    assert debug_folder(settings, {"STATE_DIRECTORY": "/var/lib/dialler:/x"}) == Path("/var/lib/dialler/debug")
    assert debug_folder(settings, {}) == tmp_path / "debug"


def test_an_unknown_debug_word_or_a_folder_that_can_not_be_is_a_mistake(tmp_path: Path) -> None:
    settings = settings_from(SETTINGS, file="x.toml", base=tmp_path)
    with pytest.raises(SettingsError, match=r"DIALLER_DEBUG.*sip"):
        transcripts(settings, SystemClock(), {"DIALLER_DEBUG": "ami,sip"})
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match="DIALLER_DEBUG_DIR"):
        transcripts(settings, SystemClock(), {"DIALLER_DEBUG": "ami", "DIALLER_DEBUG_DIR": f"{tmp_path}/file/x"})
