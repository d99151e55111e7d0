"""Exchanges to test against: what a test needs of one, and the simulated one behind it."""

import contextlib
import importlib
import os
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final, NoReturn, Protocol, TypeVar

import anyio
import anyio.lowlevel
import pytest

from telephony.events import CallEvent, HungUp, OriginateEnded, TelephonyEvent
from telephony.port import Telephony, Trunk
from telephony.presentation import NumberForm, Presentation
from telephony.simulated import AgentGroup, Fate, NetworkPlan, SimulatedNetwork

__all__ = ["EventLog", "Exchange", "ExchangeUnavailable", "Fate", "open_exchange", "simulated_exchange"]

REQUIRE_VARIABLE: Final = "DIALLER_TEST_REQUIRE"
"""Names, separated by commas or spaces, of what must be there: then a test fails where it would be skipped."""

E = TypeVar("E", bound=TelephonyEvent)


class ExchangeUnavailable(Exception):
    """This exchange can't be started here; the text says why. Raised on entering its context."""


PRESENTED_NAME: Final = "Clinic, 2nd floor"
PRESENTATIONS: Final = {form: Presentation(form=form, name=PRESENTED_NAME, region="US") for form in NumberForm}


class Exchange(Protocol):
    """An exchange that runs, whose numbers have known fates."""

    telephony: Telephony
    """Running; its events are for the test to read."""

    trunk: str
    server: str
    waiting_queue: str
    """A queue whose calls wait: it has agents, who never answer."""

    talker: str
    """An agent who picks up at once and talks on."""

    brief_agent: str
    """An agent who hangs up soon after he has picked up."""

    ringing_agent: str
    """An agent who never picks up."""

    absent_agent: str
    """Nobody's interface."""

    leaver: str
    """The number of a person who answers, and leaves a second later."""

    login_queues: tuple[str, str]
    """Queues without agents, for those of the test."""

    agent: str
    """An agent who takes calls at once, and talks until the customer leaves."""

    agent_queue: str
    """A queue whose agents answer at once."""

    sound: str
    """A sound that it can play, of half a second."""

    hour_sound: str
    """A sound that it can play, of an hour."""

    presenting: Mapping[NumberForm, str]
    """Trunks of the United States that show numbers in each form, with the name PRESENTED_NAME."""

    def number_for(self, fate: Fate) -> str:
        """Return a number (E.164) whose calls meet `fate`; always the same one is fine."""

    async def shown(self, call_id: str) -> tuple[str, str]:
        """Return the name and the number, "" for none, that the far end of a call that rings is shown."""

    async def cut_link(self) -> None:
        """Break the link to `server`; its calls go on."""

    async def restore_link(self) -> None:
        """Let the link come up again; `LinkUp` tells when."""

    async def until_over(self, call_id: str) -> None:
        """Return once a call is not up any more, link or not."""


NUMBERS: Final = {fate: f"+1202555{place:04d}" for place, fate in enumerate(Fate, start=100)}


class SimulatedExchange:
    """The simulated network, with a number for each fate."""

    trunk = "simulated"
    server = "simulated"
    waiting_queue = "nobody-answers"
    talker, brief_agent, ringing_agent = (f"SIM/agent-{number:03d}" for number in range(1, 4))
    absent_agent = "SIM/agent-999"
    leaver = NUMBERS[Fate.ANSWERED]
    login_queues = ("log-in", "log-in-too")
    agent = "SIM/agent-150"
    agent_queue = "sales"
    sound, hour_sound = "a/sound", "an/hour"
    presenting: Mapping[NumberForm, str] = {form: f"simulated-{form}" for form in NumberForm}

    def __init__(self, network: SimulatedNetwork) -> None:
        self.telephony: Telephony = network
        self.network = network

    def number_for(self, fate: Fate) -> str:
        return NUMBERS[fate]

    async def shown(self, call_id: str) -> tuple[str, str]:
        return self.network.shown(call_id)

    async def cut_link(self) -> None:
        self.network.cut_link(self.server)

    async def restore_link(self) -> None:
        self.network.restore_link(self.server)

    async def until_over(self, call_id: str) -> None:
        with contextlib.suppress(KeyError):
            while self.network.shown(call_id):
                await anyio.lowlevel.checkpoint()


@asynccontextmanager
async def simulated_exchange(*, speed: float = 20.0) -> AsyncIterator[SimulatedExchange]:
    """Run a simulated network whose clock runs `speed` times as fast as the event loop's."""
    start, origin = datetime(2026, 3, 2, 15, tzinfo=UTC), anyio.current_time()

    def now() -> datetime:
        return start + timedelta(seconds=(anyio.current_time() - origin) * speed)

    async def sleep(seconds: float) -> None:
        await anyio.sleep(seconds / speed)

    trunk = Trunk(name="simulated", server="simulated", calls_per_second=1000.0, channels=200)
    by_number = {number: fate for fate, number in NUMBERS.items()}
    # One of each kind; they serve a queue that no call goes to.
    agents = (
        AgentGroup(number=0, queues=SimulatedExchange.login_queues),
        AgentGroup(number=1, queues=("agents",)),
        AgentGroup(number=1, queues=("agents",), talks_s=0.5),
        AgentGroup(number=1, queues=("agents",), picks_up=False),
        AgentGroup(number=2, queues=(SimulatedExchange.agent_queue,)),
    )
    plan = NetworkPlan(
        trunks=(
            trunk,
            *(
                replace(trunk, name=name, presentation=PRESENTATIONS[form])
                for form, name in SimulatedExchange.presenting.items()
            ),
        ),
        agents=agents,
        ack_s=0.01,
        message_s=600.0,
        sounds={SimulatedExchange.sound: 0.5, SimulatedExchange.hour_sound: 3600.0},
    )
    network = SimulatedNetwork(plan=plan, seed=1, now=now, sleep=sleep, fates=by_number)
    try:
        async with anyio.create_task_group() as tasks:
            await tasks.start(lambda *, task_status: network.run(task_status=task_status))
            yield SimulatedExchange(network)
            tasks.cancel_scope.cancel()
    finally:
        network.close()


@asynccontextmanager
async def open_exchange(name: str) -> AsyncIterator[Exchange]:
    """Run the exchange called `name`; skip the test if it can't be had, or fail it if it is required.

    "asterisk" comes from `tests.support.asterisk`, whose `asterisk_exchange()` is an async context manager of an
    `Exchange`, and raises ExchangeUnavailable on entry where there is no Asterisk.
    """
    if name == "simulated":
        async with simulated_exchange() as simulated:
            yield simulated
        return
    module = f"tests.support.{name}"
    try:
        opener: Callable[[], AbstractAsyncContextManager[Exchange]] = importlib.import_module(module).asterisk_exchange
    except ModuleNotFoundError as error:
        if error.name != module:
            raise
        give_up(name, f"no module {module}")
    async with AsyncExitStack() as stack:
        try:
            exchange = await stack.enter_async_context(opener())
        except ExchangeUnavailable as error:
            give_up(name, str(error))
        yield exchange


def give_up(name: str, reason: str) -> NoReturn:
    """Skip the test for want of something real, or fail it if that is required."""
    if name in os.environ.get(REQUIRE_VARIABLE, "").replace(",", " ").split():
        pytest.fail(f"{name} is required ({REQUIRE_VARIABLE}), but: {reason}", pytrace=False)
    pytest.skip(f"{name}: {reason}")


class EventLog:
    """Reads an exchange's events and keeps them, for tests to wait for and to look at."""

    def __init__(self, telephony: Telephony, *, within_s: float = 20.0) -> None:
        """`within_s`, on the event loop's clock, is how long a test waits for an event before it fails."""
        self._telephony = telephony
        self._within_s = within_s
        self._changed = anyio.Event()
        self.events: list[TelephonyEvent] = []
        self.by_call: defaultdict[str, list[CallEvent]] = defaultdict(list)

    async def read(self) -> None:
        """Read until cancelled, or until the stream ends."""
        async for event in self._telephony.events:
            self.events.append(event)
            if isinstance(event, CallEvent):
                self.by_call[event.call_id].append(event)
            self._changed.set()
            self._changed = anyio.Event()

    async def until(self, condition: Callable[[], bool], what: str) -> None:
        """Wait until `condition` holds; it is looked at after each event. Fails the test where it never does."""
        with anyio.move_on_after(self._within_s):
            while not condition():
                await self._changed.wait()
            return
        pytest.fail(f"waited {self._within_s:g} s for {what}; the last events were {self.events[-20:]}")

    async def first(self, kind: type[E], *, after: int = 0, **facts: object) -> E:
        """Return the first event of a kind whose fields are as given, from place `after` on; wait for it."""
        found: list[E] = []

        def is_there() -> bool:
            found[:] = [
                event
                for event in self.events[after:]
                if isinstance(event, kind) and all(getattr(event, key) == value for key, value in facts.items())
            ]
            return bool(found)

        await self.until(is_there, f"{kind.__name__} {facts}")
        return found[0]

    async def whole_call(self, call_id: str) -> list[CallEvent]:
        """Return all events of a call, once it has both its verdict and its hint."""

        def is_over() -> bool:
            kinds = {type(event) for event in self.by_call[call_id]}
            return {HungUp, OriginateEnded} <= kinds

        await self.until(is_over, f"the end of {call_id}")
        return list(self.by_call[call_id])
