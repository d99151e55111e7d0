"""Records in PostgreSQL: can the server be reached, is the schema ours, is it durable, may we write."""

from typing import Final

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from dialler.doctor.finding import Finding, fail, ok, or_ok, skip, warn
from dialler.doctor.schema import schema
from dialler.errors import StoreError
from dialler.stores.edge import our_error
from dialler.stores.open import parsed_url, revision_of
from dialler.stores.postgres import postgres_engine
from dialler.stores.schema import leads, sessions

VERSION_MIN: Final = 130_000
"""PostgreSQL 13, the first with pg_xact_status on 64-bit numbers, by which a commit of unknown end is cleared up."""
WRITER_LOCK: Final = 0x6469616C
"""The advisory lock of `dialler.stores.postgres`."""

_HOLDER: Final = """\
SELECT a.pid, a.application_name FROM pg_locks AS l JOIN pg_stat_activity AS a ON a.pid = l.pid
WHERE l.locktype = 'advisory' AND l.granted AND l.classid = 0 AND l.objid = %s
AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"""


def postgres_records(url: str, *, daemon_answers: bool) -> list[Finding]:
    """Judge the records in a server; `daemon_answers` says whether a daemon was found on the API's socket."""
    try:
        parsed = parsed_url(url)
        shown = parsed.set(drivername="postgresql").render_as_string(hide_password=True)
        engine = postgres_engine(parsed, reading=True, command="dialler doctor")
        try:
            revision = revision_of(engine)
            with engine.connect() as connection:
                version = int(str(_show(connection, "server_version_num")))
                found = [_reach(shown, version, connection), schema(revision)]
                found += _durability(connection)
                found.append(_writer(connection, daemon_answers=daemon_answers))
                if revision is not None:
                    found.append(_access(connection))
        finally:
            engine.dispose()
    except (SQLAlchemyError, StoreError) as error:
        advice = (
            "see that the server runs and that [store] url (or the credential store-url) is right: try it with psql"
        )
        return [fail("records.reach", str(our_error(error)), advice)]
    return [*found, skip("records.disk", "it is the server's")]


def _show(connection: Connection, name: str) -> object:
    return connection.exec_driver_sql(f"SHOW {name}").scalar()


def _reach(shown: str, version: int, connection: Connection) -> Finding:
    text = f"{shown}, PostgreSQL {version // 10_000}.{version % 10_000}"
    if version < VERSION_MIN:
        return fail("records.reach", text, "use PostgreSQL 13 or newer")
    if connection.exec_driver_sql("SELECT pg_is_in_recovery()").scalar():
        return fail("records.reach", f"{text}: a standby, which can't be written to", "name the primary in [store] url")
    return ok("records.reach", text)


def _durability(connection: Connection) -> list[Finding]:
    problems = []
    if _show(connection, "fsync") != "on":
        found = "fsync is off: a loss of power corrupts the records"
        problems.append(fail("records.durability", found, "set fsync = on in postgresql.conf"))
    if _show(connection, "full_page_writes") != "on":
        found = "full_page_writes is off: a loss of power may corrupt the records"
        problems.append(warn("records.durability", found, "set full_page_writes = on in postgresql.conf"))
    if (commit := _show(connection, "synchronous_commit")) == "off":
        problems.append(
            fail(
                "records.durability",
                f"synchronous_commit is {commit}: a call may be placed whose session is lost with the power,"
                " and be placed again",
                "set synchronous_commit = on for the server, or: ALTER ROLE ... SET synchronous_commit = on",
            )
        )
    return or_ok(problems, "records.durability", f"fsync on, synchronous_commit {commit}")


def _writer(connection: Connection, *, daemon_answers: bool) -> Finding:
    row = connection.exec_driver_sql(_HOLDER, (WRITER_LOCK,)).fetchone()
    if row is None:
        return ok("records.writer", "no daemon runs on these records")
    holder = f"server process {row[0]} ({row[1] or 'unknown'})"
    note = "" if daemon_answers else ", on another machine or with another [api] socket"
    return ok("records.writer", f"held by {holder}{note}")


def _access(connection: Connection) -> Finding:
    missing = [
        f"{right} on {table}"
        for table in (leads.name, sessions.name)
        for right in ("SELECT", "INSERT", "UPDATE", "DELETE")
        if not connection.exec_driver_sql("SELECT has_table_privilege(%s, %s)", (table, right)).scalar()
    ]
    if missing:
        advice = "let the account of [store] url own the database, or GRANT these to it"
        return fail("records.access", f"the account lacks {', '.join(missing)}", advice)
    return ok("records.access", "the account may read and write")
