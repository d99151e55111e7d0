"""Creating the records' schema, and bringing an older one up to date: Alembic, run from code."""

from datetime import timedelta
from pathlib import Path
from typing import Final

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from dialler.errors import SchemaOutdated, StoreError
from dialler.stores.edge import our_error
from dialler.stores.lock import WriterLock
from dialler.stores.open import WAIT, database_file, lock_file, parsed_url, revision_of
from dialler.stores.postgres import postgres_engine
from dialler.stores.schema import HEAD
from dialler.stores.sqlite import sqlite_engine

MIGRATIONS: Final = Path(__file__).parent / "migrations"


def upgrade(url: str, *, wait: timedelta = WAIT, command: str = "dialler db upgrade") -> tuple[str | None, str]:
    """Create or migrate the records; return the revisions before (None: there were none) and after.

    An upgrade is one transaction: it happens, or nothing of it does. Raises StoreLocked while somebody writes,
    SchemaOutdated if the records are of a newer version than this one, StoreError.
    """
    parsed = parsed_url(url)
    try:
        if parsed.get_backend_name() != "sqlite":
            engine = postgres_engine(parsed, command=command)
            try:
                return _upgrade(engine)
            finally:
                engine.dispose()
        path = database_file(parsed)
        if not path.parent.is_dir():
            raise StoreError(f"{path}: there is no directory {path.parent}")
        lock = WriterLock(lock_file(path))
        lock.acquire(wait, command=command)
        try:
            engine = sqlite_engine(path, mode="rwc")
            try:
                return _upgrade(engine)
            finally:
                engine.dispose()
        finally:
            lock.release()
    except SQLAlchemyError as error:
        raise StoreError(f"{parsed.render_as_string()}: {our_error(error)}") from error


def _upgrade(engine: Engine) -> tuple[str | None, str]:
    # Imported here: it takes a tenth of a second that only this command needs.
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    before = revision_of(engine)
    if before == HEAD:
        return before, HEAD
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if before is not None and before not in known:
        raise SchemaOutdated(
            f"the records have schema {before}, this version knows up to {HEAD}: they belong to a newer version"
        )
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, HEAD)
    return before, HEAD
