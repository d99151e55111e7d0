"""Imports that were under way when their rows came into blocks go on."""

from pathlib import Path

import orjson
import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, text

from dialler.clock import FixedClock
from dialler.domain.lead_import import ImportStage, RowStatus
from dialler.importing.stages.plain_lead import FIELDS
from dialler.importing.stages.row_pages import rows_after
from dialler.importing.stages.running import run_import
from dialler.ports import LeadFilter
from dialler.stores.open import open_store, parsed_url
from dialler.stores.postgres import postgres_engine
from dialler.stores.schema import HEAD
from dialler.stores.sqlite import sqlite_engine
from dialler.stores.upgrade import MIGRATIONS, upgrade
from tests.support import postgres
from tests.support.stores import NOW

ROWS = 1_003
LEAD = {
    "numbers": [["+12025550123", "202-555-0123", "mobile"]],
    "zones": ["America/New_York"],
    "country": "US",
    "region": "DC",
    "name": "Zoë",
    "customer_key": None,
    "external_lead_id": None,
    "timezone_source": "rule",
    "timezone_given": "",
    "zone_by": "us.toml",
    "postcode": "20001",
    "priority": 3,
    "has_priority": True,
    "data": {"a": "b"},
}


def fill(engine: Engine) -> None:
    """Make records of version 0006 with an import that is being run: the first row is loaded, the last is invalid."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    file = {"name": "x.csv", "bytes": 9, "rows": ROWS, "encoding": "utf-8", "delimiter": ",", "has_header": False,
            "first_row": 1, "first_cells": ["a"], "notes": []}  # fmt: skip
    options = {"import_new": True, "update_existing": False, "begun": True, "begun_at": "2026-01-01T00:00:00+00:00"}
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0006")
        for sql in (
            "INSERT INTO campaigns (name, created_at, desired, settings, version) VALUES ('c', 0, 'stopped', '{}', 1)",
            "INSERT INTO lists (campaign_id, name, created_at, weight, to_dial) VALUES (1, 'A', 0, 30, false)",
        ):
            connection.exec_driver_sql(sql)
        connection.execute(
            text(
                "INSERT INTO imports (campaign_id, list_id, list_name, created_at, created_by, stage, row_done,"
                " revision, sha256, file, mapping, options, counts, review)"
                " VALUES (1, 1, 'A', 0, 'ann', 'run', 1, 4, 'ab', :file, :mapping, :options, :counts, :review)"
            ),
            {
                "file": orjson.dumps(file).decode(),
                "mapping": '{"columns": {}, "region": "US"}',
                "options": orjson.dumps(options).decode(),
                "counts": orjson.dumps({"imported": 1, "valid": ROWS - 2, "invalid": 1}).decode(),
                "review": '{"campaign": "c"}',
            },
        )
        rows = [
            {"row": row, "cells": '["Zo\u00eb"]', "status": "valid", "fixed": "{}", "problems": "[]",
             "lead": orjson.dumps(LEAD).decode(), "plan": "new"}
            for row in range(1, ROWS + 1)
        ]  # fmt: skip
        rows[0]["status"] = "imported"
        rows[1] |= {"fixed": '{"0": "x"}', "problems": '[["cut", "it is cut"]]'}
        rows[-1] |= {"status": "invalid", "problems": '[["columns", "it has 1"]]', "lead": "", "plan": ""}
        connection.execute(
            text(
                "INSERT INTO import_rows (import_id, row_no, cells, unreadable, status, fixed, problems, lead, plan)"
                " VALUES (1, :row, :cells, '', :status, :fixed, :problems, :lead, :plan)"
            ),
            rows,
        )
    engine.dispose()


async def check(url: str) -> None:
    assert upgrade(url) == ("0006", HEAD)
    async with open_store(url, write=True) as store:
        rows = await store.read(lambda records: rows_after(records, 1, 0, limit=2_000))
        assert [row.row for row in rows] == list(range(1, ROWS + 1))
        assert [row.status for row in (rows[0], rows[1], rows[-1])] == [
            RowStatus.IMPORTED,
            RowStatus.VALID,
            RowStatus.INVALID,
        ]
        assert (rows[1].fixed, rows[1].problems, rows[1].plan) == ({"0": "x"}, [["cut", "it is cut"]], "new")
        assert rows[1].lead is not None and dict(zip(FIELDS, rows[1].lead, strict=True)) == LEAD
        done, _ = await run_import(store=store, import_id=1, clock=FixedClock(NOW), who="ann")
        assert done.stage is ImportStage.DONE and done.report is not None
        assert (done.report["imported"], done.report["rejected"]) == (ROWS - 1, 1)
        leads = await store.read(lambda records: records.leads(LeadFilter(list_id=1), limit=ROWS))
        assert len(leads) == ROWS - 2  # the first row's was loaded before
        assert (leads[0].name, leads[0].data, leads[0].priority) == ("Zoë", {"a": "b"}, 3)


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    fill(sqlite_engine(tmp_path / "x.db", mode="rwc"))
    return f"sqlite:///{tmp_path / 'x.db'}"


async def test_an_import_under_way_goes_on_after_the_upgrade_on_sqlite(sqlite_url: str) -> None:
    await check(sqlite_url)


@pytest.mark.postgres
async def test_an_import_under_way_goes_on_after_the_upgrade_on_postgres() -> None:
    with postgres.database() as url:
        fill(postgres_engine(parsed_url(url)))
        await check(url)
