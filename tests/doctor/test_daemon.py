"""The doctor beside a daemon at work."""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

import dialler
from dialler.app.daemon import Daemon, daemon
from dialler.app.doctor import Report, examine
from dialler.app.network import make_network
from dialler.clock import SystemClock
from dialler.doctor.finding import Verdict
from dialler.events import Journal
from dialler.settings import load_settings
from dialler.stores.open import open_store
from dialler.stores.upgrade import upgrade
from tests.support.installations import SIMULATED, Installation, failures, only


@asynccontextmanager
async def running(installation: Installation) -> AsyncIterator[Daemon]:
    settings = load_settings(installation.settings)
    network, _ = make_network(settings, SystemClock(), Journal())
    store = open_store(settings.store.url, write=True, command="dialler run", exclusive=True)
    async with (
        store,
        daemon(settings, store=store, telephony=network, journal=Journal(), chance=random.Random(1)) as one,
    ):
        yield one


async def examined(installation: Installation) -> Report:
    return await examine(installation.settings, [installation.units])


async def test_a_daemon_at_work_is_recognised_at_all_its_doors(installation: Installation) -> None:
    async with running(installation) as one:
        assert one.addresses.metrics is None
        report = await examined(installation)
    assert failures(report) == set()
    assert f"version {dialler.__version__} answers" in only(report, "api.socket", Verdict.OK).found
    assert "(dialler run)" in only(report, "records.writer", Verdict.OK).found


async def test_its_metrics_are_looked_at(installation: Installation) -> None:
    installation.set(f'{SIMULATED}[metrics]\nlisten = "127.0.0.1:0"\n')
    async with running(installation) as one:
        assert one.addresses.metrics is not None
        address = one.addresses.metrics.removeprefix("http://").removesuffix("/metrics")
        installation.set(f'{SIMULATED}[metrics]\nlisten = "{address}"\n')
        assert "answers with" in only(await examined(installation), "metrics", Verdict.OK).found
        installation.set(f'{SIMULATED}[metrics]\nlisten = "127.0.0.1:1"\n')
        assert "does not answer" in only(await examined(installation), "metrics", Verdict.FAIL).found


async def test_a_daemon_of_another_version_is_to_be_restarted(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(installation):
        monkeypatch.setattr(dialler, "__version__", "9.9.9")
        report = await examined(installation)
    assert "restart" in only(report, "api.socket", Verdict.WARN).advice


async def test_a_daemon_on_other_records_is_found_out(installation: Installation) -> None:
    async with running(installation):
        upgrade(f"sqlite:///{installation.folder / 'other.db'}")
        socket = installation.folder / "records.db.sock"
        installation.set(f'[store]\nurl = "sqlite:///other.db"\n[api]\nsocket = "{socket}"\n[simulated]\n')
        finding = only(await examined(installation), "records.writer", Verdict.FAIL)
    assert "other records" in finding.found
