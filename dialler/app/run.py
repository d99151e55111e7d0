"""`dialler run`: the daemon of an installation."""

import logging
import random
from datetime import timedelta
from pathlib import Path

import anyio

from dialler import notify
from dialler.app.daemon import Daemon, daemon, options_of, until_signalled
from dialler.app.network import LinkStates, caps_of, make_network
from dialler.clock import SystemClock
from dialler.errors import DiallerError, SettingsError
from dialler.events import Journal, SettingsRefused, SettingsReloaded
from dialler.logs import configure_logging, log_events
from dialler.settings import Settings, changed_keys, load_settings
from dialler.stores.open import open_store

START_TIMEOUT_S = 15.0
"""A daemon none of whose exchanges came up by then gives up, so that whoever started it learns why."""

_log = logging.getLogger("dialler.run")


def run(path: Path) -> int:
    """Run until asked to stop; return the exit code. Raises SettingsError, StoreError, DiallerError."""
    settings = load_settings(path, for_run=True)
    configure_logging(settings.log.level, settings.log.format, settings.log.parts)
    anyio.run(_run, path, settings)
    return 0


async def _run(path: Path, settings: Settings) -> None:
    clock = SystemClock()
    journal = Journal()
    log_events(journal)
    network, links = make_network(settings, clock, journal)
    store = open_store(
        settings.store.url,
        write=True,
        group_delay=timedelta(milliseconds=settings.store.group_delay_ms),
        command=f"dialler run -c {path}",
        exclusive=True,
    )
    async with (
        store,
        daemon(settings, store=store, telephony=network, journal=journal, chance=random.SystemRandom()) as running,
    ):
        reloader = Reloader(path, settings, running)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_tell_start, running, links)
            await until_signalled(reloader.reload)
            tasks.cancel_scope.cancel()


async def _tell_start(running: Daemon, links: LinkStates) -> None:
    """Report ready once an exchange can be used; give up where none can."""
    floor = running.engine.floor
    servers = {floor.trunks.trunk(name).server for name in floor.trunks}
    with anyio.move_on_after(START_TIMEOUT_S):
        while not any(floor.is_usable(server) for server in servers):
            refused = links.refused()
            if refused and len(refused) == len(servers):
                break
            await anyio.sleep(0.05)
    if not any(floor.is_usable(server) for server in servers):
        raise DiallerError("no exchange can be used:\n" + "\n".join(f"  {line}" for line in links.reasons()))
    notify.ready()
    _log.info("ready", extra={"api": str(running.addresses.api.socket), "metrics": running.addresses.metrics})


class Reloader:
    """Applies a changed settings file, wholly or not at all."""

    def __init__(self, path: Path, settings: Settings, running: Daemon) -> None:
        self._path = path
        self._settings = self._started_with = settings
        self._running = running
        self._clock = SystemClock()

    def reload(self) -> None:
        """Read the file again; a single mistake leaves everything as it was."""
        notify.reloading()
        engine, journal = self._running.engine, self._running.journal
        try:
            new = load_settings(self._path, for_run=True)
        except SettingsError as error:
            mistakes = tuple(map(str, error.mistakes))
            journal.emit(SettingsRefused(at=self._clock.now(), mistakes=mistakes))
        else:
            live, _ = changed_keys(self._settings, new)
            _, needs_restart = changed_keys(self._started_with, new)
            configure_logging(new.log.level, new.log.format, new.log.parts)
            engine.set_options(options_of(new), caps_of(new, engine.floor.telephony.trunks))
            self._settings = new
            journal.emit(SettingsReloaded(at=self._clock.now(), changed=live, needs_restart=needs_restart))
        notify.ready()
