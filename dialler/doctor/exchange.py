"""What an exchange told, judged: the way to it, its version and limits, its queues, trunks and clock."""

import re
from collections.abc import Sequence
from ipaddress import ip_address
from typing import Final

from dialler.doctor.account import account
from dialler.doctor.dialplan import dialplan
from dialler.doctor.finding import Finding, fail, ok, or_ok, skip, warn
from dialler.doctor.modules import modules
from dialler.settings import AsteriskSettings
from telephony.health import ExchangeFacts, Reached

VERSION_MIN: Final = (16,)
FILTERS_SINCE: Final = {18: (18, 26), 20: (20, 11), 21: (21, 6), 22: (22, 1)}
"""The releases that know event filters by name, by series; all later series do."""
CLOCK_WARN_S: Final = 1.0


def exchange(server: AsteriskSettings, facts: ExchangeFacts) -> list[Finding]:
    """Judge one exchange by what its examination found."""
    findings = _connect(server, facts)
    if facts.reached is Reached.NOWHERE:
        return findings
    findings.append(_login(server, facts))
    if facts.reached is not Reached.END:
        return findings
    return [
        *findings,
        _version(facts),
        *_limits(facts),
        *account(server, facts),
        *modules(facts),
        *dialplan(server, facts),
        *_queues(server, facts),
        *_trunks(server, facts),
        _clock(facts),
    ]


def _connect(server: AsteriskSettings, facts: ExchangeFacts) -> list[Finding]:
    on, place = server.name, f"{server.host}, port {server.port}"
    if facts.reached is Reached.NOWHERE:
        advice = (
            f"see that Asterisk runs on {server.host} and that manager.conf has enabled = yes, port = {server.port} and"
            " a bindaddr that can be reached from here; then `asterisk -rx 'manager show settings'`"
        )
        if server.tls:
            advice += "; with tls = true also tlsenable, tlsbindaddr and a certificate that `ca` has signed"
        return [fail("exchange.connect", f"{place}: {facts.reason}", advice, on=on)]
    if not server.tls and not _is_near(server.host):
        advice = "tls = true here, tlsenable = yes in manager.conf there"
        return [warn("exchange.connect", f"{place}: without TLS, over the network", advice, on=on)]
    return [ok("exchange.connect", place + (", TLS" if server.tls else ""), on=on)]


def _login(server: AsteriskSettings, facts: ExchangeFacts) -> Finding:
    on = server.name
    if facts.reached is Reached.REFUSED and "already in use" in facts.reason.lower():
        advice = "set allowmultiplelogin = yes in [general] of manager.conf, then `asterisk -rx 'manager reload'`"
        return fail("exchange.login", f"account {server.username}: {facts.reason}", advice, on=on)
    if facts.reached is Reached.REFUSED:
        advice = (
            f"compare the secret with that of [{server.username}] in manager.conf, and its permit and deny with this"
            " machine's address; then `asterisk -rx 'manager reload'`"
        )
        return fail("exchange.login", f"account {server.username}: {facts.reason}", advice, on=on)
    if facts.reached is Reached.BROKEN:
        advice = f"see that Asterisk's manager interface, and nothing else, listens on port {server.port}"
        return fail("exchange.login", f"the link broke: {facts.reason}", advice, on=on)
    return ok("exchange.login", f"account {server.username}", on=on)


def _version(facts: ExchangeFacts) -> Finding:
    on, text = facts.server, f"Asterisk {facts.version}"
    numbers = re.match(r"(?:certified[-/])?(\d+)\.(\d+)", facts.version or "")
    if numbers is None:
        return skip("exchange.version", text if facts.version else "it does not tell", on=on)
    version = int(numbers[1]), int(numbers[2])
    if version < VERSION_MIN:
        return fail("exchange.version", text, "the dialler knows Asterisk 16 to 23: upgrade to 22", on=on)
    if version < FILTERS_SINCE.get(version[0], (22 if version[0] < 22 else 0, 0)):
        found = f"{text} does not know event filters by name, and sends three times the events"
        return warn("exchange.version", found, "upgrade it to 18.26, 20.11, 21.6, 22.1 or newer", on=on)
    return ok("exchange.version", text, on=on)


def _limits(facts: ExchangeFacts) -> list[Finding]:
    on = facts.server
    if facts.calls_max is None and facts.load_max is None:
        return [skip("exchange.limits", "it does not tell", on=on)]
    advice = "take it out of asterisk.conf, and limit `channels` of the trunks in the dialler's settings instead"
    problems = [
        warn("exchange.limits", f"{name} = {value:g}: beyond it people who answered hear nothing", advice, on=on)
        for name, value in (("maxcalls", facts.calls_max), ("maxload", facts.load_max))
        if value
    ]
    return or_ok(problems, "exchange.limits", "neither maxcalls nor maxload is set", on=on)


def _queues(server: AsteriskSettings, facts: ExchangeFacts) -> list[Finding]:
    on = server.name
    if facts.queues is None:
        return [skip("exchange.queues", "it does not tell its queues: app_queue is not loaded", on=on)]
    mend = (
        "`dialler asterisk-config` writes it: queues_dialler.conf; include it in queues.conf, then"
        " `asterisk -rx 'queue reload all'`"
    )
    missing = [queue for queue in server.queues if queue not in facts.queues]
    problems = []
    if missing:
        found = f"no queue {', '.join(missing)} in Asterisk, which has {_names(list(facts.queues))}"
        problems.append(fail("exchange.queues", found, mend, on=on))
    empty = [queue for queue in server.queues if facts.queues.get(queue) == 0]
    if empty:
        found = f"no agent is a member of {', '.join(empty)} now"
        problems.append(warn("exchange.queues", found, "add members to queues.conf, or let agents log in", on=on))
    if not server.queues:
        return [ok("exchange.queues", f"all of Asterisk's are followed: {_names(list(facts.queues))}", on=on)]
    members = ", ".join(f"{queue} with {facts.queues.get(queue, 0)} members" for queue in server.queues)
    return or_ok(problems, "exchange.queues", members, on=on)


def _trunks(server: AsteriskSettings, facts: ExchangeFacts) -> list[Finding]:
    on = server.name
    problems, unknown = [], []
    for trunk in server.trunks:
        local = re.match(r"Local/[^@/]*@([^@/]+)", trunk.dial, re.IGNORECASE)
        state = facts.trunk_states.get(trunk.name, "")
        if local and facts.extensions is not None and facts.extensions.get(local[1]) is None:
            found = f"trunk {trunk.name} ({trunk.dial}): there is no context {local[1]} in the dialplan"
            problems.append(fail("exchange.trunks", found, "name the context that leads to the carrier", on=on))
        elif state == "INVALID":
            found = f"trunk {trunk.name} ({trunk.dial}): Asterisk has no such endpoint"
            advice = "`asterisk -rx 'pjsip show endpoints'` lists them; mend `dial` here or pjsip.conf there"
            problems.append(fail("exchange.trunks", found, advice, on=on))
        elif state == "UNAVAILABLE":
            found = f"trunk {trunk.name} ({trunk.dial}): the carrier can't be reached from Asterisk now"
            advice = "`asterisk -rx 'pjsip show contacts'` says more; a qualify that the carrier ignores also does this"
            problems.append(warn("exchange.trunks", found, advice, on=on))
        elif not local and not state:
            unknown.append(trunk.name)
    if unknown and not problems:
        found = f"Asterisk can't tell the state of {', '.join(unknown)} (func_devstate is not loaded, or no PJSIP)"
        return [skip("exchange.trunks", found, on=on)]
    return or_ok(problems, "exchange.trunks", _names([trunk.name for trunk in server.trunks]), on=on)


def _clock(facts: ExchangeFacts) -> Finding:
    on = facts.server
    if facts.clock_ahead_s is None:
        return skip("exchange.clock", "it does not tell its time", on=on)
    unsure_s = (facts.round_trip_s or 0.0) / 2
    ahead = "ahead of" if facts.clock_ahead_s > 0 else "behind"
    found = f"{abs(facts.clock_ahead_s):.3f} s {ahead} ours, give or take {unsure_s:.3f} s"
    if abs(facts.clock_ahead_s) - unsure_s > CLOCK_WARN_S:
        advice = (
            "keep both machines in time (chrony); the dialler goes by its own clock, and the records of both differ"
        )
        return warn("exchange.clock", found, advice, on=on)
    return ok("exchange.clock", found, on=on)


def _names(names: Sequence[str]) -> str:
    return ", ".join(sorted(names)) or "none"


def _is_near(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
