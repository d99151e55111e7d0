"""Records in PostgreSQL, examined."""

from collections.abc import Iterator

import pytest
from sqlalchemy import make_url

from dialler.doctor.finding import Verdict
from dialler.doctor.postgres import postgres_records
from dialler.stores.open import open_store
from dialler.stores.upgrade import upgrade
from tests.support.postgres import administer, database

pytestmark = pytest.mark.postgres


@pytest.fixture(scope="module")
def empty() -> Iterator[str]:
    with database() as url:
        yield url


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with database() as made:
        upgrade(made)
        yield made


def verdicts(url: str) -> dict[str, Verdict]:
    return {each.check: each.verdict for each in postgres_records(url, daemon_answers=False)}


def test_good_records_are_good(url: str) -> None:
    found = {each.check: each for each in postgres_records(url, daemon_answers=False)}
    assert "PostgreSQL 1" in found["records.reach"].found
    assert {each.verdict for each in found.values()} == {Verdict.OK, Verdict.SKIP}
    assert "no daemon" in found["records.writer"].found


def test_an_empty_database_needs_its_schema(empty: str) -> None:
    [finding] = [each for each in postgres_records(empty, daemon_answers=False) if each.check == "records.schema"]
    assert finding.verdict is Verdict.FAIL and "dialler db upgrade" in finding.advice


def test_a_commit_that_may_be_lost_fails(url: str) -> None:
    name = make_url(url).database
    administer(url, f'ALTER DATABASE "{name}" SET synchronous_commit = off')
    try:
        assert verdicts(url)["records.durability"] is Verdict.FAIL
    finally:
        administer(url, f'ALTER DATABASE "{name}" RESET synchronous_commit')


async def test_the_holder_of_the_lock_is_named(url: str) -> None:
    async with open_store(url, write=True, exclusive=True, command="dialler run") as store:
        await store.write(lambda records: records.campaigns())
        [finding] = [each for each in postgres_records(url, daemon_answers=True) if each.check == "records.writer"]
    assert "(dialler run)" in finding.found


def test_an_account_that_may_not_write_fails(url: str) -> None:
    role = f"{make_url(url).database}_reader"
    administer(url, f"CREATE ROLE {role} LOGIN")
    try:
        administer(url, f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}")
        theirs = make_url(url).set(username=role).render_as_string(hide_password=False)
        [finding] = [each for each in postgres_records(theirs, daemon_answers=False) if each.check == "records.access"]
        assert finding.verdict is Verdict.FAIL
        assert "INSERT on leads" in finding.found and "SELECT" not in finding.found
    finally:
        administer(url, f"DROP OWNED BY {role}")
        administer(url, f"DROP ROLE {role}")


def test_a_server_that_is_away_fails_without_showing_the_password() -> None:
    [finding] = postgres_records("postgresql://dialler:hush-hush@127.0.0.1:1/dialler", daemon_answers=False)
    assert finding.check == "records.reach" and finding.verdict is Verdict.FAIL
    assert "hush-hush" not in finding.found + finding.advice and "psql" in finding.advice
