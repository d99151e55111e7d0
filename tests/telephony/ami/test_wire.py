"""AMI on the wire: framing, parsing, encoding."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telephony.ami.wire import (
    END_OF_MESSAGE,
    LINE_MAX,
    LINES_MAX,
    MESSAGE_MAX,
    Framer,
    MessageTooLong,
    encode,
    event_name,
    parse,
    variable,
)

values = st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"]), max_size=30)
keys = st.from_regex(r"[A-Za-z][A-Za-z0-9-]{0,12}", fullmatch=True)
headers = st.dictionaries(keys, values, min_size=1, max_size=6)


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(edges)]


@settings(max_examples=200)
@given(messages=st.lists(headers, max_size=6), places=st.lists(st.integers(min_value=0), max_size=20))
def test_any_chunking_of_the_same_bytes_gives_the_same_messages(
    messages: list[dict[str, str]], places: list[int]
) -> None:
    raw = [encode(message) for message in messages]
    framer = Framer()
    received = [message for chunk in cut(b"".join(raw), places) for message in framer.feed(chunk)]
    assert received == [message.removesuffix(END_OF_MESSAGE) for message in raw]


@settings(max_examples=100)
@given(headers)
def test_what_is_encoded_is_parsed_again(message: dict[str, str]) -> None:
    store = parse(encode(message).removesuffix(END_OF_MESSAGE))
    wanted: dict[str, list[str]] = {}
    for key, value in message.items():
        wanted.setdefault(key.lower(), []).append(value)
    got = {key: value if isinstance(value, list) else [value] for key, (_, value) in store.items()}
    assert got == wanted


def test_a_message_sent_byte_by_byte_arrives_whole() -> None:
    framer = Framer()
    name = "Событие José".encode()
    received = [m for byte in b"Event: X\r\nName: " + name + END_OF_MESSAGE for m in framer.feed(bytes([byte]))]
    assert [parse(message)["name"][1] for message in received] == ["Событие José"]


def test_a_mebibyte_without_the_end_of_a_message_is_too_long() -> None:
    framer = Framer()
    for _ in range(MESSAGE_MAX // 65536):
        framer.feed(b"x" * 65536)
    with pytest.raises(MessageTooLong):
        framer.feed(b"x")


def test_a_message_that_ends_beyond_the_limit_is_too_long_as_well() -> None:
    framer = Framer()
    framer.feed(b"x" * MESSAGE_MAX)
    with pytest.raises(MessageTooLong):
        framer.feed(b"x" + END_OF_MESSAGE + b"Event: X" + END_OF_MESSAGE)


def test_messages_that_end_are_not_counted_against_the_limit() -> None:
    framer = Framer()
    message = b"Event: X" + END_OF_MESSAGE
    assert sum(len(framer.feed(message * 10_000)) for _ in range(12)) == 120_000


def test_empty_values_and_repeated_keys_are_kept() -> None:
    store = parse(b"Event: A\r\nAccountCode: \r\nBare:\r\nVar: 1\r\nVAR: 2\r\nvar: 3\r\nno colon here\r\nUrl: sip:1@h")
    assert {key: value for key, (_, value) in store.items()} == {
        "event": "A",
        "accountcode": "",
        "bare": "",
        "var": ["1", "2", "3"],
        "url": "sip:1@h",
    }


def test_bytes_that_are_not_utf8_become_replacement_characters() -> None:
    assert parse(b"Name: a\xffb")["name"][1] == "a\ufffdb"


def test_the_name_of_an_event_is_read_without_parsing() -> None:
    assert event_name(b"Event: Hangup\r\nEvent: Other") == b"Hangup"
    assert event_name(b"Event: Hangup") == b"Hangup"
    assert event_name(b"Response: Success\r\nEvent: no") is None


@pytest.mark.parametrize("bad", ["x\r\nAction: Command", "x\ny", "x\ry", "x\0y"])
def test_a_value_that_would_start_another_header_is_refused(bad: str) -> None:
    with pytest.raises(ValueError, match="line break"):
        encode({"Action": "Originate", "CallerID": bad})
    with pytest.raises(ValueError, match="line break"):
        encode({"Action": "Originate", "Variable": ["ok=1", bad]})


@pytest.mark.parametrize("bad", ["", "A B", "A:", "A\r\nB", "Ä", "1A"])
def test_a_key_that_is_not_a_plain_name_is_refused(bad: str) -> None:
    with pytest.raises(ValueError, match="name of an AMI header"):
        encode({bad: "x"})


def test_lines_and_messages_longer_than_asterisk_takes_are_refused() -> None:
    encode({"A": "x" * (LINE_MAX - 3)})
    with pytest.raises(ValueError, match="bytes"):
        encode({"A": "x" * (LINE_MAX - 2)})
    with pytest.raises(ValueError, match="bytes"):
        encode({"A": "é" * (LINE_MAX // 2)})
    encode({"A": ["x"] * LINES_MAX})
    with pytest.raises(ValueError, match="headers"):
        encode({"A": ["x"] * (LINES_MAX + 1)})


def test_a_variable_can_not_become_two_nor_a_function() -> None:
    assert variable("NAME", "Smith, John (Jr)") == r"NAME=Smith\, John \(Jr\)"
    assert variable("__DLR_X", 'a"b\\c') == r"__DLR_X=a\"b\\c"
    for bad in ("CALLERID(num)", "A=B", "A,B", "", "___A"):
        with pytest.raises(ValueError, match="channel variable"):
            variable(bad, "x")
