"""Transcripts of a link: what is in them, what is not, and that they end somewhere."""

import logging
import os
import stat
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony.ami.transcript import (
    FILES_MAX,
    Direction,
    Entry,
    Transcript,
    _entry,
    entries_of,
    masked,
    read_transcript,
)
from telephony.ami.wire import encode
from telephony.events import HungUp
from tests.support.ami_link import call, linked
from tests.support.ami_peer import AmiPeer

AT = datetime(2026, 6, 1, 15, 0, 0, 250_000, tzinfo=UTC)
CALL_ID = "0199b1f6-0000-7000-8000-000000000001"


def now() -> datetime:
    return AT


def headers_of(entries: Sequence[Entry], direction: Direction) -> list[str]:
    return [
        str(entry.headers.get("action") or entry.headers.get("event"))
        for entry in entries
        if entry.direction is direction
    ]


async def test_all_that_goes_over_a_link_is_in_its_transcript_and_no_secret(tmp_path: Path) -> None:
    with Transcript(tmp_path, server="a", now=now) as transcript:
        async with AmiPeer() as peer, linked(peer, observers={"a": transcript}) as link:
            await link.network.originate(call(CALL_ID))
            peer.session.send("Event: Newchannel", f"Uniqueid: {CALL_ID}")
            peer.session.send("Event: Hangup", f"Uniqueid: {CALL_ID}", "Cause: 17")
            await link.log.first(HungUp, call_id=CALL_ID)
            sent = [action["action"][0] for action in peer.actions]
    entries = list(read_transcript(transcript.path))
    assert headers_of(entries, Direction.SENT)[: len(sent)] == sent
    received = headers_of(entries, Direction.RECEIVED)
    assert {"FullyBooted", "Newchannel", "Hangup"} <= set(received)
    notes = [entry.note for entry in entries if entry.direction is Direction.NOTE]
    assert notes[0] == "connected"
    assert notes[-1].startswith("lost: ")
    written = transcript.path.read_text()
    login = next(entry.headers for entry in entries if entry.headers.get("action") == "Login")
    assert login["key"] == "***"
    assert login["username"] == "dialler"
    assert "12345" not in written  # the challenge
    assert "test-secret" not in written


def test_a_transcript_is_for_its_owners_eyes_only_and_named_by_server_and_start(tmp_path: Path) -> None:
    previous = os.umask(0)
    try:
        with Transcript(tmp_path / "new", server="main", now=now) as transcript:
            pass
    finally:
        os.umask(previous)
    assert transcript.path.name == "ami-main-20260601T150000Z.log"
    assert stat.S_IMODE(transcript.path.stat().st_mode) == 0o600


def test_a_transcript_keeps_its_end_when_it_grows_beyond_its_bounds(tmp_path: Path) -> None:
    with Transcript(tmp_path, server="a", now=now, file_bytes_max=1000) as transcript:
        for number in range(200):
            transcript(Direction.RECEIVED, f"Event: E{number}\r\n".encode())
    kept = headers_of(list(read_transcript(transcript.path)), Direction.RECEIVED)
    assert kept == [f"E{number}" for number in range(200 - len(kept), 200)]
    assert len(kept) > 10
    sizes = [path.stat().st_size for path in tmp_path.iterdir()]
    assert len(sizes) == 2
    assert max(sizes) <= 1100


def test_only_the_last_transcripts_of_a_server_stay(tmp_path: Path) -> None:
    other = tmp_path / "ami-b-20200101T000000Z.log"
    other.touch()
    for number in range(FILES_MAX + 3):
        at = AT + timedelta(minutes=number)
        with Transcript(tmp_path, server="a", now=lambda at=at: at) as transcript:  # type: ignore[misc]
            os.utime(transcript.path, (at.timestamp(), at.timestamp()))
    names = sorted(path.name for path in tmp_path.glob("ami-a-*"))
    assert names == [f"ami-a-20260601T15{number:02}00Z.log" for number in range(3, FILES_MAX + 3)]
    assert other.exists()


def test_two_starts_in_one_second_have_transcripts_of_their_own(tmp_path: Path) -> None:
    with Transcript(tmp_path, server="a", now=now) as one, Transcript(tmp_path, server="a", now=now) as other:
        assert one.path != other.path


def test_a_full_disk_ends_the_transcript_and_nothing_else(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    with Transcript(tmp_path, server="a", now=now) as transcript:
        transcript._file = open("/dev/full", "wb", buffering=0)  # noqa: SIM115 - the transcript closes it
        with caplog.at_level(logging.ERROR):
            transcript(Direction.RECEIVED, b"Event: A")
            transcript(Direction.RECEIVED, b"Event: B")
    assert [record.message for record in caplog.records] == ["the transcript ends: No space left on device"]


@pytest.mark.parametrize("line", [b"Secret: x y", b"secret:x y", b"Key: x y", b"Challenge: x y", b"PASSWORD: x y"])
def test_secrets_are_masked_wherever_they_stand(line: bytes) -> None:
    assert b"x y" not in masked(b"Action: Login\r\n" + line + b"\r\nUsername: x")
    assert masked(line + b"\r\nUsername: x").endswith(b"***\r\nUsername: x")


def test_a_header_that_only_ends_like_a_secret_is_left_alone() -> None:
    assert masked(b"CauseKey: 1\r\nMessage: Key: 2") == b"CauseKey: 1\r\nMessage: Key: 2"


TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0"), max_size=20)


@given(st.lists(st.tuples(st.sampled_from(["Event", "Message", "Variable"]), TEXTS), min_size=1, max_size=5))
def test_what_is_written_reads_back_the_same(headers: list[tuple[str, str]]) -> None:
    given_headers: dict[str, str | list[str]] = {}
    for key, value in headers:
        before = given_headers.get(key)
        given_headers[key] = value if before is None else [*([before] if isinstance(before, str) else before), value]
    data = _entry(Direction.SENT, encode(given_headers), AT) + _entry(Direction.NOTE, b"lost: x\r\ny", AT)
    message, note = entries_of([data])
    assert (message.direction, message.at) == (Direction.SENT, AT)
    assert message.headers == {key.lower(): value for key, value in given_headers.items()}
    assert (note.direction, note.note) == (Direction.NOTE, "lost: x  y")


def test_a_value_can_not_forge_another_message() -> None:
    forged = b"Event: A\r\nCallerIDName: x\n\n>>> 2026-06-01T15:00:00+00:00\nAction: Originate"
    (entry,) = entries_of([_entry(Direction.RECEIVED, forged, AT)])
    assert entry.direction is Direction.RECEIVED
    assert set(entry.headers) == {"event", "calleridname"}


def test_a_bare_capture_is_what_was_received_at_the_times_that_it_tells() -> None:
    capture = b"Response: Success\n\nEvent: A\nTimestamp: 1780326000.250000\n\nEvent: B\n\n\n"
    first, second, third = entries_of([capture])
    assert [entry.direction for entry in (first, second, third)] == [Direction.RECEIVED] * 3
    assert [entry.at for entry in (first, second, third)] == [None, AT, AT]
