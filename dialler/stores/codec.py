"""How values are stored: moments as integers, settings and rules as JSON. Private to the records.

A value is checked again when it is read, by its own dataclass. A key that is not there takes its default, so
that a new setting needs no migration; one that is not known is an error.
"""

from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from operator import attrgetter, itemgetter
from typing import Any, Final

import orjson

from dialler.domain import strategy
from dialler.domain.calling_hours import CallingHours, Interval
from dialler.domain.campaign import AbandonOver, AbandonPeriod, AmdUnsure, CampaignSettings, PreviewThen, Wrap
from dialler.domain.dnc_scope import DncScope
from dialler.domain.lead import NumberStatus, PhoneNumber
from dialler.domain.patience import PatienceStart
from dialler.domain.personal_callback import CallbacksTo
from dialler.domain.session import Evidence
from dialler.domain.strategy import StrategySettings
from dialler.errors import StoreError
from telephony.answer_plan import KeyAction

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def to_us(at: datetime) -> int:
    """Return an aware moment as microseconds since 1970, UTC."""
    return (at - EPOCH) // _MICROSECOND


def to_us_or_none(at: datetime | None) -> int | None:
    """As `to_us`; None stays None."""
    return None if at is None else (at - EPOCH) // _MICROSECOND


def from_us(us: int) -> datetime:
    """Return the moment, aware, UTC."""
    return EPOCH + timedelta(microseconds=us)


def from_us_or_none(us: int | None) -> datetime | None:
    """As `from_us`; None stays None."""
    return None if us is None else EPOCH + timedelta(microseconds=us)


def _plain(value: object) -> object:
    """Return what JSON knows for a value that it does not."""
    if isinstance(value, timedelta):
        return value // _MICROSECOND
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    return str(value)


def to_json(value: object) -> str:
    """Return JSON of plain values, dataclasses and mappings; a duration becomes its microseconds."""
    return orjson.dumps(value, default=_plain, option=orjson.OPT_NON_STR_KEYS).decode()


def json_object(text: str) -> dict[str, Any]:
    """Return the JSON object that `text` holds."""
    return {} if text == "{}" else orjson.loads(text)  # most are empty


def settings_to_json(settings: CampaignSettings) -> str:
    """Return a campaign's settings as JSON."""
    return to_json(settings)


def settings_from_json(text: str, *, where: str) -> CampaignSettings:
    """Return a campaign's settings. Raises StoreError, which names `where`, if they are not valid."""
    try:
        plain = orjson.loads(text)
        known = {one.name for one in fields(CampaignSettings)}
        if unknown := sorted(plain.keys() - known):
            raise ValueError(f"unknown settings {unknown}")
        if "hours" in plain:
            plain["hours"] = _hours(plain["hours"])
        if "wrap" in plain:
            plain["wrap"] = Wrap(plain["wrap"])
        if "patience_from" in plain:
            plain["patience_from"] = PatienceStart(plain["patience_from"])
        if "preview_then" in plain:
            plain["preview_then"] = PreviewThen(plain["preview_then"])
        if "callbacks_to" in plain:
            plain["callbacks_to"] = CallbacksTo(plain["callbacks_to"])
        if "amd_unsure" in plain:
            plain["amd_unsure"] = AmdUnsure(plain["amd_unsure"])
        if "optout_scope" in plain:
            plain["optout_scope"] = DncScope(plain["optout_scope"])
        if "abandon_over" in plain:
            plain["abandon_over"] = AbandonOver(plain["abandon_over"])
        if "abandon_periods" in plain:
            plain["abandon_periods"] = tuple(map(AbandonPeriod, plain["abandon_periods"]))
        if "message_keys" in plain:
            plain["message_keys"] = {key: KeyAction(action) for key, action in plain["message_keys"].items()}
        for name in ("trunks", "caller_ids"):
            if name in plain:
                plain[name] = tuple(plain[name])
        return CampaignSettings(**plain)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise StoreError(f"{where}: the stored settings are not valid: {error}") from error


def _hours(plain: Mapping[str, Any]) -> CallingHours:
    return CallingHours(
        week=tuple(_intervals(day) for day in plain["week"]),
        holidays=plain["holidays"],
        holiday_intervals=_intervals(plain["holiday_intervals"]),
    )


def _intervals(plain: list[Mapping[str, int]]) -> tuple[Interval, ...]:
    return tuple(Interval(one["start"], one["end"]) for one in plain)


def strategy_to_json(settings: StrategySettings) -> str:
    """Return a strategy's settings as JSON."""
    return to_json(strategy.settings_to_json(settings))


def strategy_from_json(text: str, *, where: str) -> StrategySettings:
    """Return a strategy's settings. Raises StoreError, which names `where`, if they are not valid."""
    try:
        return strategy.settings_from_json(orjson.loads(text))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise StoreError(f"{where}: the stored settings are not valid: {error}") from error


def numbers_to_json(numbers: tuple[PhoneNumber, ...]) -> str:
    """Return a lead's numbers as JSON: `[number, raw, status]` each, and how often they were reached, if ever."""
    return orjson.dumps(
        [(one.number, one.raw, one.status, *((one.reached,) if one.reached else ())) for one in numbers]
    ).decode()


def numbers_from_json(text: str) -> tuple[PhoneNumber, ...]:
    """Return a lead's numbers."""
    return tuple(
        PhoneNumber(number, raw, _NUMBER_STATUS[status], *reached)
        for number, raw, status, *reached in orjson.loads(text)
    )


_NUMBER_STATUS: Final = {each.value: each for each in NumberStatus}


def evidence_to_json(evidence: Evidence) -> str:
    """Return what is known of the evidence as JSON."""
    if evidence == _NO_EVIDENCE:
        return "{}"
    given = {name: value for name, value in zip(_EVIDENCE, _evidence_of(evidence), strict=True) if value is not None}
    return orjson.dumps(given).decode()


def evidence_from_json(text: str) -> Evidence:
    """Return the evidence."""
    return _NO_EVIDENCE if text == "{}" else Evidence(**orjson.loads(text))


def pick_to_json(pick: Mapping[str, object]) -> str:
    """Return the decision behind a session as JSON, its gates as rows: `[name, passed, value, rule, earliest]`.

    A row goes without its earliest moment where that is the one of the row before. Written out, the thirteen gates are
    most of a session, and fill so much of a page of SQLite's that no second session has room in it.
    """
    if not pick:
        return "{}"
    rows = _gate_rows(pick.get("gates"))
    return to_json(pick if rows is None else {**pick, "gates": rows})


def _gate_rows(gates: object) -> list[tuple[object, ...]] | None:
    """Return the rows of gates; None for what is no list of gates."""
    if not isinstance(gates, list):
        return None
    rows: list[tuple[object, ...]] = []
    earliest = None
    try:
        for gate in gates:
            row = _gate_row(gate)
            if len(gate) > len(row):
                return None
            rows.append(row[:-1] if row[-1] == earliest else row)
            earliest = row[-1]
    except (TypeError, KeyError):
        return None
    return rows


def pick_from_json(text: str) -> dict[str, Any]:
    """Return the decision. Gates that are no rows, as they once were stored, stay as they are."""
    pick = json_object(text)
    gates = pick.get("gates")
    if isinstance(gates, list) and all(isinstance(row, list) for row in gates):
        earliest = None
        pick["gates"] = written_out = []
        for name, passed, value, rule, *at in gates:
            earliest = at[0] if at else earliest
            written_out.append({"name": name, "passed": passed, "value": value, "rule": rule, "earliest": earliest})
    return pick


_gate_row: Final = itemgetter("name", "passed", "value", "rule", "earliest")
_NO_EVIDENCE: Final = Evidence()
_EVIDENCE: Final = tuple(one.name for one in fields(Evidence))
_evidence_of: Final = attrgetter(*_EVIDENCE)
