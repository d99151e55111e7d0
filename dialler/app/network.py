"""The telephone network that the settings ask for. The one place that knows the adapters."""

import random
import secrets
from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from dialler.clock import Clock
from dialler.errors import Mistake, SettingsError
from dialler.ports import Telephony, Trunk
from dialler.settings import Settings
from dialler.settings.checks import ami_secret
from telephony.ami.adapter import AsteriskNetwork
from telephony.ami.link import LinkState
from telephony.ami.settings import AsteriskServer, AsteriskTrunk
from telephony.simulated.mistakes import PlanError
from telephony.simulated.network import SimulatedNetwork
from telephony.simulated.plan_table import plan_from_mapping


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
            f"{name} ({self._places[name]}): {status.state.value}: {status.reason}"
            for name, status in self._network.links.items()
        ]


class SimulatedLinks:
    """The simulated network's links, which are never refused."""

    def refused(self) -> Sequence[str]:
        return []

    def reasons(self) -> Sequence[str]:
        return []


def make_network(settings: Settings, clock: Clock) -> tuple[Telephony, LinkStates]:
    """Return the network, not yet running. Raises SettingsError for what only the network itself can check."""
    if settings.telephony.kind == "simulated":
        try:
            plan = plan_from_mapping(settings.simulated or {})
        except PlanError as error:
            raise SettingsError(
                [
                    Mistake(settings.file, f"simulated.{each.key}", repr(each.value), each.expected)
                    for each in error.mistakes
                ]
            ) from error
        seed = settings.telephony.seed if settings.telephony.seed is not None else secrets.randbits(32)
        return SimulatedNetwork(plan=plan, seed=seed, now=clock.now), SimulatedLinks()
    servers = [
        AsteriskServer(
            name=server.name,
            host=server.host,
            port=server.port,
            username=server.username,
            secret=ami_secret(server, file=settings.file),
            tls=(server.ca or True) if server.tls else False,
            context=server.context,
            queues=server.queues,
            trunks=tuple(
                AsteriskTrunk(
                    name=trunk.name,
                    dial=trunk.dial,
                    calls_per_second=trunk.calls_per_second,
                    channels=trunk.channels,
                )
                for trunk in server.trunks
            ),
        )
        for server in settings.asterisk
    ]
    network = AsteriskNetwork(servers, now=clock.now, rng=random.Random())
    return network, AsteriskLinks(network, settings)


def caps_of(settings: Settings, trunks: Sequence[Trunk]) -> list[Trunk]:
    """Return `trunks` with the rates and channels that `settings` now give them."""
    named = {trunk.name: trunk for server in settings.asterisk for trunk in server.trunks}
    return [
        replace(trunk, calls_per_second=named[trunk.name].calls_per_second, channels=named[trunk.name].channels)
        if trunk.name in named
        else trunk
        for trunk in trunks
    ]
