"""The records as first released."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "audit",
        sa.Column("audit_id", BIG, sa.Identity(always=False), nullable=False),
        sa.Column("at", BIG, nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("details", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("audit_id"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "campaigns",
        sa.Column("campaign_id", BIG, sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", BIG, nullable=False),
        sa.Column("desired", sa.Text(), nullable=False),
        sa.Column("settings", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("campaign_id"),
        sa.UniqueConstraint("name"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "dnc",
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("campaign_id", BIG, autoincrement=False, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("added_at", BIG, nullable=False),
        sa.PrimaryKeyConstraint("number", "campaign_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "lead_counts",
        sa.Column("list_id", BIG, autoincrement=False, nullable=False),
        sa.Column("key_id", BIG, autoincrement=False, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("n", BIG, nullable=False),
        sa.PrimaryKeyConstraint("list_id", "key_id", "state"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "lead_numbers",
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("campaign_id", BIG, autoincrement=False, nullable=False),
        sa.Column("lead_id", BIG, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("number", "campaign_id", "lead_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "leads",
        sa.Column("lead_id", BIG, autoincrement=False, nullable=False),
        sa.Column("list_id", BIG, nullable=False),
        sa.Column("campaign_id", BIG, nullable=False),
        sa.Column("key_id", BIG, nullable=False),
        sa.Column("created_at", BIG, nullable=False),
        sa.Column("numbers", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.Column("customer_key", sa.Text(), nullable=True),
        sa.Column("external_lead_id", sa.Text(), nullable=True),
        sa.Column("timezone_source", sa.Text(), server_default="", nullable=False),
        sa.Column("timezone_given", sa.Text(), server_default="", nullable=False),
        sa.Column("postcode", sa.Text(), server_default="", nullable=False),
        sa.Column("priority", BIG, server_default="0", nullable=False),
        sa.Column("data", sa.Text(), server_default="{}", nullable=False),
        sa.Column("expires_at", BIG, nullable=True),
        sa.Column("state", sa.Text(), server_default="ready", nullable=False),
        sa.Column("completed_reason", sa.Text(), nullable=True),
        sa.Column("due_at", BIG, nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("attempts_counted", sa.Integer(), server_default="0", nullable=False),
        sa.Column("attempts_on_day", sa.Integer(), server_default="0", nullable=False),
        sa.Column("attempts_day", sa.Text(), nullable=True),
        sa.Column("outcome_run", sa.Integer(), server_default="0", nullable=False),
        sa.Column("last_attempt_at", BIG, nullable=True),
        sa.Column("last_outcome", sa.Text(), nullable=True),
        sa.Column("last_contacted_at", BIG, nullable=True),
        sa.Column("wrap_code", sa.Text(), nullable=True),
        sa.Column("callback_at", BIG, nullable=True),
        sa.PrimaryKeyConstraint("lead_id"),
    )
    op.create_index("leads_by_list", "leads", ["list_id", "state", "lead_id"], unique=False)
    op.create_index(
        "leads_customer_key",
        "leads",
        ["list_id", "customer_key"],
        unique=True,
        sqlite_where=sa.text("customer_key IS NOT NULL"),
        postgresql_where=sa.text("customer_key IS NOT NULL"),
    )
    op.create_index(
        "leads_external",
        "leads",
        ["external_lead_id", "lead_id"],
        unique=False,
        sqlite_where=sa.text("external_lead_id IS NOT NULL"),
        postgresql_where=sa.text("external_lead_id IS NOT NULL"),
    )
    op.create_index(
        "leads_ready_newest",
        "leads",
        ["list_id", "key_id", sa.literal_column("priority DESC"), sa.literal_column("lead_id DESC"), "state"],
        unique=False,
        sqlite_where=sa.text("state = 'ready'"),
        postgresql_where=sa.text("state = 'ready'"),
    )
    op.create_index(
        "leads_ready_oldest",
        "leads",
        ["list_id", "key_id", sa.literal_column("priority DESC"), "lead_id", "state"],
        unique=False,
        sqlite_where=sa.text("state = 'ready'"),
        postgresql_where=sa.text("state = 'ready'"),
    )
    op.create_index(
        "leads_resting",
        "leads",
        ["list_id", "key_id", "due_at", "lead_id"],
        unique=False,
        sqlite_where=sa.text("state = 'resting'"),
        postgresql_where=sa.text("state = 'resting'"),
    )
    op.create_table(
        "meta",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", BIG, nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_table(
        "round_states",
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("scope"),
    )
    op.create_table(
        "session_counts",
        sa.Column("campaign_id", BIG, autoincrement=False, nullable=False),
        sa.Column("list_id", BIG, autoincrement=False, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("n", BIG, nullable=False),
        sa.PrimaryKeyConstraint("campaign_id", "list_id", "status", "outcome"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "sessions",
        sa.Column("seq", BIG, sa.Identity(always=False), nullable=False),
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column("campaign_id", BIG, nullable=False),
        sa.Column("campaign", sa.Text(), nullable=False),
        sa.Column("list_id", BIG, nullable=False),
        sa.Column("list", sa.Text(), nullable=False),
        sa.Column("lead_id", BIG, nullable=False),
        sa.Column("attempt_no", sa.Integer(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("created_at", BIG, nullable=False),
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.Column("external_lead_id", sa.Text(), nullable=True),
        sa.Column("customer_key", sa.Text(), nullable=True),
        sa.Column("dial_mode", sa.Text(), server_default="", nullable=False),
        sa.Column("timezone", sa.Text(), server_default="", nullable=False),
        sa.Column("local_time", sa.Text(), server_default="", nullable=False),
        sa.Column("pick", sa.Text(), server_default="{}", nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("caller_id", sa.Text(), nullable=True),
        sa.Column("trunk", sa.Text(), server_default="", nullable=False),
        sa.Column("server", sa.Text(), server_default="", nullable=False),
        sa.Column("sent_at", BIG, nullable=True),
        sa.Column("ringing_at", BIG, nullable=True),
        sa.Column("answered_at", BIG, nullable=True),
        sa.Column("queued_at", BIG, nullable=True),
        sa.Column("connected_at", BIG, nullable=True),
        sa.Column("ended_at", BIG, nullable=True),
        sa.Column("wrapped_at", BIG, nullable=True),
        sa.Column("evidence", sa.Text(), server_default="{}", nullable=False),
        sa.Column("agent", sa.Text(), nullable=True),
        sa.Column("counts_attempt", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("wrap_code", sa.Text(), nullable=True),
        sa.Column("wrap_note", sa.Text(), nullable=True),
        sa.Column("wrap_edited_by", sa.Text(), nullable=True),
        sa.Column("wrap_edited_at", BIG, nullable=True),
        sa.PrimaryKeyConstraint("seq"),
        sa.UniqueConstraint("session_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("sessions_by_campaign", "sessions", ["campaign_id", "seq"], unique=False)
    op.create_index("sessions_by_lead", "sessions", ["lead_id", "seq"], unique=False)
    op.create_index("sessions_by_list", "sessions", ["list_id", "seq"], unique=False)
    op.create_index(
        "sessions_open",
        "sessions",
        ["lead_id"],
        unique=True,
        sqlite_where=sa.text("status IN ('new', 'processing')"),
        postgresql_where=sa.text("status IN ('new', 'processing')"),
    )
    op.create_table(
        "window_keys",
        sa.Column("key_id", BIG, sa.Identity(always=False), nullable=False),
        sa.Column("zones", sa.Text(), nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key_id"),
        sa.UniqueConstraint("zones", "country", "region", name="window_keys_unique"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "lists",
        sa.Column("list_id", BIG, sa.Identity(always=False), nullable=False),
        sa.Column("campaign_id", BIG, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", BIG, nullable=False),
        sa.Column("weight", sa.Integer(), nullable=False),
        sa.Column("to_dial", sa.Boolean(), nullable=False),
        sa.Column("lead_order", sa.Text(), nullable=False),
        sa.Column("redial", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaigns.campaign_id"]),
        sa.PrimaryKeyConstraint("list_id"),
        sa.UniqueConstraint("campaign_id", "name", name="lists_name"),
        sqlite_autoincrement=True,
    )
