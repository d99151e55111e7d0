"""Who may read and write what."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from dialler.doctor.access import Who, records_access
from dialler.doctor.finding import Verdict
from dialler.doctor.secrets import secret_files
from dialler.settings import load_settings
from tests.support.installations import SIMULATED, Installation

STRANGER = Who(name="stranger", uid=61_234, gids=frozenset({61_234}))
COLLEAGUE = replace(STRANGER, name="colleague", gids=frozenset({61_234, os.getegid()}))


def test_a_colleague_of_the_files_group_may_use_them(installation: Installation) -> None:
    installation.folder.chmod(0o770)
    [finding] = records_access(installation.database, [COLLEAGUE])
    assert finding.verdict is Verdict.OK and "colleague" in finding.found


@pytest.mark.parametrize("name", ["records.db", "records.db-wal", "records.db-shm", "records.db.lock"])
def test_a_file_that_the_group_may_not_write_fails_for_a_colleague(installation: Installation, name: str) -> None:
    installation.folder.chmod(0o770)
    path = installation.folder / name
    path.touch()
    path.chmod(0o640)
    [finding] = records_access(installation.database, [COLLEAGUE])
    assert finding.verdict is Verdict.FAIL
    assert str(path) in finding.found and "0640" in finding.found and "chmod 0660" in finding.advice


def test_a_folder_where_no_file_can_be_made_fails(installation: Installation) -> None:
    installation.folder.chmod(0o750)
    [finding] = records_access(installation.database, [COLLEAGUE])
    assert finding.verdict is Verdict.FAIL and "make files in" in finding.found and "0770" in finding.advice


def test_a_stranger_may_nothing(installation: Installation) -> None:
    findings = records_access(installation.database, [STRANGER])
    assert {each.verdict for each in findings} == {Verdict.FAIL}
    assert len(findings) == 3, "the folder, the records and the lock"


def test_records_that_everybody_may_read_are_warned_of_unless_their_folder_is_shut(installation: Installation) -> None:
    me = Who(name="me", uid=os.geteuid(), gids=frozenset())
    installation.database.chmod(0o664)
    assert [each.verdict for each in records_access(installation.database, [me])] == [Verdict.OK]
    installation.folder.chmod(0o755)
    [finding] = records_access(installation.database, [me])
    assert finding.verdict is Verdict.WARN and "o-rwx" in finding.advice


def test_a_user_is_judged_once_and_root_may_everything(installation: Installation) -> None:
    root = Who(name="root", uid=0, gids=frozenset())
    installation.database.chmod(0)
    [finding] = records_access(installation.database, [root, root])
    assert finding.verdict is Verdict.OK


@pytest.mark.parametrize(
    ("text", "is_secret"),
    [
        (SIMULATED, False),
        ('[store]\nurl = "postgresql://dialler@localhost/dialler"\n[simulated]\n', False),
        ('[store]\nurl = "postgresql://dialler:hush@localhost/dialler"\n[simulated]\n', True),
        (SIMULATED + '[[asterisk]]\nname = "a"\nsecret = "hush"\n', True),
    ],
)
def test_only_files_that_hold_a_secret_have_to_be_kept_from_strangers(
    installation: Installation, text: str, is_secret: bool
) -> None:
    installation.set(text)
    installation.settings.chmod(0o644)
    [finding] = secret_files(installation.settings, load_settings(installation.settings), [])
    assert (finding.verdict is Verdict.WARN) is is_secret
    assert "hush" not in finding.found + finding.advice


def test_a_secret_file_that_the_daemon_may_not_read_fails(installation: Installation, tmp_path: Path) -> None:
    secret = tmp_path / "ami.secret"
    secret.write_text("hush\n")
    secret.chmod(0o600)
    installation.set(SIMULATED + '[[asterisk]]\nname = "a"\nsecret_file = "ami.secret"\n')
    installation.settings.chmod(0o640)
    findings = secret_files(installation.settings, load_settings(installation.settings), [COLLEAGUE])
    [finding] = findings
    assert finding.verdict is Verdict.FAIL and "ami.secret: colleague may not read it" in finding.found
