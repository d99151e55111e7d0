"""The telephone network that the settings ask for. The one place that knows the adapters."""

import logging
import os
import random
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, Protocol

from dialler.clock import Clock
from dialler.errors import Mistake, SettingsError
from dialler.events import Journal, LinkTimed
from dialler.ports import Telephony, Trunk
from dialler.settings import AsteriskSettings, Settings
from dialler.settings.checks import ami_secret
from telephony.ami.adapter import AsteriskNetwork
from telephony.ami.link import LinkState
from telephony.ami.settings import AsteriskServer, AsteriskTrunk
from telephony.ami.transcript import Transcript
from telephony.presentation import NumberForm, Presentation
from telephony.simulated.mistakes import PlanError
from telephony.simulated.network import SimulatedNetwork
from telephony.simulated.plan import NetworkPlan
from telephony.simulated.plan_table import plan_from_mapping

DEBUG_VARIABLE: Final = "DIALLER_DEBUG"
DEBUG_DIR_VARIABLE: Final = "DIALLER_DEBUG_DIR"
_log = logging.getLogger("dialler.run")


class LinkStates(Protocol):
    """What is known of the links beside up and down."""

    def refused(self) -> Sequence[str]:
        """Return the servers that do not accept our account."""

    def reasons(self) -> Sequence[str]:
        """Return why each server can't be used, a line each."""


class AsteriskLinks:
    """The links of an Asterisk network."""

    def __init__(self, network: AsteriskNetwork, settings: Settings) -> None:
        self._network = network
        self._places = {server.name: f"{server.host}, port {server.port}" for server in settings.asterisk}

    def refused(self) -> Sequence[str]:
        return [name for name, status in self._network.links.items() if status.state is LinkState.REFUSED]

    def reasons(self) -> Sequence[str]:
        return [
            f"{name} ({self._places[name]}): {status.reason or f'still {status.state.value}'}"
            + ("; see its username and secret, and the account in manager.conf" if name in self.refused() else "")
            for name, status in self._network.links.items()
        ]


class SimulatedLinks:
    """The simulated network's links, which are never refused."""

    def refused(self) -> Sequence[str]:
        return []

    def reasons(self) -> Sequence[str]:
        return []


def make_network(settings: Settings, clock: Clock, journal: Journal) -> tuple[Telephony, LinkStates]:
    """Return the network, not yet running; what it measures goes to `journal`.

    Raises SettingsError for what only the network itself can check.
    """
    if settings.telephony.kind == "simulated":
        plan = simulated_plan(settings)
        seed = settings.telephony.seed if settings.telephony.seed is not None else secrets.randbits(32)
        return SimulatedNetwork(plan=plan, seed=seed, now=clock.now), SimulatedLinks()
    servers = [asterisk_server(server, file=settings.file) for server in settings.asterisk]

    def on_pong(server: str, round_trip_s: float) -> None:
        journal.emit(LinkTimed(at=clock.now(), server=server, round_trip_s=round_trip_s))

    network = AsteriskNetwork(
        servers,
        now=clock.now,
        rng=random.Random(),
        observers=transcripts(settings, clock, os.environ),
        on_pong=on_pong,
    )
    return network, AsteriskLinks(network, settings)


def simulated_plan(settings: Settings) -> NetworkPlan:
    """Return the simulated network's plan. Raises SettingsError with its mistakes."""
    try:
        return plan_from_mapping(settings.simulated or {})
    except PlanError as error:
        raise SettingsError(
            [
                Mistake(settings.file, f"simulated.{each.key}", repr(each.value), each.expected)
                for each in error.mistakes
            ]
        ) from error


def asterisk_server(server: AsteriskSettings, *, file: str) -> AsteriskServer:
    """Return a server as its adapter takes it. Raises SettingsError where its secret can't be had."""
    return AsteriskServer(
        name=server.name,
        host=server.host,
        port=server.port,
        username=server.username,
        secret=ami_secret(server, file=file),
        tls=(server.ca or True) if server.tls else False,
        context=server.context,
        queues=server.queues,
        trunks=tuple(
            AsteriskTrunk(
                name=trunk.name,
                dial=trunk.dial,
                calls_per_second=trunk.calls_per_second,
                channels=trunk.channels,
                presentation=Presentation(
                    form=NumberForm(trunk.caller_id), name=trunk.caller_id_name, region=trunk.region
                ),
            )
            for trunk in server.trunks
        ),
    )


def transcripts(settings: Settings, clock: Clock, environ: Mapping[str, str]) -> Mapping[str, Transcript]:
    """Begin a transcript of each server's link where `DIALLER_DEBUG=ami` asks for it; return them by server.

    They go to the folder `DIALLER_DEBUG_DIR`, else to "debug" in the daemon's state folder: systemd's, or where the
    SQLite database is. Raises SettingsError where they can't be written.
    """
    words = {word for word in environ.get(DEBUG_VARIABLE, "").replace(",", " ").split() if word}
    if unknown := words - {"ami"}:
        raise SettingsError([Mistake("environment", DEBUG_VARIABLE, ", ".join(sorted(unknown)), "'ami', or nothing")])
    if not words:
        return {}
    folder = debug_folder(settings, environ)
    begun: dict[str, Transcript] = {}
    for server in settings.asterisk:
        try:
            begun[server.name] = transcript = Transcript(folder, server=server.name, now=clock.now)
        except OSError as error:
            mistake = f"a folder for transcripts that can be written ({error.strerror or error})"
            raise SettingsError([Mistake("environment", DEBUG_DIR_VARIABLE, str(folder), mistake)]) from error
        extra = {"event": "ami_transcript_begun", "server": server.name, "file": str(transcript.path)}
        _log.warning("all AMI traffic is recorded, with telephone numbers", extra=extra)
    return begun


def debug_folder(settings: Settings, environ: Mapping[str, str]) -> Path:
    """Return where transcripts go."""
    if named := environ.get(DEBUG_DIR_VARIABLE):
        return Path(named)
    database = settings.store.database_file
    state = environ.get("STATE_DIRECTORY", "").partition(":")[0] or (database.parent if database else "")
    return Path(state) / "debug"


def caps_of(settings: Settings, trunks: Sequence[Trunk]) -> list[Trunk]:
    """Return `trunks` with the rates and channels that `settings` now give them."""
    named = {trunk.name: trunk for server in settings.asterisk for trunk in server.trunks}
    return [
        replace(trunk, calls_per_second=named[trunk.name].calls_per_second, channels=named[trunk.name].channels)
        if trunk.name in named
        else trunk
        for trunk in trunks
    ]
