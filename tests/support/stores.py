"""Stores for tests: fresh records of each kind, quickly, and leads and sessions to put into them."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from sqlalchemy import make_url

from dialler.domain.campaign import Campaign, CampaignSettings, LeadList
from dialler.domain.lead import Lead, NewLead, PhoneNumber, WindowKey
from dialler.domain.session import Session
from dialler.ports import Records, Store
from dialler.stores.open import MEMORY, AnyStore, open_store
from dialler.stores.upgrade import upgrade
from tests.support import postgres

NOW: Final = datetime(2026, 11, 2, 15, 4, 5, 678901, tzinfo=UTC)
BERLIN: Final = WindowKey(("Europe/Berlin",), "DE", "BE")
TEXAS: Final = WindowKey(("America/Chicago", "America/Denver"), "US", "TX")

HOSTILE: Final = "x\r\nAction: Command'; DROP TABLE leads; -- %s ? {0} \u202eé漢🙂"
"""Text that would like to be something else."""

_numbers = count(1)


@cache
def _sqlite_template() -> tuple[TemporaryDirectory[str], Path]:
    directory = TemporaryDirectory(prefix="records")  # goes when the process ends
    path = Path(directory.name) / "template.db"
    upgrade(f"sqlite:///{path}")
    return directory, path


@cache
def _postgres_template() -> str:
    """Return the name of a database that is upgraded already; new ones are copies of it."""
    server = make_url(postgres.server_url()).set(drivername="postgresql")
    name = f"dialler_template_{os.getpid()}"  # workers may have one server
    url = server.render_as_string(hide_password=False)
    postgres.administer(url, f'DROP DATABASE IF EXISTS "{name}"')
    postgres.administer(url, f'CREATE DATABASE "{name}"')
    upgrade(server.set(database=name).render_as_string(hide_password=False))
    return name


@contextmanager
def records_url(kind: str, directory: Path) -> Iterator[str]:
    """Yield the url of empty, upgraded records: `kind` is "memory", "sqlite" or "postgres". May skip the test."""
    if kind == "memory":
        yield MEMORY
    elif kind == "sqlite":
        path = directory / f"records {next(_numbers)}.db"  # the blank shows whether paths are quoted
        shutil.copy(_sqlite_template()[1], path)
        yield f"sqlite:///{path}"
    else:
        with postgres.database(template=_postgres_template()) as url:
            yield url


def opened(url: str, **options: Any) -> AnyStore:
    """Open for writing, without waiting long for locks."""
    return open_store(url, **{"write": True, "wait": timedelta(seconds=1), **options})


def new_lead(number: str = "+4930123456", key: WindowKey = BERLIN, **fields: Any) -> NewLead:
    """Return a lead to load."""
    return NewLead(numbers=(PhoneNumber(number, number),), window_key=key, **fields)


def new_leads(n: int, **fields: Any) -> Iterator[NewLead]:
    """Yield leads with different numbers."""
    return (new_lead(f"+4930{i:07}", **fields) for i in range(n))


def new_session(lead: Lead, session_id: str, **fields: Any) -> Session:
    """Return the intent to call a lead."""
    given: dict[str, Any] = {
        "session_id": session_id,
        "campaign_id": lead.campaign_id,
        "campaign": "Spring",
        "list_id": lead.list_id,
        "list": "A",
        "lead_id": lead.lead_id,
        "attempt_no": lead.attempts + 1,
        "number": lead.numbers[0].number,
        "created_at": NOW,
    }
    return Session(**{**given, **fields})


def add_campaign_and_list(records: Records, name: str = "Spring") -> tuple[Campaign, LeadList]:
    """Create a campaign with one list, "A"."""
    campaign = records.add_campaign(name, CampaignSettings(), NOW)
    return campaign, records.add_list(campaign.campaign_id, "A", NOW)


async def list_of_leads(store: Store, n: int, **fields: Any) -> tuple[LeadList, tuple[Lead, ...]]:
    """Create a campaign and a list with `n` ready leads."""
    _, lead_list = await store.write(add_campaign_and_list)
    ids = await store.write(lambda records: records.add_leads(lead_list.list_id, new_leads(n, **fields), NOW))
    return lead_list, await store.read(lambda records: tuple(records.lead(lead_id) for lead_id in ids))
