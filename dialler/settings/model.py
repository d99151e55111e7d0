"""What an operator can set. Each field's description says what is expected there; mistakes quote it."""

import os
import re
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationInfo, model_validator

from dialler.settings.kinds import (
    ADDRESS_EXPECTED,
    NAME_EXPECTED,
    PERMIT_EXPECTED,
    REDIS_EXPECTED,
    REGION_EXPECTED,
    SQLITE,
    URL_EXPECTED,
    Address,
    Dial,
    FromBase,
    HostName,
    Level,
    Loopback,
    Name,
    Number,
    Permit,
    RedisUrl,
    Region,
    Secret,
    Sha256,
    ShownName,
    StoreUrl,
    Whole,
    base_of,
)

RUN_SOCKET: Final = Path("/run/dialler/dialler.sock")


class Section(BaseModel):
    """A part of the settings; unknown keys are mistakes."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, hide_input_in_errors=True)


class StoreSettings(Section):
    """Where the records are."""

    url: StoreUrl = Field(repr=False, description=URL_EXPECTED)
    """A relative SQLite file was resolved against the settings file's folder. May hold a password."""

    group_delay_ms: Number = Field(default=20.0, ge=0, le=1000, description="milliseconds, 0 to 1000")
    """How long a change that is not urgent may wait for others to share its commit."""

    @property
    def database_file(self) -> Path | None:
        """The SQLite file; None on another database."""
        return Path(self.url.removeprefix(SQLITE)) if self.url.startswith(SQLITE) else None


class EngineSettings(Section):
    """How the loops behave."""

    drain_timeout_s: Number = Field(default=30.0, ge=0, le=86400, description="seconds, 0 to 86400")
    """What live calls have to end in, once the daemon was asked to stop."""

    hopper_level: Whole = Field(default=100, ge=1, le=100_000, description="a whole number of leads, 1 to 100000")
    """Leads kept ready in each list."""

    intents_per_commit_max: Whole = Field(default=50, ge=1, le=10_000, description="a whole number, 1 to 10000")
    """Calls of one campaign that may share a transaction."""

    verdict_grace_s: Number = Field(default=10.0, ge=1, le=600, description="seconds, 1 to 600")
    """How long after the ring time-out the exchange may take to tell a call's end."""

    runway_min_s: Number = Field(default=1800.0, ge=0, le=604_800, description="seconds, 0 to 604800")
    """A list whose leads last less long at the present pace is announced, before agents fall idle; 0: none is."""


class TelephonySettings(Section):
    """Which telephone network calls are placed through."""

    kind: Literal["asterisk", "simulated"] | None = Field(default=None, description="'asterisk' or 'simulated'")
    """Unset: asterisk if a server is named, simulated if only `[simulated]` is there; None if neither."""

    seed: Whole | None = Field(default=None, ge=0, description="a whole number, 0 or more")
    """Of the simulated network's chance; None: another day each time."""


class TrunkSettings(Section):
    """A carrier route of an Asterisk server."""

    name: Name = Field(description=NAME_EXPECTED)
    dial: Dial = Field(description="a channel such as 'PJSIP/{number}@trunk-a'")
    """`{number}` becomes E.164 with its plus sign; `{digits}`, `{national}`, `{international}` as of `caller_id`."""

    calls_per_second: Number = Field(gt=0, le=1000, description="calls a second, more than 0, at most 1000")
    channels: Whole = Field(ge=1, le=100_000, description="a whole number of channels, 1 to 100000")
    caller_id: Literal["plus", "digits", "national", "international"] = Field(
        default="plus", description="'plus', 'digits', 'national' or 'international'"
    )
    """How caller ids are written: E.164 with its plus sign or without; as they are dialled in `region`, those of other
    countries with the prefix for abroad; all of them with that."""

    caller_id_name: ShownName | None = Field(default=None, description="a name to show with the number")
    region: Region | None = Field(default=None, description=REGION_EXPECTED)


class AsteriskSettings(Section):
    """An Asterisk server, as its manager interface is reached."""

    name: Name = Field(description=NAME_EXPECTED)
    host: HostName = Field(default="127.0.0.1", description="a host name or address")
    port: Whole = Field(default=5038, ge=1, le=65535, description="a port, 1 to 65535")
    username: Name = Field(default="dialler", description=NAME_EXPECTED)
    secret: Secret | None = Field(default=None, description="the account's secret")
    secret_file: FromBase | None = Field(default=None, description="the path of a file that holds the secret")
    tls: bool = Field(default=False, description="true or false")
    ca: FromBase | None = Field(default=None, description="the path of a PEM file with the authority to trust")
    permit: Permit | None = Field(default=None, description=PERMIT_EXPECTED)
    """Where the dialler comes from, as the server sees it: for `dialler asterisk-config` alone."""

    context: Name = Field(default="dlr-answered", description="the name of a dialplan context")
    """Where answered calls go."""

    queues: tuple[Name, ...] = Field(default=(), description="a list of queue names")
    """The agents' queues to follow."""

    trunks: tuple[TrunkSettings, ...] = Field(default=(), description="tables, written [[asterisk.trunks]]")


class RedisSettings(Section):
    """Where engines share the caps of their trunks, and wake each other. Trunks of the same name are one."""

    url: RedisUrl = Field(repr=False, description=REDIS_EXPECTED)
    """May hold a password."""

    engine: Name | None = Field(default=None, description=NAME_EXPECTED)
    """This engine's name, no other's; None: that of the host."""

    engines_max: Whole = Field(default=2, ge=1, le=100, description="a whole number of engines, 1 to 100")
    """How many engines may share the trunks; while Redis is away each keeps to so many-th of them."""

    prefix: Name = Field(default="dialler", description=NAME_EXPECTED)
    """Of the keys in Redis: engines with another one share nothing with these."""

    absent_s: Number = Field(default=900.0, ge=10, le=86400, description="seconds, 10 to 86400")
    """How long an engine that vanished without taking leave goes on to count."""

    @property
    def engine_name(self) -> str:
        """The name of this engine."""
        host = re.sub(r"^[^A-Za-z0-9]+|[^A-Za-z0-9_.-]+", "-", socket.gethostname())[:64].strip("-")
        return self.engine or host or "dialler"


class TokenSettings(Section):
    """A bearer token of the API, kept as its hash."""

    name: Name = Field(description=NAME_EXPECTED)
    sha256: Sha256 = Field(repr=False, description="64 hexadecimal digits, as `dialler token create` prints them")


class ApiSettings(Section):
    """Where the API is served."""

    socket: FromBase = Field(default=RUN_SOCKET, description="the path of a unix socket")
    """Default: beside an SQLite database, named after it; else in the run directory."""

    tcp: Address | None = Field(default=None, description=ADDRESS_EXPECTED)
    port_fallback: bool = Field(default=False, description="true or false")
    tokens: tuple[TokenSettings, ...] = Field(default=(), description="tables, written [[api.tokens]]")


class MetricsSettings(Section):
    """Where Prometheus finds the metrics."""

    listen: Address = Field(default="127.0.0.1:9108", description=ADDRESS_EXPECTED)
    port_fallback: bool = Field(default=False, description="true or false")
    """Whether a port that is taken is replaced by a free one."""


class WebSettings(Section):
    """Where `dialler web` serves the board."""

    listen: Loopback = Field(default="127.0.0.1:8080", description=ADDRESS_EXPECTED)
    """A loopback address: there is no sign-in."""

    port_fallback: bool = Field(default=False, description="true or false")
    """Whether a port that is taken is replaced by a free one."""


class LogSettings(Section):
    """What is logged, and in which form."""

    level: Level = Field(default="info", description="debug, info, warning or error")
    format: Literal["json", "text"] = Field(default="json", description="'json' or 'text'")
    parts: Mapping[str, Level] = Field(default={}, description='a table such as {"telephony.ami" = "debug"}')
    """Levels of their own, by logger, or by an event's name or its first word ("session")."""


class Settings(Section):
    """A whole settings file."""

    store: StoreSettings = Field(description='a section [store] with url = "sqlite:///FILE"')
    engine: EngineSettings = Field(default=EngineSettings(), description="a section [engine]")
    telephony: TelephonySettings = Field(default=TelephonySettings(), description="a section [telephony]")
    asterisk: tuple[AsteriskSettings, ...] = Field(default=(), description="tables, written [[asterisk]]")
    simulated: Mapping[str, Any] | None = Field(default=None, description="a section [simulated]")
    """The simulated network's plan, as it stands: `telephony.simulated` checks it. None: its defaults."""

    api: ApiSettings = Field(default=ApiSettings(), description="a section [api]")
    metrics: MetricsSettings | None = Field(default=None, description="a section [metrics]")
    """None: no metrics are served."""

    web: WebSettings = Field(default=WebSettings(), description="a section [web]")
    redis: RedisSettings | None = Field(default=None, description='a section [redis] with url = "redis://HOST:PORT"')
    """None: the engine shares nothing."""

    log: LogSettings = Field(default=LogSettings(), description="a section [log]")
    _file: str = PrivateAttr("settings")

    @property
    def file(self) -> str:
        """The file they were read from, as given; "settings" if from none."""
        return self._file

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, data: Any, info: ValidationInfo) -> Any:
        if not isinstance(data, Mapping):
            return data
        telephony, api = data.get("telephony", {}), data.get("api", {})
        filled = dict(data)
        if isinstance(telephony, Mapping) and "kind" not in telephony:
            kind = "asterisk" if data.get("asterisk") else "simulated" if "simulated" in data else None
            filled["telephony"] = {**telephony, "kind": kind}
        if isinstance(api, Mapping) and "socket" not in api:
            filled["api"] = {**api, "socket": _default_socket(data.get("store"), info)}
        return filled


def _default_socket(store: object, info: ValidationInfo) -> Path:
    url = store.get("url") if isinstance(store, Mapping) else getattr(store, "url", None)
    if isinstance(url, str) and url.startswith(SQLITE):
        return Path(os.path.abspath(base_of(info) / (url.removeprefix(SQLITE) + ".sock")))
    runtime = (info.context or {}).get("environ", os.environ).get("RUNTIME_DIRECTORY", "")
    return Path(runtime.split(":")[0]) / RUN_SOCKET.name if runtime else RUN_SOCKET
