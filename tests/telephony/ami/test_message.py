"""A header looked up in a message's bytes is the header that parsing the whole would give."""

from hypothesis import given
from hypothesis import strategies as st

from telephony.ami.message import AmiMessage
from telephony.ami.wire import parse

NAMES = ("Event", "Uniqueid", "DestUniqueid", "Cause", "Cause-txt", "Reason", "AccountCode")
values = st.text(st.characters(exclude_characters="\r\n", exclude_categories=("Cs",)), max_size=12)
headers = st.lists(st.tuples(st.sampled_from(NAMES), values), max_size=12)


def raw_of(lines: list[tuple[str, str]], colon: str = ": ") -> bytes:
    return "\r\n".join(f"{name}{colon}{value}" for name, value in lines).encode()


@given(headers, st.sampled_from(NAMES), st.sampled_from((str, str.lower, str.upper)))
def test_a_header_is_what_parsing_the_whole_message_gives(lines, name, spelled) -> None:  # type: ignore[no-untyped-def]
    raw = raw_of(lines)
    whole = parse(raw)
    expected = whole[name.lower()][1] if name.lower() in whole else None
    assert AmiMessage(raw).get(spelled(name)) == expected


def test_a_name_is_found_however_it_is_spelled_this_time() -> None:
    for raw in (b"Event: A\r\nUniqueid: 1", b"Event: A\r\nUNIQUEID: 1", b"Event: A\r\nUniqueID:1", b"uniqueid: 1"):
        assert AmiMessage(raw).get("uniqueid") == "1", raw


def test_a_name_inside_a_value_or_a_longer_name_is_not_a_header() -> None:
    message = AmiMessage(b"Event: A\r\nAppData: Cause: 16\r\nOtherCause: 17\r\nCause-txt: x")
    assert message.get("cause") is None


def test_a_missing_header_gives_the_default_and_an_empty_one_is_there() -> None:
    message = AmiMessage(b"Event: A\r\nAccountCode: \r\nLast: ")
    assert message.get("techcause", "none") == "none"
    assert (message.get("accountcode"), message.get("last")) == ("", "")


def test_a_repeated_header_is_the_list_of_its_values() -> None:
    assert AmiMessage(b"Event: A\r\nVariable: a\r\nVariable: b").get("variable") == ["a", "b"]


def test_bytes_that_are_not_utf8_become_replacement_characters() -> None:
    assert AmiMessage(b"Event: A\r\nName: Jos\xe9").get("name") == "Jos�"


def test_it_is_still_a_mapping_of_all_headers() -> None:
    message = AmiMessage(b"Response: Success\r\nActionID: 7\r\nVar: a\r\nVar: b")
    assert dict(message.items()) == {"Response": "Success", "ActionID": "7", "Var": ["a", "b"]}
    assert "actionID" in message and "event" not in message
    assert message.success
