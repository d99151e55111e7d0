"""Callbacks with an agent and an end, attempts by number, and the audit of a lead."""

import hashlib
import secrets

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_ROWS_AT_ONCE = 5_000


def upgrade() -> None:
    op.add_column("leads", sa.Column("callback_agent", sa.Text(), nullable=True))
    op.add_column("leads", sa.Column("callback_expires_at", BIG, nullable=True))
    for name, columns, condition in (
        ("leads_callbacks", ["callback_at", "lead_id"], "callback_at IS NOT NULL"),
        (
            "leads_callbacks_due",
            ["list_id", "key_id", "due_at", "lead_id"],
            "callback_at IS NOT NULL",
        ),
    ):
        where = sa.text(condition)
        op.create_index(name, "leads", columns, unique=False, sqlite_where=where, postgresql_where=where)
    op.add_column("audit", sa.Column("lead_id", BIG, nullable=True))
    where = sa.text("lead_id IS NOT NULL")
    op.create_index(
        "audit_by_lead", "audit", ["lead_id", "audit_id"], unique=False, sqlite_where=where, postgresql_where=where
    )
    op.create_table(
        "number_attempts",
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("campaign_id", BIG, autoincrement=False, nullable=False),
        sa.Column("counted", sa.Integer(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("on_day", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("number", "campaign_id"),
        sqlite_with_rowid=False,
    )
    _count_attempts()


def _count_attempts() -> None:
    """Count the attempts made so far, under each number's keyed hash, as `dialler.stores.number_keys` does."""
    link = op.get_bind()
    halves = [secrets.randbits(63), secrets.randbits(63)]
    meta = sa.table("meta", sa.column("key"), sa.column("value"))
    op.bulk_insert(meta, [{"key": f"number_key_{at}", "value": half} for at, half in enumerate(halves)])
    key = b"".join(half.to_bytes(8, "big") for half in halves)
    attempts = sa.table("number_attempts", *map(sa.column, ("number", "campaign_id", "counted", "day", "on_day")))
    # By day: the last one of a number is the one whose attempts still count today.
    counted = link.execute(
        sa.text(
            "SELECT number, campaign_id, substr(CASE local_time WHEN '' THEN '1970-01-01' ELSE local_time END, 1, 10),"
            " COUNT(*) FROM sessions WHERE counts_attempt AND outcome IS NOT NULL GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
        )
    )
    waiting: list[dict[str, object]] = []
    last: tuple[str, int] | None = None
    for number, campaign_id, day, n in counted.fetchall():
        if last == (number, campaign_id):
            row = waiting[-1]
            row.update(counted=int(str(row["counted"])) + n, day=day, on_day=n)
            continue
        if len(waiting) >= _ROWS_AT_ONCE:
            op.bulk_insert(attempts, waiting)
            waiting = []
        digest = hashlib.blake2b(number.encode(), key=key, digest_size=16).hexdigest()
        waiting.append({"number": f"#{digest}", "campaign_id": campaign_id, "counted": n, "day": day, "on_day": n})
        last = number, campaign_id
    if waiting:
        op.bulk_insert(attempts, waiting)
