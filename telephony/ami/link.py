"""One AMI connection, kept up: connect, log in, wait for the boot, filter, tell, ping, back off.

The order in which the link comes up makes the story whole: events of calls are switched on only after `LinkUp`
was told, and before whoever hears of it can ask for the live calls, so nothing falls between the two.
"""

import asyncio
import contextlib
import hashlib
import logging
import os
import random
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any, Final

import anyio
from panoramisk.message import Message

from telephony.ami.protocol import AmiManager, AmiProtocol
from telephony.ami.settings import AsteriskServer, Timing
from telephony.ami.transcript import Observer
from telephony.errors import LinkLost, LoginRefused, NotSent, TelephonyError

log = logging.getLogger("telephony.ami")

CALL_EVENTS: Final = (
    "Newchannel",
    "Newstate",
    "DialState",
    "DialEnd",
    "OriginateResponse",
    "Hangup",
    "HangupRequest",
    "SoftHangupRequest",
    "UserEvent",
    "QueueCallerJoin",
    "AgentConnect",
    "AgentComplete",
)
AGENT_EVENTS: Final = ("QueueMemberStatus", "QueueMemberAdded", "QueueMemberRemoved", "QueueMemberPause")
SYSTEM_EVENTS: Final = ("FullyBooted", "Shutdown")
EVENTS: Final = (*CALL_EVENTS, *AGENT_EVENTS, *SYSTEM_EVENTS)
"""All events that the adapter reads, and so lets through Asterisk's filter."""

IN_FLIGHT_MAX: Final = 100
"""Actions sent and not yet answered; Asterisk carries them out one by one, so more would only wait there."""


class LinkState(StrEnum):
    """How far a link has got."""

    DOWN = "down"
    REFUSED = "refused"
    """The exchange is there and does not accept our account."""
    CONNECTING = "connecting"
    UP = "up"


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkStatus:
    """A link's state, why it is not up, and since when."""

    state: LinkState
    reason: str
    since: datetime


class AsteriskLink:
    """The link to one server. `on_up` is told whether Asterisk restarted, `on_down` why, `on_pong` how many seconds a
    Ping took; none of them may wait."""

    def __init__(
        self,
        server: AsteriskServer,
        *,
        on_up: Callable[[bool], None],
        on_down: Callable[[str], None],
        on_event: Callable[[Message], None],
        on_agent: Callable[[Message], None],
        on_members: Callable[[list[Message]], None],
        now: Callable[[], datetime],
        timing: Timing,
        rng: random.Random,
        observer: Observer | None = None,
        on_pong: Callable[[float], None] = lambda round_trip_s: None,
    ) -> None:
        self.server = server
        self._on_up = on_up
        self._on_down = on_down
        self._on_members = on_members
        self._on_pong = on_pong
        self._now = now
        self._timing = timing
        self._rng = rng
        self._manager = AmiManager(observer)
        for names, tell in ((CALL_EVENTS, on_event), (AGENT_EVENTS, on_agent)):
            for name in names:
                self._manager.register_event(name, partial(_pass_on, tell))
        self._manager.register_event("FullyBooted", self._on_booted)
        self._manager.register_event("Shutdown", self._on_shutdown)
        self._protocol: AmiProtocol | None = None
        self._slots = anyio.Semaphore(IN_FLIGHT_MAX)
        self._booted: asyncio.Future[float] | None = None
        self._contact_at: float | None = None
        self._up_at: float | None = None
        self._last_startup: tuple[str, str] | None = None
        self.status = LinkStatus(state=LinkState.DOWN, reason="not started", since=now())
        self.generation = 0
        """Counts how often the link came up: what was asked of an earlier link is over."""

    @property
    def is_up(self) -> bool:
        return self.status.state is LinkState.UP and self._protocol is not None and not self._protocol.closed

    async def run(self) -> None:
        """Keep the link up until cancelled."""
        failures = 0
        while True:
            self._up_at = None
            try:
                await self._hold()
            except LoginRefused as error:
                self._fell(LinkState.REFUSED, f"login refused: {error}")
            except (TelephonyError, OSError, UnicodeError) as error:
                self._fell(LinkState.DOWN, _words(error))
            finally:
                self._drop("closed by the dialler")
            held_s = 0.0 if self._up_at is None else asyncio.get_running_loop().time() - self._up_at
            failures = 1 if held_s >= self._timing.steady_s else failures + 1
            await anyio.sleep(back_off_s(failures, self._timing, self._rng))

    async def ask(self, action: Mapping[str, Any], *, as_list: bool = False, urgent: bool = False) -> Any:
        """Send an action; return its response, or the messages of a list (the response first).

        An `urgent` one does not wait for its turn, however many are in flight. Raises ValueError for what must not be
        sent, NotSent where the link is down or Asterisk does not keep up, and LinkLost where the link or the deadline
        went by after it was sent. A response that says Error is returned.
        """
        if not self.is_up:
            raise NotSent(f"no link to {self.server.name}: {self.status.reason or 'it is just breaking'}")
        if urgent:
            return await self._ask(action, as_list=as_list, within_s=self._timing.action_s, urgent=True)
        try:
            self._slots.acquire_nowait()
        except anyio.WouldBlock:
            await self._wait_for_slot()
        try:
            return await self._ask(action, as_list=as_list, within_s=self._timing.action_s)
        finally:
            self._slots.release()

    async def _wait_for_slot(self) -> None:
        try:
            with anyio.fail_after(self._timing.slot_s):
                await self._slots.acquire()
        except TimeoutError:
            raise NotSent(f"{self.server.name} does not keep up: {IN_FLIGHT_MAX} actions wait for an answer") from None
        if not self.is_up:
            self._slots.release()
            raise NotSent(f"the link to {self.server.name} broke: {self.status.reason}")

    async def _ask(
        self, action: Mapping[str, Any], *, within_s: float, as_list: bool = False, urgent: bool = False
    ) -> Any:
        if self._protocol is None:
            raise NotSent(f"no link to {self.server.name}")
        answer = self._protocol.send(action, as_list=as_list, even_if_full=urgent)
        # A bare timer: a cancel scope for each Originate would cost more than all else that is done here.
        timer = asyncio.get_running_loop().call_later(within_s, self._expire, answer, action["Action"], within_s)
        try:
            return await answer
        finally:
            timer.cancel()

    def _expire(self, answer: "asyncio.Future[Any]", action: str, within_s: float) -> None:
        if not answer.done():
            answer.set_exception(LinkLost(f"{self.server.name} did not answer {action} within {within_s:g} s"))

    async def _hold(self) -> None:
        """Bring the link up and hold it; always ends with an error that says why it is down."""
        if self.status.state is not LinkState.REFUSED:  # trying again does not mend an account
            self._set(LinkState.CONNECTING, self.status.reason)
        server, timing = self.server, self._timing
        self._booted = asyncio.get_running_loop().create_future()
        with _deadline(timing.connect_s, f"no connection to {server.host}:{server.port}"):
            self._protocol = protocol = await self._manager.open(server.host, server.port, tls_context(server.tls))
        with _deadline(timing.login_s, "no answer to the login"):
            await self._log_in()
        restarted = await self._wait_for_boot()
        await self._filter()
        self._up_at = asyncio.get_running_loop().time()
        self.generation += 1
        self._set(LinkState.UP, "")
        log.info("link up", extra={"event": "link_up", "server": server.name, "restarted": restarted})
        self._on_up(restarted)
        # No await between on_up and this write: whoever heard of the link asks after events are on.
        mask = {"Action": "Events", "EventMask": "system,call,agent,user"}
        await self._must(await self._ask(mask, within_s=timing.action_s))
        members = await self._ask({"Action": "QueueStatus"}, within_s=timing.action_s, as_list=True)
        if members[0].get("response") == "Success":
            self._on_members(members)
        while not protocol.closed:
            with anyio.move_on_after(timing.ping_every_s):
                await protocol.lost.wait()
            if not protocol.closed:
                asked_at = time.monotonic()
                await self._ask({"Action": "Ping"}, within_s=timing.ping_s, urgent=True)
                self._on_pong(time.monotonic() - asked_at)
        raise LinkLost(protocol.lost_because)

    async def _log_in(self) -> None:
        within_s = 2 * self._timing.login_s  # the caller's deadline, for the whole login, comes first
        challenge = await self._ask({"Action": "Challenge", "AuthType": "MD5"}, within_s=within_s)
        if challenge.get("response") != "Success":
            raise LoginRefused(f"{challenge.get('message', '')} (MD5 challenge)")
        text = f"{challenge.get('challenge', '')}{self.server.secret}"
        login = {
            "Action": "Login",
            "AuthType": "MD5",
            "Username": self.server.username,
            "Key": hashlib.md5(text.encode(), usedforsecurity=False).hexdigest(),
            "Events": "system",
        }
        try:
            answer = await self._ask(login, within_s=within_s)
        except LinkLost as error:
            raise LinkLost(f"closed during the login: {error}") from None
        if answer.get("response") != "Success":
            raise LoginRefused(str(answer.get("message", "no reason given")))

    async def _wait_for_boot(self) -> bool:
        """Wait until Asterisk has booted; return whether it was started anew since the last contact."""
        assert self._booted is not None
        assert self._protocol is not None
        loop = asyncio.get_running_loop()
        lost = asyncio.ensure_future(self._protocol.lost.wait())
        try:
            with anyio.move_on_after(self._timing.boot_s):
                await asyncio.wait((self._booted, lost), return_when=asyncio.FIRST_COMPLETED)
        finally:
            lost.cancel()
        if self._protocol.closed:
            raise LinkLost(self._protocol.lost_because)
        if self._booted.done():
            uptime_s = self._booted.result()
            return self._contact_at is not None and loop.time() - self._contact_at > uptime_s
        log.warning(
            "no FullyBooted: the account may not read class system, or Asterisk is still starting",
            extra={"event": "link_boot_unknown", "server": self.server.name},
        )
        status = await self._ask({"Action": "CoreStatus"}, within_s=self._timing.action_s)
        startup = (str(status.get("corestartupdate", "")), str(status.get("corestartuptime", "")))
        before, self._last_startup = self._last_startup, startup
        return before is not None and before != startup and status.get("response") == "Success"

    async def _filter(self) -> None:
        """Have Asterisk leave out what nobody reads here, where the account and the version allow it."""
        for count, name in enumerate(EVENTS):
            action = {
                "Action": "Filter",
                "Operation": "Add",
                "MatchCriteria": f"action(include),name({name})",
                "Filter": "",
            }
            answer = await self._ask(action, within_s=self._timing.action_s)
            if answer.get("response") == "Success":
                continue
            if count:
                raise LinkLost(f"event filter for {name} failed after others were set: {answer.get('message')}")
            log.info(
                "the account can not set event filters: set them in manager.conf",
                extra={"event": "link_unfiltered", "server": self.server.name, "reason": str(answer.get("message"))},
            )
            return

    async def _must(self, answer: Message) -> None:
        if answer.get("response") == "Error":
            raise LinkLost(f"{self.server.name} refused to send events: {answer.get('message')}")

    def _on_booted(self, _: AmiManager, message: Message) -> None:
        if self._booted is not None and not self._booted.done():
            uptime = str(message.get("uptime", ""))
            self._booted.set_result(float(uptime) if uptime.isdecimal() else float("inf"))

    def _on_shutdown(self, _: AmiManager, message: Message) -> None:
        if self._protocol is not None:
            self._protocol.abort(f"Asterisk is shutting down ({message.get('shutdown', '')})")

    def _drop(self, reason: str) -> None:
        if self._protocol is None:
            return
        if self._up_at is not None:
            self._contact_at = self._protocol.received_at
        self._protocol.abort(reason)
        self._protocol = None

    def _fell(self, state: LinkState, reason: str) -> None:
        """Note and tell that the link is down; the same reason again is told only if it was up between."""
        self._drop(reason)
        told = self.status.state is not LinkState.UP and self.status.reason == reason
        self._set(state, reason)
        level = logging.DEBUG if told else logging.ERROR if state is LinkState.REFUSED else logging.WARNING
        event = "login_refused" if state is LinkState.REFUSED else "link_down"
        log.log(level, "link down", extra={"event": event, "server": self.server.name, "reason": reason})
        if not told:
            self._on_down(reason)

    def _set(self, state: LinkState, reason: str) -> None:
        self.status = LinkStatus(state=state, reason=reason, since=self._now())


def _pass_on(tell: Callable[[Message], None], _: AmiManager, message: Message) -> None:
    tell(message)


def _words(error: Exception) -> str:
    """Return what went wrong; in the system's words where it was the system, not in those of asyncio."""
    if isinstance(error, OSError) and not isinstance(error, ssl.SSLError):
        number = error.errno or 0
        return os.strerror(number) if number > 0 else error.strerror or str(error)
    return str(error) or type(error).__name__


@contextlib.contextmanager
def _deadline(within_s: float, what: str) -> Any:
    """Turn an expired deadline into LinkLost with words."""
    try:
        with anyio.fail_after(within_s):
            yield
    except TimeoutError as error:
        raise LinkLost(f"{what} within {within_s:g} s" if not str(error) else f"{what}: {error}") from None


def tls_context(tls: bool | Path) -> ssl.SSLContext | None:
    """Return what the connection is checked with. Raises OSError where the CA file can't be read."""
    if tls is False:
        return None
    return ssl.create_default_context(cafile=None if tls is True else str(tls))


def back_off_s(failures: int, timing: Timing, rng: random.Random) -> float:
    """Return the wait before the next try: doubled by each failure up to the most, and half of it by chance."""
    most = min(timing.back_off_max_s, timing.back_off_first_s * 2.0 ** min(failures - 1, 30))
    return most * rng.uniform(0.5, 1.0)
