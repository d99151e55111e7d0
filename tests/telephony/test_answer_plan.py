"""What is said to the exchange about an answered call."""

from typing import Any

import pytest

from telephony.answer_plan import AnswerPlan, KeyAction


@pytest.mark.parametrize("sound", ["", "a b", "x,y", "${X}", "x\r\nAction: Command", "x)", "a" * 201, "é"])
def test_a_sound_that_a_dialplan_would_take_apart_is_refused(sound: str) -> None:
    with pytest.raises(ValueError, match="harbour must be the name of a sound"):
        AnswerPlan(harbour=sound)
    with pytest.raises(ValueError, match="machine_sound must be the name of a sound"):
        AnswerPlan(machine_sound=sound)


@pytest.mark.parametrize("key", ["", "99", "A", "٣"])
def test_an_opt_out_key_is_one_key(key: str) -> None:
    with pytest.raises(ValueError, match="optout_key must be one of the keys"):
        AnswerPlan(optout_key=key)


def test_names_and_keys_as_they_are_used_are_taken() -> None:
    AnswerPlan(harbour="dlr/harbour&custom/en_US-2", optout_key="#")
    AnswerPlan(harbour="/srv/sounds/harbour.v2", optout_key="*")


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"message": "a b"}, "message must be the name of a sound"),
        ({"message_keys": {"10": KeyAction.REPLAY}}, "message_keys must be of the keys 0 to 9"),
        ({"message_keys": {"5": KeyAction.REPLAY}, "optout_key": "5"}, "key '5' is the one to opt out"),
        ({"message_keys": {"1": KeyAction.QUEUE}}, "message_queue must be a queue of agents"),
    ],
)
def test_a_message_and_its_keys_are_checked(facts: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        AnswerPlan(**facts)
