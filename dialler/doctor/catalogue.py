"""The names of all checks: stable, since monitoring may look for them. `docs/doctor.md` says what to do for each."""

from collections.abc import Mapping
from typing import Final

CHECKS: Final[Mapping[str, str]] = {
    "settings": "The settings file can be read and is enough for `dialler run`, the simulated network's plan included",
    "settings.secrets": "Files with secrets are readable by those who need them, and by nobody else",
    "python": "The version of Python",
    "sqlite": "The version of SQLite, and whether it has the WAL-reset fault",
    "tzdata": "The time-zone data in use is not older than the system's",
    "clock": "This machine's clock is kept in time",
    "records.reach": "The records can be opened",
    "records.schema": "The records have the schema of this version",
    "records.durability": "What is committed survives a loss of power",
    "records.writer": "Who writes to the records now",
    "records.access": "The daemon and this user may read and write the records, and strangers may not",
    "records.disk": "Room on the disk of the records, and whether its filesystem suits them",
    "api.socket": "The API's unix socket can be made, or a daemon answers there",
    "api.tcp": "The API's TCP port is free, or the daemon answers there",
    "metrics": "The metrics port is free, or the daemon answers there",
    "web": "The board's port is free, or the board answers there",
    "redis.reach": "Redis, through which engines share trunks, can be reached and is fit for it",
    "redis.clock": "The clock of Redis agrees with ours",
    "redis.engines": "The engines that share trunks are there, and agree on the caps",
    "systemd": "The unit is installed, runs these settings and has its watchdog",
    "exchange.connect": "Asterisk's manager interface can be reached",
    "exchange.login": "Asterisk accepts our account",
    "exchange.version": "The version of Asterisk",
    "exchange.limits": "Asterisk has no limits that would make it drop answered calls",
    "exchange.write": "The account may do all that the dialler does, and no more",
    "exchange.read": "The account gets the events that the dialler follows",
    "exchange.filters": "Asterisk sends what the dialler reads, and little else",
    "exchange.writetimeout": "Asterisk does not drop a reader that is slow for a moment",
    "exchange.modules": "The modules that the dialplan calls are loaded",
    "exchange.dialplan": "The dialplan has the contexts for answered calls, as this version ships them",
    "exchange.queues": "The agents' queues are there",
    "exchange.trunks": "The trunks' endpoints are there",
    "exchange.clock": "Asterisk's clock agrees with ours",
}
"""Meaning by name, in the order in which they are told."""
