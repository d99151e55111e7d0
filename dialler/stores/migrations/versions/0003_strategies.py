"""Dialler strategies, ranks of leads, dates of lists and their change-sets."""

import json
import time

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
READY = sa.text("state = 'ready'")
KEEP_LISTS = {
    "sqlite": (
        "CREATE TRIGGER lists_kept BEFORE DELETE ON lists WHEN OLD.to_dial OR EXISTS (SELECT 1 FROM sessions"
        " WHERE status IN ('new', 'processing') AND list_id = OLD.list_id)"
        " BEGIN SELECT RAISE(ABORT, 'a list that is to dial or has live calls is not deleted'); END",
    ),
    "postgresql": (
        "CREATE FUNCTION keep_lists() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " IF OLD.to_dial OR EXISTS (SELECT 1 FROM sessions WHERE status IN ('new', 'processing')"
        " AND list_id = OLD.list_id) THEN"
        " RAISE EXCEPTION 'a list that is to dial or has live calls is not deleted'"
        " USING ERRCODE = 'restrict_violation'; END IF; RETURN OLD; END $$",
        "CREATE TRIGGER lists_kept BEFORE DELETE ON lists FOR EACH ROW EXECUTE FUNCTION keep_lists()",
    ),
}


def upgrade() -> None:
    op.create_table(
        "strategies",
        sa.Column("strategy_id", BIG, sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", BIG, nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("strategy_id"),
        sa.UniqueConstraint("name"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "strategy_versions",
        sa.Column("strategy_id", BIG, autoincrement=False, nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", BIG, nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("strategy_id", "version"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "change_sets",
        sa.Column("change_set_id", BIG, sa.Identity(always=False), nullable=False),
        sa.Column("campaign_id", BIG, nullable=False),
        sa.Column("at", BIG, nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("before", sa.Text(), nullable=False),
        sa.Column("after", sa.Text(), nullable=False),
        sa.Column("undone_at", BIG, nullable=True),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaigns.campaign_id"]),
        sa.PrimaryKeyConstraint("change_set_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("change_sets_by_campaign", "change_sets", ["campaign_id", "change_set_id"], unique=False)
    bind = op.get_bind()
    is_sqlite = bind.dialect.name == "sqlite"
    big = "INTEGER" if is_sqlite else "BIGINT"
    # In SQL: Alembic adds a foreign key on SQLite only by copying the table.
    op.execute(f"ALTER TABLE lists ADD COLUMN strategy_id {big} REFERENCES strategies (strategy_id)")
    for name in ("starts_at", "ends_at", "replan_after"):
        op.add_column("lists", sa.Column(name, BIG, nullable=True))
    op.add_column("lists", sa.Column("lead_days", sa.Integer(), nullable=True))
    op.add_column("lists", sa.Column("replanned", BIG, server_default="0", nullable=False))
    op.add_column("leads", sa.Column("rank", BIG, server_default="0", nullable=False))
    op.drop_index("leads_ready_oldest", "leads")
    op.drop_index("leads_ready_newest", "leads")
    newest = _give_strategies(bind)
    op.execute("UPDATE leads SET rank = lead_id")
    for list_id in newest:
        bind.execute(sa.text("UPDATE leads SET rank = -lead_id WHERE list_id = :list_id"), {"list_id": list_id})
    op.create_index(
        "leads_ready",
        "leads",
        ["list_id", "key_id", sa.literal_column("priority DESC"), "rank", "lead_id", "state"],
        unique=False,
        sqlite_where=READY,
        postgresql_where=READY,
    )
    op.drop_column("lists", "lead_order")
    op.drop_column("lists", "redial")
    for statement in KEEP_LISTS[bind.dialect.name]:
        op.execute(statement)


def _give_strategies(bind: sa.Connection) -> list[int]:
    """Add the standard strategy, and one for each list that has rules of its own; return the lists newest first."""
    now = int(time.time()) * 1_000_000
    standard = _add(bind, "standard", {}, now)
    taken, newest = {"standard"}, []
    rows = bind.execute(
        sa.text(
            "SELECT lists.list_id, lists.name, campaigns.name, lists.lead_order, lists.redial FROM lists"
            " JOIN campaigns ON campaigns.campaign_id = lists.campaign_id ORDER BY lists.list_id"
        )
    )
    for list_id, name, campaign, order, redial in rows.fetchall():
        body = {"order": order} if order != "oldest" else {}
        if order == "newest":
            newest.append(list_id)
        if by_outcome := json.loads(redial).get("by_outcome"):
            body["redial"] = {outcome: _rule(rule) for outcome, rule in by_outcome.items()}
        strategy_id = standard
        if body:
            # After the list; where two lists have one name, with the campaign, and in the last resort the id.
            free = (one for one in (name, f"{campaign} {name}", f"{name} {list_id}") if one not in taken)
            named = next(free, f"list {list_id}")
            taken.add(named)
            strategy_id = _add(bind, named, body, now)
        bind.execute(
            sa.text("UPDATE lists SET strategy_id = :strategy WHERE list_id = :list"),
            {"strategy": strategy_id, "list": list_id},
        )
    return newest


def _rule(stored: dict[str, object]) -> dict[str, object]:
    """Return a rule in the form of strategies: rests in words, what is not said left out."""
    rests = stored["rests"]
    assert isinstance(rests, list)
    rule: dict[str, object] = {"rests": [f"{rest // 1_000_000}s" for rest in rests]}
    rule.update({key: stored[key] for key in ("in_a_row_max", "then") if stored.get(key) is not None})
    return rule


def _add(bind: sa.Connection, name: str, body: dict[str, object], now: int) -> int:
    text = json.dumps(body)
    strategy_id = bind.scalar(
        sa.text(
            "INSERT INTO strategies (name, version, created_at, body) VALUES (:name, 1, :now, :body)"
            " RETURNING strategy_id"
        ),
        {"name": name, "now": now, "body": text},
    )
    assert strategy_id is not None
    bind.execute(
        sa.text("INSERT INTO strategy_versions (strategy_id, version, at, body) VALUES (:id, 1, :now, :body)"),
        {"id": strategy_id, "now": now, "body": text},
    )
    return int(strategy_id)
