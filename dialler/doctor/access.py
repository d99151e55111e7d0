"""Who may read and write the records' files, by owners and mode bits, for this user and for the daemon's."""

import os
import pwd
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from dialler.doctor.finding import Finding, fail, or_ok, warn

READ, WRITE, SEARCH = 4, 2, 1
BESIDE: Final = ("-wal", "-shm", ".lock")
"""What SQLite and the writer's lock put beside the records' file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Who:
    """Someone with rights."""

    name: str
    uid: int
    gids: frozenset[int]

    def may(self, facts: os.stat_result, needs: int) -> bool:
        """Tell whether the mode bits give all of `needs`; access-control lists are not looked at."""
        if self.uid == 0:
            return True
        if facts.st_uid == self.uid:
            bits = facts.st_mode >> 6
        elif facts.st_gid in self.gids:
            bits = facts.st_mode >> 3
        else:
            bits = facts.st_mode
        return bits & needs == needs


def this_user() -> Who:
    """Return whoever runs this."""
    uid = os.geteuid()
    return Who(name=_name_of(uid), uid=uid, gids=frozenset({os.getegid(), *os.getgroups()}))


def user_named(name: str) -> Who | None:
    """Return a user of this machine, None where there is none of that name."""
    try:
        found = pwd.getpwnam(name)
    except KeyError:
        return None
    return Who(name=name, uid=found.pw_uid, gids=frozenset(os.getgrouplist(name, found.pw_gid)))


def owner_of(path: Path) -> Who | None:
    """Return the owner of a file or folder, None where it is not there."""
    try:
        uid = path.stat().st_uid
    except OSError:
        return None
    name = _name_of(uid)
    return user_named(name) or Who(name=name, uid=uid, gids=frozenset())


def records_access(database: Path, users: Sequence[Who]) -> list[Finding]:
    """Judge the files of SQLite records; `users` need them, each is judged once."""
    problems = []
    for user in {user.uid: user for user in users}.values():
        for path, why in _out_of_reach(database, user):
            problems.append(
                fail(
                    "records.access",
                    f"user {user.name} may not {why} {path}, {_describe(path)}",
                    f"chown it to the daemon's user and group, chmod {'0770' if path.is_dir() else '0660'}, or run"
                    " this as that user; operators join the daemon's group",
                )
            )
    if _is_open_to_strangers(database):
        problems.append(
            warn(
                "records.access",
                f"every user of this machine may read {database}, {_describe(database)}: names and numbers of leads",
                f"chmod o-rwx {database.parent} {database}*",
            )
        )
    who = ", ".join(dict.fromkeys(user.name for user in users))
    return or_ok(problems, "records.access", f"{database.parent} and what is in it: usable by {who}")


def _out_of_reach(database: Path, user: Who) -> Iterator[tuple[Path, str]]:
    folder = database.parent
    if not folder.is_dir():
        return
    if not user.may(folder.stat(), READ | WRITE | SEARCH):  # SQLite makes and removes files beside the records
        yield folder, "make files in"
    for path in (database, *(database.with_name(database.name + suffix) for suffix in BESIDE)):
        try:
            facts = path.stat()
        except OSError:
            continue
        if not user.may(facts, READ | WRITE):
            yield path, "read and write"


def _is_open_to_strangers(database: Path) -> bool:
    try:
        return bool(database.stat().st_mode & READ and database.parent.stat().st_mode & SEARCH)
    except OSError:
        return False


def readers(path: Path, users: Iterable[Who]) -> tuple[list[str], bool]:
    """Return the names of those who may not read a file though they should, and whether strangers may. OSError."""
    facts = path.stat()
    return [user.name for user in users if not user.may(facts, READ)], bool(facts.st_mode & READ)


def _describe(path: Path) -> str:
    facts = path.stat()
    return f"mode {stat.S_IMODE(facts.st_mode):04o}, owned by {_name_of(facts.st_uid)}"


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"number {uid}"
