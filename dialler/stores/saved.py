"""What users keep for themselves: filters by name, and the columns of a view."""

from collections.abc import Sequence
from datetime import datetime

import orjson

from dialler.errors import NotFound
from dialler.ports import SavedFilter
from dialler.stores.codec import from_us, to_us
from dialler.stores.transaction import Transaction


class SavedRecords:
    """The part of the records about filters and columns of users."""

    _in: Transaction

    def save_filter(self, who: str, noun: str, name: str, text: str, now: datetime) -> bool:
        is_new = not self._in.rows(
            "SELECT 1 FROM saved_filters WHERE who = ? AND noun = ? AND name = ?", (who, noun, name)
        )
        self._in.run(
            "INSERT INTO saved_filters (who, noun, name, filter, saved_at) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (who, noun, name) DO UPDATE SET filter = excluded.filter, saved_at = excluded.saved_at",
            (who, noun, name, text, to_us(now)),
        )
        return is_new

    def saved_filters(self, who: str, noun: str | None = None) -> Sequence[SavedFilter]:
        rows = self._in.rows(
            "SELECT noun, name, filter, saved_at FROM saved_filters WHERE who = ? ORDER BY noun, name", (who,)
        )
        return [
            SavedFilter(noun=row[0], name=row[1], text=row[2], saved_at=from_us(row[3]))
            for row in rows
            if noun in (None, row[0])
        ]

    def delete_filter(self, who: str, noun: str, name: str) -> None:
        values = (who, noun, name)
        if not self._in.run("DELETE FROM saved_filters WHERE who = ? AND noun = ? AND name = ?", values):
            raise NotFound(f"there is no filter {name!r} on {noun} of {who}")

    def view_columns(self, who: str, view: str) -> Sequence[str] | None:
        row = self._in.row("SELECT columns FROM view_columns WHERE who = ? AND view = ?", (who, view))
        return None if row is None else tuple(orjson.loads(row[0]))

    def set_view_columns(self, who: str, view: str, columns: Sequence[str] | None) -> None:
        self._in.run("DELETE FROM view_columns WHERE who = ? AND view = ?", (who, view))
        if columns is not None:
            self._in.run(
                "INSERT INTO view_columns (who, view, columns) VALUES (?, ?, ?)",
                (who, view, orjson.dumps(list(columns)).decode()),
            )
