"""Examines a whole installation and says what to do: `dialler doctor`.

Each module examines one area by small functions. What they look at comes in as arguments (a path, a version, what an
exchange told), what they conclude goes out as `Finding`s: a verdict, what was found, and what to do about it. Nothing
here changes anything, with a daemon running or without, and no check raises for a broken installation.

* `finding` - what a check concludes; `catalogue` - the names of all checks.
* `machine` - Python, SQLite, time-zone data, the clock.
* `secrets`, `access`, `disk` - who may read and write what, and how much room there is.
* `sqlite`, `postgres` - the records.
* `doors` - the API's sockets and the metrics port.
* `sharing` - what engines share through Redis.
* `unit` - the systemd unit.
* `exchange`, `account`, `modules`, `dialplan` - what an exchange told about itself.

`dialler.app.doctor` gathers what needs an adapter, and runs them all.
"""
