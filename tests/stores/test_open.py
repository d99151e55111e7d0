"""Opening records, and what is said when they can't be."""

import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from dialler.domain.campaign import CampaignSettings
from dialler.errors import Conflict, SchemaOutdated, StoreError
from dialler.ports import Records
from dialler.stores.open import open_store
from dialler.stores.schema import HEAD
from dialler.stores.upgrade import upgrade
from tests.support.stores import NOW, add_campaign_and_list, opened


@pytest.mark.parametrize("write", [True, False])
def test_records_that_are_not_there_say_how_to_make_them(tmp_path: Path, write: bool) -> None:
    path = tmp_path / "x.db"
    with pytest.raises(StoreError, match=r"x\.db: there are no records yet: run `dialler db upgrade`"):
        open_store(f"sqlite:///{path}", write=write)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("write", [True, False])
def test_records_without_a_schema_say_how_to_make_one(tmp_path: Path, write: bool) -> None:
    path = tmp_path / "x.db"
    path.touch()
    with pytest.raises(SchemaOutdated, match="run `dialler db upgrade`"):
        open_store(f"sqlite:///{path}", write=write)
    upgrade(f"sqlite:///{path}")  # the lock was given back


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("nonsense", "not valid"),
        ("mysql://localhost/x", r"sqlite:/// or postgresql://"),
        ("sqlite://", "path of a file"),
        ("sqlite:///:memory:", "path of a file"),
    ],
)
def test_a_url_that_is_none_of_ours_says_what_was_expected(url: str, words: str) -> None:
    with pytest.raises(StoreError, match=words):
        open_store(url, write=True)


def test_a_password_is_not_shown() -> None:
    with pytest.raises(StoreError) as caught:
        open_store("postgresql://ann:secret@127.0.0.1:1/x", write=True)
    assert "secret" not in str(caught.value)


def test_a_file_that_is_no_database_says_so(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    path.write_text("lead,number\n" * 200)
    for use in (lambda: open_store(f"sqlite:///{path}", write=True), lambda: upgrade(f"sqlite:///{path}")):
        with pytest.raises(StoreError, match=r"x\.db: .*not a database"):
            use()
    assert path.read_text() == "lead,number\n" * 200


async def test_the_writer_commits_durably_and_tidies_up(sqlite_url: str) -> None:
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    async with opened(sqlite_url) as store:
        await store.write(add_campaign_and_list)

        def pragmas(records: object) -> list[object]:
            rows = records._in.rows  # type: ignore[attr-defined]
            return [rows(f"PRAGMA {name}")[0][0] for name in ("journal_mode", "synchronous", "mmap_size")]

        assert await store.write(pragmas) == ["wal", 2, 0]
    assert {one.name for one in path.parent.iterdir()} == {path.name, path.name + ".lock"}
    # A reader opens them after a clean end, when there is no WAL beside the file, and leaves nothing behind.
    async with open_store(sqlite_url, write=False) as reader:
        assert len(await reader.read(lambda records: records.lists())) == 1


def test_an_upgrade_makes_the_records_once(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'x.db'}"
    assert upgrade(url) == (None, HEAD)
    assert upgrade(url) == (HEAD, HEAD)


def test_an_upgrade_into_no_directory_says_so(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="there is no directory"):
        upgrade(f"sqlite:///{tmp_path / 'nowhere' / 'x.db'}")


async def test_records_of_another_version_are_refused(sqlite_url: str) -> None:
    path = sqlite_url.removeprefix("sqlite:///")
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    with pytest.raises(SchemaOutdated, match="have schema 9999"):
        open_store(sqlite_url, write=False)
    with pytest.raises(SchemaOutdated, match="newer version"):
        upgrade(sqlite_url)


async def test_closed_records_leave_no_file_open(sqlite_url: str) -> None:
    def wrong(records: Records) -> None:
        records.add_campaign("a", CampaignSettings(), NOW)
        records.add_campaign(None, CampaignSettings(), NOW)  # type: ignore[arg-type]

    async with opened(sqlite_url) as store:
        with pytest.raises(Conflict) as failed:
            await store.write(wrong)
        assert await store.read(lambda records: records.campaigns()) == []
    # Whoever keeps the error keeps all that its traceback names.
    assert failed.value.__traceback__ is not None
    assert not [file for file in _open_files() if file.startswith(sqlite_url.removeprefix("sqlite:///"))]


def _open_files() -> Iterator[str]:
    for file in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):
            yield str(file.readlink())
