"""What a check concludes."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from dialler.doctor.catalogue import CHECKS


class Verdict(StrEnum):
    """How it is."""

    OK = "ok"
    WARN = "warn"
    """It works, and something about it should be mended."""
    FAIL = "fail"
    """It does not work, or breaks a promise."""
    SKIP = "skip"
    """It could not be found out, or does not apply."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One conclusion of one check; a check may come to several."""

    check: str
    verdict: Verdict
    found: str
    advice: str = ""
    """What to do; a warning and a failure always have one."""

    on: str = ""
    """The server, where the check is about one of several."""

    def __post_init__(self) -> None:
        if self.check not in CHECKS:
            raise ValueError(f"{self.check!r} is not in the catalogue of checks")
        if not self.found:
            raise ValueError(f"{self.check}: expected what was found, got nothing")
        if self.verdict in (Verdict.WARN, Verdict.FAIL) and not self.advice:
            raise ValueError(f"{self.check}: expected what to do about {self.found!r}, got nothing")


def ok(check: str, found: str, *, on: str = "", advice: str = "") -> Finding:
    """Return that all is well."""
    return Finding(check=check, verdict=Verdict.OK, found=found, advice=advice, on=on)


def warn(check: str, found: str, advice: str, *, on: str = "") -> Finding:
    """Return that something should be mended."""
    return Finding(check=check, verdict=Verdict.WARN, found=found, advice=advice, on=on)


def fail(check: str, found: str, advice: str, *, on: str = "") -> Finding:
    """Return that something does not work."""
    return Finding(check=check, verdict=Verdict.FAIL, found=found, advice=advice, on=on)


def skip(check: str, found: str, *, on: str = "", advice: str = "") -> Finding:
    """Return that it could not be found out."""
    return Finding(check=check, verdict=Verdict.SKIP, found=found, advice=advice, on=on)


def or_ok(problems: Sequence[Finding], check: str, found: str, *, on: str = "") -> list[Finding]:
    """Return the problems, or that all is well where there are none."""
    return list(problems) or [ok(check, found, on=on)]
