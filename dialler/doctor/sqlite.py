"""Records in SQLite: can they be opened, is their schema ours, are they durable, who writes."""

import fcntl
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final
from urllib.parse import quote

from dialler.doctor.finding import Finding, fail, ok, warn
from dialler.doctor.schema import schema
from dialler.stores.open import lock_file

WAL_FORMAT: Final = b"\x02\x02"
"""sqlite.org/fileformat.html, 1.3.3: bytes 18 and 19 of a file whose journal mode is WAL."""


def sqlite_records(database: Path, *, daemon_answers: bool) -> list[Finding]:
    """Judge the records in a file; `daemon_answers` says whether a daemon was found on the API's socket."""
    if not database.parent.is_dir():
        advice = f"make it, for the daemon's user: install -d -o dialler -g dialler -m 0750 {database.parent}"
        return [fail("records.reach", f"there is no folder {database.parent}", advice)]
    if not database.exists():
        return [fail("records.reach", f"there are no records at {database}", "run `dialler db upgrade`")]
    try:
        revision, is_wal = _revision_of(database), _is_wal(database)
    except (sqlite3.Error, OSError) as error:
        return [
            fail(
                "records.reach",
                f"{database}: {' '.join(str(error).split())}",
                "see that it is an SQLite file which this user may read; if it is damaged, restore it from a backup",
            )
        ]
    return [
        ok("records.reach", f"{database}, {database.stat().st_size / (1 << 20):.1f} MiB"),
        schema(revision),
        _durability(is_wal=is_wal),
        writer(lock_file(database), daemon_answers=daemon_answers),
    ]


def _revision_of(database: Path) -> str | None:
    """Return the revision of the stored schema, None where there is none."""
    uri = f"file:{quote(str(database.absolute()))}?mode=ro"
    if not any(database.with_name(database.name + suffix).exists() for suffix in ("-shm", "-wal")):
        # Nobody has the file open, so nothing can change under us; and as an ordinary reader we would leave a WAL
        # and its index behind, owned by whoever runs this.
        uri += "&immutable=1"
    with closing(sqlite3.connect(uri, uri=True)) as connection:
        tables = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'alembic_version'"
        if not connection.execute(tables).fetchone()[0]:
            return None
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return None if row is None else str(row[0])


def _is_wal(database: Path) -> bool:
    with database.open("rb") as file:
        return file.read(20)[18:] == WAL_FORMAT


def _durability(*, is_wal: bool) -> Finding:
    if not is_wal:
        return warn(
            "records.durability",
            "the journal mode is not WAL",
            "the next start of the daemon sets WAL; if this stays, the filesystem does not support it",
        )
    return ok("records.durability", "journal mode WAL; whoever writes commits with synchronous=FULL")


def writer(lock: Path, *, daemon_answers: bool) -> Finding:
    """Judge who holds the writer's lock. Takes nothing away: a shared lock, for an instant."""
    try:
        file = os.open(lock, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return _free(lock, daemon_answers=daemon_answers)
    except OSError as error:
        return fail("records.writer", f"{lock}: {error.strerror}", f"let this user read it: chmod g+rw {lock}")
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        words = os.pread(file, 4096, 0).decode(errors="replace").splitlines()
        holder = f"process {words[0]} ({words[1]})" if len(words) > 1 else "a process that did not write its name"
        if daemon_answers:
            return ok("records.writer", f"held by {holder}")
        return warn(
            "records.writer",
            f"held by {holder}, and no daemon answers on the API's socket",
            "wait, if that is a command or a daemon that is starting; if it stays, look at that process: it is stuck,"
            " or a daemon with another [api] socket",
        )
    else:
        return _free(lock, daemon_answers=daemon_answers)
    finally:
        os.close(file)


def _free(lock: Path, *, daemon_answers: bool) -> Finding:
    if daemon_answers:
        return fail(
            "records.writer",
            f"a daemon answers on the API's socket, and nobody holds {lock}: it works on other records",
            "let [store] url and [api] socket be those of the daemon's own settings file",
        )
    return ok("records.writer", "nobody writes: no daemon runs on these records")
