"""The migrations make the schema that the code knows."""

from datetime import date
from importlib.resources import files
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect, text

from dialler.domain.lead import NumberAttempts
from dialler.stores.open import open_store, parsed_url
from dialler.stores.postgres import postgres_engine
from dialler.stores.schema import HEAD, metadata
from dialler.stores.sqlite import sqlite_engine
from dialler.stores.upgrade import MIGRATIONS, upgrade
from tests.support import postgres


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
            ("leads", "leads_ready_oldest", "state"),
            ("leads", "leads_ready_newest", "state"),
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
