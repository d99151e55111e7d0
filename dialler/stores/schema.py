"""The tables, one schema for SQLite and PostgreSQL.

Moments are integers, microseconds since 1970 in UTC: exact, and equal on both databases. What is looked at as a
whole (settings, numbers, data, evidence) is JSON in a text column; what is searched or ordered by is a column.

The indexes carry two promises. *The next lead costs the same however many there are*: the ready leads of a
bucket are kept in the order they go out, by their ranks, the resting ones in the order they wake, in partial indexes
that hold nothing else. *A lead has one open session at most*: a unique partial index says so, not the code.
"""

from typing import Any, Final

from sqlalchemy import (
    DDL,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    event,
    false,
    text,
)

HEAD: Final = "0011"
"""The migration that this version of the code needs; a test compares it with `migrations/`."""

BIG = BigInteger().with_variant(Integer, "sqlite")  # on SQLite only INTEGER aliases the rowid
PLAIN = Text().with_variant(Text(collation="C"), "postgresql")  # in the order of its bytes, so that it is a prefix's
metadata = MetaData()


def _id(name: str) -> Column[int]:
    return Column(name, BIG, Identity(), primary_key=True)


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False, server_default="")


def _count(name: str) -> Column[int]:
    return Column(name, Integer, nullable=False, server_default="0")


def _where(condition: str) -> dict[str, Any]:
    clause = text(condition)
    return {"sqlite_where": clause, "postgresql_where": clause}


campaigns = Table(
    "campaigns",
    metadata,
    _id("campaign_id"),
    Column("name", Text, nullable=False, unique=True),
    Column("created_at", BIG, nullable=False),
    Column("desired", Text, nullable=False),
    Column("settings", Text, nullable=False),
    Column("version", Integer, nullable=False),
    _text("merchant"),  # as in the settings, for do-not-call
    sqlite_autoincrement=True,  # an id is never used twice, also after a deletion
)

lists = Table(
    "lists",
    metadata,
    _id("list_id"),
    Column("campaign_id", BIG, ForeignKey("campaigns.campaign_id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("created_at", BIG, nullable=False),
    Column("weight", Integer, nullable=False),
    Column("to_dial", Boolean, nullable=False),
    Column("strategy_id", BIG, ForeignKey("strategies.strategy_id")),
    Column("starts_at", BIG),
    Column("ends_at", BIG),
    Column("lead_days", Integer),
    Column("replan_after", BIG),  # while leads are planned anew: the last one that is
    Column("replanned", BIG, nullable=False, server_default="0"),
    UniqueConstraint("campaign_id", "name", name="lists_name"),
    sqlite_autoincrement=True,
)

strategies = Table(
    "strategies",
    metadata,
    _id("strategy_id"),
    Column("name", Text, nullable=False, unique=True),
    Column("version", Integer, nullable=False),
    Column("created_at", BIG, nullable=False),
    Column("body", Text, nullable=False),
    sqlite_autoincrement=True,
)

strategy_versions = Table(
    "strategy_versions",
    metadata,
    Column("strategy_id", BIG, primary_key=True, autoincrement=False),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("at", BIG, nullable=False),
    Column("body", Text, nullable=False),
    sqlite_with_rowid=False,
)

change_sets = Table(
    "change_sets",
    metadata,
    _id("change_set_id"),
    Column("campaign_id", BIG, ForeignKey("campaigns.campaign_id"), nullable=False),
    Column("at", BIG, nullable=False),
    Column("who", Text, nullable=False),
    Column("before", Text, nullable=False),
    Column("after", Text, nullable=False),
    Column("undone_at", BIG),
    sqlite_autoincrement=True,
)
Index("change_sets_by_campaign", change_sets.c.campaign_id, change_sets.c.change_set_id)

window_keys = Table(
    "window_keys",
    metadata,
    _id("key_id"),
    Column("zones", Text, nullable=False),
    Column("country", Text, nullable=False),
    Column("region", Text, nullable=False),
    UniqueConstraint("zones", "country", "region", name="window_keys_unique"),
    sqlite_autoincrement=True,
)

leads = Table(
    "leads",
    metadata,
    Column("lead_id", BIG, primary_key=True, autoincrement=False),
    Column("list_id", BIG, nullable=False),
    Column("campaign_id", BIG, nullable=False),
    Column("key_id", BIG, nullable=False),
    Column("created_at", BIG, nullable=False),
    Column("numbers", Text, nullable=False),
    _text("name"),
    Column("customer_key", Text),
    Column("external_lead_id", Text),
    _text("timezone_source"),
    _text("timezone_given"),
    _text("postcode"),
    Column("priority", BIG, nullable=False, server_default="0"),
    Column("data", Text, nullable=False, server_default="{}"),
    Column("expires_at", BIG),
    Column("state", Text, nullable=False, server_default="ready"),
    Column("completed_reason", Text),
    Column("due_at", BIG),
    _count("attempts"),
    _count("attempts_counted"),
    _count("attempts_on_day"),
    Column("attempts_day", Text),
    _count("outcome_run"),
    Column("last_attempt_at", BIG),
    Column("last_outcome", Text),
    Column("last_contacted_at", BIG),
    Column("wrap_code", Text),
    Column("callback_at", BIG),
    Column("rank", BIG, nullable=False, server_default="0"),
    Column("callback_agent", Text),
    Column("callback_expires_at", BIG),
)
_lead = leads.c
Index(
    "leads_ready",
    _lead.list_id,
    _lead.key_id,
    _lead.priority.desc(),
    _lead.rank,
    _lead.lead_id,
    _lead.state,  # so that a walk along the index needs nothing from the rows
    **_where("state = 'ready'"),
)
Index("leads_resting", _lead.list_id, _lead.key_id, _lead.due_at, _lead.lead_id, **_where("state = 'resting'"))
Index("leads_callbacks", _lead.callback_at, _lead.lead_id, **_where("callback_at IS NOT NULL"))
Index(
    "leads_callbacks_due",
    _lead.list_id,
    _lead.key_id,
    _lead.due_at,
    _lead.lead_id,
    **_where("callback_at IS NOT NULL"),
)
Index("leads_by_list", _lead.list_id, _lead.state, _lead.lead_id)
Index("leads_customer_key", _lead.list_id, _lead.customer_key, unique=True, **_where("customer_key IS NOT NULL"))
Index("leads_external", _lead.external_lead_id, _lead.lead_id, **_where("external_lead_id IS NOT NULL"))
# For searching. Those of an attempt (its time, its outcome) are the price of finding by them; the rest change rarely.
Index("leads_by_key", _lead.key_id, _lead.lead_id)
Index("leads_priority", _lead.priority, _lead.lead_id, **_where("priority <> 0"))
for _name in ("completed_reason", "last_outcome", "wrap_code", "last_contacted_at", "last_attempt_at"):
    Index(f"leads_{_name}", _lead[_name], _lead.lead_id, **_where(f"{_name} IS NOT NULL"))

lead_numbers = Table(
    "lead_numbers",
    metadata,
    Column("number", Text, primary_key=True),
    Column("campaign_id", BIG, primary_key=True, autoincrement=False),
    Column("lead_id", BIG, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)

number_attempts = Table(
    "number_attempts",
    metadata,
    Column("number", Text, primary_key=True),  # under its keyed hash, see `number_keys`
    Column("campaign_id", BIG, primary_key=True, autoincrement=False),
    Column("counted", Integer, nullable=False),
    Column("day", Text, nullable=False),
    Column("on_day", Integer, nullable=False),
    Column("last_at", BIG),
    Column("last_outcome", Text),
    sqlite_with_rowid=False,
)

lead_counts = Table(
    "lead_counts",
    metadata,
    Column("list_id", BIG, primary_key=True, autoincrement=False),
    Column("key_id", BIG, primary_key=True, autoincrement=False),
    Column("state", Text, primary_key=True),
    Column("n", BIG, nullable=False),
    sqlite_with_rowid=False,
)

sessions = Table(
    "sessions",
    metadata,
    _id("seq"),
    Column("session_id", Text, nullable=False, unique=True),
    Column("campaign_id", BIG, nullable=False),
    Column("campaign", Text, nullable=False),
    Column("list_id", BIG, nullable=False),
    Column("list", Text, nullable=False),
    Column("lead_id", BIG, nullable=False),
    Column("attempt_no", Integer, nullable=False),
    Column("number", Text, nullable=False),
    Column("created_at", BIG, nullable=False),
    _text("name"),
    Column("external_lead_id", Text),
    Column("customer_key", Text),
    _text("dial_mode"),
    _text("timezone"),
    _text("local_time"),
    Column("pick", Text, nullable=False, server_default="{}"),
    Column("details", Text, nullable=False, server_default="{}"),
    Column("status", Text, nullable=False),
    Column("outcome", Text),
    Column("caller_id", Text),
    Column("caller_id_day", Text),  # its pool's local day of the intent; none: it is of no pool
    _text("trunk"),
    _text("server"),
    Column("sent_at", BIG),
    Column("ringing_at", BIG),
    Column("answered_at", BIG),
    Column("queued_at", BIG),
    Column("connected_at", BIG),
    Column("ended_at", BIG),
    Column("wrapped_at", BIG),
    Column("evidence", Text, nullable=False, server_default="{}"),
    Column("agent", Text),
    Column("counts_attempt", Boolean, nullable=False, server_default=false()),
    Column("wrap_code", Text),
    Column("wrap_note", Text),
    Column("wrap_edited_by", Text),
    Column("wrap_edited_at", BIG),
    Column("for_agent", Text),
    Column("accepted_at", BIG),
    sqlite_autoincrement=True,
)
_session = sessions.c
Index("sessions_open", _session.lead_id, unique=True, **_where("status IN ('new', 'processing')"))
Index("sessions_by_campaign", _session.campaign_id, _session.seq)
Index("sessions_by_list", _session.list_id, _session.seq)
Index("sessions_by_lead", _session.lead_id, _session.seq)
Index("sessions_by_number", _session.number, _session.seq)
for _name in ("external_lead_id", "outcome", "wrap_code", "agent"):
    Index(f"sessions_{_name}", _session[_name], _session.seq, **_where(f"{_name} IS NOT NULL"))
Index("sessions_agent_lead", _session.agent, _session.lead_id, **_where("agent IS NOT NULL"))

search_grams = Table(
    "search_grams",
    metadata,
    Column("gram", Text, primary_key=True),
    Column("block", BIG, primary_key=True, autoincrement=False),
    Column("leads", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)
"""Which leads of a block have a piece of text; see `search_index`."""

search_pending = Table(
    "search_pending",
    metadata,
    Column("lead_id", BIG, primary_key=True, autoincrement=False),
    Column("version", BIG, nullable=False),
)
"""Leads that were edited since they were indexed."""

saved_filters = Table(
    "saved_filters",
    metadata,
    Column("who", Text, primary_key=True),
    Column("noun", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("filter", Text, nullable=False),
    Column("saved_at", BIG, nullable=False),
    sqlite_with_rowid=False,
)

view_columns = Table(
    "view_columns",
    metadata,
    Column("who", Text, primary_key=True),
    Column("view", Text, primary_key=True),
    Column("columns", Text, nullable=False),
    sqlite_with_rowid=False,
)

session_counts = Table(
    "session_counts",
    metadata,
    Column("campaign_id", BIG, primary_key=True, autoincrement=False),
    Column("list_id", BIG, primary_key=True, autoincrement=False),
    Column("status", Text, primary_key=True),
    Column("outcome", Text, primary_key=True),  # '' where there is none yet
    Column("n", BIG, nullable=False),
    sqlite_with_rowid=False,
)

abandon_counts = Table(
    "abandon_counts",
    metadata,
    Column("campaign_id", BIG, primary_key=True, autoincrement=False),
    Column("slot", BIG, primary_key=True, autoincrement=False),  # of five minutes, counted from 1970
    Column("counted", Text, primary_key=True),
    Column("n", BIG, nullable=False),
    sqlite_with_rowid=False,
)

caller_id_pools = Table(
    "caller_id_pools",
    metadata,
    _id("pool_id"),
    Column("name", Text, nullable=False, unique=True),
    Column("created_at", BIG, nullable=False),
    Column("settings", Text, nullable=False),
    Column("revision", BIG, nullable=False),
    sqlite_autoincrement=True,
)

caller_ids = Table(
    "caller_ids",
    metadata,
    Column("number", Text, primary_key=True),
    Column("pool_id", BIG, ForeignKey("caller_id_pools.pool_id")),  # none: taken out; how it was used still counts
    Column("areas", Text, nullable=False),
    Column("trunks", Text, nullable=False),
    Column("calls_per_day_max", Integer),
    Column("rest_s", Integer),
    Column("off_reason", Text),
    Column("off_until", BIG),
    Column("last_at", BIG),
    Column("day", Text),
    Column("on_day", Integer),
    Column("turn", BIG),
    sqlite_with_rowid=False,
)
Index("caller_ids_by_pool", caller_ids.c.pool_id, caller_ids.c.number)

caller_id_days = Table(
    "caller_id_days",
    metadata,
    Column("number", Text, primary_key=True),
    Column("day", Text, primary_key=True),
    *(_count(name) for name in ("calls", "tried", "answered", "persons", "connected", "short", "blocked")),
    sqlite_with_rowid=False,
)

round_states = Table(
    "round_states",
    metadata,
    Column("scope", Text, primary_key=True),
    Column("state", Text, nullable=False),
)

dnc = Table(
    "dnc",
    metadata,
    Column("number", PLAIN, primary_key=True),
    Column("campaign_id", BIG, primary_key=True, autoincrement=False),  # 0: of none
    Column("merchant", Text, primary_key=True, server_default=""),  # '': of none; of neither: everywhere
    Column("reason", Text, nullable=False),
    Column("added_at", BIG, nullable=False),
    _text("added_by"),
    sqlite_with_rowid=False,
)
Index("dnc_by_scope", dnc.c.campaign_id, dnc.c.merchant, dnc.c.number)

imports = Table(
    "imports",
    metadata,
    _id("import_id"),
    Column("campaign_id", BIG, ForeignKey("campaigns.campaign_id"), nullable=False),
    Column("list_id", BIG),  # none: the list is made when the import is run
    Column("list_name", Text, nullable=False),
    Column("created_at", BIG, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("stage", Text, nullable=False),
    Column("row_done", BIG, nullable=False),
    Column("revision", BIG, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("file", Text, nullable=False),
    Column("mapping", Text, nullable=False),
    Column("options", Text, nullable=False),
    Column("counts", Text, nullable=False),
    Column("review", Text),
    Column("report", Text),
    sqlite_autoincrement=True,
)
Index("imports_by_campaign", imports.c.campaign_id, imports.c.import_id)
Index("imports_by_file", imports.c.sha256, imports.c.import_id, **_where("sha256 <> ''"))

import_blocks = Table(
    "import_blocks",
    metadata,
    Column("import_id", BIG, ForeignKey("imports.import_id"), primary_key=True, autoincrement=False),
    Column("last_row", BIG, primary_key=True, autoincrement=False),
    Column("status", Text, nullable=False),
    _text("plan"),
    Column("fixed", Text, nullable=False, server_default="[]"),
    Column("problems", Text, nullable=False, server_default="[]"),
    _count("marked"),
)
# Whoever corrects rows looks at the few that are not valid, among a million that are.
Index("import_blocks_marked", import_blocks.c.import_id, import_blocks.c.last_row, **_where("marked > 0"))


def _bodies(name: str) -> Table:
    """What is large of a block, and written once: apart, so that a change of state does not write it anew."""
    return Table(
        name,
        metadata,
        Column("import_id", BIG, ForeignKey("imports.import_id"), primary_key=True, autoincrement=False),
        Column("last_row", BIG, primary_key=True, autoincrement=False),
        Column("body", LargeBinary, nullable=False),
    )


import_cells = _bodies("import_cells")
import_leads = _bodies("import_leads")

import_templates = Table(
    "import_templates",
    metadata,
    Column("name", Text, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("header_sha256", Text, nullable=False),
    Column("mapping", Text, nullable=False),
    Column("created_at", BIG, nullable=False),
    Column("created_by", Text, nullable=False),
)

audit = Table(
    "audit",
    metadata,
    _id("audit_id"),
    Column("at", BIG, nullable=False),
    Column("who", Text, nullable=False),
    Column("what", Text, nullable=False),
    Column("details", Text, nullable=False),
    Column("lead_id", BIG),
    sqlite_autoincrement=True,
)
Index("audit_by_lead", audit.c.lead_id, audit.c.audit_id, **_where("lead_id IS NOT NULL"))

meta = Table(
    "meta",
    metadata,
    Column("key", Text, primary_key=True),
    Column("value", BIG, nullable=False),
)
"""Counters of the records themselves; `lead_id` is the last id given out, `number_key_...` see `number_keys`."""

KEEP_LISTS: Final = {
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
"""A list that is to dial, or has live calls, can't be deleted: the database says so, by its name."""


def _afterwards(statement: str, dialect: str) -> None:
    """Run a statement once the tables are made."""
    ddl: Any = DDL(statement)  # type: ignore[no-untyped-call]
    event.listen(metadata, "after_create", ddl.execute_if(dialect=dialect))


_SHIPPED = (
    "INSERT INTO strategies (strategy_id, name, version, created_at, body) VALUES (1, 'standard', 1, 0, '{}')",
    "INSERT INTO strategy_versions (strategy_id, version, at, body) VALUES (1, 1, 0, '{}')",
)
"""What records that are made without the migrations, in memory, begin with."""

for _statement in _SHIPPED:
    _afterwards(_statement, "sqlite")
for _dialect, _statements in KEEP_LISTS.items():
    for _statement in _statements:
        _afterwards(_statement, _dialect)
