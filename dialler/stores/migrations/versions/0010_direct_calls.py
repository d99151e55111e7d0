"""Calls for one certain agent: whose they are, and when he accepted them."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("sessions", sa.Column("for_agent", sa.Text(), nullable=True))
    op.add_column("sessions", sa.Column("accepted_at", BIG, nullable=True))
