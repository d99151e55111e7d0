"""Wrap codes: what the people agreed, said by the agent after the talk."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from dialler.domain.dnc_scope import DncScope
from dialler.domain.outcome import TRAITS, Outcome
from dialler.domain.session import STATUS_TRANSITIONS, Session, SessionStatus
from dialler.errors import Conflict, UsageError


class Callback(StrEnum):
    """Whether a wrap code comes with a time to call back."""

    NONE = "none"
    OPTIONAL = "optional"
    REQUIRED = "required"


@dataclass(frozen=True, slots=True, kw_only=True)
class WrapCode:
    """A wrap code and what follows from it."""

    code: str
    label: str
    category: str
    session_status: SessionStatus
    completes_lead: bool = False
    contact: bool = False
    """Spoke to the right person."""

    success: bool = False
    dnc: DncScope = DncScope.NONE
    number_bad: bool = False
    callback: Callback = Callback.NONE
    cooldown_days: int = 0
    """Days for which the person must not be called again by anyone."""

    requires_note: bool = False
    sort: int = 0
    active: bool = True
    """Whether agents may choose it."""

    def __post_init__(self) -> None:
        if not self.code or self.code != self.code.upper():
            raise ValueError(f"a wrap code is written in upper case, got {self.code!r}")
        if self.session_status.is_open:
            raise ValueError(f"wrap code {self.code} must close the session, got {self.session_status}")
        if self.cooldown_days < 0:
            raise ValueError(f"cooldown_days of {self.code} must be 0 or more, got {self.cooldown_days}")


class UnknownWrapCode(UsageError, ValueError):
    """There is no such wrap code; the text lists those there are."""


_COMPLETE, _REJECTED = SessionStatus.COMPLETE, SessionStatus.REJECTED
_EXPIRED, _FAILED = SessionStatus.EXPIRED, SessionStatus.FAILED


def _code(
    code: str,
    label: str,
    category: str,
    session_status: SessionStatus,
    *,
    completes: bool = False,
    contact: bool = False,
    success: bool = False,
    dnc: DncScope = DncScope.NONE,
    number_bad: bool = False,
    callback: Callback = Callback.NONE,
    active: bool = True,
) -> WrapCode:
    return WrapCode(
        code=code,
        label=label,
        category=category,
        session_status=session_status,
        completes_lead=completes,
        contact=contact,
        success=success,
        dnc=dnc,
        number_bad=number_bad,
        callback=callback,
        active=active,
    )


_SHIPPED = (
    _code("SALE", "Agreed", "success", _COMPLETE, completes=True, contact=True, success=True),
    _code("UPDATED", "Changed an agreement", "success", _COMPLETE, completes=True, contact=True, success=True),
    _code("REFUSED", "Not interested", "refusal", _REJECTED, completes=True, contact=True),
    _code("DNC", "Do not call again", "refusal", _REJECTED, completes=True, contact=True, dnc=DncScope.ALL),
    _code("CALLBACK", "Call back", "callback", _COMPLETE, contact=True, callback=Callback.REQUIRED),
    _code("INTERRUPTED", "Interrupted, contact again", "unfinished", _EXPIRED, callback=Callback.OPTIONAL),
    _code("NOT_AVAILABLE", "Somebody else answered", "no contact", _COMPLETE, callback=Callback.OPTIONAL),
    _code("WRONG_NUMBER", "Wrong number", "bad data", _FAILED, number_bad=True),
    _code("DECEASED", "Deceased", "closed", _COMPLETE, completes=True),
    _code("NOT_ELIGIBLE", "Not eligible", "closed", _COMPLETE, completes=True),
    _code("ANSWER_MACHINE", "Answering machine", "machine", _EXPIRED),
    _code("SILENT", "Nobody spoke", "no contact", _COMPLETE),
    _code("LANGUAGE", "Another language", "no contact", _COMPLETE),
    _code("OUT_OF_HOURS_THERE", "Out of hours where they are", "no contact", _COMPLETE),
    _code("NONE", "No wrap code in time", "system", _EXPIRED, active=False),
)

WRAP_CODES: Final[Mapping[str, WrapCode]] = {code.code: replace(code, sort=n) for n, code in enumerate(_SHIPPED)}
"""The shipped wrap codes, in the order in which they are shown."""

NO_WRAP: Final = WRAP_CODES["NONE"]
"""Set by the engine when the deadline for the wrap code passes."""


def wrap_code(code: str) -> WrapCode:
    """Return a shipped wrap code by its name, in any case. Raises UnknownWrapCode."""
    try:
        return WRAP_CODES[code.strip().upper()]
    except KeyError:
        raise UnknownWrapCode(f"no wrap code {code!r}; there are {', '.join(WRAP_CODES)}") from None


def apply_wrap(
    session: Session, code: WrapCode, *, note: str | None, by: str, at: datetime
) -> tuple[Session, str | None]:
    """Return the session with its wrap code, and the code that it had before (None: it had none).

    The first code closes a session that waited for it. A later one is an edit, by `by` at `at`: it moves the
    status between Complete and Rejected; where it would mean any other move the status stays, since it
    says how far the attempt got, and only the code changes. The caller notes the old code in the audit.

    Raises Conflict while the call has not ended, and for a code that says who was talked to where no person answered;
    UsageError where the code needs a note and none is given.
    """
    if session.outcome is None:
        raise Conflict(f"session {session.session_id} is still under way: it can be wrapped up once its call has ended")
    # Of a lost call nobody knows but who talked.
    if code.contact and not TRAITS[session.outcome].live and session.outcome is not Outcome.LOST:
        others = ", ".join(each.code for each in WRAP_CODES.values() if not each.contact and each.active)
        raise Conflict(
            f"session {session.session_id} was {session.outcome}: no person answered, so it can't be {code.code};"
            f" what can be said of it is {others}"
        )
    if code.requires_note and not (note or "").strip():
        raise UsageError(f"wrap code {code.code} needs a note")
    status = session.status
    if code.session_status in STATUS_TRANSITIONS[status]:
        status = code.session_status
    if session.wrap_code is None:
        done = replace(session, status=status, wrap_code=code.code, wrap_note=note, wrapped_at=at)
    else:
        note = session.wrap_note if note is None else note
        done = replace(
            session, status=status, wrap_code=code.code, wrap_note=note, wrap_edited_by=by, wrap_edited_at=at
        )
    return done, session.wrap_code
