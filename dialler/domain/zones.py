"""Names of time zones: which are accepted, and what they are called today.

The names are those of the `tzdata` package, whatever the operating system has: `localtime`, `posixrules`,
`posix/...` and `right/...` are not among them. Today's names are those of its `zone.tab` (a place in a country);
another name that is only a link there, as US/Eastern, becomes the name that it links to.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from importlib.resources import files

from tzdata import IANA_VERSION as _IANA_VERSION  # type: ignore[import-untyped]

IANA_VERSION: str = _IANA_VERSION
"""The release of the time-zone data in use, such as "2026f"."""

_ABBREVIATIONS = frozenset({"EST", "MST", "HST"})
_REFUSED = frozenset({"Factory"})  # the zone of a machine whose zone was never set


@dataclass(frozen=True, slots=True)
class Zone:
    """A time zone by the name it has today."""

    name: str
    given: str
    """As it stood in the source."""

    warning: str | None = None
    """Why this is probably not what was meant."""


@lru_cache(maxsize=1)
def zone_names() -> frozenset[str]:
    """Return all names that are accepted, old ones too."""
    return frozenset((files("tzdata") / "zones").read_text("utf-8").split()) - _REFUSED


@lru_cache(maxsize=1)
def renamed() -> Mapping[str, str]:
    """Return today's name of each old one."""
    data = files("tzdata") / "zoneinfo"
    places = {
        line.split("\t")[2]
        for line in (data / "zone.tab").read_text("utf-8").splitlines()
        if line and not line.startswith("#")
    }
    links = (line.split() for line in (data / "tzdata.zi").read_text("utf-8").splitlines() if line.startswith("L "))
    # Europe/Oslo is a link to Europe/Berlin too, but no old name: its clocks agree since 1970, that is all.
    return {old: today for _, today, old in links if old not in places}


@lru_cache(maxsize=1)
def _by_folded_name() -> Mapping[str, str]:
    return {name.lower(): name for name in sorted(zone_names())}


@lru_cache(maxsize=4096)
def canonical_zone(given: str) -> Zone:
    """Return the zone that `given` names, whatever its case and the blanks around it.

    Raises ValueError, with the closest names, for anything that is not a zone of the IANA data.
    """
    known = _by_folded_name().get(given.strip().lower())
    if known is None:
        raise ValueError(f"unknown time zone {given!r}: {_advice(given.strip()[:60])}")
    name = renamed().get(known, known)
    return Zone(name=name, given=given, warning=_warning(known, name))


def _warning(known: str, name: str) -> str | None:
    if known in _ABBREVIATIONS:
        return f"{known} has no summer time; it is taken as {name}"
    if not name.startswith("Etc/") or name == "Etc/UTC":
        return None
    fixed = re.fullmatch(r"Etc/GMT([+-])([0-9]+)", name)
    if fixed:
        return f"{name} means UTC{'-' if fixed[1] == '+' else '+'}{fixed[2]}, at all seasons; a place is safer"
    return f"{name} has no summer time; a place such as Europe/London is safer"


@lru_cache(maxsize=1024)  # a file that has it wrong has it wrong in every row
def _advice(given: str) -> str:
    if not given:
        return "expected an IANA name such as America/New_York, got nothing"
    if re.fullmatch(r"(?i)z|((utc?|gmt|z)\s*)?[+-]?[0-9][0-9:.]*", given):
        return "an offset knows no summer time; expected a place such as America/New_York"
    wanted = re.sub(r"[\s_]+", "_", given.lower())
    if re.fullmatch(r"[a-z]{2,4}", wanted):
        return "abbreviations stand for several zones; expected a place such as America/New_York"
    places = {name.lower(): name for name in zone_names() if "/" in name and not name.startswith("Etc/")}
    towns: dict[str, list[str]] = {}
    for folded, name in sorted(places.items()):
        towns.setdefault(folded.rsplit("/", 1)[1], []).append(name)
    # A town alone ("Sydney") is the commonest mistake, and too far from any full name for difflib.
    found = [
        *(name for town in get_close_matches(wanted, towns, n=2, cutoff=0.8) for name in towns[town]),
        *(places[folded] for folded in get_close_matches(wanted, places, n=3, cutoff=0.7)),
    ]
    closest = list(dict.fromkeys(renamed().get(name, name) for name in found))[:3]
    return f"did you mean {' or '.join(closest)}?" if closest else "expected an IANA name such as America/New_York"
