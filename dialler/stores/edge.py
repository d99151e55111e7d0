"""The edge to the database driver: what it raises becomes an error of ours, with words an operator can act on."""

import sqlite3

import psycopg
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from dialler.errors import Conflict, DiallerError, StoreError, StoreFull, StoreLocked
from dialler.stores.link import DRIVER_ERRORS

# SQLite reports a full disk as FULL; where it can't even grow its shared memory, as one of the others.
_SQLITE_FULL = frozenset({"SQLITE_FULL", "SQLITE_IOERR_SHMSIZE"})
_SQLITE_BUSY = frozenset({"SQLITE_BUSY", "SQLITE_LOCKED"})
_POSTGRES_FULL = "53100"  # disk_full
_POSTGRES_LOCKED = "55P03"  # lock_not_available


def our_error(error: BaseException) -> BaseException:
    """Return what to raise for `error`: one of ours for a driver's, anything else as it is."""
    if isinstance(error, DBAPIError):  # as SQLAlchemy passes on what the driver raised
        return _of_driver(error.orig)
    if isinstance(error, DRIVER_ERRORS):
        return _of_driver(error)
    if isinstance(error, SQLAlchemyError):
        return StoreError(f"the records can't be used: {error}")
    return error


def _of_driver(error: BaseException | None) -> DiallerError:
    words = " ".join(str(error).split())
    if isinstance(error, (sqlite3.IntegrityError, psycopg.IntegrityError)):
        return Conflict(f"the records forbid this: {words}")
    if isinstance(error, sqlite3.Error):
        name = getattr(error, "sqlite_errorname", "")
        if name in _SQLITE_FULL:
            return StoreFull(f"no room left on the disk of the records ({words}); the transaction was undone")
        if name.startswith(tuple(_SQLITE_BUSY)):
            return StoreLocked(f"another connection holds the records ({words}); the transaction was undone")
        return StoreError(f"the records could not be read or written: {words} ({name or 'no error code'})")
    state = getattr(error, "sqlstate", None)
    if state == _POSTGRES_FULL:
        return StoreFull(f"no room left on the disk of the records ({words}); the transaction was undone")
    if state == _POSTGRES_LOCKED:
        return StoreLocked(f"another connection holds the records ({words}); the transaction was undone")
    return StoreError(f"the records could not be read or written: {words} ({state or 'no error code'})")
