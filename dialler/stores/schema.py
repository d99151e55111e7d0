"""The tables, one schema for SQLite and PostgreSQL.

Moments are integers, microseconds since 1970 in UTC: exact, and equal on both databases. What is looked at as a
whole (settings, numbers, data, evidence) is JSON in a text column; what is searched or ordered by is a column.

The indexes carry two promises. *The next lead costs the same however many there are*: the ready leads of a
bucket are kept in the order they go out, the resting ones in the order they wake, in partial indexes that hold
nothing else. *A lead has one open session at most*: a unique partial index says so, not the code.
"""

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

HEAD: Final = "0003"
"""The migration that this version of the code needs; a test compares it with `migrations/`."""

BIG = BigInteger().with_variant(Integer, "sqlite")  # on SQLite only INTEGER aliases the rowid
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
    Column("lead_order", Text, nullable=False),
    Column("redial", Text, nullable=False),
    UniqueConstraint("campaign_id", "name", name="lists_name"),
    sqlite_autoincrement=True,
)

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
    Column("callback_agent", Text),
    Column("callback_expires_at", BIG),
)
_lead = leads.c
Index(
    "leads_ready_oldest",
    _lead.list_id,
    _lead.key_id,
    _lead.priority.desc(),
    _lead.lead_id,
    _lead.state,  # so that a walk along the index needs nothing from the rows
    **_where("state = 'ready'"),
)
Index(
    "leads_ready_newest",
    _lead.list_id,
    _lead.key_id,
    _lead.priority.desc(),
    _lead.lead_id.desc(),
    _lead.state,
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
    Column("status", Text, nullable=False),
    Column("outcome", Text),
    Column("caller_id", Text),
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
    sqlite_autoincrement=True,
)
_session = sessions.c
Index("sessions_open", _session.lead_id, unique=True, **_where("status IN ('new', 'processing')"))
Index("sessions_by_campaign", _session.campaign_id, _session.seq)
Index("sessions_by_list", _session.list_id, _session.seq)
Index("sessions_by_lead", _session.lead_id, _session.seq)

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

round_states = Table(
    "round_states",
    metadata,
    Column("scope", Text, primary_key=True),
    Column("state", Text, nullable=False),
)

dnc = Table(
    "dnc",
    metadata,
    Column("number", Text, primary_key=True),
    Column("campaign_id", BIG, primary_key=True, autoincrement=False),  # 0: everywhere
    Column("reason", Text, nullable=False),
    Column("added_at", BIG, nullable=False),
    sqlite_with_rowid=False,
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
