"""Finding leads by a part of their text, on both databases alike: which leads of a block have which piece of text.

A lead's text (name, numbers, keys, the values of its data fields) is cut into pieces of three characters. Ids fall
into blocks of BLOCK; for each piece and block there is one row that says which leads of the block have it. So the rows
stay few and small, and a search reads a row or so for each piece and block: the leads that have all pieces are looked
at, in the order of ids. A data field's value that is too short for a piece is one whole, with its field's name.

Loading leads writes nothing of this, and no attempt does. Blocks are indexed in the background once they are full, up
to a marker; what stands above it is searched by walking. A lead that is edited is noted as pending, and looked at
in every search until its new pieces are in; old pieces stay, since all that is found this way is looked at anyway,
until the person is erased: the audit tells then which they were.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from dialler.domain.filter import folded
from dialler.domain.lead import NewLead
from dialler.ports import IndexWork
from dialler.stores.lead_rows import COLUMNS, lead_of
from dialler.stores.transaction import Transaction

BLOCK: Final = 2048
PIECE: Final = 3
UPTO: Final = "search_upto"
"""The marker: leads up to this id are indexed."""

FORGOTTEN: Final = "search_forgotten"
"""How often somebody was taken out of the index: what was read before must not be written after it."""

_BITMAP: Final = BLOCK // 8
_READ_AHEAD: Final = 64
_PIECES_MAX: Final = 8
"""Pieces of a long text that are asked for: more narrow down no further."""

_PENDING_AT_ONCE: Final = 16
_GRAMS: Final = "SELECT block, leads FROM search_grams WHERE gram = ? AND block >= ? ORDER BY block LIMIT ?"
_KEEP: Final = (
    "INSERT INTO search_grams (gram, block, leads) VALUES (?, ?, ?)"
    " ON CONFLICT (gram, block) DO UPDATE SET leads = excluded.leads"
)
_PEND: Final = (
    "INSERT INTO search_pending (lead_id, version) VALUES (?, 1)"
    " ON CONFLICT (lead_id) DO UPDATE SET version = search_pending.version + 1"
)


def pieces_of(text: str) -> set[str]:
    """Return the pieces of a text; none for one that is too short."""
    plain = folded(text)
    return {plain[at : at + PIECE] for at in range(len(plain) - PIECE + 1)}


def whole_piece(field: str, value: str) -> str:
    """Return the piece that stands for a short value of a data field."""
    return f"={folded(value)}={field}"


def pieces_of_lead(lead: NewLead) -> set[str]:
    """Return the pieces of all of a lead's text."""
    pieces = pieces_of(lead.name)
    for text in (lead.customer_key, lead.external_lead_id, *(each.number for each in lead.numbers)):
        pieces |= pieces_of(text or "")
    for field, value in lead.data.items():
        if len(folded(value)) >= PIECE:
            pieces |= pieces_of(value)
        elif value:
            pieces.add(whole_piece(field, value))
    return pieces


def pack(places: Iterable[int]) -> bytes:
    """Return a set of places in a block: two bytes each, or a bit for each of the block, whichever is shorter."""
    ordered = sorted(places)
    if len(ordered) * 2 < _BITMAP:
        return b"".join(place.to_bytes(2, "little") for place in ordered)
    bits = bytearray(_BITMAP)
    for place in ordered:
        bits[place >> 3] |= 1 << (place & 7)
    return bytes(bits)


def unpack(packed: bytes) -> int:
    """Return the places that `pack` was given, as the bits of a number."""
    if len(packed) >= _BITMAP:
        return int.from_bytes(packed, "little")
    bits = bytearray(_BITMAP)
    for at in range(0, len(packed), 2):
        place = packed[at] | packed[at + 1] << 8
        bits[place >> 3] |= 1 << (place & 7)
    return int.from_bytes(bits, "little")


def places_of(bits: int) -> Iterator[int]:
    """Yield the places of the bits that are set, in order."""
    while bits:
        lowest = bits & -bits
        yield lowest.bit_length() - 1
        bits ^= lowest


def pend(transaction: Transaction, lead_id: int) -> None:
    """Note that a lead's text has changed."""
    transaction.run(_PEND, (lead_id,))


def forget(transaction: Transaction, lead_id: int, pieces: Iterable[str]) -> None:
    """Take a lead out of the index where it stands under these pieces; work that is on its way is done anew."""
    block, place = divmod(lead_id, BLOCK)
    for gram in sorted(pieces):
        row = transaction.row("SELECT leads FROM search_grams WHERE gram = ? AND block = ?", (gram, block))
        if row is None:
            continue
        left = unpack(bytes(row[0])) & ~(1 << place)
        if left:
            transaction.run(_KEEP, (gram, block, pack(places_of(left))))
        else:
            transaction.run("DELETE FROM search_grams WHERE gram = ? AND block = ?", (gram, block))
    transaction.run(
        "INSERT INTO meta (key, value) VALUES (?, 1) ON CONFLICT (key) DO UPDATE SET value = meta.value + 1",
        (FORGOTTEN,),
    )


class SearchIndex:
    """The index in one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._in = transaction

    def upto(self) -> int:
        """Return the id up to which leads are indexed."""
        return self._meta(UPTO)

    def _meta(self, key: str) -> int:
        row = self._in.row("SELECT value FROM meta WHERE key = ?", (key,))
        return 0 if row is None else int(row[0])

    def having(self, pieces: Iterable[str], above: int, upto: int) -> Iterator[int]:
        """Yield the ids over `above` and up to `upto` of leads that may have all of the pieces."""
        asked = sorted(pieces)
        asked = asked[:: max(1, len(asked) // _PIECES_MAX)][:_PIECES_MAX]
        block, end, window = (above + 1) // BLOCK, upto // BLOCK + 1, 2
        while block * BLOCK <= upto:
            found, last = self._window(asked, block, end, window)
            for at in sorted(found):
                for place in places_of(found[at]):
                    if above < at * BLOCK + place <= upto:
                        yield at * BLOCK + place
            block, window = last, min(window * 2, _READ_AHEAD)

    def _window(self, asked: Sequence[str], block: int, end: int, window: int) -> tuple[Mapping[int, int], int]:
        """Return the bits of leads that have all pieces, by block from `block` on; and the first block that was not
        looked at, `end` if there is none."""
        common: dict[int, int] | None = None
        last = end
        for gram in asked:
            rows = self._in.rows(_GRAMS, (gram, block, window))
            if len(rows) == window:
                last = min(last, rows[-1][0] + 1)
            if common is None:
                common = {row[0]: unpack(bytes(row[1])) for row in rows if row[0] < last}
            else:
                there = {row[0]: row[1] for row in rows}
                both = ((at, bits & unpack(bytes(there[at]))) for at, bits in common.items() if at in there)
                common = {at: bits for at, bits in both if bits and at < last}
            if not common:
                break
        return common or {}, last

    def pending(self, above: int) -> Iterator[int]:
        """Yield the ids over `above` of leads whose text has changed since they were indexed."""
        while rows := self._in.rows(
            "SELECT lead_id FROM search_pending WHERE lead_id > ? ORDER BY lead_id LIMIT 500", (above,)
        ):
            yield from (row[0] for row in rows)
            above = rows[-1][0]

    def work(self) -> IndexWork | None:
        """Return what is to be indexed next: a full block, else some leads that have changed; None if all is done."""
        upto, forgotten, last = self.upto(), self._meta(FORGOTTEN), self._meta("lead_id")
        block = (upto + 1) // BLOCK
        end = (block + 1) * BLOCK - 1
        if end <= last:
            found = self._pieces("lead_id > ? AND lead_id <= ?", (upto, end))
            rows = [(gram, block, pack(places)) for gram, places in sorted(found.get(block, {}).items())]
            return IndexWork(rows=rows, upto=end, forgotten=forgotten)
        pending = self._in.rows(
            "SELECT lead_id, version FROM search_pending WHERE lead_id <= ? ORDER BY lead_id LIMIT ?",
            (upto, _PENDING_AT_ONCE),
        )
        if not pending:
            return None
        marks = ", ".join("?" * len(pending))
        found = self._pieces(f"lead_id IN ({marks})", [row[0] for row in pending])
        rows = [
            (gram, at, pack(places.union(self._places(gram, at))))
            for at, pieces in sorted(found.items())
            for gram, places in sorted(pieces.items())
        ]
        return IndexWork(rows=rows, settled=[(row[0], row[1]) for row in pending], forgotten=forgotten)

    def _pieces(self, condition: str, values: Sequence[object]) -> Mapping[int, dict[str, set[int]]]:
        found: dict[int, dict[str, set[int]]] = {}
        for row in self._in.rows(f"SELECT {', '.join(COLUMNS)} FROM leads WHERE {condition}", values):
            lead = lead_of(row, self._in)
            block, place = divmod(lead.lead_id, BLOCK)
            pieces = found.setdefault(block, {})
            for piece in pieces_of_lead(lead):
                pieces.setdefault(piece, set()).add(place)
        return found

    def _places(self, gram: str, block: int) -> Iterable[int]:
        row = self._in.row("SELECT leads FROM search_grams WHERE gram = ? AND block = ?", (gram, block))
        return () if row is None else places_of(unpack(bytes(row[0])))

    def keep(self, work: IndexWork) -> bool:
        """Write what was found, if nobody was forgotten since; the marker moves, and leads are settled, only with the
        last portion."""
        if self._meta(FORGOTTEN) != work.forgotten:
            return False
        self._in.run_many(_KEEP, work.rows)
        if work.upto is not None:
            self._in.run(
                "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                (UPTO, work.upto),
            )
        self._in.run_many("DELETE FROM search_pending WHERE lead_id = ? AND version = ?", work.settled)
        return True
