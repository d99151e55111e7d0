"""`dialler doctor`: gathers what is to be known of an installation, and has it judged."""

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import anyio
import httpx

import dialler
from dialler.api.probe import answers
from dialler.app.network import asterisk_server, simulated_plan
from dialler.clock import SystemClock
from dialler.doctor import disk, doors, machine
from dialler.doctor.access import Who, owner_of, records_access, this_user, user_named
from dialler.doctor.catalogue import CHECKS
from dialler.doctor.dialplan import contexts
from dialler.doctor.exchange import exchange
from dialler.doctor.finding import Finding, Verdict, fail, ok, skip
from dialler.doctor.modules import MODULES
from dialler.doctor.postgres import postgres_records
from dialler.doctor.secrets import secret_files
from dialler.doctor.sharing import SharingFacts, sharing
from dialler.doctor.sqlite import sqlite_records
from dialler.doctor.unit import FOLDERS, RUNNING, read_unit, unit
from dialler.domain.zones import IANA_VERSION
from dialler.errors import Mistake, SettingsError
from dialler.settings import AsteriskSettings, Settings, find_settings, host_and_port, load_settings
from dialler.stores.redis.probe import probe
from telephony.ami.probe import examine as examine_asterisk

ASKED_WITHIN_S: Final = 10.0
"""How long a daemon has to answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What an examination came to."""

    file: str | None
    """The settings file; None where none was found."""

    readable: bool
    """Whether the settings could be read; if not, only little was examined."""

    findings: tuple[Finding, ...]

    @property
    def exit_code(self) -> int:
        """0 where nothing fails, 1 where something does, 2 where the settings can't be read."""
        if not self.readable:
            return 2
        return 1 if any(finding.verdict is Verdict.FAIL for finding in self.findings) else 0


def doctor(config: Path | None, *, unit_folders: Sequence[Path] = FOLDERS) -> Report:
    """Examine the installation whose settings are `config`, or those that every command finds."""
    return anyio.run(examine, config, unit_folders)


async def examine(config: Path | None, unit_folders: Sequence[Path] = FOLDERS) -> Report:
    """As `doctor`, in a running event loop, which it blocks at times."""
    findings = [
        machine.python_version(),
        machine.time_zones(IANA_VERSION, machine.system_iana_version()),
        machine.clock(machine.kernel_clock_state()),
    ]
    path, settings, mistakes = _settings(config)
    findings += mistakes
    if settings is not None and path is not None:
        findings += await _of_settings(path, settings, unit_folders)
    order = {name: place for place, name in enumerate(CHECKS)}
    local = sorted((each for each in findings if not each.on), key=lambda each: order[each.check])
    return Report(
        file=None if path is None else str(path),
        readable=settings is not None,
        findings=(*local, *(each for each in findings if each.on)),
    )


def _settings(config: Path | None) -> tuple[Path | None, Settings | None, list[Finding]]:
    """Return the file, the settings as far as they can be read, and what is wrong with them."""
    try:
        path = find_settings(config)
    except SettingsError as error:
        return None, None, _told(error.mistakes)
    mistakes: list[Mistake] = []
    settings = None
    try:
        settings = load_settings(path)
        load_settings(path, for_run=True)
    except SettingsError as error:
        mistakes += error.mistakes
    if settings is not None and settings.telephony.kind == "simulated":
        try:
            simulated_plan(settings)
        except SettingsError as error:
            mistakes += error.mistakes
    return path, settings, _told(mistakes) or [ok("settings", f"{path}: no mistakes")]


def _told(mistakes: Sequence[Mistake]) -> list[Finding]:
    return [
        fail("settings", f"{each.file}: {each.key} = {each.value}", f"expected {each.expected}") for each in mistakes
    ]


async def _of_settings(path: Path, settings: Settings, unit_folders: Sequence[Path]) -> list[Finding]:
    found_unit = read_unit(unit_folders)
    facts = await _ask_daemon(settings)
    daemon = facts.version is not None
    database = settings.store.database_file
    users = _users(found_unit[1] if found_unit else {}, database or path)
    findings = [machine.sqlite_version(sqlite3.sqlite_version_info, in_use=database is not None)]
    findings += secret_files(path, settings, users)
    findings += _records(settings, users, daemon_answers=daemon)
    findings += doors.api_socket(settings.api.socket, facts, version=dialler.__version__)
    findings += doors.api_tcp(settings, daemon_answers=daemon)
    metrics = await _page(settings.metrics.listen, "/metrics") if settings.metrics else None
    findings += doors.metrics(settings, daemon_answers=daemon, page=metrics)
    findings += doors.web(settings, page=await _page(settings.web.listen, "/"))
    findings += await _sharing(settings)
    findings += unit(
        found_unit,
        systemd_runs=RUNNING.is_dir(),
        settings_file=path,
        drain_timeout_s=settings.engine.drain_timeout_s,
    )
    return findings + await _exchanges(settings)


def _users(unit_values: Mapping[str, str], beside: Path) -> list[Who]:
    """Return who has to get at the files: this user, and the daemon's, which is the unit's or the folder's owner."""
    daemon = user_named(unit_values["User"]) if "User" in unit_values else owner_of(beside.absolute().parent)
    return [this_user(), *([daemon] if daemon else [])]


def _records(settings: Settings, users: Sequence[Who], *, daemon_answers: bool) -> list[Finding]:
    database = settings.store.database_file
    if database is None:
        return postgres_records(settings.store.url, daemon_answers=daemon_answers)
    findings = sqlite_records(database, daemon_answers=daemon_answers)
    if database.parent.is_dir():
        findings += records_access(database, users)
        free, total = disk.room(database.parent)
        kind = disk.filesystem_of(database.parent, disk.read_mounts())
        findings += disk.disk(database.parent, free=free, total=total, filesystem=kind)
    return findings


async def _ask_daemon(settings: Settings) -> doors.SocketFacts:
    """Ask whoever listens on the API's socket for its version."""
    path = settings.api.socket
    try:
        if not answers(path):
            return doors.SocketFacts(answers=False)
    except PermissionError:
        return doors.SocketFacts(answers=False, error="this user may not ask who is there", is_denied=True)
    except OSError as error:
        return doors.SocketFacts(answers=False, error=error.strerror or str(error))
    transport = httpx.AsyncHTTPTransport(uds=str(path))
    try:
        async with httpx.AsyncClient(transport=transport, timeout=ASKED_WITHIN_S) as client:
            version = (await client.get("http://dialler/status")).json()["version"]
    except (httpx.HTTPError, ValueError, KeyError, TypeError):
        return doors.SocketFacts(answers=True)
    return doors.SocketFacts(answers=True, version=str(version))


async def _page(listen: str, path: str) -> str | None:
    """Return what the page at an address that is listened on answers, None where nothing useful does."""
    host, port = host_and_port(listen)
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    url = f"http://{f'[{host}]' if ':' in host else host}:{port}{path}"
    try:
        async with httpx.AsyncClient(timeout=ASKED_WITHIN_S, trust_env=False) as client:
            return (await client.get(url)).text
    except (httpx.HTTPError, httpx.InvalidURL):
        return None


async def _sharing(settings: Settings) -> list[Finding]:
    if settings.redis is None:
        return sharing(None, None, [])
    trunks = [trunk for server in settings.asterisk for trunk in server.trunks]
    names = [trunk.name for trunk in trunks]
    found = await probe(settings.redis.url, prefix=settings.redis.prefix, trunks=names, clock=SystemClock())
    return sharing(settings.redis, SharingFacts(**asdict(found)), trunks)


async def _exchanges(settings: Settings) -> list[Finding]:
    """Examine all Asterisk servers at once."""
    if settings.telephony.kind != "asterisk":
        return [skip("exchange.connect", "no Asterisk in the settings")]
    found: dict[str, list[Finding]] = {server.name: [] for server in settings.asterisk}

    async def one(server: AsteriskSettings) -> None:
        try:
            account = asterisk_server(server, file=settings.file)
        except SettingsError:
            found[server.name] = [skip("exchange.login", "its secret can't be had, see settings", on=server.name)]
            return
        facts = await examine_asterisk(account, contexts=contexts(server), modules=MODULES)
        found[server.name] = exchange(server, facts)

    async with anyio.create_task_group() as tasks:
        for server in settings.asterisk:
            tasks.start_soon(one, server)
    return [finding for findings in found.values() for finding in findings]
