"""The migrations make the schema that the code knows."""

from datetime import UTC, date, timedelta
from importlib.resources import files
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect, text

from dialler.domain.abandon import AbandonCounts
from dialler.domain.filter_fields import LEAD_FIELDS, SESSION_FIELDS
from dialler.domain.filter_text import read_filter
from dialler.domain.lead import NumberAttempts
from dialler.domain.outcome import Outcome
from dialler.domain.redial import RedialRule, RedialRules
from dialler.domain.strategy import LeadOrder
from dialler.ports import Records, SessionFilter
from dialler.stores.codec import from_us
from dialler.stores.open import open_store, parsed_url
from dialler.stores.postgres import postgres_engine
from dialler.stores.schema import HEAD, metadata
from dialler.stores.sqlite import sqlite_engine
from dialler.stores.upgrade import MIGRATIONS, upgrade
from tests.support import postgres
from tests.support.stores import opened


def test_the_head_is_the_last_migration_and_they_are_packaged() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_heads() == [HEAD]
    assert files("dialler.stores.migrations.versions").joinpath("0001_records.py").is_file()


def check_schema(engine: Engine) -> None:
    with engine.connect() as connection:
        # SQLite has no identity columns to compare: there the defaults would always differ.
        has_identity = connection.dialect.name == "postgresql"
        context = MigrationContext.configure(connection, opts={"compare_server_default": has_identity})
        assert compare_metadata(context, metadata) == []
        # Partial indexes are compared by their names only, so look at what stands in them.
        for table, name, condition in (
            ("leads", "leads_resting", "state"),
            ("leads", "leads_ready", "state"),
            ("leads", "leads_customer_key", "customer_key"),
            ("sessions", "sessions_open", "status"),
        ):
            (index,) = [one for one in inspect(connection).get_indexes(table) if one["name"] == name]
            (where,) = [str(value) for key, value in index["dialect_options"].items() if key.endswith("_where")]
            assert condition in where
            assert bool(index["unique"]) == (name in ("leads_customer_key", "sessions_open"))
    engine.dispose()


def test_on_sqlite(tmp_path: Path) -> None:
    upgrade(f"sqlite:///{tmp_path / 'x.db'}")
    check_schema(sqlite_engine(tmp_path / "x.db", mode="rw"))


@pytest.mark.postgres
def test_on_postgres() -> None:
    with postgres.database() as url:
        assert upgrade(url) == (None, HEAD)
        assert upgrade(url) == (HEAD, HEAD)
        check_schema(postgres_engine(parsed_url(url)))


def fill_first_version(engine: Engine) -> None:
    """Bring records to the first schema, with three lists: one plain, two with an order or rules of their own."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    rules = '{"by_outcome": {"BUSY": {"rests": [300000000], "in_a_row_max": 2, "then": "NO_ANSWER"}}}'
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        run = connection.exec_driver_sql
        run("INSERT INTO campaigns (name, created_at, desired, settings, version) VALUES ('c', 0, 'stopped', '{}', 1)")
        run("INSERT INTO window_keys (zones, country, region) VALUES ('Etc/UTC', '', '')")
        for name, order, redial in (("plain", "oldest", "{}"), ("new", "newest", "{}"), ("standard", "oldest", rules)):
            run(
                "INSERT INTO lists (campaign_id, name, created_at, weight, to_dial, lead_order, redial)"
                f" VALUES (1, '{name}', 0, 30, {name == 'plain'}, '{order}', '{redial}')"
            )
        for lead_id in range(1, 9):
            list_id = 1 + lead_id % 2
            run(
                "INSERT INTO leads (lead_id, list_id, campaign_id, key_id, created_at, numbers)"
                f' VALUES ({lead_id}, {list_id}, 1, 1, 0, \'[["+1", "", "ok"]]\')'
            )
        run("INSERT INTO lead_counts (list_id, key_id, state, n) VALUES (1, 1, 'ready', 4), (2, 1, 'ready', 4)")
        run("INSERT INTO lead_numbers (number, campaign_id, lead_id) SELECT '+1', 1, lead_id FROM leads")
    engine.dispose()


async def check_strategies(url: str) -> None:
    """See that no order and no rule was lost."""
    async with opened(url) as store:
        assert await store.read(lambda records: records.check()) == []
        plain, new, busy = await store.read(lambda records: records.lists())
        assert [each.strategy and each.strategy.name for each in (plain, new, busy)] == [
            "standard",
            "new",
            "c standard",
        ]
        assert (new.rules.order, new.rules.redial) == (LeadOrder.NEWEST, RedialRules())
        rule = RedialRule(rests=(timedelta(minutes=5),), in_a_row_max=2, then=Outcome.NO_ANSWER)
        assert (busy.rules.order, busy.rules.redial) == (LeadOrder.OLDEST, RedialRules({Outcome.BUSY: rule}))
        assert (plain.weight, plain.to_dial, new.to_dial, plain.replan_after) == (30, True, False, None)

        def next_leads(records: Records) -> list[list[int]]:
            return [[lead for *_, lead in records.ready_ranks((each, 1), limit=9)] for each in (1, 2)]

        assert await store.read(next_leads) == [[2, 4, 6, 8], [7, 5, 3, 1]]
        versions = await store.read(lambda records: records.strategy_versions(new.strategy.strategy_id))
        assert [each.settings for each in versions] == [new.rules]
        assert await store.read(lambda records: records.imports(limit=1)) == []


async def test_what_lists_said_of_order_and_redial_becomes_strategies_on_sqlite(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'x.db'}"
    fill_first_version(sqlite_engine(tmp_path / "x.db", mode="rwc"))
    assert upgrade(url) == ("0001", HEAD)
    await check_strategies(url)


@pytest.mark.postgres
async def test_what_lists_said_of_order_and_redial_becomes_strategies_on_postgres() -> None:
    with postgres.database() as url:
        fill_first_version(postgres_engine(parsed_url(url)))
        assert upgrade(url) == ("0001", HEAD)
        await check_strategies(url)


def test_an_upgrade_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from alembic import op

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("power cut")

    monkeypatch.setattr(op, "create_index", fail)
    with pytest.raises(RuntimeError):
        upgrade(f"sqlite:///{tmp_path / 'x.db'}")
    engine = sqlite_engine(tmp_path / "x.db", mode="rw")
    assert inspect(engine).get_table_names() == []
    engine.dispose()


DNC_BEFORE = "INSERT INTO dnc (number, campaign_id, reason, added_at) VALUES ('+12025550123', 0, 'asked', 1000000)"


def upgraded_with_data(url: str, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make records as first released with some do-not-call numbers, upgrade them, and see that they are there."""
    with monkeypatch.context() as before:
        before.setattr("dialler.stores.upgrade.HEAD", "0001")
        assert upgrade(url) == (None, "0001")
    with engine.begin() as connection:
        connection.exec_driver_sql(DNC_BEFORE)
        connection.exec_driver_sql(DNC_BEFORE.replace(", 0,", ", 7,"))
    assert upgrade(url) == ("0001", HEAD)
    with engine.connect() as connection:
        found = connection.exec_driver_sql("SELECT * FROM dnc ORDER BY campaign_id").fetchall()
    assert [tuple(row) for row in found] == [
        ("+12025550123", 0, "", "asked", 1000000, ""),
        ("+12025550123", 7, "", "asked", 1000000, ""),
    ]
    check_schema(engine)


def test_do_not_call_numbers_of_before_stay_on_sqlite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    upgraded_with_data(f"sqlite:///{tmp_path / 'x.db'}", sqlite_engine(tmp_path / "x.db", mode="rw"), monkeypatch)


@pytest.mark.postgres
def test_do_not_call_numbers_of_before_stay_on_postgres(monkeypatch: pytest.MonkeyPatch) -> None:
    with postgres.database() as url:
        upgraded_with_data(url, postgres_engine(parsed_url(url)), monkeypatch)


async def check_that_data_stays(url: str) -> None:
    """Upgrade records of the first release that hold a lead and a session: both are found afterwards."""
    engine = postgres_engine(parsed_url(url)) if url.startswith("postgres") else sqlite_engine_of(url)
    with engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        for sql in (
            "INSERT INTO campaigns (name, created_at, desired, settings, version) VALUES ('c', 1, 'stopped', '{}', 1)",
            "INSERT INTO lists (campaign_id, name, created_at, weight, to_dial, lead_order, redial)"
            " VALUES (1, 'l', 1, 100, true, 'oldest', '{\"by_outcome\": {}}')",
            "INSERT INTO window_keys (zones, country, region) VALUES ('Etc/UTC', '', '')",
            "INSERT INTO leads (lead_id, list_id, campaign_id, key_id, created_at, numbers, name)"
            ' VALUES (1, 1, 1, 1, 1, \'[["+4930123456", "", "ok"]]\', \'Mercy\')',
            "INSERT INTO lead_counts (list_id, key_id, state, n) VALUES (1, 1, 'ready', 1)",
            "INSERT INTO lead_numbers (number, campaign_id, lead_id) VALUES ('+4930123456', 1, 1)",
            "INSERT INTO meta (key, value) VALUES ('lead_id', 1)",
            "INSERT INTO sessions (session_id, campaign_id, campaign, list_id, list, lead_id, attempt_no, number,"
            " created_at, status, outcome) VALUES ('s', 1, 'c', 1, 'l', 1, 1, '+4930123456', 1, 'expired', 'BUSY')",
            "INSERT INTO session_counts (campaign_id, list_id, status, outcome, n) VALUES (1, 1, 'expired', 'BUSY', 1)",
        ):
            connection.exec_driver_sql(sql)
    engine.dispose()
    assert upgrade(url) == ("0001", HEAD)
    async with open_store(url, write=True) as store:
        leads = read_filter("name contains mercy", LEAD_FIELDS, UTC)
        sessions = read_filter("outcome = BUSY and data.x is empty", SESSION_FIELDS, UTC)
        assert len((await store.read(lambda records: records.find_leads(leads))).items) == 1
        assert len((await store.read(lambda records: records.find_sessions(sessions))).items) == 1
        assert await store.read(lambda records: records.check()) == []


def sqlite_engine_of(url: str) -> Engine:
    return sqlite_engine(Path(url.removeprefix("sqlite:///")), mode="rwc")


async def test_an_upgrade_keeps_what_there_is_on_sqlite(tmp_path: Path) -> None:
    await check_that_data_stays(f"sqlite:///{tmp_path / 'x.db'}")


@pytest.mark.postgres
async def test_an_upgrade_keeps_what_there_is_on_postgres() -> None:
    with postgres.database() as url:
        await check_that_data_stays(url)


def load_first_release(engine: Engine) -> None:
    """Make records as 0001 had them, with a lead and three of its sessions."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.execute(
            text(
                "INSERT INTO leads (lead_id, list_id, campaign_id, key_id, created_at, numbers) VALUES"
                """ (7, 1, 1, 1, 5, '[["+12025550123","","ok"]]')"""
            )
        )
        connection.execute(text("INSERT INTO audit (at, who, what, details) VALUES (1, 'ann', 'x', '{}')"))
        for at, day in enumerate(["2026-06-01", "2026-06-02", "2026-06-02"]):
            connection.execute(
                text(
                    "INSERT INTO sessions (session_id, campaign_id, campaign, list_id, list, lead_id, attempt_no,"
                    " number, created_at, local_time, status, outcome, counts_attempt)"
                    " VALUES (:id, 1, 'c', 1, 'l', 7, 1, '+12025550123', 5, :at, 'expired', 'BUSY', :counts)"
                ),
                {"id": f"s-{at}", "at": f"{day}T10:00:00-04:00", "counts": True},
            )


async def check_upgraded(url: str) -> None:
    async with open_store(url, write=True) as store:
        lead = await store.read(lambda records: records._in.rows("SELECT callback_agent FROM leads"))  # type: ignore[attr-defined]
        assert [tuple(row) for row in lead] == [(None,)]
        [last] = await store.read(lambda records: records.sessions(SessionFilter(), limit=1))
        assert (last.session_id, last.for_agent, last.accepted_at, last.is_offer) == ("s-2", None, None, False)
        attempts = await store.read(lambda records: records.number_attempts(1, ["+12025550123"]))
        assert attempts == {"+12025550123": NumberAttempts(counted=3, day=date(2026, 6, 2), on_day=2)}


async def test_an_upgrade_of_records_with_data_keeps_them_on_sqlite(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'x.db'}"
    engine = sqlite_engine(tmp_path / "x.db", mode="rwc")
    load_first_release(engine)
    engine.dispose()
    assert upgrade(url) == ("0001", HEAD)
    await check_upgraded(url)


@pytest.mark.postgres
async def test_an_upgrade_of_records_with_data_keeps_them_on_postgres() -> None:
    with postgres.database() as url:
        engine = postgres_engine(parsed_url(url))
        load_first_release(engine)
        engine.dispose()
        assert upgrade(url) == ("0001", HEAD)
        await check_upgraded(url)


ENDED_BEFORE = (
    ("ABANDONED", "ratio", None, 300_000_000),
    ("OPTED_OUT", "ratio", None, 300_000_001),
    ("OPTED_OUT", "agentless", None, 300_000_001),
    ("CONNECTED", "ratio", "SALE", 299_999_999),
    ("CONNECTED", "ratio", "ANSWER_MACHINE", 600_000_000),
    ("CONNECTED", "progressive", None, 600_000_001),
    ("ABANDONED_SHORT", "ratio", None, 600_000_002),
    ("MACHINE_MESSAGE", "agentless", None, None),
    ("BUSY", "ratio", None, 300_000_000),
)
"""Outcome, dial mode, wrap code and end of sessions of before the ledger, in microseconds."""


def load_ended_sessions(engine: Engine) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0006")
        for at, (outcome, dial_mode, wrap_code, ended_at) in enumerate(ENDED_BEFORE):
            connection.execute(
                text(
                    "INSERT INTO sessions (session_id, campaign_id, campaign, list_id, list, lead_id, attempt_no,"
                    " number, created_at, status, outcome, dial_mode, wrap_code, ended_at) VALUES"
                    " (:id, 7, 'c', 1, 'l', :lead, 1, '+1', 900000000, 'expired', :outcome, :mode, :wrap, :ended)"
                ),
                {
                    "id": f"s{at}",
                    "lead": at,
                    "outcome": outcome,
                    "mode": dial_mode,
                    "wrap": wrap_code,
                    "ended": ended_at,
                },
            )
            connection.execute(
                text(
                    "INSERT INTO session_counts (campaign_id, list_id, status, outcome, n)"
                    " VALUES (7, 1, 'expired', :o, 1)"
                    " ON CONFLICT (campaign_id, list_id, status, outcome) DO UPDATE SET n = session_counts.n + 1"
                ),
                {"o": outcome},
            )


async def check_ledger(url: str) -> None:
    async with open_store(url, write=True) as store:
        assert await store.read(lambda records: records.abandon_counts(7, since=0)) == {
            0: AbandonCounts(passed=1),
            1: AbandonCounts(abandoned=2),
            2: AbandonCounts(passed=1, passed_machine=1, abandoned_short=1),
            3: AbandonCounts(machine=1),
        }
        assert await store.read(lambda records: records.check()) == []


ENDED_ON_NUMBERS = (
    ("+1312", "ABANDONED", 100, True),
    ("+1313", "ABANDONED", 100, True),
    ("+1313", "CONNECTED", 200, True),
    ("+1314", "BUSY", 100, True),
    ("+1315", "ABANDONED_SHORT", 100, True),
    ("+1315", "CANCELLED", 200, False),
)
"""Number, outcome, end and whether it counts, of sessions of before numbers knew how their last attempt ended."""


def load_attempts_on_numbers(engine: Engine) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        for at, (number, outcome, ended_at, counts) in enumerate(ENDED_ON_NUMBERS):
            connection.execute(
                text(
                    "INSERT INTO sessions (session_id, campaign_id, campaign, list_id, list, lead_id, attempt_no,"
                    " number, created_at, status, outcome, ended_at, counts_attempt) VALUES"
                    " (:id, 7, 'c', 1, 'l', :at, 1, :number, 50, 'expired', :outcome, :ended, :counts)"
                ),
                {
                    "id": f"s{at}",
                    "at": at,
                    "number": number,
                    "outcome": outcome,
                    "ended": ended_at,
                    "counts": counts,
                },
            )


async def check_who_was_abandoned(url: str) -> None:
    async with open_store(url, write=True) as store:
        numbers = sorted({number for number, *_ in ENDED_ON_NUMBERS})
        found = await store.read(lambda records: records.number_attempts(7, numbers))
        assert {number: (each.last_outcome, each.last_at) for number, each in found.items()} == {
            "+1312": (Outcome.ABANDONED, from_us(100)),
            "+1313": (None, None),
            "+1314": (None, None),
            "+1315": (Outcome.ABANDONED_SHORT, from_us(100)),
        }


async def test_an_upgrade_finds_the_numbers_that_were_abandoned_on_sqlite(tmp_path: Path) -> None:
    engine = sqlite_engine(tmp_path / "x.db", mode="rwc")
    load_attempts_on_numbers(engine)
    engine.dispose()
    assert upgrade(f"sqlite:///{tmp_path / 'x.db'}") == ("0001", HEAD)
    await check_who_was_abandoned(f"sqlite:///{tmp_path / 'x.db'}")


@pytest.mark.postgres
async def test_an_upgrade_finds_the_numbers_that_were_abandoned_on_postgres() -> None:
    with postgres.database() as url:
        engine = postgres_engine(parsed_url(url))
        load_attempts_on_numbers(engine)
        engine.dispose()
        assert upgrade(url) == ("0001", HEAD)
        await check_who_was_abandoned(url)


async def test_the_abandon_ledger_begins_with_the_sessions_there_are_on_sqlite(tmp_path: Path) -> None:
    engine = sqlite_engine(tmp_path / "x.db", mode="rwc")
    load_ended_sessions(engine)
    engine.dispose()
    assert upgrade(f"sqlite:///{tmp_path / 'x.db'}") == ("0006", HEAD)
    await check_ledger(f"sqlite:///{tmp_path / 'x.db'}")


@pytest.mark.postgres
async def test_the_abandon_ledger_begins_with_the_sessions_there_are_on_postgres() -> None:
    with postgres.database() as url:
        engine = postgres_engine(parsed_url(url))
        load_ended_sessions(engine)
        engine.dispose()
        assert upgrade(url) == ("0006", HEAD)
        await check_ledger(url)
