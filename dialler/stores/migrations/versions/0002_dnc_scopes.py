"""Do-not-call entries of a merchant, and who added them."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

PLAIN = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("campaigns", sa.Column("merchant", sa.Text(), server_default="", nullable=False))
    op.rename_table("dnc", "dnc_before")
    op.create_table(
        "dnc",
        sa.Column("number", PLAIN, nullable=False),
        sa.Column("campaign_id", BIG, autoincrement=False, nullable=False),
        sa.Column("merchant", sa.Text(), server_default="", nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("added_at", BIG, nullable=False),
        sa.Column("added_by", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("number", "campaign_id", "merchant", name="dnc_entries"),
        sqlite_with_rowid=False,
    )
    op.execute(
        "INSERT INTO dnc (number, campaign_id, merchant, reason, added_at, added_by)"
        " SELECT number, campaign_id, '', reason, added_at, '' FROM dnc_before"
    )
    op.drop_table("dnc_before")
    op.create_index("dnc_by_scope", "dnc", ["campaign_id", "merchant", "number"])
