"""Caller-id pools: their numbers, how these are used, and how their calls are answered."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "caller_id_pools",
        sa.Column("pool_id", BIG, sa.Identity(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", BIG, nullable=False),
        sa.Column("settings", sa.Text(), nullable=False),
        sa.Column("revision", BIG, nullable=False),
        sa.PrimaryKeyConstraint("pool_id"),
        sa.UniqueConstraint("name"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "caller_ids",
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("pool_id", BIG, nullable=True),
        sa.Column("areas", sa.Text(), nullable=False),
        sa.Column("trunks", sa.Text(), nullable=False),
        sa.Column("calls_per_day_max", sa.Integer(), nullable=True),
        sa.Column("rest_s", sa.Integer(), nullable=True),
        sa.Column("off_reason", sa.Text(), nullable=True),
        sa.Column("off_until", BIG, nullable=True),
        sa.Column("last_at", BIG, nullable=True),
        sa.Column("day", sa.Text(), nullable=True),
        sa.Column("on_day", sa.Integer(), nullable=True),
        sa.Column("turn", BIG, nullable=True),
        sa.ForeignKeyConstraint(["pool_id"], ["caller_id_pools.pool_id"]),
        sa.PrimaryKeyConstraint("number"),
        sqlite_with_rowid=False,
    )
    op.create_index("caller_ids_by_pool", "caller_ids", ["pool_id", "number"])
    op.create_table(
        "caller_id_days",
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        *(
            sa.Column(name, sa.Integer(), server_default="0", nullable=False)
            for name in ("calls", "tried", "answered", "persons", "connected", "short", "blocked")
        ),
        sa.PrimaryKeyConstraint("number", "day"),
        sqlite_with_rowid=False,
    )
    # Calls before this were of no pool.
    op.add_column("sessions", sa.Column("caller_id_day", sa.Text(), nullable=True))
