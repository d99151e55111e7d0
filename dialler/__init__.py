"""An outbound dialler engine for contact centres.

Importing it makes the `tzdata` package win over the operating system's time-zone files, for the whole
process: a system of last winter may be an hour wrong today, and a call an hour early is a call
against the law. `docs.python.org/3/library/zoneinfo.html` has the search order that this reverses.
"""

import zoneinfo

zoneinfo.reset_tzpath(to=[])
zoneinfo.ZoneInfo.clear_cache()

__version__ = "0.1.0"
