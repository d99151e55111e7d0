"""Is the dialplan of an exchange the one that this version of the dialler ships?"""

import re
from typing import Final

from dialler.doctor.finding import Finding, fail, ok, skip, warn
from dialler.settings import AsteriskSettings
from telephony.health import ExchangeFacts, Placing

VERSION: Final = 3
"""Of config/asterisk/extensions_dialler.conf, which names it in an extension. Raised when that does something else."""

SHIPPED: Final = ("-joined", "-message", "-harbour", "-optout", "-ended")
"""Contexts of the shipped dialplan beside the one for answered calls."""
VERSIONED: Final = "-version"
"""The context whose only extension names the version: v1."""

WRITTEN: Final = (
    "`dialler asterisk-config` writes it: extensions_dialler.conf; include it in extensions.conf, then"
    " `asterisk -rx 'dialplan reload'`"
)


def contexts(server: AsteriskSettings) -> list[str]:
    """Return the contexts to look at."""
    return [server.context + suffix for suffix in ("", *SHIPPED, VERSIONED)]


def dialplan(server: AsteriskSettings, facts: ExchangeFacts) -> list[Finding]:
    """Judge the dialplan by what the exchange told of the extensions in `contexts`."""
    on, context = server.name, server.context
    if facts.placing is Placing.NO_CONTEXT:
        found = f"no extension s in context {context}: every call would be refused"
        return [fail("exchange.dialplan", found, WRITTEN, on=on)]
    if facts.extensions is None:
        return [skip("exchange.dialplan", "the account may not read the dialplan", on=on, advice="write = reporting")]
    here = facts.extensions.get(context)
    if here is None or (facts.placing not in (Placing.TOLD, Placing.UNTOLD) and "s" not in here):
        return [fail("exchange.dialplan", f"no extension s in context {context}", WRITTEN, on=on)]
    if facts.placing is Placing.NOT_TRIED:
        found = f"context {context} has an extension that Asterisk runs for each call that fails"
        return [fail("exchange.dialplan", found, "take the extension `failed`, or the pattern, out of it", on=on)]
    missing = [context + suffix for suffix in SHIPPED if facts.extensions.get(context + suffix) is None]
    if missing:
        found = f"context {context} is there, {', '.join(missing)} of the shipped dialplan not"
        return [warn("exchange.dialplan", found, f"{WRITTEN}. Nothing to do if the dialplan is your own", on=on)]
    return [_version(server, facts.extensions.get(context + VERSIONED) or frozenset())]


def _version(server: AsteriskSettings, extensions: frozenset[str]) -> Finding:
    on, context = server.name, server.context
    versions = sorted(int(name[1]) for each in extensions if (name := re.fullmatch(r"v([0-9]{1,9})", each)))
    if versions == [VERSION]:
        found = f"context {context}, and those that it leads to: version {VERSION}, as this dialler ships it"
        return ok("exchange.dialplan", found, on=on)
    if len(versions) > 1:
        found = f"context {context} has several versions mixed: {', '.join(map(str, versions))}"
        return warn("exchange.dialplan", found, f"include extensions_dialler.conf once. {WRITTEN}", on=on)
    if versions and versions[0] > VERSION:
        found = f"context {context} is of version {versions[0]}, this dialler ships {VERSION}: it is from a newer one"
        return warn("exchange.dialplan", found, f"upgrade the dialler, or go back: {WRITTEN}", on=on)
    told = f"is of version {versions[0]}" if versions else "names no version"
    found = f"context {context} {told}, this dialler ships {VERSION}: it is from an older one"
    if versions:
        return warn("exchange.dialplan", found, WRITTEN, on=on)
    return warn("exchange.dialplan", found, f"{WRITTEN}. Nothing to do if the dialplan is your own", on=on)
