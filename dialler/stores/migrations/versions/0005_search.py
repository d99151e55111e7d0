"""Searching: indexes, pieces of text, saved filters and columns; and what was known of the lead in each session."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("sessions", sa.Column("details", sa.Text(), server_default="{}", nullable=False))
    op.create_table(
        "search_grams",
        sa.Column("gram", sa.Text(), nullable=False),
        sa.Column("block", BIG, autoincrement=False, nullable=False),
        sa.Column("leads", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("gram", "block"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "search_pending",
        sa.Column("lead_id", BIG, autoincrement=False, nullable=False),
        sa.Column("version", BIG, nullable=False),
        sa.PrimaryKeyConstraint("lead_id"),
    )
    op.create_table(
        "saved_filters",
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("noun", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("filter", sa.Text(), nullable=False),
        sa.Column("saved_at", BIG, nullable=False),
        sa.PrimaryKeyConstraint("who", "noun", "name"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "view_columns",
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("view", sa.Text(), nullable=False),
        sa.Column("columns", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("who", "view"),
        sqlite_with_rowid=False,
    )
    _index("leads_by_key", "leads", "key_id", "lead_id")
    _index("leads_priority", "leads", "priority", "lead_id", where="priority <> 0")
    for name in ("completed_reason", "last_outcome", "wrap_code", "last_contacted_at", "last_attempt_at"):
        _index(f"leads_{name}", "leads", name, "lead_id", where=f"{name} IS NOT NULL")
    _index("sessions_by_number", "sessions", "number", "seq")
    for name in ("external_lead_id", "outcome", "wrap_code", "agent"):
        _index(f"sessions_{name}", "sessions", name, "seq", where=f"{name} IS NOT NULL")
    _index("sessions_agent_lead", "sessions", "agent", "lead_id", where="agent IS NOT NULL")


def _index(name: str, table: str, *columns: str, where: str | None = None) -> None:
    clause = None if where is None else sa.text(where)
    op.create_index(name, table, list(columns), unique=False, sqlite_where=clause, postgresql_where=clause)
