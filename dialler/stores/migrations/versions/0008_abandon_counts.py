"""The abandon ledger: abandoned and answered calls by campaign and slot of five minutes."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "abandon_counts",
        sa.Column("campaign_id", BIG, autoincrement=False, nullable=False),
        sa.Column("slot", BIG, autoincrement=False, nullable=False),
        sa.Column("counted", sa.Text(), nullable=False),
        sa.Column("n", BIG, nullable=False),
        sa.PrimaryKeyConstraint("campaign_id", "slot", "counted"),
        sqlite_with_rowid=False,
    )
    # As `dialler.domain.abandon` counted when this was written.
    op.execute(
        "INSERT INTO abandon_counts (campaign_id, slot, counted, n)"
        " SELECT campaign_id, slot, counted, COUNT(*) FROM ("
        "SELECT campaign_id, COALESCE(ended_at, created_at) / 300000000 AS slot,"
        " CASE WHEN outcome = 'OPTED_OUT' AND dial_mode = 'agentless' THEN NULL"
        " WHEN outcome IN ('ABANDONED', 'OPTED_OUT') THEN 'abandoned'"
        " WHEN outcome = 'ABANDONED_SHORT' THEN 'abandoned_short'"
        " WHEN outcome = 'CONNECTED' AND wrap_code = 'ANSWER_MACHINE' THEN 'passed_machine'"
        " WHEN outcome = 'CONNECTED' THEN 'passed'"
        " WHEN outcome IN ('MACHINE', 'MACHINE_MESSAGE') THEN 'machine' END AS counted"
        " FROM sessions WHERE outcome IS NOT NULL) AS ended"
        " WHERE counted IS NOT NULL GROUP BY campaign_id, slot, counted"
    )
