"""Our account on an exchange: what it may do, what it gets to hear, and how patient the exchange is with it."""

import re
from typing import Final

from dialler.doctor.finding import Finding, fail, ok, or_ok, skip, warn
from dialler.settings import AsteriskSettings
from telephony.health import ExchangeFacts, Placing

NEEDED: Final = {
    "Originate": "originate",
    "Hangup": "call",
    "CoreShowChannels": "reporting",
    "CoreStatus": "reporting",
    "DBGet": "reporting",
    "QueueAdd": "agent",
    "QueueRemove": "agent",
    "QueuePause": "agent",
}
"""Actions that the dialler uses, and the class under `write` that allows them; the others need none."""
OF_QUEUES: Final = frozenset({"QueueAdd", "QueueRemove", "QueuePause"})
"""Those that no account has while app_queue is not loaded."""

TOO_MUCH: Final = {"Command": "command", "DBPut": "system", "UpdateConfig": "config"}
"""Actions by which an account takes over the machine or its settings, and their class."""

CLASSES: Final = ("system", "call", "agent", "user")
"""Classes of events that the dialler reads."""
TIMEOUT_MIN_MS: Final = 1000
_INCLUDED: Final = re.compile(r"eventfilter\((?=[^=]*action\(include\))[^=]*name\((\w+)\)[^=]*\)=")
"""A filter that lets an event through by its name."""


def account(server: AsteriskSettings, facts: ExchangeFacts) -> list[Finding]:
    """Judge the account by what the exchange told."""
    return [*_write(server, facts), *_read(server, facts), *_filters(server, facts), _write_timeout(server, facts)]


def _mend(server: AsteriskSettings, line: str) -> str:
    return f"{line} under [{server.username}] in manager.conf, then `asterisk -rx 'manager reload'`"


def _write(server: AsteriskSettings, facts: ExchangeFacts) -> list[Finding]:
    on = server.name
    if facts.actions is None:
        return [skip("exchange.write", "it does not list what the account may do", on=on)]
    problems = []
    there = NEEDED.keys() - OF_QUEUES if facts.queues is None else NEEDED.keys()
    missing = [name for name in NEEDED if name in there and name not in facts.actions]
    if facts.placing is Placing.FORBIDDEN and "Originate" not in missing:
        missing.insert(0, "Originate")
    if missing:
        classes = ", ".join(dict.fromkeys(NEEDED[name] for name in missing))
        advice = _mend(server, f"add {classes} to `write = originate,call,agent,reporting`")
        problems.append(fail("exchange.write", f"the account may not use {', '.join(missing)}", advice, on=on))
    if facts.placing is Placing.REFUSED:
        found = f"calls are refused: {facts.placing_reason}"
        problems.append(fail("exchange.write", found, "Asterisk's own log says more", on=on))
    extra = [TOO_MUCH[name] for name in TOO_MUCH if name in facts.actions]
    if extra:
        found = f"class {', '.join(extra)} under write lets whoever has this account take over the exchange's machine"
        problems.append(warn("exchange.write", found, _mend(server, f"take {', '.join(extra)} out of `write`"), on=on))
    return or_ok(problems, "exchange.write", "all that the dialler does, and nothing that it should not", on=on)


def _read(server: AsteriskSettings, facts: ExchangeFacts) -> list[Finding]:
    on = server.name
    mend = _mend(server, "`read = system,call,agent,user`")
    if facts.account is not None:
        missing = [name for name in CLASSES if not {name, "all"} & facts.account.read]
        if missing:
            found = f"the account may not read class {', '.join(missing)}"
            return [fail("exchange.read", found, mend, on=on)]
        return [ok("exchange.read", f"class {', '.join(CLASSES)}", on=on)]
    problems = []
    if facts.placing is Placing.UNTOLD:
        found = (
            "the end of a call is not told: class call is missing under read, or a filter holds OriginateResponse back"
        )
        problems.append(fail("exchange.read", found, mend, on=on))
    if not facts.booted:
        found = "no FullyBooted: class system is missing under read, or Asterisk is still starting"
        problems.append(warn("exchange.read", found, mend, on=on))
    if problems:
        return problems
    if facts.placing is not Placing.TOLD:
        found = "class system is read; the others can't be seen without placing a call"
        return [skip("exchange.read", found, on=on, advice=mend)]
    found = "class system and call are read; agent and user can't be seen while nothing happens"
    advice = f"`asterisk -rx 'manager show user {server.username}'` lists them"
    return [ok("exchange.read", found, on=on, advice=advice)]


def _filters(server: AsteriskSettings, facts: ExchangeFacts) -> list[Finding]:
    on = server.name
    mend = _mend(server, "put the eventfilter lines of `dialler asterisk-config`")
    if facts.account is not None and facts.account.filters:
        included = {name[1] for line in facts.account.filters if (name := _INCLUDED.match(line))}
        by_name = [line for line in facts.account.filters if _INCLUDED.match(line)]
        missing = sorted(facts.events_read - included)
        if len(by_name) == len(facts.account.filters) and missing:
            found = f"the account's event filters hold back {', '.join(missing)}"
            return [fail("exchange.filters", found, mend, on=on)]
        return [ok("exchange.filters", f"{len(facts.account.filters)} filters in manager.conf", on=on)]
    if facts.filter_answer == "":
        return [ok("exchange.filters", "the dialler sets them itself, at each login", on=on)]
    names = ", ".join(sorted(facts.unwanted_events))
    if facts.unwanted_events:
        found = f"no filter is in force: {names} arrived, which the dialler does not read"
        return [warn("exchange.filters", found, mend, on=on)]
    if facts.account is not None or facts.filter_answer is not None:
        found = "no filter is in manager.conf" if facts.account is not None else "none is known"
        found += f", and none can be set: {facts.filter_answer}" if facts.filter_answer else ""
        return [warn("exchange.filters", found, mend, on=on)]
    found = "this account may not read them; nothing came that the dialler does not read"
    return [skip("exchange.filters", found, on=on, advice=f"`asterisk -rx 'manager show user {server.username}'`")]


def _write_timeout(server: AsteriskSettings, facts: ExchangeFacts) -> Finding:
    on = server.name
    mend = _mend(server, "`writetimeout = 5000`")
    if facts.account is None:
        found = "this account may not read it; Asterisk's own 100 ms would be too strict"
        return skip("exchange.writetimeout", found, on=on, advice=f"see that there is {mend}")
    timeout_ms = facts.account.write_timeout_ms
    if timeout_ms is None or timeout_ms < TIMEOUT_MIN_MS:
        found = "not set: Asterisk's own 100 ms" if timeout_ms is None else f"{timeout_ms} ms"
        return warn("exchange.writetimeout", f"{found}, and a link that is slow for as long is cut", mend, on=on)
    return ok("exchange.writetimeout", f"{timeout_ms} ms", on=on)
