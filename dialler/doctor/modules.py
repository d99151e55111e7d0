"""Has the exchange loaded what the shipped dialplan calls?"""

from collections.abc import Mapping
from typing import Final

from dialler.doctor.finding import Finding, fail, ok, skip, warn
from telephony.health import ExchangeFacts

ALWAYS: Final[Mapping[str, str]] = {
    "app_userevent": "UserEvent",
    "app_queue": "Queue",
    "func_logic": "IF",
}
"""Modules without which no campaign works, and what the dialplan calls of each."""

UNHEARD: Final = "calls that end while the link is down"

SOMETIMES: Final[Mapping[str, tuple[str, str]]] = {
    "app_dial": ("Dial", "calls for one agent"),
    "app_stack": ("Return", f"calls for one agent, and {UNHEARD},"),
    "app_amd": ("AMD", "campaigns with answering-machine detection"),
    "app_waitforsilence": ("WaitForSilence", "messages for machines"),
    "app_playback": ("Playback", "messages for machines"),
    "func_db": ("DB", UNHEARD),
    "func_channel": ("CHANNEL", UNHEARD),
    "func_strings": ("STRFTIME", UNHEARD),
}
"""Modules that some calls need: what the dialplan calls of each, and which calls those are."""

LOOKS: Final = "app_senddtmf"
"""With its PlayDTMF the dialler lets a queue look for a free agent at once; the dialplan does not call it."""

MODULES: Final = (*ALWAYS, *SOMETIMES, LOOKS)
SEEN: Final = "`asterisk -rx 'module show like app_'` shows them"


def modules(facts: ExchangeFacts) -> list[Finding]:
    """Judge the modules by what the exchange told of `MODULES`."""
    on = facts.server
    loaded = dict(facts.modules or {})
    if facts.queues is None:
        loaded["app_queue"] = False  # each account may ask for queues, so that there is nobody to answer
    findings = []
    missing = [name for name in ALWAYS if loaded.get(name) is False]
    if missing:
        found = f"{', '.join(missing)} not loaded: no campaign works without"
        findings.append(fail("exchange.modules", found, _loading(missing), on=on))
    for name, (_, calls) in SOMETIMES.items():
        if loaded.get(name) is False:
            found = f"{name} not loaded, which {calls} need"
            advice = f"{_loading([name])}. Nothing to do if there are none"
            findings.append(warn("exchange.modules", found, advice, on=on))
    if loaded.get(LOOKS) is False:
        found = f"{LOOKS} not loaded: queues look for an agent who got free only once a second"
        findings.append(warn("exchange.modules", found, _loading([LOOKS]), on=on))
    if findings:
        return findings
    if facts.modules is None:
        found = "ModuleCheck needs class system under write, which this account has not, and should not have"
        return [skip("exchange.modules", found, on=on, advice=SEEN)]
    return [ok("exchange.modules", f"{', '.join(MODULES)} are loaded", on=on)]


def _loading(names: list[str]) -> str:
    lines = " and ".join(f"`load = {name}.so`" for name in names)
    commands = " and ".join(f"`asterisk -rx 'module load {name}.so'`" for name in names)
    return f"put {lines} into modules.conf unless it has autoload = yes, and no noload of it; then {commands}"
