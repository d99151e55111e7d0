"""Looks at a server and at what engines have said there, for `dialler doctor`. Changes nothing."""

import json
from dataclasses import dataclass, field
from typing import Any

import anyio
from redis.exceptions import RedisError

from dialler.clock import Clock
from dialler.stores.redis.line import client, reason_of

PATIENCE_S = 3.0


@dataclass(slots=True, kw_only=True)
class Probed:
    """What was found."""

    error: str = ""
    """Why nothing could be found out."""

    product: str = ""
    """"Redis" or "Valkey"."""

    version: str = ""
    ahead_s: float = 0.0
    """How far the server's clock is ahead of ours."""

    may_evict: bool = False
    """Whether it throws away keys when its memory is full."""

    engines: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What is known of each engine that has not taken leave, by name; "silent_s" is since when it has said nothing."""

    trunks: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    """What each of them said of each trunk, by trunk and engine."""


async def probe(url: str, *, prefix: str, trunks: list[str], clock: Clock) -> Probed:
    """Look, with some patience; an error is a finding, too."""
    found = Probed()
    redis = client(url, timeout_s=PATIENCE_S)
    try:
        with anyio.fail_after(PATIENCE_S):
            server = await redis.info("server")
            found.product = "Valkey" if "valkey_version" in server else "Redis"
            found.version = str(server.get("valkey_version") or server.get("redis_version"))
            memory = await redis.info("memory")
            found.may_evict = bool(memory.get("maxmemory")) and memory.get("maxmemory_policy") != "noeviction"
            seconds, micros = await redis.time()
            now = seconds + micros / 1e6
            found.ahead_s = now - clock.now().timestamp()
            engines: dict[str, str] = await redis.hgetall(f"{{{prefix}}}:engines")  # type: ignore[assignment]
            for name, text in engines.items():
                if not name.startswith(":") and not (engine := json.loads(text))["left"]:
                    found.engines[name] = {**engine, "silent_s": now - engine["seen"]}
            for trunk in trunks:
                said = await redis.hgetall(f"{{{prefix}}}:trunk:{trunk}")
                found.trunks[trunk] = {
                    name: json.loads(said[f"engine:{name}"]) for name in found.engines if f"engine:{name}" in said
                }
    except TimeoutError:
        found.error = f"no answer within {PATIENCE_S:g} s"
    except (RedisError, OSError) as error:
        found.error = reason_of(error)
    finally:
        await redis.aclose()
    return found
