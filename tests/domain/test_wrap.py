from dataclasses import replace
from datetime import timedelta

import pytest

from dialler.domain.dnc_scope import DncScope
from dialler.domain.outcome import Outcome
from dialler.domain.session import Session, SessionStatus
from dialler.domain.wrap import NO_WRAP, WRAP_CODES, UnknownWrapCode, WrapCode, apply_wrap, wrap_code
from dialler.errors import Conflict, UsageError
from tests.support.values import NOON, a_session

LATER = NOON + timedelta(minutes=5)


def a_talk(status: SessionStatus = SessionStatus.PROCESSING) -> Session:
    return a_session(status=status, outcome=Outcome.CONNECTED)


def wrapped(session: Session, code: str) -> Session:
    return apply_wrap(session, wrap_code(code), note=None, by="ann", at=NOON)[0]


@pytest.mark.parametrize(
    ("code", "status", "completes"),
    [
        ("SALE", "complete", True),
        ("UPDATED", "complete", True),
        ("REFUSED", "rejected", True),
        ("DNC", "rejected", True),
        ("CALLBACK", "complete", False),
        ("INTERRUPTED", "expired", False),
        ("NOT_AVAILABLE", "complete", False),
        ("WRONG_NUMBER", "failed", False),
        ("DECEASED", "complete", True),
        ("NOT_ELIGIBLE", "complete", True),
        ("ANSWER_MACHINE", "expired", False),
        ("SILENT", "complete", False),
        ("LANGUAGE", "complete", False),
        ("OUT_OF_HOURS_THERE", "complete", False),
        ("NONE", "expired", False),
    ],
)
def test_the_shipped_codes_close_a_talk_as_the_table_says(code: str, status: str, completes: bool) -> None:
    assert wrapped(a_talk(), code).status == status
    assert wrap_code(code).completes_lead is completes


def test_the_table_has_no_other_codes_and_says_who_must_not_be_called() -> None:
    assert len(WRAP_CODES) == 15
    assert [code.code for code in WRAP_CODES.values() if code.dnc is not DncScope.NONE] == ["DNC"]
    assert [code.code for code in WRAP_CODES.values() if code.number_bad] == ["WRONG_NUMBER"]
    assert [code.code for code in WRAP_CODES.values() if not code.active] == ["NONE"]


def test_a_code_is_found_in_any_case_and_an_unknown_one_lists_those_there_are() -> None:
    assert wrap_code(" sale ") is WRAP_CODES["SALE"]
    with pytest.raises(UnknownWrapCode, match=r"'SOLD'.*SALE, UPDATED, REFUSED") as caught:
        wrap_code("SOLD")
    assert isinstance(caught.value, UsageError)
    assert isinstance(caught.value, ValueError)


def test_the_first_code_is_no_edit() -> None:
    session, old = apply_wrap(a_talk(), wrap_code("SALE"), note="monthly", by="ann", at=NOON)
    assert (session.wrap_code, session.wrap_note, session.wrapped_at, old) == ("SALE", "monthly", NOON, None)
    assert session.wrap_edited_by is None


def test_a_later_code_is_an_edit_and_hands_back_the_old_one() -> None:
    first, _ = apply_wrap(a_talk(), wrap_code("SALE"), note="monthly", by="ann", at=NOON)
    session, old = apply_wrap(first, wrap_code("REFUSED"), note=None, by="bob", at=LATER)
    assert (session.status, session.wrap_code, old) == (SessionStatus.REJECTED, "REFUSED", "SALE")
    assert (session.wrapped_at, session.wrap_edited_by, session.wrap_edited_at) == (NOON, "bob", LATER)
    assert session.wrap_note == "monthly"


def test_a_talk_that_was_closed_without_a_code_may_get_one_by_hand() -> None:
    session = wrapped(a_talk(SessionStatus.COMPLETE), "REFUSED")
    assert (session.status, session.wrapped_at, session.wrap_edited_by) == (SessionStatus.REJECTED, NOON, None)


@pytest.mark.parametrize("code", ["WRONG_NUMBER", "INTERRUPTED", "NONE"])
def test_an_edit_that_would_reopen_or_fail_a_closed_session_changes_only_the_code(code: str) -> None:
    session = wrapped(a_talk(SessionStatus.COMPLETE), code)
    assert (session.status, session.wrap_code) == (SessionStatus.COMPLETE, code)
    late = wrapped(wrapped(a_talk(), NO_WRAP.code), "SALE")
    assert (late.status, late.wrap_code) == (SessionStatus.EXPIRED, "SALE")


def test_a_call_under_way_can_not_be_wrapped_up() -> None:
    with pytest.raises(Conflict, match="still under way"):
        wrapped(a_session(status=SessionStatus.PROCESSING), "SALE")


def test_a_code_may_require_a_note() -> None:
    code = replace(wrap_code("REFUSED"), requires_note=True)
    with pytest.raises(UsageError, match="REFUSED needs a note"):
        apply_wrap(a_talk(), code, note=" ", by="ann", at=NOON)
    assert apply_wrap(a_talk(), code, note="moved", by="ann", at=NOON)[0].wrap_note == "moved"


def test_a_code_checks_itself_at_birth() -> None:
    for wrong in ({"code": "sale"}, {"session_status": SessionStatus.PROCESSING}, {"cooldown_days": -1}):
        values = {"code": "X", "label": "x", "category": "x", "session_status": SessionStatus.COMPLETE} | wrong
        with pytest.raises(ValueError, match=r"."):
            WrapCode(**values)  # type: ignore[arg-type]


@pytest.mark.parametrize("outcome", Outcome)
def test_who_was_talked_to_is_said_only_where_a_person_answered_or_nobody_knows(outcome: Outcome) -> None:
    session = a_session(status=SessionStatus.EXPIRED, outcome=outcome)
    talks = {"SALE", "UPDATED", "REFUSED", "DNC", "CALLBACK"}
    nobody = {"MACHINE", "MACHINE_MESSAGE", "FAX", "NO_ANSWER", "BUSY", "REJECTED_CALL", "UNREACHABLE", "BLOCKED"}
    nobody |= {"INVALID_NUMBER", "NO_ROUTE", "CONGESTION", "FAILED", "CANCELLED"}
    for code in WRAP_CODES:
        if code in talks and outcome in nobody:
            with pytest.raises(Conflict, match=f"was {outcome}: .* can't be {code}; .*WRONG_NUMBER"):
                wrapped(session, code)
        else:
            assert wrapped(session, code).wrap_code == code
