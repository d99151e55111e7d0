"""A scripted Asterisk and an adapter linked to it."""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import anyio

from telephony.ami import AsteriskNetwork, AsteriskServer, AsteriskTrunk, Timing
from telephony.events import LinkUp
from telephony.port import Origination
from tests.support.ami_peer import AmiPeer
from tests.support.exchanges import EventLog

QUICK = Timing(
    back_off_first_s=0.02,
    back_off_max_s=0.1,
    boot_s=0.2,
    action_s=0.5,
    ping_every_s=0.05,
    ping_s=0.2,
    slot_s=0.2,
    no_channel_s=0.1,
)


class Linked:
    """An adapter that runs, and what it tells."""

    def __init__(self, network: AsteriskNetwork, log: EventLog) -> None:
        self.network = network
        self.log = log


@asynccontextmanager
async def linked(
    *peers: AmiPeer, timing: Timing = QUICK, wait: bool = True, read: bool = True, **facts: Any
) -> AsyncIterator[Linked]:
    """Run an adapter on servers a, b, ... at the peers' ports, with a trunk each (ta, tb, ...).

    With `wait`, their links are up and at rest: only Pings go to and fro. Without `read`, events stay where they are.
    """
    network_facts = {key: facts.pop(key) for key in ("events_max", "now", "observers", "on_pong") if key in facts}
    servers = [
        AsteriskServer(
            **{
                "name": name,
                "port": peer.port,
                "username": "dialler",
                "secret": "test-secret",
                "trunks": (AsteriskTrunk(name=f"t{name}", calls_per_second=100.0, channels=500),),
                **facts,
            }
        )
        for name, peer in zip("abcdef", peers, strict=False)
    ]
    network = AsteriskNetwork(servers, timing=timing, rng=random.Random(1), **network_facts)
    log = EventLog(network)
    async with anyio.create_task_group() as tasks:
        await tasks.start(lambda *, task_status: network.run(task_status=task_status))
        if read:
            tasks.start_soon(log.read)
        if wait:
            for server, peer in zip(servers, peers, strict=True):
                if read:
                    await log.first(LinkUp, server=server.name)
                await at_rest(peer)
        yield Linked(network, log)
        tasks.cancel_scope.cancel()


async def at_rest(peer: AmiPeer) -> None:
    """Return once the adapter, done with coming up, has sent another Ping."""
    pings = len(peer.sent("Ping"))
    await peer.until(lambda: len(peer.sent("Ping")) > pings)


def call(call_id: str, **facts: Any) -> Origination:
    return Origination(
        **{
            "call_id": call_id,
            "trunk": "ta",
            "number": "+12025550100",
            "ring_timeout": timedelta(seconds=20),
            **facts,
        }
    )
