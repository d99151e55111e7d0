import pytest

from telephony.causes import SIP_CAUSES, Cause, cause_of_sip, cause_text


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        (404, 1),
        (484, 28),
        (410, 22),
        (486, 17),
        (600, 17),
        (480, 19),
        (408, 18),
        (403, 21),
        (603, 21),
        (607, 127),
        (487, 127),
        (488, 58),
        (500, 38),
        (502, 27),
        (503, 34),
        (504, 102),
    ],
)
def test_a_sip_response_has_the_cause_that_asterisk_gives_it(code: int, cause: int) -> None:
    assert cause_of_sip(code) == cause


def test_unlisted_responses_go_by_their_class() -> None:
    unlisted = [code for code in range(400, 700) if code not in SIP_CAUSES]
    assert {cause_of_sip(code) for code in unlisted if 500 <= code < 600} == {Cause.CIRCUIT_CONGESTION}
    assert {cause_of_sip(code) for code in unlisted if not 500 <= code < 600} == {Cause.INTERWORKING}
    assert cause_of_sip(200) is Cause.NORMAL_CLEARING


def test_a_cause_is_a_number_with_its_text() -> None:
    assert Cause(17) is Cause.USER_BUSY
    assert Cause.USER_BUSY == 17
    assert cause_text(17) == Cause.USER_BUSY.text == "User busy"
    assert cause_text(201) == "Unknown cause 201"
