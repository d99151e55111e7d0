"""The settings: one TOML file, completed by systemd credentials and by the environment.

`load_settings` reads all of it or nothing, and tells every mistake at once, in plain words. Its parts:

* `model` - what can be set, with defaults and bounds; `kinds` - the kinds of values.
* `sources` - finds and reads the file, the credentials and the environment; later ones win in that order.
* `mistakes` - turns what is wrong into words, without ever showing a secret.
* `checks` - what holds between several keys: unique names, and what only `dialler run` needs.
* `reload` - which changes apply to a running daemon, and which wait for its next start.
"""

from dialler.settings.checks import ami_secret, for_run
from dialler.settings.kinds import host_and_port, is_loopback, loopback
from dialler.settings.loading import load_settings, settings_from
from dialler.settings.model import (
    ApiSettings,
    AsteriskSettings,
    EngineSettings,
    LogSettings,
    MetricsSettings,
    RedisSettings,
    Settings,
    StoreSettings,
    TelephonySettings,
    TokenSettings,
    TrunkSettings,
    WebSettings,
)
from dialler.settings.reload import changed_keys
from dialler.settings.sources import find_settings

__all__ = [
    "ApiSettings",
    "AsteriskSettings",
    "EngineSettings",
    "LogSettings",
    "MetricsSettings",
    "RedisSettings",
    "Settings",
    "StoreSettings",
    "TelephonySettings",
    "TokenSettings",
    "TrunkSettings",
    "WebSettings",
    "ami_secret",
    "changed_keys",
    "find_settings",
    "for_run",
    "host_and_port",
    "is_loopback",
    "load_settings",
    "loopback",
    "settings_from",
]
