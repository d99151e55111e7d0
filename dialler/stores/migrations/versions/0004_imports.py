"""Imports in stages: what each is at, its rows, and mappings saved for the next one."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_INVALID = sa.text("status IN ('invalid', 'rejected', 'skipped')")
_HAS_FILE = sa.text("sha256 <> ''")


def upgrade() -> None:
    op.create_table(
        "imports",
        sa.Column("import_id", BIG, sa.Identity(always=False), nullable=False),
        sa.Column("campaign_id", BIG, nullable=False),
        sa.Column("list_id", BIG, nullable=True),
        sa.Column("list_name", sa.Text(), nullable=False),
        sa.Column("created_at", BIG, nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("row_done", BIG, nullable=False),
        sa.Column("revision", BIG, nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("file", sa.Text(), nullable=False),
        sa.Column("mapping", sa.Text(), nullable=False),
        sa.Column("options", sa.Text(), nullable=False),
        sa.Column("counts", sa.Text(), nullable=False),
        sa.Column("review", sa.Text(), nullable=True),
        sa.Column("report", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaigns.campaign_id"]),
        sa.PrimaryKeyConstraint("import_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("imports_by_campaign", "imports", ["campaign_id", "import_id"], unique=False)
    op.create_index(
        "imports_by_file",
        "imports",
        ["sha256", "import_id"],
        unique=False,
        sqlite_where=_HAS_FILE,
        postgresql_where=_HAS_FILE,
    )
    op.create_table(
        "import_rows",
        sa.Column("import_id", BIG, autoincrement=False, nullable=False),
        sa.Column("row_no", BIG, autoincrement=False, nullable=False),
        sa.Column("cells", sa.Text(), nullable=False),
        sa.Column("unreadable", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("fixed", sa.Text(), nullable=False),
        sa.Column("problems", sa.Text(), nullable=False),
        sa.Column("lead", sa.Text(), nullable=False),
        sa.Column("plan", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["import_id"], ["imports.import_id"]),
        sa.PrimaryKeyConstraint("import_id", "row_no"),
    )
    op.create_index(
        "import_rows_invalid",
        "import_rows",
        ["import_id", "status", "row_no"],
        unique=False,
        sqlite_where=_INVALID,
        postgresql_where=_INVALID,
    )
    op.create_table(
        "import_templates",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("header_sha256", sa.Text(), nullable=False),
        sa.Column("mapping", sa.Text(), nullable=False),
        sa.Column("created_at", BIG, nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", "version"),
    )
