"""The migrations make the schema that the code knows."""

from contextlib import ExitStack
from importlib.resources import files
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect

from dialler.ports import LeadFilter
from dialler.stores.open import parsed_url
from dialler.stores.postgres import postgres_engine
from dialler.stores.schema import HEAD, metadata
from dialler.stores.sqlite import sqlite_engine
from dialler.stores.upgrade import MIGRATIONS, upgrade
from tests.support import postgres
from tests.support.stores import list_of_leads, opened


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


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
async def test_records_with_data_keep_it_when_imports_come(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ExitStack() as made:
        url = made.enter_context(postgres.database()) if kind == "postgres" else f"sqlite:///{tmp_path / 'x.db'}"
        with monkeypatch.context() as before:
            before.setattr("dialler.stores.upgrade.HEAD", "0001")
            upgrade(url)
            before.setattr("dialler.stores.open.HEAD", "0001")
            async with opened(url) as store:
                await list_of_leads(store, 3)
        assert upgrade(url) == ("0001", HEAD)
        async with opened(url) as store:
            leads = await store.read(lambda records: records.leads(LeadFilter()))
            assert len(leads) == 3
            assert await store.read(lambda records: records.imports(limit=1)) == []
            assert await store.read(lambda records: records.check()) == []


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
