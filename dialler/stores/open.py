"""Opening the records by their url.

`sqlite:///relative/file.db`, `sqlite:////absolute/file.db`, `postgresql://user@host/database`, `memory:`.
"""

from datetime import timedelta
from pathlib import Path
from typing import Final

from sqlalchemy import URL, Engine, inspect, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from dialler.errors import SchemaOutdated, StoreError
from dialler.stores.edge import our_error
from dialler.stores.lock import WriterLock
from dialler.stores.memory import MemoryStore
from dialler.stores.ownership import leave_to_owner
from dialler.stores.postgres import PostgresStore, postgres_engine
from dialler.stores.schema import HEAD
from dialler.stores.sql import GROUP_DELAY
from dialler.stores.sqlite import SqliteStore, sqlite_engine

MEMORY: Final = "memory:"
WAIT: Final = timedelta(seconds=10)
_UPGRADE: Final = "run `dialler db upgrade`"

AnyStore = MemoryStore | SqliteStore | PostgresStore


def open_store(
    url: str,
    *,
    write: bool,
    wait: timedelta = WAIT,
    group_delay: timedelta = GROUP_DELAY,
    command: str = "dialler",
    exclusive: bool = False,
) -> AnyStore:
    """Open the records; close them with `aclose`, or use them as an async context.

    To `write` to SQLite takes the writer's lock, waiting up to `wait` for its holder; `command` is what others
    are told. PostgreSQL takes a lock only if `exclusive`. Reading needs no lock. Blocks while it waits.

    Raises StoreLocked (who holds them), SchemaOutdated (`dialler db upgrade` is due), StoreError.
    """
    if url == MEMORY:
        return MemoryStore()
    parsed = parsed_url(url)
    try:
        if parsed.get_backend_name() == "sqlite":
            return _open_sqlite(database_file(parsed), write=write, wait=wait, group_delay=group_delay, command=command)
        probe = postgres_engine(parsed, reading=True, command=command)
        try:
            _check_schema(probe)
        finally:
            probe.dispose()
        return PostgresStore(
            parsed, write=write, exclusive=exclusive, wait=wait, group_delay=group_delay, command=command
        )
    except SQLAlchemyError as error:
        raise StoreError(f"{parsed.render_as_string()}: {our_error(error)}") from error


def _open_sqlite(path: Path, *, write: bool, wait: timedelta, group_delay: timedelta, command: str) -> SqliteStore:
    if not path.exists():
        raise StoreError(f"{path}: there are no records yet: {_UPGRADE}")
    lock = WriterLock(lock_file(path))
    if write:
        lock.acquire(wait, command=command)
    try:
        # A file whose last writer was killed is recovered by the first who opens it: the writer, where there is one.
        probe = sqlite_engine(path, mode="rw" if write else "ro")
        try:
            _check_schema(probe)
            leave_to_owner(path, lock_file(path))
        finally:
            probe.dispose()

        def closed() -> None:
            leave_to_owner(path, lock_file(path))
            lock.release()

        return SqliteStore(path, write=write, group_delay=group_delay, on_close=closed)
    except BaseException:
        lock.release()
        raise


def _check_schema(engine: Engine) -> None:
    revision = revision_of(engine)
    if revision is None:
        raise SchemaOutdated(f"the records have no schema yet: {_UPGRADE}")
    if revision != HEAD:
        raise SchemaOutdated(f"the records have schema {revision}, this version needs {HEAD}: {_UPGRADE}")


def revision_of(engine: Engine) -> str | None:
    """Return the revision of the stored schema, None where there is none."""
    with engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        row = connection.exec_driver_sql("SELECT version_num FROM alembic_version").fetchone()
        return None if row is None else str(row[0])


def parsed_url(url: str) -> URL:
    """Return the url with the driver that is used here. Raises StoreError for one that is none of ours."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as error:
        raise StoreError(f"the records' url is not valid: {error}") from error
    backend = parsed.get_backend_name()
    if backend == "sqlite":
        return parsed.set(drivername="sqlite")
    if backend in ("postgresql", "postgres"):
        return parsed.set(drivername="postgresql+psycopg")
    raise StoreError(f"{parsed.render_as_string()}: expected a url that begins with sqlite:/// or postgresql://")


def database_file(url: URL) -> Path:
    """Return the file of an SQLite url. Raises StoreError if it names none."""
    if not url.database or url.database == ":memory:":
        raise StoreError(f"{url}: expected the path of a file: sqlite:///relative.db or sqlite:////absolute.db")
    return Path(url.database).absolute()


def lock_file(path: Path) -> Path:
    """Return the file of the writer's lock, beside the records."""
    return path.with_name(path.name + ".lock")
