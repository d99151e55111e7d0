"""Examines one Asterisk through AMI, without any effect on the floor: nothing rings, no agent's state changes.

The one Originate goes to a channel of a technology that does not exist, so no channel is ever made; it shows what no
question does, whether calls may be placed, whether the dialplan takes them and whether their events come back. It is
left out where the dialplan has an extension `failed`, which would run.
"""

import asyncio
import os
import random
import ssl
import time
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import anyio
from panoramisk.message import Message

from telephony.ami.link import EVENTS, AsteriskLink, tls_context
from telephony.ami.probe_answers import (
    ENDPOINT,
    LOCAL,
    account_of,
    actions_of,
    extensions_of,
    field_number,
    queues_of,
    takes_failed,
)
from telephony.ami.settings import AsteriskServer, Timing
from telephony.ami.translate import text
from telephony.errors import LinkLost, LoginRefused, TelephonyError
from telephony.health import Account, ExchangeFacts, Placing, Reached

PATIENCE: Final = Timing(connect_s=5.0, login_s=5.0, boot_s=2.0, action_s=5.0)
NO_CHANNEL: Final = "DiallerDoctor/none"
"""A channel of a technology that no Asterisk has."""

TOLD_WITHIN_S: Final = 2.0


async def examine(
    server: AsteriskServer,
    *,
    contexts: Sequence[str] = (),
    modules: Sequence[str] = (),
    timing: Timing = PATIENCE,
) -> ExchangeFacts:
    """Return what `server` tells, also of `contexts` of its dialplan beside its own and those of its trunks.

    `modules` are those to ask for, without `.so`.

    Raises nothing for an exchange that is away or misbehaves: that is a fact as well.
    """
    return await _Visit(server, contexts, modules, timing).examine()


class _Visit(AsteriskLink):
    """One connection, by the link's own steps, that is not kept up."""

    def __init__(self, server: AsteriskServer, contexts: Sequence[str], modules: Sequence[str], timing: Timing) -> None:
        super().__init__(
            server,
            on_up=lambda _: None,
            on_down=lambda _: None,
            on_event=lambda _: None,
            on_agent=lambda _: None,
            on_members=lambda _: None,
            now=lambda: datetime.now(UTC),
            timing=timing,
            rng=random.Random(),
        )
        self._contexts, self._modules = contexts, modules
        self._facts: dict[str, Any] = {"server": server.name, "reached": Reached.NOWHERE}
        self._placed = f"doctor-{uuid.uuid4().hex}"  # not the form of a call's id, so that no dialler takes it for one
        self._told = asyncio.Event()
        self._heard_of: frozenset[str] = frozenset()
        self._manager.register_event("*", lambda _, message: self._heard(message))

    async def examine(self) -> ExchangeFacts:
        try:
            with anyio.fail_after(self._timing.connect_s):
                context = tls_context(self.server.tls)
                self._protocol = await self._manager.open(self.server.host, self.server.port, context)
            self._facts["reached"] = Reached.BROKEN
            await self._ask_all()
            self._facts["reached"] = Reached.END
        except LoginRefused as error:
            self._facts |= {"reached": Reached.REFUSED, "reason": str(error)}
        except TimeoutError:
            self._facts["reason"] = f"no connection within {self._timing.connect_s:g} s"
        except (TelephonyError, OSError, UnicodeError) as error:
            self._facts["reason"] = _reason(error)
        finally:
            self._drop("the examination is over")
        read = frozenset(EVENTS)
        return ExchangeFacts(**self._facts, events_read=read, unwanted_events=self._heard_of - read)

    async def _ask_all(self) -> None:
        self._booted = asyncio.get_running_loop().create_future()
        try:
            with anyio.fail_after(self._timing.login_s):
                await self._log_in()
        except TimeoutError:
            raise LinkLost(f"no answer to the login within {self._timing.login_s:g} s") from None
        with anyio.move_on_after(self._timing.boot_s):
            await asyncio.wait((self._booted,))
        facts = self._facts
        facts["booted"] = self._booted.done()
        await self._say({"Action": "Events", "EventMask": "system,call,agent,user"})
        facts["actions"] = actions_of(await self._say({"Action": "ListCommands"}))
        await self._settings()
        await self._clock()
        facts["queues"] = queues_of(await self._list({"Action": "QueueStatus"}))
        facts["modules"] = await self._loaded()
        facts["trunk_states"] = await self._trunk_states()
        facts["extensions"] = await self._extensions()
        await self._place()
        facts["account"] = await self._account()
        # Last, since it hides events from the rest of this connection; there is nothing left to hear.
        facts["filter_answer"] = await self._filter_answer()

    async def _settings(self) -> None:
        core = await self._say({"Action": "CoreSettings"})
        self._facts |= {
            "version": text(core, "asteriskversion") or None,
            "calls_max": field_number(core, "coremaxcalls"),
            "load_max": field_number(core, "coremaxloadavg"),
        }

    async def _clock(self) -> None:
        before, started = time.time(), time.monotonic()
        pong = await self._say({"Action": "Ping"})
        round_trip_s = time.monotonic() - started
        told = field_number(pong, "timestamp")
        if told is not None:
            self._facts |= {"clock_ahead_s": told - before - round_trip_s / 2, "round_trip_s": round_trip_s}

    async def _loaded(self) -> Mapping[str, bool] | None:
        if "ModuleCheck" not in (self._facts["actions"] or ()):
            return None
        loaded = {}
        for name in self._modules:
            answer = await self._say({"Action": "ModuleCheck", "Module": name})
            loaded[name] = text(answer, "response") == "Success"
        return loaded

    async def _trunk_states(self) -> Mapping[str, str]:
        states = {}
        for trunk in self.server.trunks:
            if endpoint := ENDPOINT.search(trunk.dial):
                ask = {"Action": "Getvar", "Variable": f"DEVICE_STATE(PJSIP/{endpoint[1]})"}
                states[trunk.name] = text(await self._say(ask), "value")
        return states

    async def _extensions(self) -> Mapping[str, frozenset[str] | None] | None:
        contexts = [self.server.context, *self._contexts]
        contexts += [local[1] for trunk in self.server.trunks if (local := LOCAL.search(trunk.dial))]
        found = {}
        for context in dict.fromkeys(contexts):
            answer = await self._list({"Action": "ShowDialPlan", "Context": context})
            denied, extensions = extensions_of(answer)
            if denied:
                return None
            found[context] = extensions
        return found

    async def _place(self) -> None:
        extensions = self._facts["extensions"]
        if extensions is not None and takes_failed(extensions[self.server.context]):
            return
        action = {"Action": "Originate", "ActionID": self._placed, "Channel": NO_CHANNEL, "Async": "true"}
        if extensions is None:  # with a context that nobody has looked into, its extension `failed` could run
            action |= {"Application": "NoOp"}
        else:
            action |= {"Context": self.server.context, "Exten": "s", "Priority": "1"}
        answer = await self._say(action)
        message = text(answer, "message")
        if text(answer, "response") == "Success":
            with anyio.move_on_after(TOLD_WITHIN_S):
                await self._told.wait()
            self._facts["placing"] = Placing.TOLD if self._told.is_set() else Placing.UNTOLD
        elif message.lower().startswith("permission denied"):
            self._facts["placing"] = Placing.FORBIDDEN
        elif message.lower().startswith("extension does not exist"):
            self._facts["placing"] = Placing.NO_CONTEXT
        else:
            self._facts |= {"placing": Placing.REFUSED, "placing_reason": message}

    async def _account(self) -> Account | None:
        if "GetConfig" not in (self._facts["actions"] or ()):
            return None
        ask = {"Action": "GetConfig", "Filename": "manager.conf", "Category": self.server.username}
        return account_of(await self._say(ask))

    async def _filter_answer(self) -> str | None:
        if "Filter" not in (self._facts["actions"] or ()):
            return None
        criteria = "action(include),name(FullyBooted)"
        answer = await self._say({"Action": "Filter", "Operation": "Add", "MatchCriteria": criteria, "Filter": ""})
        return "" if text(answer, "response") == "Success" else text(answer, "message") or "no reason given"

    async def _say(self, action: Mapping[str, Any]) -> Message:
        return await self._ask(action, within_s=self._timing.action_s)

    async def _list(self, action: Mapping[str, Any]) -> list[Message]:
        messages: list[Message] = await self._ask(action, within_s=self._timing.action_s, as_list=True)
        return messages

    def _heard(self, message: Message) -> None:
        # What answers a question of ours has its id, and is no event of the floor.
        if text(message, "event") == "OriginateResponse" and text(message, "actionid") == self._placed:
            self._told.set()
        elif "privilege" in message:
            self._heard_of |= {text(message, "event")}


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed: {error.reason or error}"
    if isinstance(error, OSError) and error.errno is not None and error.errno > 0:
        return os.strerror(error.errno)  # asyncio's own text names the address, which is known
    if isinstance(error, OSError) and error.strerror:
        return error.strerror  # a name that is not found: its number means something else
    return str(error) or type(error).__name__
