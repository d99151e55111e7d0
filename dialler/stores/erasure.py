"""People who are forgotten for good.

What is known of a person stands in the lead, in its sessions, and in its audit, where also what the lead was before is
found: by that the index of texts forgets the pieces of earlier texts, too. Numbers are kept as keyed hashes.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import orjson

from dialler.domain.evolve import evolve
from dialler.domain.lead import CompletedReason, Lead, LeadState, NumberStatus, PhoneNumber, Rank
from dialler.stores.codec import to_json
from dialler.stores.lead_removal import RemovalRecords
from dialler.stores.number_keys import hashed
from dialler.stores.search_index import forget, pieces_of, pieces_of_lead, whole_piece

ERASED: Final = "(erased)"
SPAN: Final = 2_000
"""Entries of the audit that one step passes."""

_ABOUT_NO_LEAD: Final = ("dnc.add", "dnc.remove", "lead.import.fix")
"""Entries that hold numbers, and say of no lead that it has them."""

_WIPE: Final = (
    "UPDATE sessions SET number = ?, name = '', customer_key = NULL, external_lead_id = NULL, wrap_note = NULL,"
    " details = '{}', evidence = ?, pick = ? WHERE seq = ?"
)
_DIGITS_MIN: Final = 5
"""Fewer are no number."""

_WORD_MIN: Final = 3
"""A shorter name or key tells of nobody, and stands in many a text."""


class ErasureRecords(RemovalRecords):
    """The part of the records that erases people."""

    def erase_lead(self, lead_id: int) -> int:
        lead = self.removable([lead_id])[lead_id]
        sessions = self._in.rows(
            "SELECT seq, number, name, customer_key, external_lead_id, evidence, pick FROM sessions WHERE lead_id = ?",
            (lead_id,),
        )
        names = hashed(self._in, sorted({one.number for one in lead.numbers} | {row[1] for row in sessions}))
        known = _known_of(lead) | {text for row in sessions for text in row[1:5] if text}
        wiped = [
            (names[number], _scrubbed(evidence, known), _scrubbed(pick, known), seq)
            for seq, number, _, _, _, evidence, pick in sessions
        ]
        self._in.run_many(_WIPE, wiped)
        forget(self._in, lead_id, pieces_of_lead(lead) | self._pieces_before(lead_id))
        self._in.run("UPDATE audit SET details = ? WHERE lead_id = ?", (to_json({"erased": lead_id}), lead_id))
        for number, name in names.items():
            # Where both are there the hash's entry stays: it says the same.
            self._in.run(
                "INSERT INTO dnc (number, campaign_id, merchant, reason, added_at, added_by)"
                " SELECT ?, campaign_id, merchant, 'kept after an erasure', added_at, added_by FROM dnc"
                " WHERE number = ?"
                " ON CONFLICT DO NOTHING",
                (name, number),
            )
            if name != number:
                self._in.run("DELETE FROM dnc WHERE number = ?", (number,))
        self.set_leads(
            [
                evolve(
                    lead,
                    numbers=tuple(PhoneNumber(names[one.number], "", NumberStatus.BAD) for one in lead.numbers),
                    name="",
                    customer_key=None,
                    external_lead_id=None,
                    postcode="",
                    timezone_given="",
                    data={},
                    state=LeadState.COMPLETED,
                    completed_reason=lead.completed_reason or CompletedReason.MANUAL,
                    due_at=None,
                    priority=lead.ranked(Rank.ORDINARY),
                    callback_at=None,
                    callback_agent=None,
                    callback_expires_at=None,
                )
            ]
        )
        return len(sessions)

    def _pieces_before(self, lead_id: int) -> set[str]:
        """Return the pieces of what the audit says that the lead was."""
        rows = self._in.rows("SELECT details FROM audit WHERE lead_id = ?", (lead_id,))
        return {piece for row in rows for piece in _pieces_of_json(orjson.loads(row[0]))}

    def forget_numbers(self, numbers: Collection[str], *, after: int = 0) -> int | None:
        last = self._in.row("SELECT audit_id FROM audit ORDER BY audit_id DESC LIMIT 1")
        if last is None or last[0] <= after:
            return None
        marked = ", ".join("?" * len(_ABOUT_NO_LEAD))
        rows = self._in.rows(
            "SELECT audit_id, details FROM audit WHERE audit_id > ? AND audit_id <= ? AND lead_id IS NULL"
            f" AND what IN ({marked})",
            (after, after + SPAN, *_ABOUT_NO_LEAD),
        )
        meant = {_digits(number) for number in numbers}
        changed = [(json, audit_id) for audit_id, text in rows if (json := _without(text, meant)) != text]
        self._in.run_many("UPDATE audit SET details = ? WHERE audit_id = ?", changed)
        return after + SPAN


def _known_of(lead: Lead) -> set[str]:
    """Return what tells who the lead is."""
    said = [lead.name, lead.customer_key, lead.external_lead_id]
    said += [text for one in lead.numbers for text in (one.number, one.raw)]
    return {text for text in said if text}


def _scrubbed(json: str, known: Iterable[str]) -> str:
    """Return a JSON text with what is known of a person taken out of its texts."""
    patterns = []
    for text in sorted(known, key=len, reverse=True):
        # A number may stand within an address; a name only as a word of its own.
        if _is_number(text):
            patterns.append(rf"\+?{_digits(text)}")
        elif len(text) >= _WORD_MIN and not text.isdigit():
            patterns.append(rf"(?<!\w){re.escape(text)}(?!\w)")
    if json == "{}" or not patterns:
        return json
    pattern = re.compile("|".join(patterns), re.IGNORECASE)
    return to_json(_mapped(orjson.loads(json), lambda text: pattern.sub(ERASED, text)))


def _without(json: str, numbers: Collection[str]) -> str:
    """Return a JSON text without the texts in it that are one of these numbers, given as digits."""
    found = orjson.loads(json)
    wiped = _mapped(found, lambda text: ERASED if _is_number(text) and _digits(text) in numbers else text)
    return json if wiped == found else to_json(wiped)


def _mapped(value: Any, change: Any) -> Any:
    """Return what JSON says with each of its texts changed."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {key: _mapped(each, change) for key, each in value.items()}
    return [_mapped(each, change) for each in value] if isinstance(value, list) else value


def _pieces_of_json(value: Any, field: str = "") -> Iterator[str]:
    if isinstance(value, str):
        yield from pieces_of(value)
        yield whole_piece(field, value)
    elif isinstance(value, Mapping):
        for key, each in value.items():
            yield from _pieces_of_json(each, key)
    elif isinstance(value, Sequence):
        for each in value:
            yield from _pieces_of_json(each, field)


def _is_number(text: str) -> bool:
    """Tell whether a text is a telephone number, however it is written."""
    return bool(re.fullmatch(r"[\d\s()+./-]+", text)) and len(_digits(text)) >= _DIGITS_MIN


def _digits(text: str) -> str:
    return re.sub(r"\D", "", text)
