"""Whose the files beside a database are."""

import os
from contextlib import suppress
from pathlib import Path


def leave_to_owner(database: Path, *others: Path) -> None:
    """Give the write-ahead log, its index and `others` to the database's owner, where we are root.

    A command that an operator runs as root may be the first to make them; the daemon, which is another user, could
    not write to them. They have the database's mode already.
    """
    if os.geteuid() != 0:
        return
    owner = database.stat()
    for file in (*(database.with_name(database.name + end) for end in ("-wal", "-shm")), *others):
        with suppress(FileNotFoundError):
            os.chown(file, owner.st_uid, owner.st_gid)
