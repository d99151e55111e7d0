"""What engines share: can the server be reached, does its clock go with ours, do the engines agree."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from dialler.doctor.finding import Finding, fail, ok, or_ok, skip, warn
from dialler.settings import RedisSettings, TrunkSettings

VERSIONS_MIN: Final = {"Redis": (7, 0), "Valkey": (7, 2)}
AHEAD_MAX_S: Final = 5.0
SILENT_MAX_S: Final = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SharingFacts:
    """What was found at the server; `dialler.stores.redis.probe` has it in full."""

    error: str = ""
    product: str = ""
    version: str = ""
    ahead_s: float = 0.0
    may_evict: bool = False
    engines: Mapping[str, Mapping[str, Any]]
    trunks: Mapping[str, Mapping[str, Mapping[str, Any]]]


def sharing(
    settings: RedisSettings | None, facts: SharingFacts | None, trunks: Sequence[TrunkSettings]
) -> list[Finding]:
    """Judge what is shared; `trunks` are those of our settings."""
    if settings is None or facts is None:
        return [skip("redis.reach", "no [redis] in the settings: this engine has its trunks for itself")]
    if facts.error:
        advice = (
            "see that the server runs and that [redis] url (or the credential redis-url) is right: try it with"
            " redis-cli. Until then each engine keeps to its share of each trunk"
        )
        return [fail("redis.reach", facts.error, advice)]
    return [*_reach(facts), _clock(facts), *_engines(settings, facts, trunks)]


def _reach(facts: SharingFacts) -> list[Finding]:
    text = f"{facts.product} {facts.version}"
    problems = []
    least = VERSIONS_MIN[facts.product]
    if tuple(int(part) for part in facts.version.split(".")[:2] if part.isdigit()) < least:
        advice = f"use {facts.product} {least[0]}.{least[1]} or newer: older ones are not tested with"
        problems.append(warn("redis.reach", text, advice))
    if facts.may_evict:
        found = f"{text}: it throws keys away when its memory is full, and with them what others may still use"
        problems.append(warn("redis.reach", found, "set maxmemory-policy noeviction, or use a server for this alone"))
    return or_ok(problems, "redis.reach", text)


def _clock(facts: SharingFacts) -> Finding:
    if abs(facts.ahead_s) > AHEAD_MAX_S:
        found = f"its clock is {abs(facts.ahead_s):.0f} s {'ahead of' if facts.ahead_s > 0 else 'behind'} ours"
        return warn("redis.clock", found, "run a time service on both machines; a clock that is set upsets the counts")
    return ok("redis.clock", f"within {max(0.1, abs(facts.ahead_s)):.1f} s of ours")


def _engines(settings: RedisSettings, facts: SharingFacts, trunks: Sequence[TrunkSettings]) -> list[Finding]:
    ours = settings.engine_name
    others = {name: engine for name, engine in facts.engines.items() if name != ours}
    problems = []
    for name, engine in others.items():
        if engine["silent_s"] > SILENT_MAX_S:
            found = f"engine {name} has said nothing for {engine['silent_s']:.0f} s; its share is kept for it"
            problems.append(warn("redis.engines", found, "start it, or see why it can't reach Redis"))
        if engine["engines_max"] != settings.engines_max:
            found = f"engines_max is {settings.engines_max} here and {engine['engines_max']} for {name}"
            problems.append(warn("redis.engines", found, "use one number in all settings; the largest counts"))
    if len(others) >= settings.engines_max and ours not in facts.engines:
        found = f"{', '.join(sorted(others))} share the trunks already, and engines_max is {settings.engines_max}"
        problems.append(
            fail("redis.engines", found, "raise [redis] engines_max everywhere: this engine places no calls")
        )
    for trunk in trunks:
        for name, said in facts.trunks.get(trunk.name, {}).items():
            if name != ours and (said["rate"], said["channels"]) != (trunk.calls_per_second, trunk.channels):
                found = (
                    f"trunk {trunk.name}: {trunk.calls_per_second:g} calls a second and {trunk.channels} channels here,"
                    f" {said['rate']:g} and {said['channels']} for {name}"
                )
                problems.append(warn("redis.engines", found, "use the same caps in all settings; the smallest count"))
    there = ", ".join(sorted({*facts.engines})) or "none yet"
    return or_ok(
        problems, "redis.engines", f"engines there: {there}; this one is {ours}, at most {settings.engines_max}"
    )
