"""The rows of imports, in blocks, in the records."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson

from dialler.domain.import_block import ImportBlock
from dialler.stores.transaction import Transaction, marks

_STATE: Final = ("status", "plan", "fixed", "problems", "marked")
_ADD: Final = f"INSERT INTO import_blocks (import_id, last_row, {', '.join(_STATE)}) VALUES ({marks(7)})"
_SET: Final = (
    f"UPDATE import_blocks SET {', '.join(f'{name} = ?' for name in _STATE)} WHERE import_id = ? AND last_row = ?"
)
_ADD_CELLS: Final = "INSERT INTO import_cells (import_id, last_row, body) VALUES (?, ?, ?)"
_SET_LEADS: Final = (
    "INSERT INTO import_leads (import_id, last_row, body) VALUES (?, ?, ?)"
    " ON CONFLICT (import_id, last_row) DO UPDATE SET body = excluded.body"
)
_TABLES: Final = ("import_cells", "import_leads", "import_blocks")


class ImportBlockRecords:
    """The part of the records about the rows of imports."""

    _in: Transaction

    def add_import_blocks(self, import_id: int, blocks: Sequence[ImportBlock]) -> None:
        self._in.run_many(_ADD, [(import_id, block.last, *_state(block)) for block in blocks])
        self._in.run_many(_ADD_CELLS, [(import_id, block.last, block.cells) for block in blocks])
        self._in.run_many(_SET_LEADS, [(import_id, block.last, block.leads) for block in blocks if block.leads])

    def import_blocks(
        self,
        import_id: int,
        *,
        after: int = 0,
        limit: int = 1,
        marked: bool = False,
        cells: bool = True,
        leads: bool = True,
    ) -> Sequence[ImportBlock]:
        body = "(SELECT body FROM import_{} AS t WHERE t.import_id = b.import_id AND t.last_row = b.last_row)"
        rows = self._in.rows(
            f"SELECT last_row, status, plan, fixed, problems,"
            f" {body.format('cells') if cells else 'NULL'}, {body.format('leads') if leads else 'NULL'}"
            f" FROM import_blocks AS b WHERE import_id = ? AND last_row > ?{' AND marked > 0' if marked else ''}"
            " ORDER BY last_row LIMIT ?",
            (import_id, after, limit),
        )
        return [_block_of(row) for row in rows]

    def set_import_block(self, import_id: int, block: ImportBlock) -> None:
        if self._in.run(_SET, (*_state(block), import_id, block.last)) and block.leads:
            self._in.run(_SET_LEADS, (import_id, block.last, block.leads))

    def delete_import_blocks(self, import_id: int, *, after: int = 0, limit: int = 1) -> int:
        rows = self._in.rows(
            "SELECT last_row FROM import_blocks WHERE import_id = ? AND last_row > ? ORDER BY last_row LIMIT ?",
            (import_id, after, limit),
        )
        for table in _TABLES:
            self._in.run_many(
                f"DELETE FROM {table} WHERE import_id = ? AND last_row = ?", [(import_id, row[0]) for row in rows]
            )
        return len(rows)


def _state(block: ImportBlock) -> tuple[object, ...]:
    return block.status, block.plan, _pairs(block.fixed), _pairs(block.problems), block.marked


def _pairs(by_place: Mapping[int, object]) -> str:
    return orjson.dumps(sorted(by_place.items())).decode() if by_place else "[]"


def _block_of(row: Sequence[Any]) -> ImportBlock:
    last, status, plan, fixed, problems, cells, leads = row
    return ImportBlock(
        last=last,
        status=status,
        plan=plan,
        fixed=dict(orjson.loads(fixed)),
        problems=dict(orjson.loads(problems)),
        cells=bytes(cells or b""),
        leads=bytes(leads or b""),
    )
