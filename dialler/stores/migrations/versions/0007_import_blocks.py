"""The rows of imports in blocks: a row each cost more than reading its number."""

from collections.abc import Iterator, Sequence
from typing import Any

import orjson
import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_MARKED = sa.text("marked > 0")
_ROWS = 500
_LETTERS = {
    "staged": "s", "valid": "v", "invalid": "x", "imported": "i", "updated": "u", "rejected": "r", "skipped": "k",
}  # fmt: skip
_PLANS = {"new": "n", "existing": "e", "again": "a", "": "-"}
_LEAD = (
    "numbers", "zones", "country", "region", "name", "customer_key", "external_lead_id", "timezone_source",
    "timezone_given", "zone_by", "postcode", "priority", "has_priority", "data",
)  # fmt: skip


def upgrade() -> None:
    op.create_table(
        "import_blocks",
        sa.Column("import_id", BIG, autoincrement=False, nullable=False),
        sa.Column("last_row", BIG, autoincrement=False, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("plan", sa.Text(), server_default="", nullable=False),
        sa.Column("fixed", sa.Text(), server_default="[]", nullable=False),
        sa.Column("problems", sa.Text(), server_default="[]", nullable=False),
        sa.Column("marked", sa.Integer(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(["import_id"], ["imports.import_id"]),
        sa.PrimaryKeyConstraint("import_id", "last_row"),
    )
    op.create_index(
        "import_blocks_marked",
        "import_blocks",
        ["import_id", "last_row"],
        unique=False,
        sqlite_where=_MARKED,
        postgresql_where=_MARKED,
    )
    for name in ("import_cells", "import_leads"):
        op.create_table(
            name,
            sa.Column("import_id", BIG, autoincrement=False, nullable=False),
            sa.Column("last_row", BIG, autoincrement=False, nullable=False),
            sa.Column("body", sa.LargeBinary(), nullable=False),
            sa.ForeignKeyConstraint(["import_id"], ["imports.import_id"]),
            sa.PrimaryKeyConstraint("import_id", "last_row"),
        )
    _move()
    op.drop_index("import_rows_invalid", table_name="import_rows")
    op.drop_table("import_rows")


def _move() -> None:
    """Put the rows of imports that are under way, or kept, into blocks."""
    link = op.get_bind()
    add = sa.text(
        "INSERT INTO import_blocks (import_id, last_row, status, plan, fixed, problems, marked)"
        " VALUES (:import_id, :last_row, :status, :plan, :fixed, :problems, :marked)"
    )
    for import_id, rows in _blocks(link):
        place = {"import_id": import_id, "last_row": rows[-1][0]}
        status = "".join(_LETTERS[row[3]] for row in rows)
        problems = [(at, orjson.loads(row[5])) for at, row in enumerate(rows) if row[5] != "[]"]
        fixed = [(at, orjson.loads(row[4])) for at, row in enumerate(rows) if row[4] != "{}"]
        state = {
            "status": status,
            "plan": "".join(_PLANS[row[7]] for row in rows) if any(row[7] for row in rows) else "",
            "fixed": orjson.dumps(fixed).decode(),
            "problems": orjson.dumps(problems).decode(),
            "marked": sum(map(status.count, "xrk")),
        }
        link.execute(add, place | state)
        cells = orjson.dumps([(row[0], row[2], orjson.loads(row[1])) for row in rows])
        leads = [_lead(row[6]) if row[6] else None for row in rows]
        _body(link, "import_cells", place, cells)
        if any(leads):
            _body(link, "import_leads", place, orjson.dumps(leads))


def _body(link: sa.Connection, table: str, place: dict[str, Any], body: bytes) -> None:
    values = sa.table(table, sa.column("import_id"), sa.column("last_row"), sa.column("body", sa.LargeBinary))
    link.execute(values.insert().values(**place, body=body))


def _blocks(link: sa.Connection) -> Iterator[tuple[int, Sequence[Sequence[Any]]]]:
    page = sa.text(
        "SELECT row_no, cells, unreadable, status, fixed, problems, lead, plan FROM import_rows"
        " WHERE import_id = :import_id AND row_no > :after ORDER BY row_no LIMIT :limit"
    )
    for (import_id,) in link.execute(sa.text("SELECT DISTINCT import_id FROM import_rows ORDER BY 1")).all():
        after = 0
        while rows := link.execute(page, {"import_id": import_id, "after": after, "limit": _ROWS}).all():
            yield import_id, rows
            after = rows[-1][0]


def _lead(text: str) -> Sequence[Any]:
    plain = orjson.loads(text)
    return [plain[name] for name in _LEAD]
