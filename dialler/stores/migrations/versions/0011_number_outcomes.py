"""How the last counted attempt on each number ended, so that the rest after an abandoned call holds for the number."""

import hashlib

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_ABANDONED = ("ABANDONED", "ABANDONED_SHORT")
_ROWS_AT_ONCE = 5_000


def upgrade() -> None:
    op.add_column("number_attempts", sa.Column("last_at", BIG, nullable=True))
    op.add_column("number_attempts", sa.Column("last_outcome", sa.Text(), nullable=True))
    _mark_abandoned()


def _mark_abandoned() -> None:
    """Note the last attempts that abandoned somebody; of the others nothing is asked before their next one."""
    link = op.get_bind()
    asked = "SELECT value FROM meta WHERE key IN ('number_key_0', 'number_key_1') ORDER BY key"
    halves = [row[0] for row in link.execute(sa.text(asked))]
    if not halves:
        return  # No attempt was counted yet.
    key = b"".join(half.to_bytes(8, "big") for half in halves)
    last: dict[tuple[str, int], tuple[int, str]] = {}
    # Those of numbers that were abandoned once, in the order of their ends.
    ended = link.execute(
        sa.text(
            "SELECT number, campaign_id, ended_at, outcome FROM sessions WHERE counts_attempt AND ended_at IS NOT NULL"
            " AND number IN (SELECT number FROM sessions WHERE outcome IN ('ABANDONED', 'ABANDONED_SHORT'))"
            " ORDER BY ended_at, seq"
        )
    )
    for number, campaign_id, ended_at, outcome in ended:
        last[number, campaign_id] = ended_at, outcome
    rows = [
        {"name": _hashed(number, key), "campaign": campaign_id, "at": ended_at, "as": outcome}
        for (number, campaign_id), (ended_at, outcome) in last.items()
        if outcome in _ABANDONED
    ]
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        link.execute(
            sa.text(
                "UPDATE number_attempts SET last_at = :at, last_outcome = :as WHERE number = :name"
                " AND campaign_id = :campaign"
            ),
            rows[start : start + _ROWS_AT_ONCE],
        )


def _hashed(number: str, key: bytes) -> str:
    """Return a number's keyed hash, as `dialler.stores.number_keys` does."""
    if number.startswith("#"):
        return number
    return f"#{hashlib.blake2b(number.encode(), key=key, digest_size=16).hexdigest()}"
