"""A simulated network on virtual time, with its events. For tests whose loop is async_solipsism's."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import anyio

from telephony.events import LinkUp
from telephony.simulated import NetworkPlan, SimulatedNetwork
from tests.support.exchanges import EventLog

START = datetime(2026, 3, 2, 15, tzinfo=UTC)


def new_network(plan: NetworkPlan, *, seed: int = 1, **facts: Any) -> SimulatedNetwork:
    """Return a network that does not run yet; its clock stands at `START`, and runs with the loop's."""
    origin = anyio.current_time()

    def now() -> datetime:
        return START + timedelta(seconds=anyio.current_time() - origin)

    return SimulatedNetwork(plan=plan, seed=seed, now=now, **facts)


@asynccontextmanager
async def running(network: SimulatedNetwork) -> AsyncIterator[EventLog]:
    """Run a network and read its events, from links that are up."""
    log = EventLog(network, within_s=7200)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(log.read)
        await tasks.start(lambda *, task_status: network.run(task_status=task_status))
        for trunk in network.trunks:
            await log.first(LinkUp, server=trunk.server)
        yield log
        tasks.cancel_scope.cancel()


@asynccontextmanager
async def open_network(plan: NetworkPlan, **facts: Any) -> AsyncIterator[tuple[SimulatedNetwork, EventLog]]:
    """Run a new network, and close it at the end."""
    network = new_network(plan, **facts)
    try:
        async with running(network) as log:
            yield network, log
    finally:
        network.close()
